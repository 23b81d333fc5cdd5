//! What is served after a change is what it would be from scratch.

mod signed;

use std::path::PathBuf;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::daemon::load::LoadResult;
use crate::health::{Target, Verdict};
use crate::zones::{Purpose, Serving};

const CONFIG: &str = "[server]\nlisten = [\"127.0.0.1:5300\"]\n\n[[zone]]\nname = \"lab.example\"\nfile = \"zone\"\n\n\
    [[zone.probe]]\nnames = [\"api\", \"apps\"]\ntcp = 6443\n\n[[zone.probe]]\nnames = [\"registry\"]\ntcp = 443\n\n\
    [[zone]]\nname = \"other.example\"\nfile = \"other\"\n\n[[zone.probe]]\nnames = [\"api\"]\ntcp = 6443\n";
const ZONE: &str = "$ORIGIN lab.example.\n$TTL 60\n@ SOA ns1 hostmaster 1 3600 600 86400 60\n@ NS ns1\n\
    ns1 A 192.0.2.1\napi A 192.0.2.1\napi A 192.0.2.2\napi A 192.0.2.3\napps A 192.0.2.2\napps A 192.0.2.4\n\
    registry A 192.0.2.1\nregistry A 192.0.2.2\n";
/// 192.0.2.1 to .4 at 6443, .1 and .2 at 443, and the one of the other zone.
const TARGETS: usize = 7;

/// Gives each target a place, as the engine does, and counts who wants it.
#[derive(Default)]
struct Targets {
    known: Vec<Target>,
    users: Vec<usize>,
}

impl Targets {
    fn watch(&mut self, targets: &[Target]) -> Vec<TargetId> {
        let places: Vec<usize> = targets.iter().map(|target| self.place(target)).collect();
        places.iter().for_each(|place| self.users[*place] += 1);
        let all: Board = self.known.iter().map(|_| Verdict::Pending).collect();
        let ids: Vec<TargetId> = all.ids().collect();
        places.into_iter().map(|place| ids[place]).collect()
    }

    fn place(&mut self, target: &Target) -> usize {
        self.known.iter().position(|known| known == target).unwrap_or_else(|| {
            self.known.push(target.clone());
            self.users.push(0);
            self.known.len() - 1
        })
    }

    fn release(&mut self, ids: Vec<TargetId>) {
        ids.into_iter().for_each(|id| self.users[id.index()] -= 1);
    }

    fn watched(&self) -> usize {
        self.users.iter().filter(|users| **users > 0).count()
    }
}

/// Zones that a folder holds, as they are served.
struct Site {
    folder: tempfile::TempDir,
    targets: Targets,
    served: Served,
}

impl Site {
    /// Pools that share targets.
    fn new() -> Site {
        let site = Site::empty(CONFIG);
        site.write("zone", ZONE);
        site.write("other", &other(1));
        site.read()
    }

    fn empty(config: &str) -> Site {
        let (targets, served) = (Targets::default(), Served::default());
        let site = Site { folder: tempfile::tempdir().unwrap(), targets, served };
        site.write("config", config);
        site
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    /// Serves what stands in the files.
    fn read(mut self) -> Site {
        let zones = self.load();
        let zones = LoadedZones::bind(zones, |targets| self.targets.watch(targets));
        let let_go = self.served.take_over(zones, Identity::default(), Instant::now());
        self.targets.release(let_go);
        self
    }

    fn load(&self) -> Vec<crate::zones::LoadedZone> {
        let serving = Serving { versions: self.served.versions(), ..Serving::default() };
        LoadResult::new(&self.path("config"), &Purpose::Serve(serving), |_, _| {}).loaded.unwrap().zones
    }

    /// The version that the second zone would be.
    fn version(&self, text: &str) -> Arc<ZoneVersion> {
        self.write("other", text);
        self.load()[1].version.clone().unwrap()
    }

    /// Has the second zone go on after an event.
    fn apply(&mut self, event: Event, bound: Option<BoundPools>) {
        let let_go = self.served.apply(1, event, bound, Instant::now());
        self.targets.release(let_go);
    }

    /// Serves a zone that a catalog names.
    fn come(&mut self, zone: usize, members: usize) {
        let version = self.version(&other(members));
        if self.served.place(&member(zone)).is_none() {
            self.served.push(empty_member(zone));
        }
        let place = self.served.place(&member(zone)).unwrap();
        let bound = bind(&version, |targets| self.targets.watch(targets));
        let event = Event::Accepted { version, holds: Some(Duration::from_secs(600)) };
        let let_go = self.served.apply(place, event, Some(bound), Instant::now());
        self.targets.release(let_go);
    }

    fn go(&mut self, zone: usize) {
        let let_go = self.served.place(&member(zone)).map(|place| self.served.remove(place));
        self.targets.release(let_go.unwrap_or_default());
        assert!(self.served.place(&member(zone)).is_none());
    }

    fn accept(&mut self, version: Arc<ZoneVersion>, holds: Option<Duration>) {
        let bound = bind(&version, |targets| self.targets.watch(targets));
        self.apply(Event::Accepted { version, holds }, Some(bound));
    }
}

/// A zone that a catalog names.
fn member(number: usize) -> ZoneId {
    format!("m{number}.example.").parse::<Name>().unwrap().into()
}

/// Nothing is served of it yet.
fn empty_member(number: usize) -> StoredZone {
    let of = MemberOf { catalog: "catalog.example.".parse().unwrap(), group: None };
    StoredZone {
        id: member(number),
        sources: ZoneSources::default(),
        access: None,
        update: None,
        member: Some(Arc::new(of)),
        state: crate::zones::ZoneState::default(),
    }
}

/// A zone in which so many members stand behind one name.
fn other(members: usize) -> String {
    let members: String = (1..=members).map(|member| format!("api A 192.0.2.{}\n", 10 + member)).collect();
    format!("$TTL 60\n@ SOA ns1 h 1 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n{members}")
}

fn boards() -> impl Strategy<Value = Board> {
    let verdict = prop_oneof![Just(Verdict::Pending), Just(Verdict::Up), Just(Verdict::Down)];
    // There are as many more as the second zone may bring.
    proptest::collection::vec(verdict, TARGETS + 3).prop_map(|verdicts| verdicts.into_iter().collect())
}

/// The parts of a snapshot's zones that are made anew, or shared.
fn parts(snapshot: &Snapshot) -> Vec<(Option<*const crate::answer::CompiledZone>, Arc<Pools>)> {
    let part = |zone: &ZoneEntry| (zone.compiled.as_ref().map(Arc::as_ptr), Arc::clone(&zone.pools));
    snapshot.zones.zones().map(part).collect()
}

#[test]
fn a_target_leads_to_every_pool_it_matters_to() {
    let served = Site::new().served;
    let board: Board = [Verdict::Up; TARGETS].into_iter().collect();
    let mut pools: Vec<usize> = board.ids().map(|target| served.pools_of(target).count()).collect();
    pools.sort_unstable();
    // 192.0.2.2:6443 guards api and apps.
    assert_eq!(pools, [1, 1, 1, 1, 1, 1, 2]);
}

/// What happens between two snapshots.
#[derive(Clone, Debug)]
enum Step {
    Flip,
    /// The second zone has so many members.
    Change(usize),
    Refuse,
    /// The second zone has been silent for too long.
    Expire,
    Reload,
    /// A catalog names one of a few zones, with so many members of a pool, or names it anew.
    Come(usize, usize),
    /// It names it no more.
    Go(usize),
    /// Nothing is known of it any more.
    Reset(usize),
}

fn steps() -> impl Strategy<Value = Vec<(Step, Board)>> {
    let step = prop_oneof![
        Just(Step::Flip),
        (1..5_usize).prop_map(Step::Change),
        Just(Step::Refuse),
        Just(Step::Expire),
        Just(Step::Reload),
        (0..4_usize, 1..5_usize).prop_map(|(zone, members)| Step::Come(zone, members)),
        (0..4_usize).prop_map(Step::Go),
        (0..4_usize).prop_map(Step::Reset),
    ];
    proptest::collection::vec((step, boards()), 1..12)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_follows_any_changes_is_what_would_be_made_from_scratch(first in boards(), steps in steps()) {
        let mut site = Site::new();
        let mut before = first;
        let mut snapshot = site.served.follow(&Snapshot::default(), &Board::default(), &before);
        for (step, board) in steps {
            match step {
                Step::Flip => {}
                Step::Change(members) => {
                    let version = site.version(&other(members));
                    site.accept(version, Some(Duration::from_secs(60)));
                }
                Step::Refuse => {
                    let fault = crate::zones::Fault::of("no answer");
                    site.apply(Event::Refused { fault, last_good: None }, None);
                }
                Step::Expire => {
                    let let_go = site.served.expire(Instant::now() + Duration::from_secs(61));
                    site.targets.release(let_go.unwrap_or_default());
                }
                Step::Reload => site = site.read(),
                Step::Come(zone, members) => site.come(zone, members),
                Step::Go(zone) => site.go(zone),
                Step::Reset(zone) => {
                    let place = site.served.place(&member(zone));
                    let let_go = place.map(|place| site.served.reset(place));
                    site.targets.release(let_go.unwrap_or_default());
                }
            }
            snapshot = site.served.follow(&snapshot, &before, &board);
            prop_assert_eq!(parts(&snapshot), parts(&site.served.snapshot(&board)));
            before = board;
            // Nothing is probed that no pool needs.
            let pools = site.served.pools_with_views();
            let needed: BTreeSet<TargetId> = pools.flat_map(|(_, pool)| pool.targets.iter()).collect();
            prop_assert_eq!(site.targets.watched(), needed.len());
        }
    }
}

#[test]
fn the_targets_of_an_expired_zone_are_let_go_of() {
    let mut site = Site::new();
    assert_eq!(site.targets.watched(), TARGETS);
    let version = site.version(&other(2));
    site.accept(version, Some(Duration::from_secs(60)));
    assert_eq!(site.targets.watched(), TARGETS + 1);
    assert!(site.served.expire(Instant::now()).is_none());
    let let_go = site.served.expire(Instant::now() + Duration::from_secs(61)).unwrap();
    site.targets.release(let_go);
    assert_eq!(site.targets.watched(), TARGETS - 1);
    let snapshot = site.served.snapshot(&Board::default());
    assert!(snapshot.zones.zone(1).unwrap().compiled.is_none());
}

#[test]
fn the_targets_of_a_zone_that_an_event_finds_expired_are_let_go_of() {
    let mut site = Site::new();
    let version = site.version(&other(2));
    site.accept(Arc::clone(&version), Some(Duration::from_secs(60)));
    assert_eq!(site.targets.watched(), TARGETS + 1);
    let fault = crate::zones::Fault::of("no answer");
    let later = Instant::now() + Duration::from_secs(61);
    let let_go = site.served.apply(1, Event::Refused { fault, last_good: None }, None, later);
    site.targets.release(let_go);
    assert_eq!(site.targets.watched(), TARGETS - 1);
    // One that holds no more when it comes.
    site.accept(version, Some(Duration::ZERO));
    assert_eq!(site.targets.watched(), TARGETS - 1);
    let snapshot = site.served.snapshot(&Board::default());
    assert!(snapshot.zones.zone(1).unwrap().compiled.is_none());
}

#[test]
fn records_are_counted_where_a_zone_is_made_as_a_whole_and_nowhere_else() {
    let mut site = Site::new();
    assert_eq!(site.served.take_records_made(), 10 + 4);
    // Nothing is read anew, and it is confirmed; others may ask.
    let mut site = site.read();
    let version = Arc::clone(site.served.version(1).unwrap());
    site.accept(version, Some(Duration::from_secs(600)));
    site.served.set_access(&HashMap::from([(site.served.zones()[0].id.clone(), None)]));
    assert!(site.served.has_changed());
    assert_eq!(site.served.take_records_made(), 0);
    let version = site.version(&other(3));
    site.accept(version, None);
    assert_eq!(site.served.take_records_made(), 6);
    site.write("zone", &ZONE.replace("registry A 192.0.2.2\n", ""));
    assert_eq!(site.read().served.take_records_made(), 9);
}

#[test]
fn a_reading_that_found_a_zone_unchanged_leaves_what_was_made_of_it_meanwhile() {
    let mut site = Site::new();
    let zones = site.load();
    let live = site.version(&other(3));
    site.accept(Arc::clone(&live), None);
    let zones = LoadedZones::bind(zones, |targets| site.targets.watch(targets));
    let let_go = site.served.take_over(zones, Identity::default(), Instant::now());
    site.targets.release(let_go);
    assert!(Arc::ptr_eq(site.served.version(1).unwrap(), &live));
    assert_eq!(site.served.pools_of_zone(1)[0].targets.iter().count(), 3);
}

/// The same zone under `count` names, the first of which has a file of its own.
fn crowd(count: usize) -> Site {
    let zone = |number: usize| {
        let file = if number == 0 { "first" } else { "zone" };
        format!(
            "[[zone]]\nname = \"z{number}.example\"\nfile = \"{file}\"\n[[zone.probe]]\nnames = [\"api\"]\ntcp = {}\n",
            1 + number
        )
    };
    let zones: String = (0..count).map(zone).collect();
    let site = Site::empty(&format!("[server]\nlisten = [\"127.0.0.1:5300\"]\n{zones}"));
    ["first", "zone"].into_iter().for_each(|file| site.write(file, &relative(1)));
    site
}

fn relative(serial: u32) -> String {
    format!("$TTL 60\n@ SOA ns1 h {serial} 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\napi A 192.0.2.2\n")
}

/// The places of the zones that are not the same in both.
fn replaced(one: &Snapshot, other: &Snapshot) -> Vec<usize> {
    assert_eq!(one.zones.zones().count(), other.zones.zones().count());
    let pairs = one.zones.zones().zip(other.zones.zones()).enumerate();
    pairs.filter(|(_, (one, other))| !std::ptr::eq(*one, *other)).map(|(place, _)| place).collect()
}

#[test]
fn one_zone_among_a_thousand_is_published_and_flips_without_touching_the_others() {
    const ZONES: usize = 1_000;
    let mut site = crowd(ZONES).read();
    let board = |down: Option<usize>| -> Board {
        (0..ZONES).map(|place| if down == Some(place) { Verdict::Down } else { Verdict::Up }).collect()
    };
    let (up, down) = (board(None), board(Some(700)));
    let snapshot = site.served.follow(&Snapshot::default(), &Board::default(), &up);
    // A target flips: its pool is the only one of its zone, and no other zone has any part in it.
    assert_eq!(replaced(&snapshot, &site.served.follow(&snapshot, &up, &down)), [700]);
    // Nothing changes: nothing is replaced.
    assert!(Arc::ptr_eq(&snapshot.zones, &site.served.follow(&snapshot, &up, &up).zones));
    // A zone changes: the others are neither read nor compiled nor moved.
    let before = site.served.versions();
    site.write("first", &(relative(2) + "more A 192.0.2.3\n"));
    let mut site = site.read();
    let after = site.served.versions();
    assert_eq!(before.iter().zip(&after).filter(|(one, other)| Arc::ptr_eq(one, other)).count(), ZONES - 1);
    assert_eq!(replaced(&snapshot, &site.served.follow(&snapshot, &up, &up)), [0]);
    assert_eq!(site.targets.watched(), ZONES);
}

#[test]
fn a_zone_of_a_catalog_comes_and_goes_without_touching_thousands_of_others() {
    const MEMBERS: usize = 10_000;
    let mut site = Site::new();
    (0..MEMBERS).for_each(|number| site.served.push(empty_member(number)));
    let up: Board = [Verdict::Up; TARGETS].into_iter().collect();
    let before = site.served.follow(&Snapshot::default(), &Board::default(), &up);
    let begun = Instant::now();
    site.served.push(empty_member(MEMBERS));
    let one_more = site.served.follow(&before, &up, &up);
    let came = begun.elapsed();
    let zones = |snapshot: &Snapshot| snapshot.zones.zones().count();
    assert_eq!((zones(&before), zones(&one_more)), (MEMBERS + 2, MEMBERS + 3));
    let pairs = before.zones.zones().zip(one_more.zones.zones());
    assert!(pairs.into_iter().all(|(one, other)| std::ptr::eq(one, other)), "all others are shared");
    let place = site.served.place(&member(5)).unwrap();
    let begun = Instant::now();
    site.served.remove(place);
    let one_less = site.served.follow(&one_more, &up, &up);
    println!("among {MEMBERS} zones one came in {came:?} and one went in {:?}", begun.elapsed());
    let pairs = one_more.zones.zones().zip(one_less.zones.zones()).enumerate();
    let moved: Vec<usize> =
        pairs.filter(|(_, (one, other))| !std::ptr::eq(*one, *other)).map(|(place, _)| place).collect();
    assert_eq!((zones(&one_less), moved), (MEMBERS + 2, vec![place]));
    assert_eq!(one_less.zones.zone(place).unwrap().apex, member(MEMBERS).name);
}

#[test]
fn a_zone_that_is_left_out_takes_its_targets_along() {
    let site = crowd(3).read();
    let config = std::fs::read_to_string(site.path("config")).unwrap();
    let (two, _) = config.rsplit_once("[[zone]]").unwrap();
    site.write("config", two);
    let mut site = site.read();
    assert_eq!(site.targets.watched(), 2);
    let up: Board = [Verdict::Up; 3].into_iter().collect();
    assert_eq!(site.served.follow(&Snapshot::default(), &up, &up).zones.zones().count(), 2);
}
