//! `file`: a file that another program writes says that the target is up.
//!
//! Has the file, whose states all targets of it share, and reads it again when it changes. While it is missing or cannot be
//! read as a whole, what it said last holds. Not responsible for what is in it: that is `states`.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use tokio::net::unix::pipe::Receiver;
use tokio::sync::watch;
use tokio::time::Instant;
use tracing::{info, warn};

use super::entry::{KindEntry, KindForm, Reach};
use super::outcome::{Failure, Phase, Reason, Trouble};
use super::port::Port;
use super::session::{Ends, Evidence, Session};
use super::states::{State, States, is_key};
use super::written::Written;
use crate::setting::{Absent, Holds, KeyEntry, keep, path_in};
use crate::source::Diagnostics;
use crate::sync::lock;
use crate::tls::{Stamp, read_file};

const PATH: KeyEntry = KeyEntry::new(
    "path",
    Absent::Required { example: r#""/run/edgedns/states""# },
    "the file, of lines as `192.0.2.13 up` or `192.0.2.14 maint # a new disk`; another program writes it, and moves it into its \
     place; `file = \"/run/edgedns/states\"` is the same as a table with nothing else",
)
.holding(Holds::HostFile);

const KEY: KeyEntry = KeyEntry::new(
    "key",
    Absent::Unset { example: r#""web""# },
    "what a line begins with that is about these addresses; without it each address",
);

pub(super) const ENTRY: KindEntry = KindEntry {
    name: "file",
    help: "a file that another program writes says that it is up",
    form: KindForm::Table { keys: &[&[PATH, KEY]], short: Some(&PATH) },
    reach: Reach::Hearsay,
};

/// How long what was read is not looked at again, unless the file is known to have changed: all targets of a file look at
/// about the same time.
const LOOK_AGAIN_AFTER: Duration = Duration::from_millis(100);

/// A file of states, and what a target is called in it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StatesFile {
    path: PathBuf,
    /// None: its address.
    key: Option<Box<str>>,
}

impl StatesFile {
    /// The states in the file at `path`, where the target is called `key`; none: as its address.
    pub fn new(path: PathBuf, key: Option<&str>) -> Self {
        StatesFile { path, key: key.map(Into::into) }
    }

    pub(super) fn port(&self) -> Option<Port> {
        None
    }

    pub(super) fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{address} in {}", self.path.display())?;
        self.key.as_ref().map_or(Ok(()), |key| write!(f, " as {key}"))
    }
}

/// Reads the table of a probe.
pub(super) fn read(written: Written<'_, '_>, folder: &Path, found: &mut Diagnostics) -> Option<StatesFile> {
    let path = written.short(&PATH, found).and_then(|value| keep(path_in(value, folder), found));
    let key = written.table().read(KEY.name, found, |value| {
        let text = value.text()?;
        let not_one = || value.fault("a key is one word, as it stands at the front of a line");
        if is_key(text) { Ok(text) } else { Err(not_one()) }
    });
    Some(StatesFile::new(path?, key))
}

/// A file, what was read of it, and how its changes are heard of.
#[derive(Debug)]
struct WatchedFile {
    path: PathBuf,
    content: Mutex<Content>,
    /// How often the file is known to have changed.
    changes: watch::Sender<u64>,
    events: Mutex<Events>,
}

/// What was read of a file.
#[derive(Debug, Default)]
struct Content {
    /// When it was looked at last.
    looked: Option<Instant>,
    /// The file that was read last, whether or not it made sense; none: whatever it is, it is to be read.
    stamp: Option<Stamp>,
    /// What it said when it could be read as a whole.
    good: Option<Arc<States>>,
    /// Why it cannot be read now.
    trouble: Option<Trouble>,
}

/// The events of its folder, from the system.
#[derive(Debug, Default)]
struct Events {
    queue: Option<Arc<Receiver>>,
    /// Whether it was told that there are none: then the file is looked at whenever a probe is due.
    is_told: bool,
}

impl Content {
    /// Whether the file with this stamp has been read. What cannot be read may be the next time, though it is the same file.
    fn knows(&self, stamp: Option<Stamp>) -> bool {
        stamp.is_some() && self.stamp == stamp
    }

    /// Takes in what the file at `path`, with this stamp, has given; says so when that is news.
    fn take(&mut self, path: &Path, stamp: Option<Stamp>, read: Result<States, Trouble>) {
        let has_come = !matches!(read, Err(Trouble::File(_)));
        self.stamp = stamp.filter(|_| has_come);
        match read {
            Ok(states) => {
                self.good = Some(Arc::new(states));
                if self.trouble.take().is_some() {
                    info!("{} is read again", path.display());
                }
            }
            Err(trouble) if self.trouble.as_ref() == Some(&trouble) => {}
            Err(trouble) => {
                let holds = if self.good.is_some() {
                    "what it said last holds"
                } else {
                    "its targets have no verdict by it"
                };
                warn!("{trouble}; {holds}");
                self.trouble = Some(trouble);
            }
        }
    }
}

impl WatchedFile {
    /// The file at `path`: the same for whoever asks while somebody has it, so that it is read, and its faults told, once.
    fn at(path: &Path) -> Arc<WatchedFile> {
        static KNOWN: Mutex<Option<HashMap<PathBuf, Weak<WatchedFile>>>> = Mutex::new(None);
        let mut known = lock(&KNOWN);
        let known = known.get_or_insert_default();
        known.retain(|_, file| file.strong_count() > 0);
        if let Some(file) = known.get(path).and_then(Weak::upgrade) {
            return file;
        }
        let file = Arc::new(WatchedFile {
            path: path.to_owned(),
            content: Mutex::default(),
            changes: watch::Sender::new(0),
            events: Mutex::default(),
        });
        known.insert(path.to_owned(), Arc::downgrade(&file));
        file
    }

    /// What it says, as far as it has ever been read.
    fn states(&self) -> Result<Arc<States>, Trouble> {
        let mut content = lock(&self.content);
        let is_fresh = content.looked.is_some_and(|looked| looked.elapsed() < LOOK_AGAIN_AFTER);
        if !is_fresh {
            self.look(&mut content);
        }
        let Content { good, trouble, .. } = &*content;
        match (good, trouble) {
            (Some(good), _) => Ok(Arc::clone(good)),
            (None, Some(trouble)) => Err(trouble.clone()),
            (None, None) => Ok(Arc::default()),
        }
    }

    /// Reads it, if it has changed.
    fn look(&self, content: &mut MutexGuard<'_, Content>) {
        content.looked = Some(Instant::now());
        // Before it is read: a change in between is then found next time.
        let stamp = Stamp::of(&self.path);
        if !content.knows(stamp) {
            content.take(&self.path, stamp, self.read());
        }
    }

    fn read(&self) -> Result<States, Trouble> {
        let text = read_file(&self.path).map_err(Trouble::File)?;
        States::read(&text).map_err(|fault| {
            let place = format!("{}:{}:{}", self.path.display(), fault.line, fault.column);
            Trouble::States { fault: format!("{place}: {}", fault.message).into() }
        })
    }

    /// The events of its folder, which may be another one than before. That the system gives none is said once. In a runtime.
    fn events(&self) -> Option<Arc<Receiver>> {
        let mut events = lock(&self.events);
        match self.watch(&mut events.queue) {
            Ok(()) if std::mem::take(&mut events.is_told) => {
                info!("changes of {} are noticed at once again", self.path.display());
            }
            Err(error) if !std::mem::replace(&mut events.is_told, true) => {
                let path = self.path.display();
                warn!(
                    "changes of {path} are not noticed at once: {error}; it is read when a probe of it is due"
                );
            }
            Ok(()) | Err(_) => {}
        }
        // What has happened to a folder that is gone is in there still.
        events.queue.clone()
    }

    /// Watches the folder that there is now.
    fn watch(&self, queue: &mut Option<Arc<Receiver>>) -> io::Result<()> {
        let queue = match queue {
            Some(queue) => queue,
            None => {
                let fd = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)?;
                // It is read as a pipe is: a descriptor of tokio's for any kind cannot be had without unsafe code.
                queue.insert(Arc::new(Receiver::from_owned_fd_unchecked(fd)?))
            }
        };
        let folder = self.path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let flags = WatchFlags::CLOSE_WRITE | WatchFlags::MOVE | WatchFlags::DELETE | WatchFlags::ONLYDIR;
        // A folder that is watched already stays so; one that was made anew would not be.
        add_watch(&**queue, folder.unwrap_or(Path::new(".")), flags)?;
        Ok(())
    }

    /// Resolves when the file may have changed since `seen` was looked at. Whoever waits empties the queue for all.
    async fn changed(&self, seen: &mut watch::Receiver<u64>) {
        let Some(events) = self.events() else { return std::future::pending().await };
        loop {
            tokio::select! {
                // The sender is there as long as the file is.
                _ = seen.changed() => return,
                ready = events.readable() => {
                    let mut buffer = [0; 4096];
                    if ready.is_err() {
                        return std::future::pending().await;
                    }
                    if let Ok(1..) = events.try_read(&mut buffer) {
                        self.heed_event();
                    }
                }
            }
        }
    }

    /// Something has happened in the folder. That may have been to another file, or to what a link leads to.
    fn heed_event(&self) {
        let mut content = lock(&self.content);
        if content.knows(Stamp::of(&self.path)) {
            return;
        }
        content.looked = None;
        drop(content);
        self.changes.send_modify(|count| *count = count.wrapping_add(1));
    }
}

/// The looks of one target into its file.
pub(super) struct FileSession {
    file: Arc<WatchedFile>,
    /// What the target is called in it; none: as its address.
    key: Option<Box<str>>,
    seen: watch::Receiver<u64>,
    /// Whether it was told that the file says nothing of the target.
    is_told: bool,
}

impl FileSession {
    pub(super) fn new(test: &StatesFile) -> Self {
        let file = WatchedFile::at(&test.path);
        Self { seen: file.changes.subscribe(), file, key: test.key.clone(), is_told: false }
    }
}

impl Session for FileSession {
    async fn run(&mut self, ends: Ends, _: &mut Phase) -> Result<Evidence, Failure> {
        self.seen.mark_unchanged();
        let states = self.file.states()?;
        let key = self.key.as_deref().map_or_else(|| ends.address.to_string(), str::to_owned);
        let said = states.get(&key);
        if said.is_none() && !std::mem::replace(&mut self.is_told, said.is_none()) {
            warn!("{} says nothing of `{key}`, whose verdict stays as it is", self.file.path.display());
        }
        self.is_told = said.is_none();
        match said {
            Some(State::Up(weight)) => Ok(Evidence { not_after: None, weight: *weight }),
            Some(State::Down { word, remark }) => {
                Err(Reason::State { word: word.clone(), remark: remark.clone() }.into())
            }
            None => {
                let file = self.file.path.display().to_string().into();
                Err(Trouble::Unlisted { file, key: key.into() }.into())
            }
        }
    }

    async fn ended(&mut self) {
        self.file.changed(&mut self.seen).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::FileFault;

    #[test]
    fn a_file_that_could_not_be_read_is_read_again_though_it_has_not_changed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("states");
        std::fs::write(&path, "192.0.2.1 up\n").unwrap();
        let stamp = Stamp::of(&path);
        let mut content = Content::default();
        assert!(!content.knows(stamp));
        let error = io::ErrorKind::TimedOut;
        content.take(&path, stamp, Err(Trouble::File(FileFault::Unreadable { error }.of(&path))));
        assert!(!content.knows(stamp), "what takes too long today may not the next time");
        content.take(&path, stamp, States::read(b"192.0.2.1 up\n").map_err(|_| unreachable!()));
        assert!(content.knows(stamp) && content.trouble.is_none());
        let fault = Trouble::States { fault: "no state".into() };
        content.take(&path, stamp, Err(fault));
        assert!(content.knows(stamp), "what is wrong in it stays wrong until it changes");
    }
}
