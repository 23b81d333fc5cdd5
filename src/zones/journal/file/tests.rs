//! Journals that are cut, turned, grown and replaced.

use std::sync::Arc;

use super::*;
use crate::dns::{Name, Rtype, Ttl};
use crate::zone::{Changeset, Record};
use crate::zones::journal::HISTORY_BYTES_MAX;

fn zone() -> ZoneId {
    ZoneId::from("example.".parse::<Name>().unwrap())
}

fn record(owner: &str, rtype: Rtype, rdata: &[u8]) -> Record {
    let ttl = Ttl::from_seconds(60).unwrap();
    Record { owner: owner.parse().unwrap(), rtype, ttl, rdata: rdata.into() }
}

/// An update from this serial to the next that adds a record and removes one of the file.
fn step(from: u32) -> JournalStep {
    let text = from.to_string();
    let rdata = [&[u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    let soa = |serial: u32| record("example.", Rtype::SOA, &serial.to_be_bytes());
    let changes = Changeset {
        removed: vec![soa(from), record(&format!("f{from}.example."), Rtype::A, &[192, 0, 2, 1])],
        added: vec![soa(from + 1), record("t.example.", Rtype::TXT, &rdata)],
    };
    JournalStep { from, to: from + 1, changes, at: 1_795_000_000, by: Arc::from("192.0.2.1") }
}

fn created(folder: &Path) -> Journal {
    Journal::create(folder, &zone(), 7, Some(Digest::of(b"text"))).unwrap()
}

fn opened(folder: &Path) -> (Journal, Option<Torn>) {
    Journal::open(folder, &zone()).unwrap().unwrap()
}

/// What matters of a journal.
fn told(journal: &Journal) -> (Option<u32>, Option<Digest>, Overlay, Vec<Arc<JournalStep>>) {
    let steps = journal.history().iter().cloned().collect();
    (journal.serial(), journal.file_digest(), journal.overlay().clone(), steps)
}

#[test]
fn what_was_written_is_read_again() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Journal::open(folder.path(), &zone()).unwrap().is_none());
    let mut journal = created(folder.path());
    journal.append(vec![step(7), step(8)]).unwrap();
    journal.append(vec![step(9)]).unwrap();
    assert_eq!((journal.serial(), journal.overlay().len(), journal.history().len()), (Some(10), 6, 3));
    let (read, torn) = opened(folder.path());
    assert_eq!((told(&read), torn), (told(&journal), None));
    assert_eq!(read.bytes(), std::fs::metadata(read.path()).unwrap().len());
}

#[test]
fn a_file_that_is_cut_anywhere_has_every_entry_that_is_whole_and_takes_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = created(folder.path());
    let mut states = vec![(journal.bytes(), told(&journal))];
    for serial in 7..10 {
        journal.append(vec![step(serial)]).unwrap();
        states.push((journal.bytes(), told(&journal)));
    }
    let whole = std::fs::read(journal.path()).unwrap();
    let first = usize::try_from(states[0].0).unwrap();
    for end in first..=whole.len() {
        std::fs::write(journal.path(), &whole[..end]).unwrap();
        let (mut read, torn) = opened(folder.path());
        let (bytes, state) = states.iter().rfind(|(bytes, _)| *bytes <= end as u64).unwrap();
        assert_eq!(told(&read), *state, "cut at {end}");
        assert_eq!(
            torn.map(|torn| (torn.at, torn.bytes)),
            (*bytes < end as u64).then(|| (*bytes, end as u64 - bytes))
        );
        let next = read.serial().unwrap();
        read.append(vec![step(next)]).unwrap();
        let (again, torn) = opened(folder.path());
        assert_eq!((told(&again), torn), (told(&read), None), "cut at {end}");
    }
}

#[test]
fn a_bit_that_turns_makes_an_entry_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = created(folder.path());
    let from = usize::try_from(journal.bytes()).unwrap();
    journal.append(vec![step(7)]).unwrap();
    let whole = std::fs::read(journal.path()).unwrap();
    for at in from..whole.len() {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        std::fs::write(journal.path(), &bytes).unwrap();
        let (read, torn) = opened(folder.path());
        assert_eq!((read.serial(), torn.is_some()), (Some(7), true), "byte {at}");
    }
}

#[test]
fn a_journal_that_is_written_anew_has_what_is_served_and_the_newest_steps() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = created(folder.path());
    // Without the disk, which would take long.
    (7..40_007).for_each(|serial| journal.take(JournalEntry::Update(step(serial)), 120));
    journal.rewrite().unwrap();
    let (mut read, torn) = opened(folder.path());
    assert_eq!((read.overlay(), torn), (journal.overlay(), None));
    assert!(read.history().len() < 40_000 && read.history().len() > 1000, "{}", read.history().len());
    read.append(vec![step(40_007)]).unwrap();
    assert_eq!(told(&opened(folder.path()).0), told(&read));
}

#[test]
fn an_announced_serial_counts_until_something_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = created(folder.path());
    let other = Some(Digest::of(b"other"));
    journal.announce(9, other).unwrap();
    let (mut read, _) = opened(folder.path());
    assert_eq!((read.serial(), read.file_digest()), (Some(9), other));
    read.rebase(9, other, Overlay::default(), None).unwrap();
    read.append(vec![step(9)]).unwrap();
    let (read, _) = opened(folder.path());
    assert_eq!((read.serial(), read.file_digest(), read.history().len()), (Some(10), other, 1));
}

#[test]
fn another_file_keeps_the_steps_where_one_leads_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = created(folder.path());
    journal.append(vec![step(7)]).unwrap();
    let overlay = journal.overlay().clone();
    journal.rebase(9, None, overlay.clone(), Some(step(8))).unwrap();
    let (mut read, _) = opened(folder.path());
    assert_eq!((told(&read), read.history().len()), (told(&journal), 2));
    assert_eq!(read.overlay(), &overlay, "the step of a file is none of an update");
    read.rebase(20, None, overlay, None).unwrap();
    assert!(opened(folder.path()).0.history().is_empty());
}

#[test]
fn an_entry_of_a_later_version_is_no_torn_one_and_nothing_is_cut_off() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = created(folder.path());
    let from = journal.bytes();
    journal.append(vec![step(7)]).unwrap();
    let ours = std::fs::read(journal.path()).unwrap();
    for (kind, more) in [(99, &b""[..]), (1, b"more")] {
        let mut bytes = ours.clone();
        bytes.extend(more);
        let entry = &mut bytes[usize::try_from(from).unwrap()..];
        let length = u32::try_from(entry.len() - 20).unwrap();
        entry[20] = kind;
        let mut digesting = crate::source::Digesting::default();
        digesting.take(&length.to_be_bytes());
        digesting.take(&entry[20..]);
        entry[..4].copy_from_slice(&length.to_be_bytes());
        entry[4..20].copy_from_slice(&digesting.finish().bytes());
        std::fs::write(journal.path(), &bytes).unwrap();
        let error = Journal::open(folder.path(), &zone()).unwrap_err();
        assert!(matches!(error, JournalError::Unknown { at, .. } if at == from), "{error}");
        assert_eq!(std::fs::read(journal.path()).unwrap(), bytes, "kind {kind}");
    }
}

#[test]
fn a_journal_that_has_grown_is_written_anew_however_often_the_process_starts() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = created(folder.path());
    let path = journal.path().to_owned();
    // The same record comes and goes, so that there is little to be kept but steps.
    let mut longest = 0;
    for round in 0..12_u32 {
        let steps: Vec<JournalStep> = (0..2_000).map(|at| step(7 + round * 2_000 + at)).collect();
        let steps = steps.into_iter().map(|mut step| {
            step.changes.removed.clear();
            step.changes.added.truncate(1);
            step.by = "x".repeat(500).into();
            step
        });
        journal.append(steps.collect()).unwrap();
        journal.compact();
        longest = longest.max(std::fs::metadata(&path).unwrap().len());
        journal = opened(folder.path()).0;
    }
    assert!(longest < 3 * (HISTORY_BYTES_MAX as u64), "{longest} bytes");
    assert!(std::fs::metadata(&path).unwrap().len() < longest, "it was written anew");
}

#[test]
fn what_is_no_journal_is_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = created(folder.path()).path().to_owned();
    std::fs::write(&path, "something else").unwrap();
    assert!(matches!(Journal::open(folder.path(), &zone()), Err(JournalError::Foreign(_))));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "something else");
    std::fs::remove_file(&path).unwrap();
    std::os::unix::fs::symlink("/dev/null", &path).unwrap();
    assert!(matches!(Journal::open(folder.path(), &zone()), Err(JournalError::Io(..))));
}

#[test]
fn an_update_is_never_written_to_a_file_that_is_not_the_journal_any_more() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = created(folder.path());
    journal.append(vec![step(7)]).unwrap();
    journal.announce(30, None).unwrap();
    // As after a journal took its place whose opening failed.
    let copy = folder.path().join("copy");
    std::fs::copy(journal.path(), &copy).unwrap();
    std::fs::rename(&copy, journal.path()).unwrap();
    journal.append(vec![step(8)]).unwrap();
    assert_eq!(told(&opened(folder.path()).0), told(&journal));
    std::fs::remove_file(journal.path()).unwrap();
    journal.announce(40, None).unwrap();
    assert_eq!(told(&opened(folder.path()).0), told(&journal));
    std::fs::remove_file(journal.path()).unwrap();
    std::fs::create_dir(journal.path()).unwrap();
    assert!(journal.append(vec![step(9)]).is_err(), "what cannot be written is not said to be");
    std::fs::remove_dir(journal.path()).unwrap();
    journal.append(vec![step(9)]).unwrap();
    assert_eq!(told(&opened(folder.path()).0), told(&journal));
    assert_eq!((journal.serial(), journal.history().len()), (Some(10), 3));
}

#[test]
fn another_file_that_could_not_be_written_down_is_written_down_with_the_next_update() {
    let folder = tempfile::tempdir().unwrap();
    let mut journal = created(folder.path());
    journal.append(vec![step(7)]).unwrap();
    let in_the_way = journal.path().with_extension("journal.new");
    std::fs::create_dir(&in_the_way).unwrap();
    let (overlay, other) = (journal.overlay().clone(), Some(Digest::of(b"other")));
    assert!(journal.rebase(9, other, overlay, Some(step(8))).is_err() && journal.is_behind());
    assert!(journal.append(vec![step(9)]).is_err());
    std::fs::remove_dir(&in_the_way).unwrap();
    journal.append(vec![step(9)]).unwrap();
    let (read, torn) = opened(folder.path());
    assert_eq!((told(&read), torn), (told(&journal), None));
    assert_eq!((read.serial(), read.file_digest(), journal.is_behind()), (Some(10), other, false));
}
