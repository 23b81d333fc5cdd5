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
    /// The program cannot be run, or what it says not be read.
    Program(io::Error),
    /// This file of the database cannot be read.
    File(PathBuf, io::Error),
    /// This file of the database has too many bytes.
    Long(PathBuf),
    /// It changes all the time.
    Unsettled,
    /// The copy cannot be made in this folder.
    Copy(PathBuf, io::Error),
    /// What the program says against a query.
    Refused(String),
    /// The answer to a query does not come.
    Slow,
    /// The answer to a query does not end.
    Endless,
    /// The answer to a query is not text.
    NotText,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Fault::NoProgram => write!(f, "the program `{PROGRAM}` is not installed"),
            Fault::Program(error) => write!(f, "the program `{PROGRAM}` cannot be run: {error}"),
            Fault::File(path, error) => write!(f, "{}: {error}", path.display()),
            Fault::Long(path) => {
                write!(f, "{} has more than {} MiB", path.display(), FILE_BYTES_MAX >> 20)
            }
            Fault::Unsettled => f.write_str("it changes while it is read"),
            Fault::Copy(path, error) => {
                write!(f, "a private copy of it cannot be made in {}: {error}", path.display())
            }
            Fault::Refused(text) => write!(f, "{PROGRAM} says: {text}"),
            Fault::Slow => {
                write!(f, "`{PROGRAM}` has not answered a query in {} s", QUERY_WAIT.as_secs())
            }
            Fault::Endless => {
                write!(f, "the answer to a query has more than {} MiB", ANSWER_BYTES_MAX >> 20)
            }
            Fault::NotText => f.write_str("the answer to a query is not text"),
        }
    }
}

impl Fault {
    /// What to do; none: the file is to be copied to where it is looked for.
    pub(super) fn remedy(&self) -> Option<&'static str> {
        match self {
            Fault::NoProgram | Fault::Program(_) => {
                Some("install the package sqlite3 (of RPMs: sqlite), and import again")
            }
            Fault::File(_, error) if error.kind() == ErrorKind::PermissionDenied => {
                Some("import as a user who may read it")
            }
            Fault::File(..) => None,
            Fault::Long(_) => {
                Some("`vacuum` of sqlite3 takes what is not used out of a copy of it: import that")
            }
            Fault::Unsettled => Some("import while PowerDNS does not write it"),
            Fault::Copy(..) => {
                Some("make room there, or name another folder in the environment variable TMPDIR")
            }
            Fault::Refused(_) | Fault::NotText => Some(
                "copy it anew, with the files beside it (-wal, -journal), while PowerDNS does not write it, and import again",
            ),
            Fault::Slow => Some("import on a machine that is less busy"),
            Fault::Endless => Some("delete what is not needed from a copy of it, and import that"),
        }
    }
}

/// A copy of a database, in a folder of its own.
#[derive(Debug)]
pub(super) struct Database {
    folder: PathBuf,
}

impl Database {
    /// Copies the database at a path.
    ///
    /// # Errors
    ///
    /// Why there is no copy, and the folder of what there is of it, if that could not be removed.
    pub(super) fn copy_of(path: &Path) -> Result<Database, (Fault, Option<PathBuf>)> {
        let files = settled(path).map_err(|fault| (fault, None))?;
        let database = Database { folder: new_folder().map_err(|fault| (fault, None))? };
        for (end, bytes) in files {
            let copy = database.folder.join(format!("{COPY}{end}"));
            if let Err(error) = fs::write(&copy, bytes) {
                let fault = Fault::Copy(database.folder.clone(), error);
                return Err((fault, database.remove().err()));
            }
        }
        Ok(database)
    }

    /// Removes the copy, which has secrets.
    ///
    /// # Errors
    ///
    /// The folder that is still there.
    pub(super) fn remove(self) -> Result<(), PathBuf> {
        fs::remove_dir_all(&self.folder).map_err(|_| self.folder)
    }

    /// The rows of a query of one column, which is text without line ends.
    pub(super) fn rows(&self, query: &str) -> Result<Vec<String>, Fault> {
        let copy = |error| Fault::Copy(self.folder.clone(), error);
        let faults = File::create(self.folder.join(FAULTS)).map_err(copy)?;
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
            _ => Fault::Program(error),
        })?;
        let (Some(output), (done, read)) = (child.stdout.take(), mpsc::channel()) else {
            return Err(Fault::Program(ErrorKind::BrokenPipe.into()));
        };
        thread::spawn(move || {
            let mut text = Vec::new();
            let taken = output.take(ANSWER_BYTES_MAX + 1).read_to_end(&mut text).map(|_| text);
            // Whoever waited may have given up.
            let _ = done.send(taken);
        });
        let answer = read.recv_timeout(QUERY_WAIT).map_err(|_| Fault::Slow);
        let is_whole = matches!(&answer, Ok(Ok(answer)) if usize::try_from(ANSWER_BYTES_MAX).is_ok_and(|max| answer.len() <= max));
        if !is_whole {
            child.kill().map_err(Fault::Program)?;
        }
        let ended = child.wait().map_err(Fault::Program)?;
        let answer = answer?.map_err(Fault::Program)?;
        if !is_whole {
            return Err(Fault::Endless);
        }
        if !ended.success() {
            let faults = fs::read(self.folder.join(FAULTS)).map_err(copy)?;
            let text = String::from_utf8_lossy(&faults);
            let last = text.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("nothing");
            return Err(Fault::Refused(plain(last.trim())));
        }
        let text = String::from_utf8(answer).map_err(|_| Fault::NotText)?;
        Ok(text.lines().map(str::to_owned).collect())
    }
}

/// The bytes of a database and of what stands beside it, each with the end of its name, as they were at one moment: what is
/// beside it is whole by its checksums, and the database itself is the same before and after.
fn settled(path: &Path) -> Result<Vec<(&'static str, Vec<u8>)>, Fault> {
    let unread = |path: &Path| {
        let path = path.to_owned();
        move |error| Fault::File(path, error)
    };
    // What stands beside it stands beside what a link leads to.
    let path = path.canonicalize().map_err(unread(path))?;
    let whole = |path: &Path| bytes(path).map_err(unread(path))?.ok_or_else(|| Fault::Long(path.to_owned()));
    let mut database = whole(&path)?;
    for _ in 0..LOOKS_MAX {
        let mut files = Vec::new();
        for end in BESIDE {
            let mut name = path.as_os_str().to_owned();
            name.push(end);
            match whole(Path::new(&name)) {
                Ok(bytes) => files.push((end, bytes)),
                Err(Fault::File(_, error)) if error.kind() == ErrorKind::NotFound => {}
                Err(fault) => return Err(fault),
            }
        }
        let again = whole(&path)?;
        if again == database {
            files.push(("", database));
            return Ok(files);
        }
        database = again;
    }
    Err(Fault::Unsettled)
}

/// The bytes of a file; none of one that has too many.
fn bytes(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let named = path.to_owned();
    let (file, meta): (File, Metadata) = patiently(path, move |_| open_regular(&named))?;
    let mut bytes = Vec::new();
    let is_long = meta.len() > FILE_BYTES_MAX
        || file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)? as u64 > FILE_BYTES_MAX;
    Ok((!is_long).then_some(bytes))
}

/// A folder that only this user may enter.
fn new_folder() -> Result<PathBuf, Fault> {
    let folder = std::env::temp_dir();
    let mut refusal = ErrorKind::AlreadyExists.into();
    for number in 0..FOLDERS_MAX {
        let path = folder.join(format!("edgedns-import-{}-{number}", std::process::id()));
        match DirBuilder::new().mode(0o700).create(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => refusal = error,
            Err(error) => return Err(Fault::Copy(folder, error)),
        }
    }
    Err(Fault::Copy(folder, refusal))
}
