//! Forced verdicts, kept over restarts.
//!
//! Owns their file, which is written beside the old one and moved into place, so that it is whole whenever
//! the power fails. Not responsible for what a rule means: that is `health::force`.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::{error, warn};

use super::clock::Clocks;
use crate::control::UtcTime;
use crate::health::force::{Rule, RuleError, Rules, Term};
use crate::source::patiently;
use crate::zones::LastFault;
use crate::zones::state_file::{self, Filled};

/// The file in the state directory.
const FILE: &str = "forced.json";

/// Its name until it is whole.
const FILE_UNFINISHED: &str = "forced.json.new";

/// Longest file that is read, in bytes: more than all rules with all their texts.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Versions that wait to be written: more than requests may wait.
const WAITING_MAX: usize = 64;

/// How long a stop waits for the disk.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// The file's text.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    rules: Vec<KeptRule>,
}

/// One rule; moments in seconds since 1970: the clock that rules end by begins anew with each boot.
#[derive(Debug, Serialize, Deserialize)]
struct KeptRule {
    target: String,
    verdict: String,
    since: u64,
    until: Option<u64>,
    reason: Option<String>,
}

/// The rules that were kept in the folder and are still in force. A file that cannot be read is logged, and
/// nothing is forced then.
pub(super) fn load(folder: Option<&Path>, now: Clocks) -> Rules {
    let Some(folder) = folder else { return Rules::default() };
    let named = folder.to_owned();
    let mut rules = match patiently(&folder.join(FILE), move |_| read(&named, now)) {
        Ok(rules) => rules,
        Err(fault) => {
            let file = folder.join(FILE);
            error!("{}: {fault}; verdicts that were forced before are no longer forced", file.display());
            return Rules::default();
        }
    };
    rules.expire(now.boot);
    for rule in rules.iter() {
        let since = UtcTime(rule.since);
        warn!("{} {rule}; set {since}, still in force", rule.pattern);
    }
    rules
}

fn read(folder: &Path, now: Clocks) -> io::Result<Rules> {
    let Some(file) = state_file::open(&folder.join(FILE))? else { return Ok(Rules::default()) };
    let mut text = String::new();
    file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
    let kept: Kept = serde_json::from_str(&text)?;
    let mut rules = Rules::default();
    for rule in kept.rules {
        rule.parse(now).and_then(|rule| rules.add(rule)).map_err(io::Error::other)?;
    }
    Ok(rules)
}

/// Writes the rules so that the file is the old one or the new one at any moment, and the new one when this
/// returns.
fn write(folder: &Path, rules: &Rules, now: Clocks) -> io::Result<()> {
    let kept = Kept { rules: rules.iter().map(|rule| KeptRule::of(rule, now)).collect() };
    let text = serde_json::to_vec_pretty(&kept)?;
    state_file::replace(&folder.join(FILE), &folder.join(FILE_UNFINISHED), |file| {
        file.write_all(&text)?;
        Ok(Filled::Whole)
    })?;
    Ok(())
}

impl KeptRule {
    fn parse(self, now: Clocks) -> Result<Rule, RuleError> {
        // A moment beyond what SystemTime holds never comes.
        let moment = |seconds: u64| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds));
        let since = moment(self.since).unwrap_or(SystemTime::UNIX_EPOCH);
        let term = self.until.and_then(moment).and_then(|until| {
            let lasts = until.duration_since(since).unwrap_or_default();
            Some(Term { lasts, ends: now.since_boot(until)? })
        });
        Ok(Rule {
            pattern: self.target.parse()?,
            order: self.verdict.parse()?,
            since,
            term,
            remark: self.reason.map(|reason| reason.parse()).transpose()?,
        })
    }

    fn of(rule: &Rule, now: Clocks) -> KeptRule {
        let seconds =
            |moment: SystemTime| moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
        KeptRule {
            target: rule.pattern.to_string(),
            verdict: rule.order.to_string(),
            since: seconds(rule.since),
            until: rule.term.and_then(|term| now.system_time(term.ends)).map(seconds),
            reason: rule.remark.as_ref().map(ToString::to_string),
        }
    }
}

/// Called with why the rules were not written, or nothing.
pub(super) type OnWritten = Box<dyn FnOnce(Option<String>) + Send>;

struct Job {
    folder: PathBuf,
    rules: Rules,
    on_written: OnWritten,
    fault: LastFault,
}

/// Writes rules in the order in which they were said, so that the loop waits for no disk.
///
/// Not the keeper of texts (`zones`): whoever forces a verdict is told what came of writing that very rule, so every
/// one is written; of texts only the newest counts, and some wait. What they share, the fault that is told once, is
/// [`LastFault`].
pub(super) struct RulesKeeper {
    jobs: mpsc::Sender<Job>,
    task: JoinHandle<()>,
    fault: LastFault,
}

impl RulesKeeper {
    /// A keeper that works in the runtime.
    pub(super) fn start() -> RulesKeeper {
        let (jobs, mut waiting) = mpsc::channel::<Job>(WAITING_MAX);
        let task = tokio::spawn(async move {
            while let Some(job) = waiting.recv().await {
                // A task of its own each time: one that panics takes no later one with it.
                let _ = tokio::task::spawn_blocking(move || job.run()).await;
            }
        });
        RulesKeeper { jobs, task, fault: LastFault::default() }
    }

    /// Writes the rules soon, and calls back when they are written.
    pub(super) fn keep(&self, folder: Option<&Path>, rules: Rules, on_written: OnWritten) {
        let Some(folder) = folder else {
            self.fault.set(None);
            return on_written(Some("`[admin]` has no `state-directory`".to_owned()));
        };
        let job = Job { folder: folder.to_owned(), rules, on_written, fault: self.fault.clone() };
        if let Err(refused) = self.jobs.try_send(job) {
            (refused.into_inner().on_written)(Some("the disk does not keep up".to_owned()));
        }
    }

    /// Why what is forced would not outlive a restart, although that is wanted.
    pub(super) fn fault(&self) -> Option<String> {
        self.fault.get()
    }

    /// Writes what waits still, and ends.
    pub(super) async fn stop(self) {
        drop(self.jobs);
        let _ = tokio::time::timeout(STOP_WAIT, self.task).await;
    }
}

impl Job {
    fn run(self) {
        let fault = write(&self.folder, &self.rules, Clocks::now()).err().map(|fault| {
            let file = self.folder.join(FILE);
            format!("{}: {fault}", file.display())
        });
        let before = self.fault.get();
        self.fault.set(fault.clone());
        if let Some(fault) = fault.as_ref().filter(|_| before != fault) {
            error!("forced verdicts will be lost at a restart: {fault}");
        }
        (self.on_written)(fault);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{MetadataExt, symlink};

    use super::*;
    use crate::health::force::{BootTime, Order};

    const MINUTE: Duration = Duration::from_secs(60);

    /// So long after the boot, and after 1970.
    fn clocks(boot_seconds: u64, wall_seconds: u64) -> Clocks {
        let wall = SystemTime::UNIX_EPOCH + Duration::from_secs(wall_seconds);
        Clocks { boot: BootTime(Duration::from_secs(boot_seconds)), wall }
    }

    /// When the rules were said.
    fn said() -> Clocks {
        clocks(50, 1000)
    }

    fn rules() -> Rules {
        rules_of(said())
    }

    fn rules_of(now: Clocks) -> Rules {
        let Clocks { boot, wall: since } = now;
        let term = Term::of(MINUTE, boot);
        let mut rules = Rules::default();
        let remark = Some("a \"b\" ü".parse().unwrap());
        let pattern = "127.0.5.1:*".parse().unwrap();
        rules.add(Rule { pattern, order: Order::Down, since, term, remark }).unwrap();
        let pattern = "[::1]:6443".parse().unwrap();
        rules.add(Rule { pattern, order: Order::Up, since, term: None, remark: None }).unwrap();
        rules
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &rules(), said()).unwrap();
        assert_eq!(load(Some(folder.path()), said()), rules());
        write(folder.path(), &Rules::default(), said()).unwrap();
        assert_eq!(load(Some(folder.path()), said()), Rules::default());
        let names: Vec<_> =
            fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(names, [FILE]);
    }

    #[test]
    fn what_is_forced_is_for_this_user_only_and_goes_through_no_planted_link() {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(name);
        fs::write(file("victim"), "theirs").unwrap();
        symlink(file("victim"), file(FILE_UNFINISHED)).unwrap();
        symlink(file("victim"), file(FILE)).unwrap();
        write(folder.path(), &rules(), said()).unwrap();
        assert_eq!(fs::read_to_string(file("victim")).unwrap(), "theirs");
        let meta = file(FILE).symlink_metadata().unwrap();
        assert!(meta.is_file());
        assert_eq!(meta.mode() & 0o777, 0o600);
        assert_eq!(load(Some(folder.path()), said()), rules());
    }

    #[test]
    fn what_ended_while_the_server_was_down_holds_no_more() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &rules(), said()).unwrap();
        let left = load(Some(folder.path()), clocks(9, 1060));
        assert_eq!(left.iter().map(|rule| rule.pattern.to_string()).collect::<Vec<_>>(), ["[::1]:6443"]);
    }

    fn left(rules: &Rules, now: Clocks) -> Vec<Duration> {
        rules.iter().filter_map(|rule| rule.term).map(|term| now.boot.until(term.ends)).collect()
    }

    #[test]
    fn what_is_left_of_a_time_is_carried_over_a_restart_and_over_a_boot() {
        let folder = tempfile::tempdir().unwrap();
        write(folder.path(), &rules(), said()).unwrap();
        for later in [clocks(60, 1010), clocks(3, 1010)] {
            assert_eq!(left(&load(Some(folder.path()), later), later), [Duration::from_secs(50)]);
        }
    }

    #[test]
    fn a_system_clock_that_was_set_while_the_server_ran_changes_no_time_that_is_left() {
        let folder = tempfile::tempdir().unwrap();
        // Ten seconds after it was said, in which the system clock went on by hours, or back.
        for wall_seconds in [1010, 100_000, 3] {
            let now = clocks(60, wall_seconds);
            let mut running = rules();
            assert!(running.expire(now.boot).is_empty());
            write(folder.path(), &running, now).unwrap();
            let restarted = clocks(65, wall_seconds + 5);
            let after = load(Some(folder.path()), restarted);
            assert_eq!(left(&after, restarted), [Duration::from_secs(45)], "{wall_seconds}");
        }
        assert_eq!(rules().expire(clocks(110, 3).boot).len(), 1, "a minute is over");
    }

    #[test]
    fn a_file_that_cannot_be_read_forces_nothing() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(load(Some(folder.path()), said()), Rules::default());
        let all = "{\"rules\":[{\"target\":\"*\",\"verdict\":\"down\",\"since\":0}]}";
        for text in ["", "{", "{\"rules\":[{\"target\":\"*\",\"verdict\":\"off\",\"since\":0}]}", &all[1..]] {
            fs::write(folder.path().join(FILE), text).unwrap();
            assert_eq!(load(Some(folder.path()), said()), Rules::default(), "{text}");
        }
        fs::write(folder.path().join(FILE), all).unwrap();
        assert_ne!(load(Some(folder.path()), said()), Rules::default());
    }

    #[tokio::test]
    async fn versions_are_written_in_their_order_before_the_keeper_ends() {
        let folder = tempfile::tempdir().unwrap();
        let keeper = RulesKeeper::start();
        for _ in 0..20 {
            keeper.keep(Some(folder.path()), Rules::default(), Box::new(|fault| assert_eq!(fault, None)));
        }
        let last = rules_of(Clocks::now());
        keeper.keep(Some(folder.path()), last, Box::new(|fault| assert_eq!(fault, None)));
        keeper.stop().await;
        assert_eq!(load(Some(folder.path()), Clocks::now()).iter().count(), 2);
    }

    #[tokio::test]
    async fn that_it_cannot_be_written_is_known_until_it_can() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let keeper = RulesKeeper::start();
        let keep = async |keeper: &RulesKeeper| {
            let (send, written) = tokio::sync::oneshot::channel();
            keeper.keep(Some(&gone), rules(), Box::new(|fault| send.send(fault).unwrap()));
            written.await.unwrap()
        };
        assert_eq!(keeper.fault(), None);
        let fault = keep(&keeper).await;
        assert!(fault.is_some() && keeper.fault() == fault);
        fs::create_dir(&gone).unwrap();
        assert_eq!((keep(&keeper).await, keeper.fault()), (None, None));
    }

    #[tokio::test]
    async fn whoever_forces_is_told_that_it_is_not_kept() {
        let keeper = RulesKeeper::start();
        for folder in [None, Some(Path::new("/nonexistent"))] {
            let (send, written) = tokio::sync::oneshot::channel();
            keeper.keep(folder, rules(), Box::new(|fault| send.send(fault).unwrap()));
            assert!(written.await.unwrap().is_some(), "{folder:?}");
        }
    }
}
