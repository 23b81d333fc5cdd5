//! What is served after a change is what it would be from scratch.

use proptest::prelude::*;

use super::*;
use crate::daemon::load::LoadResult;
use crate::health::Verdict;
use crate::zones::{Purpose, Serving};

const CONFIG: &str = "[server]\nlisten = [\"127.0.0.1:5300\"]\n\n[[zone]]\nname = \"lab.example\"\nfile = \"zone\"\n\n\
    [[zone.probe]]\nnames = [\"api\", \"apps\"]\ntcp = 6443\n\n[[zone.probe]]\nnames = [\"registry\"]\ntcp = 443\n";
const ZONE: &str = "$ORIGIN lab.example.\n$TTL 60\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\n\
    ns1 A 192.0.2.1\napi A 192.0.2.1\napi A 192.0.2.2\napi A 192.0.2.3\napps A 192.0.2.2\napps A 192.0.2.4\n\
    registry A 192.0.2.1\nregistry A 192.0.2.2\n";
/// 192.0.2.1 to .4 at 6443, .1 and .2 at 443.
const TARGETS: usize = 6;

/// Pools that share targets, bound as the engine would.
fn served() -> Served {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("zone"), ZONE).unwrap();
    let config = folder.path().join("config");
    std::fs::write(&config, CONFIG).unwrap();
    let loaded = LoadResult::new(&config, &Purpose::Check, |_, _| {}).loaded.unwrap();
    let mut served = Served::after(&Served::default(), loaded.zones, Identity::default());
    let board: Board = [Verdict::Pending; TARGETS].into_iter().collect();
    let ids: Vec<TargetId> = board.ids().collect();
    let mut known: Vec<Target> = Vec::new();
    let bound = served.targets().into_iter().map(|target| {
        let place = known.iter().position(|one| *one == target).unwrap_or_else(|| {
            known.push(target);
            known.len() - 1
        });
        ids[place]
    });
    let bound = bound.collect();
    served.bind(bound);
    served
}

fn boards() -> impl Strategy<Value = Board> {
    let verdict = prop_oneof![Just(Verdict::Pending), Just(Verdict::Up), Just(Verdict::Down)];
    proptest::collection::vec(verdict, TARGETS).prop_map(|verdicts| verdicts.into_iter().collect())
}

#[test]
fn a_target_leads_to_every_pool_it_matters_to() {
    let served = served();
    let board: Board = [Verdict::Up; TARGETS].into_iter().collect();
    let mut pools: Vec<usize> = board.ids().map(|target| served.pools_of(target).count()).collect();
    pools.sort_unstable();
    // 192.0.2.2:6443 guards api and apps.
    assert_eq!(pools, [1, 1, 1, 1, 1, 2]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn pools_that_follow_a_board_are_those_chosen_from_scratch(boards in proptest::collection::vec(boards(), 2..6)) {
        let served = served();
        let mut snapshot = served.snapshot(&boards[0]);
        for pair in boards.windows(2) {
            snapshot = served.follow(&snapshot, &pair[0], &pair[1]);
            let scratch = served.snapshot(&pair[1]);
            let pools = |snapshot: &Snapshot| -> Vec<Arc<Pools>> {
                snapshot.zones.zones().map(|zone| Arc::clone(&zone.pools)).collect()
            };
            prop_assert_eq!(pools(&snapshot), pools(&scratch));
        }
    }
}

/// The same zone under `count` names, the first of which has a file of its own.
fn crowd(folder: &std::path::Path, count: usize) -> std::path::PathBuf {
    let zone = |number: usize| {
        let file = if number == 0 { "first" } else { "zone" };
        format!(
            "[[zone]]\nname = \"z{number}.example\"\nfile = \"{file}\"\n[[zone.probe]]\nnames = [\"api\"]\ntcp = {}\n",
            1 + number
        )
    };
    let zones: String = (0..count).map(zone).collect();
    let config = folder.join("config");
    std::fs::write(&config, format!("[server]\nlisten = [\"127.0.0.1:5300\"]\n{zones}")).unwrap();
    for file in ["first", "zone"] {
        std::fs::write(folder.join(file), relative(1)).unwrap();
    }
    config
}

fn relative(serial: u32) -> String {
    format!("$TTL 60\n@ SOA ns1 h {serial} 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\napi A 192.0.2.2\n")
}

/// What is served of a reading, with every target's id its place.
fn bound(before: &Served, config: &std::path::Path) -> Served {
    let serving = Serving { versions: before.versions(), ..Serving::default() };
    let reading = LoadResult::new(config, &Purpose::Serve(serving), |_, _| {});
    let mut served = Served::after(before, reading.loaded.unwrap().zones, Identity::default());
    let board: Board = served.targets().iter().map(|_| Verdict::Pending).collect();
    served.bind(board.ids().collect());
    served
}

/// The places of the zones that are not the same in both.
fn replaced(one: &Snapshot, other: &Snapshot) -> Vec<usize> {
    let zones = |snapshot: &Snapshot| -> Vec<Arc<ZoneEntry>> {
        (0..).map_while(|place| snapshot.zones.zone(place).map(Arc::clone)).collect()
    };
    let (one, other) = (zones(one), zones(other));
    assert_eq!(one.len(), other.len());
    let pairs = one.iter().zip(&other).enumerate();
    pairs.filter(|(_, (one, other))| !Arc::ptr_eq(one, other)).map(|(place, _)| place).collect()
}

#[test]
fn one_zone_among_a_thousand_is_published_and_flips_without_touching_the_others() {
    const ZONES: usize = 1_000;
    let folder = tempfile::tempdir().unwrap();
    let config = crowd(folder.path(), ZONES);
    let first = bound(&Served::default(), &config);
    let board = |down: Option<usize>| -> Board {
        (0..ZONES).map(|place| if down == Some(place) { Verdict::Down } else { Verdict::Up }).collect()
    };
    let (up, down) = (board(None), board(Some(700)));
    let snapshot = first.snapshot(&up);
    // A target flips: its pool is the only one of its zone, and no other zone has any part in it.
    assert_eq!(replaced(&snapshot, &first.follow(&snapshot, &up, &down)), [700]);
    // Nothing changes: nothing is replaced.
    assert!(Arc::ptr_eq(&snapshot.zones, &first.follow(&snapshot, &up, &up).zones));
    assert_eq!(replaced(&snapshot, &first.snapshot_after(&snapshot, &up)), [0; 0]);
    // A zone changes: the others are neither read nor compiled nor moved.
    std::fs::write(folder.path().join("first"), relative(2) + "more A 192.0.2.3\n").unwrap();
    let second = bound(&first, &config);
    let same =
        first.versions().into_iter().zip(second.versions()).filter(|(one, other)| Arc::ptr_eq(one, other));
    assert_eq!(same.count(), ZONES - 1);
    assert_eq!(replaced(&snapshot, &second.snapshot_after(&snapshot, &up)), [0]);
}
