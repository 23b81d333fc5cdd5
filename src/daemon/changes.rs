//! The last changes of verdict, with their reasons: also those from before the last start.
//!
//! Owns their list and its file in the state directory, which is written soon after a change, on a thread that may wait for
//! the disk. Not responsible for the log, which has every change.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use tokio::task::JoinHandle;
use tracing::error;

use crate::answer::BoundPool;
use crate::control::{ChangeStatus, UtcTime};
use crate::health::{Transition, TransitionCause, Verdict};
use crate::source::patiently;
use crate::zones::LastFault;
use crate::zones::state_file::{self, Filled};

/// How many are remembered: a page of a log, for who comes after a bad night.
const CHANGES_MAX: usize = 200;

/// Pools that a change names; the rest has the status.
const POOLS_MAX: usize = 16;

/// The file in the state directory.
const FILE: &str = "changes.json";

/// Its name until it is whole.
const FILE_UNFINISHED: &str = "changes.json.new";

/// Longest file that is read, in bytes: more than all changes with all their pools.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// How long a stop waits for the disk.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// The last changes of verdict.
#[derive(Default)]
pub(super) struct Changes {
    /// The newest first.
    list: VecDeque<ChangeStatus>,
    /// Whether the file has them all.
    kept: Kept,
    /// Writes them now.
    writing: Option<JoinHandle<()>>,
    fault: LastFault,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kept {
    #[default]
    Whole,
    Behind,
}

impl Changes {
    /// Those that were kept in the folder. A file that cannot be read is logged, and begun anew.
    pub(super) fn load(folder: Option<&Path>) -> Changes {
        let Some(folder) = folder else { return Changes::default() };
        let file = folder.join(FILE);
        let named = file.clone();
        let list = patiently(&file, move |_| read(&named)).unwrap_or_else(|fault| {
            error!("{}: {fault}; the changes of verdict before this start are not shown", file.display());
            VecDeque::new()
        });
        Changes { list, ..Changes::default() }
    }

    /// Takes in a change, if it is one of the verdict on the board; returns it then. A first pass is no news.
    pub(super) fn note(&mut self, transition: &Transition, pools: &[&BoundPool]) -> Option<&ChangeStatus> {
        let Transition { probe, from, to, cause, at, .. } = transition;
        let is_first_pass =
            matches!(cause, TransitionCause::Outcomes(_)) && *from == Verdict::Pending && *to == Verdict::Up;
        if from == to || is_first_pass {
            return None;
        }
        let (target, told) = (probe.to_string(), transition.to_string());
        let why = told.strip_prefix(&target).unwrap_or(&told).trim_start().to_owned();
        let pools =
            pools.iter().take(POOLS_MAX).map(|bound| format!("{} {}", bound.pool.owner, bound.pool.rtype));
        self.list.truncate(CHANGES_MAX - 1);
        self.list.push_front(ChangeStatus {
            at: UtcTime(whole_second(*at)),
            target,
            from: from.to_string(),
            to: to.to_string(),
            why,
            pools: pools.collect(),
        });
        self.kept = Kept::Behind;
        self.list.front()
    }

    /// All of them, the newest first.
    pub(super) fn status(&self) -> Vec<ChangeStatus> {
        self.list.iter().cloned().collect()
    }

    /// Why they would not outlive a restart, although that is wanted.
    pub(super) fn fault(&self) -> Option<String> {
        self.fault.get()
    }

    /// Writes what is not written yet, unless that is being done. What cannot be written is tried again.
    pub(super) fn keep(&mut self, folder: Option<&Path>) {
        let is_written = self.writing.as_ref().is_none_or(JoinHandle::is_finished);
        let is_due = self.kept == Kept::Behind || self.fault.get().is_some();
        let Some(folder) = folder.filter(|_| is_written && is_due) else { return };
        self.kept = Kept::Whole;
        let (folder, list, fault) = (folder.to_owned(), self.list.clone(), self.fault.clone());
        self.writing = Some(tokio::task::spawn_blocking(move || write_and_tell(&folder, &list, &fault)));
    }

    /// Writes what is not written yet, and ends.
    pub(super) async fn stop(mut self, folder: Option<PathBuf>) {
        let written = async {
            if let Some(writing) = self.writing.take() {
                let _ = writing.await;
            }
            self.keep(folder.as_deref());
            if let Some(writing) = self.writing {
                let _ = writing.await;
            }
        };
        let _ = tokio::time::timeout(STOP_WAIT, written).await;
    }
}

/// A moment by the system clock, to the second: as it is written, and read again.
fn whole_second(at: Instant) -> SystemTime {
    let seconds = UtcTime::of(at, Instant::now(), SystemTime::now()).unix_seconds();
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).unwrap_or(SystemTime::UNIX_EPOCH)
}

fn read(file: &Path) -> io::Result<VecDeque<ChangeStatus>> {
    let Some(file) = state_file::open(file)? else { return Ok(VecDeque::new()) };
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    let mut list: VecDeque<ChangeStatus> = serde_json::from_str(&text)?;
    list.truncate(CHANGES_MAX);
    Ok(list)
}

fn write_and_tell(folder: &Path, list: &VecDeque<ChangeStatus>, fault: &LastFault) {
    let written = write(folder, list).err().map(|error| format!("{}: {error}", folder.join(FILE).display()));
    let before = fault.get();
    fault.set(written.clone());
    if let Some(fault) = written.filter(|written| before.as_ref() != Some(written)) {
        error!("the last changes of verdict will be lost at a restart: {fault}");
    }
}

/// Writes them so that the file is the old one or the new one at any moment.
fn write(folder: &Path, list: &VecDeque<ChangeStatus>) -> io::Result<()> {
    let text = serde_json::to_vec(list)?;
    state_file::replace(&folder.join(FILE), &folder.join(FILE_UNFINISHED), |file| {
        file.write_all(&text)?;
        Ok(Filled::Whole)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::{Observed, TargetId};
    use crate::probe::{Port, Probe, ProbeKind, Reason, Tcp};

    /// A change of a target that a number stands for.
    fn transition(last: u8, from: Verdict, to: Verdict) -> Transition {
        let address = [192, 0, 2, last].into();
        let kind = ProbeKind::Tcp(Tcp { port: Port::new(6443).unwrap() });
        let probe = Probe { address, source: None, timeout: Duration::from_secs(1), kind };
        let reason = (to == Verdict::Down).then_some(Reason::Refused);
        let cause = TransitionCause::Outcomes(Observed { verdict: to, outcomes: 2, reason });
        Transition { target: TargetId::default(), probe, from, to, cause, at: Instant::now() }
    }

    #[tokio::test]
    async fn the_last_changes_are_kept_with_their_reasons_and_no_more_of_them() {
        let folder = tempfile::tempdir().unwrap();
        let mut changes = Changes::load(Some(folder.path()));
        assert!(changes.note(&transition(1, Verdict::Pending, Verdict::Up), &[]).is_none(), "a first pass");
        assert!(changes.note(&transition(1, Verdict::Down, Verdict::Down), &[]).is_none(), "held down");
        for last in 0..=250 {
            changes.note(&transition(last, Verdict::Up, Verdict::Down), &[]).expect("a change");
        }
        changes.keep(Some(folder.path()));
        changes.note(&transition(251, Verdict::Down, Verdict::Up), &[]).expect("a change");
        let before = changes.status();
        changes.stop(Some(folder.path().to_owned())).await;
        let after = Changes::load(Some(folder.path()));
        assert_eq!((after.status().len(), after.fault()), (CHANGES_MAX, None));
        assert_eq!(after.status(), before);
        let newest = &after.status()[..2];
        assert_eq!(
            (newest[0].target.as_str(), newest[0].why.as_str()),
            ("192.0.2.251:6443", "up after 2 passes")
        );
        assert_eq!(newest[1].why, "down after 2 failures: connection refused");
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_begun_anew_and_one_that_cannot_be_written_is_told() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(FILE), "[{").unwrap();
        let mut changes = Changes::load(Some(folder.path()));
        assert_eq!(changes.status(), []);
        changes.note(&transition(1, Verdict::Up, Verdict::Down), &[]);
        changes.keep(Some(&folder.path().join("missing")));
        changes.writing.take().unwrap().await.unwrap();
        assert!(changes.fault().unwrap().contains("changes.json"));
        changes.stop(Some(folder.path().to_owned())).await;
        assert_eq!(Changes::load(Some(folder.path())).status().len(), 1);
    }
}
