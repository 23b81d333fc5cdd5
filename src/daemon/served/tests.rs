//! What is served after a change is what it would be from scratch.

use proptest::prelude::*;

use super::*;
use crate::daemon::load::Reading;
use crate::health::Verdict;
use crate::zones::Purpose;

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
    let loaded = Reading::new(&config, &Purpose::Check, |_, _| {}).loaded.unwrap();
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
            prop_assert_eq!(&snapshot.pools, &served.snapshot(&pair[1]).pools);
        }
    }
}
