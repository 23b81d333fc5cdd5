//! A zone from its file through updates and edits of the file, with the journal on a disk.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::answer::{Allowed, Requester};
use crate::dns::message_writer::{RecordHead, owned};
use crate::dns::{Name, Rtype};
use crate::source::{Sources, Span};
use crate::tls::ClientProof;
use crate::update::{Grant, Policy, TypeGrant, UpdateMessage};
use crate::zone::MemoryLimit;
use crate::zonefile;
use crate::zones::source::{Changing, ZoneFile, ZoneSources};
use crate::zones::{LoadedZone, Purpose, Serving, Settings, ZoneId, ZoneSettings, ZoneVersion, load};

/// A server with one zone, without a daemon.
struct Site {
    folder: tempfile::TempDir,
    live: Arc<LiveZones>,
    served: Option<Arc<ZoneVersion>>,
    policy: Option<Arc<Policy>>,
}

const HEAD: &str = "$TTL 60\n@ NS ns.test.\n";

impl Site {
    fn new() -> Site {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("state")).unwrap();
        Site { folder, live: Arc::default(), served: None, policy: Some(Arc::new(policy())) }
    }

    fn write(&self, serial: u32, records: &str) {
        fs::write(self.file(), format!("{HEAD}@ SOA ns.test. h.test. {serial} 1 1 1 1\n{records}")).unwrap();
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("example.zone")
    }

    /// Reads the file as a start or a reload does.
    fn load(&self) -> LoadedZone {
        let span = Span::new(Sources::default().add("edgedns.toml", b"example".to_vec()), 0, 7);
        let mut sources = ZoneSources::default();
        sources.push(ZoneFile { path: self.file(), span });
        if self.policy.is_some() {
            sources.push(Changing::Updates);
        }
        let zone = ZoneSettings {
            id: id(),
            name_span: span,
            sources,
            when_client_in: None,
            allow_query: None,
            memory_limit: MemoryLimit::ByText,
            guards: Vec::new(),
            update: self.policy.clone(),
            dnssec: None,
            member: None,
        };
        let settings = Settings {
            config: PathBuf::from("edgedns.toml"),
            zones: vec![zone],
            text: zonefile::Settings::default(),
            state_directory: Some(self.folder.path().join("state")),
            catalogs: Vec::new(),
            cluster: None,
        };
        let serving = Serving {
            versions: self.served.iter().cloned().collect(),
            live: Arc::clone(&self.live),
            ..Serving::default()
        };
        let mut loaded = load(&mut Sources::default(), &settings, &Purpose::Serve(serving), 1, |_, _| {});
        loaded.remove(0)
    }

    /// Reads the file, and serves what comes of it.
    fn read(&mut self) -> Arc<ZoneVersion> {
        let mut loaded = self.load();
        let hold = loaded.hold.take();
        let version = loaded.version.unwrap_or_else(|| panic!("{:?}", loaded.error));
        let before = self.served.replace(Arc::clone(&version));
        if let Some(hold) = hold {
            hold.commit(&version, before.as_deref());
        }
        version
    }

    /// Reads the file, and what comes of it is not served.
    fn read_in_vain(&mut self) {
        let before = self.served.clone();
        let loaded = self.load();
        assert!(loaded.version.is_some());
        self.served = before;
    }

    fn journal(&self) -> PathBuf {
        self.folder.path().join("state/updates/example.journal")
    }

    fn status(&self) -> LiveStatus {
        self.live.zone(&id()).status()
    }

    /// The process ends, and another one starts.
    fn restart(&mut self) -> Arc<ZoneVersion> {
        (self.live, self.served) = (Arc::default(), None);
        self.read()
    }

    /// Updates that come together.
    fn update(&mut self, updates: &[Line<'_>]) -> Vec<bool> {
        let zone = self.live.zone(&id());
        let mut state = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(zone.lock());
        let current = self.served.clone().unwrap();
        let asked: Vec<UpdateRequest> = updates.iter().map(asked).collect();
        let UpdateBatch { results, version } = make_batch(&zone, &mut state, &current, &policy(), &asked);
        if let Some(version) = version {
            assert!(Arc::ptr_eq(&version.inputs, &current.inputs), "its file has not changed");
            self.served = Some(Arc::new(version));
        }
        results.iter().map(Result::is_ok).collect()
    }

    /// The same, of a zone that may differ from its file by so many records.
    fn update_within(&mut self, records_max: usize, updates: &[Line<'_>]) -> Vec<bool> {
        let zone = self.live.zone(&id());
        let mut state = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(zone.lock());
        let current = self.served.clone().unwrap();
        let asked: Vec<UpdateRequest> = updates.iter().map(asked).collect();
        let UpdateBatch { results, version } =
            batch::make_batch_within(records_max, &zone, &mut state, &current, (&policy(), &asked));
        self.served = version.map(Arc::new).or(Some(current));
        results.iter().map(Result::is_ok).collect()
    }

    /// An operator takes back what updates did at a name.
    fn drop_name(&mut self, name: &str) -> Result<usize, String> {
        let name: Name = name.parse().unwrap();
        let zone = self.live.zone(&id());
        let mut state = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(zone.lock());
        let current = self.served.clone().unwrap();
        let (count, version) = drop_updates(&zone, &mut state, &current, |(owner, ..)| *owner == name)?;
        self.served = version.map(Arc::new).or(Some(current));
        Ok(count)
    }

    /// Serial, and every record but SOA and NS.
    fn told(&self) -> (u32, Vec<String>) {
        let version = self.served.clone().unwrap();
        let contents = version.contents.clone().unwrap();
        let told = contents.records().filter(|(_, rtype, ..)| !matches!(*rtype, Rtype::SOA | Rtype::NS));
        let line = |(owner, rtype, ttl, rdata): (crate::dns::NameRef<'_>, Rtype, crate::dns::Ttl, &[u8])| {
            let mut data = String::new();
            crate::dns::rdata::write(rtype, rdata, &mut data);
            format!("{owner} {} {rtype} {data}", ttl.seconds())
        };
        (version.serial, told.map(line).collect())
    }

    fn aside(&self) -> Vec<String> {
        let zone = self.live.zone(&id());
        let state = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(zone.lock());
        state.aside().iter().map(|one| format!("{} {}: {}", one.key.0, one.key.1, one.reason)).collect()
    }
}

/// A record of the update section: owner, class, type, RDATA.
type Line<'l> = (&'l str, u16, Rtype, &'l [u8]);

const ADD: u16 = 1;
const REMOVE: u16 = 254;
/// All records of a type.
const CLEAR: u16 = 255;

fn asked(line: &Line<'_>) -> UpdateRequest {
    let (owner, class, rtype, rdata) = *line;
    let owner: Name = owner.parse().unwrap();
    let apex: Name = "example.".parse().unwrap();
    let bytes = owned(512, 1, 5 << 11, |message| {
        message.question(apex.as_ref(), Rtype::SOA, 1);
        let head = RecordHead { rtype, class, ttl: if class == ADD { 60 } else { 0 } };
        message.record(crate::dns::message::Section::Authority, owner.as_ref().wire(), &head, &[rdata]);
    });
    let address = "192.0.2.1".parse().unwrap();
    UpdateRequest {
        message: Arc::new(UpdateMessage::read(&bytes).unwrap()),
        requester: Requester { address, key: None, proof: ClientProof::Nothing },
    }
}

fn policy() -> Policy {
    let allow = vec![Allowed { prefix: Some("0.0.0.0/0".parse().unwrap()), ..Allowed::default() }];
    Policy { grants: vec![Grant { allow, names: vec!["**".parse().unwrap()], types: TypeGrant::Any }] }
}

fn id() -> ZoneId {
    ZoneId::from("example.".parse::<Name>().unwrap())
}

const A1: &[u8] = &[192, 0, 2, 1];

#[test]
fn updates_outlive_a_restart_and_raise_the_serial_one_by_one() {
    let mut site = Site::new();
    site.write(7, "www A 192.0.2.1\n");
    site.read();
    assert_eq!(
        site.update(&[("a.example.", ADD, Rtype::A, A1), ("b.example.", ADD, Rtype::A, A1)]),
        [true, true]
    );
    assert_eq!(
        site.update(&[("www.example.", REMOVE, Rtype::A, A1), ("a.example.", ADD, Rtype::A, A1)]),
        [true, true]
    );
    let before = site.told();
    assert_eq!(before, (10, vec!["a.example. 60 A 192.0.2.1".into(), "b.example. 60 A 192.0.2.1".into()]));
    site.restart();
    assert_eq!(site.told(), before);
    site.read();
    assert_eq!(site.told(), before, "a reload of the same file");
    assert_eq!(fs::read_to_string(site.file()).unwrap().matches("www").count(), 1, "the file is as it was");
}

#[test]
fn a_version_names_the_rrsets_that_it_changes_of_the_one_before() {
    let mut site = Site::new();
    site.write(7, "www A 192.0.2.1\n");
    let before = site.read();
    site.update(&[("a.example.", ADD, Rtype::A, A1), ("b.example.", ADD, Rtype::A, A1)]);
    let after = site.served.clone().unwrap();
    let since = after.since.as_ref().unwrap();
    assert!(
        since.is_from(before.contents.as_ref().unwrap()) && !since.is_from(after.contents.as_ref().unwrap())
    );
    let named: Vec<String> = since.rrsets().iter().map(|(owner, rtype)| format!("{owner} {rtype}")).collect();
    assert_eq!(named, ["example. SOA", "a.example. A", "b.example. A"], "both updates, and nothing else");
    site.write(20, "www A 192.0.2.2\n");
    assert!(site.read().since.is_none(), "it was read as a whole");
}

#[test]
fn an_edited_file_keeps_the_updates_and_its_serial_counts_only_where_it_is_ahead() {
    let mut site = Site::new();
    site.write(7, "www A 192.0.2.1\nold A 192.0.2.1\n");
    site.read();
    site.update(&[("a.example.", ADD, Rtype::A, A1), ("old.example.", REMOVE, Rtype::A, A1)]);
    assert_eq!(site.told().0, 9);
    // A serial that is behind.
    site.write(8, "www A 192.0.2.2\nold A 192.0.2.1\n");
    site.read();
    let told = |serial, last: &str| {
        (serial, vec!["a.example. 60 A 192.0.2.1".to_owned(), format!("www.example. 60 A 192.0.2.{last}")])
    };
    assert_eq!(site.told(), told(10, "2"));
    site.restart();
    assert_eq!(site.told(), told(10, "2"));
    // One that is ahead.
    site.write(2026, "www A 192.0.2.3\nold A 192.0.2.1\n");
    site.read();
    assert_eq!(site.told(), told(2026, "3"));
    site.update(&[("b.example.", ADD, Rtype::A, A1)]);
    assert_eq!(site.told().0, 2027);
    // One that changed while nobody was there.
    site.write(2026, "www A 192.0.2.4\nold A 192.0.2.1\n");
    site.restart();
    assert_eq!(site.told().0, 2028);
}

#[test]
fn what_the_file_says_as_well_is_forgotten_and_goes_with_the_file() {
    let mut site = Site::new();
    site.write(7, "gone A 192.0.2.1\n");
    site.read();
    site.update(&[("a.example.", ADD, Rtype::A, A1), ("gone.example.", REMOVE, Rtype::A, A1)]);
    site.write(20, "a A 192.0.2.1\n");
    site.read();
    assert_eq!(site.told(), (20, vec!["a.example. 60 A 192.0.2.1".into()]));
    // The file decides about both again, also behind a restart.
    site.write(21, "gone A 192.0.2.1\n");
    site.restart();
    assert_eq!(site.told(), (21, vec!["gone.example. 60 A 192.0.2.1".into()]));
}

#[test]
fn what_does_not_fit_an_edited_file_is_set_aside_and_comes_back_when_it_does() {
    let mut site = Site::new();
    site.write(7, "");
    site.read();
    let alias = b"\x03www\x04test\0";
    site.update(&[
        ("a.example.", ADD, Rtype::CNAME, alias),
        ("b.example.", ADD, Rtype::A, A1),
        ("c.d.example.", ADD, Rtype::A, A1),
        ("e.example.", ADD, Rtype::A, A1),
    ]);
    site.write(
        20,
        "a A 192.0.2.9\nb LUA A \"ifportup(1, {'192.0.2.1', '192.0.2.2'})\"\nd DNAME other.test.\n",
    );
    site.read();
    let (serial, told) = site.told();
    assert_eq!((serial, told.len()), (20, 3), "{told:?}");
    assert!(told.contains(&"e.example. 60 A 192.0.2.1".to_owned()), "{told:?}");
    let aside = site.aside();
    assert_eq!(aside.len(), 3, "{aside:?}");
    assert!(
        aside.iter().any(|one| one.starts_with("a.example. CNAME: the file has a A record there")),
        "{aside:?}"
    );
    assert!(aside.iter().any(|one| one.starts_with("b.example. A: a pool answers A there")), "{aside:?}");
    assert!(aside.iter().any(|one| one.starts_with("c.d.example. A: ")), "{aside:?}");
    site.restart();
    assert_eq!(site.aside().len(), 3);
    site.write(21, "");
    site.read();
    assert_eq!((site.told().1.len(), site.aside().len()), (4, 0));
}

#[test]
fn steps_lead_from_each_serial_to_the_next_also_over_an_edit() {
    let mut site = Site::new();
    site.write(7, "www A 192.0.2.1\n");
    site.read();
    site.update(&[("a.example.", ADD, Rtype::A, A1)]);
    site.write(30, "www A 192.0.2.2\n");
    site.read();
    site.update(&[("b.example.", ADD, Rtype::A, A1)]);
    let zone = site.live.zone(&id());
    let state = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(zone.lock());
    let journal = state.journal().unwrap();
    let steps: Vec<(u32, u32, usize, usize)> = journal
        .history()
        .since(7)
        .unwrap()
        .map(|step| (step.from, step.to, step.changes.removed.len(), step.changes.added.len()))
        .collect();
    assert_eq!(steps, [(7, 8, 1, 2), (8, 30, 2, 2), (30, 31, 1, 2)]);
    assert!(journal.history().iter().all(|step| step.changes.added[0].rtype == Rtype::SOA));
    drop(state);
    let to = |serial| {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(zone.steps_to(serial)).len()
    };
    assert_eq!((to(8), to(30), to(31), to(6)), (1, 2, 3, 0));
}

#[test]
fn what_an_operator_takes_back_is_as_the_file_has_it() {
    let mut site = Site::new();
    site.write(7, "www A 192.0.2.1\n");
    site.read();
    site.update(&[
        ("a.example.", ADD, Rtype::A, A1),
        ("www.example.", REMOVE, Rtype::A, A1),
        ("www.example.", ADD, Rtype::TXT, b"\x01x"),
        ("b.example.", ADD, Rtype::A, A1),
    ]);
    site.write(20, "www A 192.0.2.1\n");
    site.read();
    assert_eq!(site.drop_name("www.example.").unwrap(), 2);
    assert_eq!(site.drop_name("nobody.example.").unwrap(), 0);
    let told = site.told();
    let lines = ["a.example. 60 A 192.0.2.1", "b.example. 60 A 192.0.2.1", "www.example. 60 A 192.0.2.1"];
    assert_eq!(told, (21, lines.map(str::to_owned).to_vec()));
    site.restart();
    assert_eq!(site.told(), told);
    // What is not served is only forgotten.
    site.write(30, "a CNAME x.test.\n");
    site.read();
    assert_eq!(site.aside().len(), 1);
    assert_eq!((site.drop_name("a.example.").unwrap(), site.told().0, site.aside().len()), (1, 30, 0));
    site.write(31, "");
    site.restart();
    assert_eq!(site.told().1, ["b.example. 60 A 192.0.2.1"]);
}

#[test]
fn records_of_clients_stay_when_nobody_may_make_more() {
    let mut site = Site::new();
    site.write(7, "");
    site.read();
    site.update(&[("a.example.", ADD, Rtype::A, A1)]);
    site.policy = None;
    let version = site.restart();
    assert_eq!((version.serial, version.records), (8, 3));
    site.policy = Some(Arc::new(policy()));
    site.read();
    assert_eq!(site.told(), (8, vec!["a.example. 60 A 192.0.2.1".into()]));
}

#[test]
fn without_a_state_directory_nothing_is_updated() {
    let mut site = Site::new();
    site.write(7, "");
    site.read();
    fs::remove_dir_all(site.folder.path().join("state")).unwrap();
    assert_eq!(site.update(&[("a.example.", ADD, Rtype::A, A1)]), [false]);
    assert_eq!(site.told().0, 7);
}

#[test]
fn a_file_that_was_read_and_is_not_served_is_none_that_a_journal_begins_with() {
    let mut site = Site::new();
    site.write(7, "www A 192.0.2.1\n");
    site.read();
    site.write(7, "www A 192.0.2.2\n");
    site.read_in_vain();
    site.update(&[("a.example.", ADD, Rtype::A, A1)]);
    assert_eq!(site.told().0, 8);
    site.restart();
    let told = (9, vec!["a.example. 60 A 192.0.2.1".into(), "www.example. 60 A 192.0.2.2".into()]);
    assert_eq!(site.told(), told, "the other file has a serial of its own");
}

#[test]
fn a_journal_that_cannot_be_read_or_written_is_told_until_it_can_be() {
    let mut site = Site::new();
    site.write(7, "");
    fs::create_dir_all(site.journal()).unwrap();
    site.read();
    assert!(site.status().fault.is_some_and(|fault| fault.contains("example.journal")));
    assert_eq!(site.update(&[("a.example.", ADD, Rtype::A, A1)]), [false]);
    assert!(site.status().fault.is_some());
    fs::remove_dir(site.journal()).unwrap();
    assert_eq!(site.update(&[("a.example.", ADD, Rtype::A, A1)]), [true]);
    assert_eq!(site.status().fault, None);
    fs::remove_file(site.journal()).unwrap();
    fs::create_dir(site.journal()).unwrap();
    assert_eq!(site.update(&[("b.example.", ADD, Rtype::A, A1)]), [false]);
    assert!(site.status().fault.is_some());
    site.write(20, "");
    site.read();
    assert!(site.status().fault.is_some(), "a reload that cannot write it either");
    fs::remove_dir(site.journal()).unwrap();
    site.write(21, "");
    site.read();
    assert_eq!(site.status().fault, None);
    site.restart();
    assert_eq!(site.told(), (21, vec!["a.example. 60 A 192.0.2.1".into()]));
}

#[test]
fn a_zone_that_is_as_far_from_its_file_as_it_may_be_still_loses_records() {
    let mut site = Site::new();
    site.write(7, "www A 192.0.2.1\n");
    site.read();
    let a2: &[u8] = &[192, 0, 2, 2];
    let both = [("a.example.", ADD, Rtype::A, A1), ("b.example.", ADD, Rtype::A, A1)];
    assert_eq!(site.update_within(1, &both), [true, false]);
    assert_eq!(site.update_within(1, &[both[1]]), [false]);
    let goes = [("www.example.", REMOVE, Rtype::A, A1), ("a.example.", REMOVE, Rtype::A, A1)];
    assert_eq!(site.update_within(1, &goes), [true, true]);
    assert_eq!(site.told().1.len(), 0);
    assert_eq!(
        site.update_within(1, &[("c.example.", ADD, Rtype::A, a2)]),
        [false],
        "one of the file is gone"
    );
    assert_eq!(site.update_within(2, &[("c.example.", ADD, Rtype::A, a2)]), [true]);
}

#[test]
fn an_update_tells_from_which_serial_to_which_it_led() {
    let mut site = Site::new();
    site.write(7, "");
    site.read();
    let zone = site.live.zone(&id());
    let mut state = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(zone.lock());
    let asked: Vec<UpdateRequest> = [("a.example.", ADD, Rtype::A, A1); 2].iter().map(asked).collect();
    let batch = make_batch(&zone, &mut state, site.served.as_ref().unwrap(), &policy(), &asked);
    let told: Vec<Outcome> = batch.results.into_iter().map(Result::unwrap).collect();
    assert_eq!(told, [Outcome::Made { from: 7, to: 8 }, Outcome::NothingToDo { serial: 8 }]);
}

#[test]
fn what_is_deleted_while_it_is_set_aside_does_not_come_back() {
    let mut site = Site::new();
    site.write(7, "");
    site.read();
    let a2: &[u8] = &[192, 0, 2, 2];
    for (owner, rdata) in [("a.example.", A1), ("a.example.", a2), ("b.example.", A1), ("c.example.", A1)] {
        site.update(&[(owner, ADD, Rtype::A, rdata)]);
    }
    site.write(20, "a CNAME x.test.\nb CNAME x.test.\nc CNAME x.test.\n");
    site.read();
    assert_eq!(site.aside().len(), 4);
    let goes = [("a.example.", REMOVE, Rtype::A, a2), ("b.example.", CLEAR, Rtype::ANY, &[])];
    assert_eq!(site.update(&goes[..1]), [true]);
    assert_eq!((site.told().0, site.aside().len()), (20, 3), "nothing that is served has changed");
    site.restart();
    assert_eq!(site.aside().len(), 3);
    assert_eq!(site.update(&goes[1..]), [true]);
    assert_eq!(site.told().0, 21, "the alias goes as well");
    site.write(30, "");
    site.restart();
    assert_eq!(site.told().1, ["a.example. 60 A 192.0.2.1", "c.example. 60 A 192.0.2.1"]);
    assert_eq!(site.status().aside, 0);
}

#[test]
fn what_was_removed_stays_so_when_an_older_text_of_the_file_is_served() {
    let mut site = Site::new();
    site.write(7, "www A 192.0.2.1\n");
    site.read();
    site.update(&[("www.example.", REMOVE, Rtype::A, A1)]);
    let text = format!("{HEAD}@ SOA ns.test. h.test. 6 1 1 1 1\n");
    let mut sources = Sources::default();
    let file = sources.add("kept", text.into_bytes());
    let mut builder = crate::zone::Builder::new(id().name, Span::new(file, 0, 0));
    let mut found = crate::source::Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    let kept = builder.finish(&mut found).unwrap();
    let state = site.folder.path().join("state");
    let mut hold = site.live.zone(&id()).hold_blocking(Some(&state));
    let update = crate::source::Update { zone: "example.".to_owned(), client: None, key: None };
    let inputs =
        crate::zones::Inputs { texts: Vec::new(), ..site.served.as_deref().unwrap().inputs.as_ref().clone() };
    let zone =
        hold.effective(kept, (&inputs, None), &crate::source::Origin::Update(Arc::new(update)), &sources);
    assert_eq!(zone.serial(), 8);
    hold.commit(site.served.as_ref().unwrap(), None);
    site.restart();
    assert_eq!(site.told(), (8, vec![]));
}

#[test]
fn an_operator_takes_back_what_is_served_though_what_is_set_aside_cannot_be_forgotten() {
    let mut site = Site::new();
    site.write(7, "");
    site.read();
    site.update(&[("b.example.", ADD, Rtype::A, A1), ("b.example.", ADD, Rtype::TXT, b"\x01x")]);
    site.write(20, "b LUA A \"ifportup(1, {'192.0.2.1', '192.0.2.2'})\"\n");
    site.read();
    assert_eq!((site.told().1.len(), site.aside().len()), (1, 1));
    let in_the_way = site.journal().with_extension("journal.new");
    fs::create_dir(&in_the_way).unwrap();
    assert_eq!(site.drop_name("b.example."), Ok(1));
    assert_eq!((site.told(), site.aside().len()), ((21, vec![]), 1));
    fs::remove_dir(&in_the_way).unwrap();
    assert_eq!(site.drop_name("b.example."), Ok(1));
    assert_eq!(site.aside().len(), 0);
    site.restart();
    assert_eq!((site.told(), site.aside().len()), ((21, vec![]), 0));
}

#[test]
fn a_zone_that_comes_signed_takes_no_update_and_has_none_of_before() {
    let signed = "www A 192.0.2.1\n@ DNSKEY 257 3 13 AAAA\n\
        @ RRSIG DNSKEY 13 1 60 20300101000000 20200101000000 1 example. AAAA\n";
    let mut site = Site::new();
    site.write(7, "www A 192.0.2.1\n");
    site.read();
    assert_eq!(site.update(&[("a.example.", ADD, Rtype::A, A1)]), [true]);
    assert_eq!(site.told().0, 8);
    site.write(7, signed);
    site.read();
    let as_it_comes = |site: &Site| {
        let (serial, records) = site.told();
        assert_eq!((serial, records.len()), (7, 3), "{records:?}");
        assert_eq!(
            site.aside(),
            ["a.example. A: the zone comes signed, and its signatures do not cover updates"]
        );
    };
    as_it_comes(&site);
    assert_eq!(site.update(&[("b.example.", ADD, Rtype::A, A1)]), [false]);
    let live = site.live.zone(&id());
    let mut state = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(live.lock());
    assert!(raise_serial(&live, &mut state, site.served.as_ref().unwrap()).is_err());
    drop(state);
    site.restart();
    as_it_comes(&site);
    // It comes back with the next text that is not signed, and the serial goes on.
    site.write(7, "www A 192.0.2.1\n");
    site.read();
    assert_eq!((site.told().0, site.told().1.len(), site.aside().len()), (8, 2, 0));
}

#[test]
fn what_other_zones_are_made_from_outlives_an_update() {
    let mut site = Site::new();
    site.write(7, "www A 192.0.2.1\n");
    drop(site.read());
    let version = Arc::into_inner(site.served.take().unwrap()).unwrap();
    let hosts = Arc::new(crate::zone::Hosts::of(version.contents.as_ref().unwrap()));
    site.served = Some(Arc::new(ZoneVersion { hosts: Some(Arc::clone(&hosts)), ..version }));
    site.update(&[("a.example.", ADD, Rtype::A, A1)]);
    let version = site.served.as_ref().unwrap();
    assert!(version.hosts.as_ref().is_some_and(|kept| Arc::ptr_eq(kept, &hosts)));
    assert_ne!(version.hosts.as_ref().unwrap().serial(), version.serial, "it is seen to be an older one");
}
