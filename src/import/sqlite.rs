//! Databases of SQLite, read by its own program.
//!
//! What a server has changed last may still stand in a file beside the database, and who reads it there makes such files.
//! So a copy is read, with what stands beside it, in a folder that only this user may enter; the server's own files are
//! left as they are. Knows no tables.

use std::fs::{self, DirBuilder, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use super::word::plain;
use crate::source::{open_regular, patiently};

/// The program.
const PROGRAM: &str = "sqlite3";

/// Largest file of a database, in bytes: a key of a zone takes some hundred.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// Longest answer to a query, in bytes.
const ANSWER_BYTES_MAX: u64 = 128 << 20;

/// How long a query may take.
const QUERY_WAIT: Duration = Duration::from_secs(30);

/// Looks at a database that changes while it is copied.
const LOOKS_MAX: usize = 5;

/// Folders that are tried, as others may have their names.
const FOLDERS_MAX: usize = 100;

/// What stands beside a database: what is to be written to it, or what it was before.
const BESIDE: [&str; 2] = ["-wal", "-journal"];

/// What the copy is called.
const COPY: &str = "database";

/// Where the program writes its faults.
const FAULTS: &str = "faults";

/// Why a database is not read.
#[derive(Debug)]
pub(super) enum Fault {
    /// The program is not installed.
    NoProgram,
    /// A file cannot be read, or the copy not be made.
    System(io::Error),
    /// It changes all the time.
    Unsettled,
    /// What the program says.
    Refused(String),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::NoProgram => write!(f, "the program `{PROGRAM}` is not installed"),
            Fault::System(error) => error.fmt(f),
            Fault::Unsettled => f.write_str("it changes while it is read"),
            Fault::Refused(text) => write!(f, "{PROGRAM} says: {text}"),
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::System(error)
    }
}

/// A copy of a database. It is gone when this is dropped.
#[derive(Debug)]
pub(super) struct Database {
    folder: PathBuf,
}

impl Drop for Database {
    fn drop(&mut self) {
        // Nothing depends on it any more.
        drop(fs::remove_dir_all(&self.folder));
    }
}

impl Database {
    /// Copies the database at a path.
    pub(super) fn copy_of(path: &Path) -> Result<Database, Fault> {
        // What stands beside it stands beside what a link leads to.
        let path = path.canonicalize()?;
        let files = settled(&path)?;
        let database = Database { folder: new_folder()? };
        for (end, bytes) in files {
            fs::write(database.folder.join(format!("{COPY}{end}")), bytes)?;
        }
        Ok(database)
    }

    /// The rows of a query of one column, which is text without line ends.
    pub(super) fn rows(&self, query: &str) -> Result<Vec<String>, Fault> {
        let faults = File::create(self.folder.join(FAULTS))?;
        let spawned = Command::new(PROGRAM)
            // Nobody's settings count, and the first fault ends it.
            .args(["-batch", "-bail", "-noheader", "-list", "-init", "/dev/null"])
            .arg(self.folder.join(COPY))
            .arg(query)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(faults)
            .spawn();
        let mut child = spawned.map_err(|error| match error.kind() {
            ErrorKind::NotFound => Fault::NoProgram,
            _ => Fault::System(error),
        })?;
        let (Some(output), (done, read)) = (child.stdout.take(), mpsc::channel()) else {
            return Err(io::Error::from(ErrorKind::BrokenPipe).into());
        };
        thread::spawn(move || {
            let mut text = Vec::new();
            let taken = output.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut text).map(|_| text);
            // Whoever waited may have given up.
            let _ = done.send(taken);
        });
        let answer = read.recv_timeout(QUERY_WAIT).map_err(|_| io::Error::from(ErrorKind::TimedOut));
        if answer.is_err() {
            child.kill()?;
        }
        let ended = child.wait()?;
        let answer = answer??;
        if answer.len() as u64 > ANSWER_BYTES_MAX {
            return Err(Fault::Refused(format!("more than {} MiB", ANSWER_BYTES_MAX >> 20)));
        }
        if !ended.success() {
            let faults = fs::read(self.folder.join(FAULTS))?;
            let text = String::from_utf8_lossy(&faults);
            let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing");
            return Err(Fault::Refused(plain(last.trim())));
        }
        let text = String::from_utf8(answer).map_err(|_| Fault::Refused("what is no text".to_owned()))?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// The bytes of a database and of what stands beside it, each with the end of its name, as they were at one moment: what is
/// beside it is whole by its checksums, and the database itself is the same before and after.
fn settled(path: &Path) -> Result<Vec<(&'static str, Vec<u8>)>, Fault> {
    let mut database = bytes(path)?;
    for _ in 0..LOOKS_MAX {
        let mut files = Vec::new();
        for end in BESIDE {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            match bytes(Path::new(&name)) {
                Ok(bytes) => files.push((end, bytes)),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        let again = bytes(path)?;
        if again == database {
            files.push(("", database));
            return Ok(files);
        }
        database = again;
    }
    Err(Fault::Unsettled)
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let named = path.to_owned();
    let (file, meta): (File, Metadata) = patiently(path, move |_| open_regular(&named))?;
    let mut bytes = Vec::new();
    if meta.len() > FILE_BYTES_MAX
        || file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)? as u64 > FILE_BYTES_MAX
    {
        return Err(io::Error::other(format!(
            "{} has more than {} MiB",
            path.display(),
            FILE_BYTES_MAX >> 20
        )));
    }
    Ok(bytes)
}

/// A folder that only this user may enter.
fn new_folder() -> io::Result<PathBuf> {
    let mut refusal = None;
    for number in 0..FOLDERS_MAX {
        let path = std::env::temp_dir().join(format!("edgedns-import-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => refusal = Some(error),
            Err(error) => return Err(error),
        }
    }
    Err(refusal.unwrap_or_else(|| ErrorKind::AlreadyExists.into()))
}
