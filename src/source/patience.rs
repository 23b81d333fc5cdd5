//! Files that may never come: of an NFS server that is gone, of a file system in user space, some of /proc.
//!
//! ```text
//!   patiently ── job ─▶ worker ── it comes ─▶ result
//!        │ time is over     └─ it never comes: the thread is left to itself, and the path
//!        └─▶ an error          is not touched again until it has come back
//! ```
//!
//! Touches file systems on a thread of its own, limits the wait, and remembers the paths that have not come.

use crate::sync::lock;
use std::cell::RefCell;
use std::fs::{File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// How long a file may take to come. A disk that spins up takes two or three seconds.
pub const WAIT_MAX: Duration = Duration::from_secs(5);

/// The same while another one does not come: it is likely of the same file system, and all of a configuration
/// shall not wait for each of them in turn.
const WAIT_BESIDE_MAX: Duration = Duration::from_secs(1);

/// The same while this many do not come.
const MANY: usize = 3;

/// The same then.
const WAIT_BESIDE_MANY_MAX: Duration = Duration::from_millis(100);

/// A long text may take longer: a file system that is slower than this, in bytes per second, is of no use.
const BYTES_PER_SECOND_MIN: u64 = 1 << 20;

/// Threads that may be left to themselves at a time. Each is a stack that is hardly used.
const LEFT_MAX: usize = 64;

/// Stack of a thread that touches files, in bytes: it calls the kernel and little else.
const STACK_BYTES: usize = 256 << 10;

/// Bytes that are read at a time, so that a large file costs no memory, and one that is not waited for any
/// more is left soon.
const PIECE_BYTES: usize = 1 << 16;

/// Something that is done with a file just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// The file.
    pub path: PathBuf,
    /// Since when.
    pub since: Instant,
}

#[derive(Debug)]
struct UnderWay {
    id: u64,
    pending: Pending,
    left: Arc<AtomicBool>,
}

/// Everything that is under way in this process.
static UNDER_WAY: Mutex<Vec<UnderWay>> = Mutex::new(Vec::new());

/// Whether something has come that was waited for no more.
static HAS_COME: AtomicBool = AtomicBool::new(false);

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

type Job = Box<dyn FnOnce() + Send>;

thread_local! {
    /// Who touches files for this thread. Another takes its place when it is left to itself.
    static WORKER: RefCell<Option<mpsc::Sender<Job>>> = const { RefCell::new(None) };
}

/// Tells a worker whether its result is still waited for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Left(Arc<AtomicBool>);

impl Left {
    /// Whether the result is no longer waited for.
    fn is(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What `work` gives, which touches the file at `path`.
///
/// # Errors
///
/// Those of `work`; [`ErrorKind::TimedOut`] when nothing comes of it in time, and at once while nothing has
/// come of earlier work on that path.
pub(crate) fn patiently<T: Send + 'static>(
    path: &Path,
    work: impl FnOnce(&Left) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    patiently_for(path, WAIT_MAX, work)
}

/// As [`patiently`], with a limit of its own.
///
/// # Errors
///
/// As there.
pub(crate) fn patiently_for<T: Send + 'static>(
    path: &Path,
    wait: Duration,
    work: impl FnOnce(&Left) -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    let left = Left::default();
    let (id, wait) = begin(path, wait, &left)?;
    let (tell, told) = mpsc::sync_channel(1);
    let theirs = left.clone();
    hand_over(Box::new(move || {
        let done = work(&theirs);
        let was_left = end(id);
        if was_left {
            HAS_COME.store(true, Ordering::Relaxed);
        }
        // The waiting thread has given up then.
        let _ = tell.try_send(done);
    }));
    match told.recv_timeout(wait) {
        Ok(done) => done,
        Err(RecvTimeoutError::Timeout) => {
            let elapsed = leave(id, &left);
            // It may have come at this very moment.
            told.try_recv().unwrap_or_else(|_| Err(does_not_come(elapsed)))
        }
        Err(RecvTimeoutError::Disconnected) => {
            end(id);
            WORKER.with_borrow_mut(Option::take);
            Err(io::Error::other("the thread that read it has ended"))
        }
    }
}

/// What is being waited for, or is not any more and has not come yet.
pub fn pending() -> Vec<Pending> {
    lock(&UNDER_WAY).iter().map(|one| one.pending.clone()).collect()
}

/// Whether something has come, since this was asked last, that was waited for no more: it is worth another
/// look.
pub fn take_has_come() -> bool {
    HAS_COME.swap(false, Ordering::Relaxed)
}

/// Opens a regular file (or what a link to one leads to). A pipe would wait for its other end.
///
/// # Errors
///
/// Those of the file system; [`ErrorKind::InvalidInput`] for what is no regular file.
pub(crate) fn open_regular(path: &Path) -> io::Result<(File, Metadata)> {
    // Looked at first: opening some devices does something.
    if !std::fs::metadata(path)?.is_file() {
        return Err(ErrorKind::InvalidInput.into());
    }
    let file = File::open(path)?;
    let meta = file.metadata()?;
    Ok((file, meta))
}

/// How long reading this many bytes may take.
pub(crate) fn wait_for_bytes(bytes: u64) -> Duration {
    WAIT_MAX.saturating_add(Duration::from_secs(bytes / BYTES_PER_SECOND_MIN))
}

/// Hands the bytes of a file to `take`, piece by piece, to the end or until the result is no longer waited
/// for.
///
/// # Errors
///
/// Those of the file system, and [`ErrorKind::FileTooLarge`] for more than `bytes_max`.
pub(crate) fn pieces(
    file: &mut impl Read,
    bytes_max: u64,
    left: &Left,
    mut take: impl FnMut(&[u8]) -> io::Result<()>,
) -> io::Result<()> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut bytes = 0_u64;
    loop {
        let len = match file.read(&mut piece) {
            Ok(0) => return Ok(()),
            Ok(len) => len,
            Err(error) if error.kind() == ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        bytes = bytes.saturating_add(len as u64);
        if bytes > bytes_max {
            return Err(ErrorKind::FileTooLarge.into());
        }
        if left.is() {
            return Err(ErrorKind::TimedOut.into());
        }
        take(piece.get(..len).unwrap_or_default())?;
    }
}

/// Notes that work begins, and says how long it is waited for.
fn begin(path: &Path, wait: Duration, left: &Left) -> io::Result<(u64, Duration)> {
    let mut under_way = lock(&UNDER_WAY);
    let is_left = |one: &&UnderWay| one.left.load(Ordering::Relaxed);
    if let Some(same) = under_way.iter().filter(is_left).find(|one| one.pending.path == path) {
        return Err(does_not_come(same.pending.since.elapsed()));
    }
    // A long file takes its time on a disk that is well, too: what its length earns it keeps.
    let for_length = wait.saturating_sub(WAIT_MAX);
    let wait = match under_way.iter().filter(is_left).count() {
        0 => wait,
        1..MANY => wait.min(WAIT_BESIDE_MAX.saturating_add(for_length)),
        MANY..LEFT_MAX => wait.min(WAIT_BESIDE_MANY_MAX.saturating_add(for_length)),
        _ => return Err(io::Error::new(ErrorKind::TimedOut, "too many other files do not come")),
    };
    let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
    let pending = Pending { path: path.to_owned(), since: Instant::now() };
    under_way.push(UnderWay { id, pending, left: Arc::clone(&left.0) });
    Ok((id, wait))
}

/// Notes that work has ended; whether it is no longer waited for.
fn end(id: u64) -> bool {
    let mut under_way = lock(&UNDER_WAY);
    let at = under_way.iter().position(|one| one.id == id);
    at.is_some_and(|at| under_way.swap_remove(at).left.load(Ordering::Relaxed))
}

/// Waits no more; how long that was.
fn leave(id: u64, left: &Left) -> Duration {
    let under_way = lock(&UNDER_WAY);
    let since = under_way.iter().find(|one| one.id == id).map(|one| one.pending.since);
    left.0.store(true, Ordering::Relaxed);
    drop(under_way);
    WORKER.with_borrow_mut(Option::take);
    since.map_or(Duration::ZERO, |since| since.elapsed())
}

fn does_not_come(elapsed: Duration) -> io::Error {
    let text = format!("nothing has come of it for {} s", elapsed.as_secs_f64().ceil());
    io::Error::new(ErrorKind::TimedOut, text)
}

/// Has a worker do a job. Where the system has no thread left, this one does it: to wait is better than not
/// to read.
fn hand_over(job: Job) {
    // It may touch another file itself, hence not while the worker is borrowed.
    if let Some(job) = WORKER.with_borrow_mut(|worker| handed(worker, job)) {
        job();
    }
}

/// Sends a job to a worker, a new one where there is none; the job where it cannot be sent.
fn handed(worker: &mut Option<mpsc::Sender<Job>>, job: Job) -> Option<Job> {
    let job = match worker {
        Some(jobs) => match jobs.send(job) {
            Ok(()) => return None,
            // It has panicked.
            Err(mpsc::SendError(job)) => job,
        },
        None => job,
    };
    let (jobs, waiting) = mpsc::channel::<Job>();
    let work = move || waiting.into_iter().for_each(|job| job());
    let started = thread::Builder::new().name("edgedns-file".to_owned()).stack_size(STACK_BYTES).spawn(work);
    if started.is_err() {
        return Some(job);
    }
    match jobs.send(job) {
        Ok(()) => {
            *worker = Some(jobs);
            None
        }
        Err(mpsc::SendError(job)) => Some(job),
    }
}

#[cfg(test)]
mod tests;
