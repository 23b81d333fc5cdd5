//! Programs of others, and what the environment can do. A test that lacks one of these is not tried, and says
//! so.
//!
//! `PEERS=required` makes a missing program a failure; `tests/check` sets it, as `tests/provision` has
//! installed them all. `TOOLS=required`, for CI, also makes it a failure when the environment cannot do what
//! a test needs. `NOT_TRIED` names a file that takes a line for each test that was not tried; `tests/check`
//! shows these at its end.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::program::said;

/// Where Debian keeps servers; a user's PATH lacks it.
const SYSTEM_FOLDER: &str = "/usr/sbin";

/// Where Debian keeps libraries, in a folder for each architecture.
const LIBRARY_FOLDER: &str = "/usr/lib";

/// A command that runs `program`; none where it is not installed, which is noted, or a failure where `PEERS` or
/// `TOOLS` require programs.
pub fn tool(program: &str) -> Option<Command> {
    let found = path_of(program);
    if found.is_none() {
        assert!(!required("PEERS"), "{program} is not installed");
        not_tried(&format!("{program} is not installed"));
    }
    found.map(Command::new)
}

/// What `nsupdate` says when it sends these lines about a zone to a server; none: it is not installed.
pub fn nsupdate(server: SocketAddr, zone: &str, options: &[&str], lines: &str) -> Option<String> {
    let mut command = tool("nsupdate")?;
    let command = command.args(options).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("nsupdate runs");
    let text = format!("server {} {}\nzone {zone}\n{lines}\nsend\nanswer\n", server.ip(), server.port());
    child.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("nsupdate reads");
    Some(said(&child.wait_with_output().expect("nsupdate ends")))
}

/// A Python that has these modules; none where there is none, which is noted.
pub fn python_with(modules: &str) -> Option<Command> {
    let has_all = |python: &&str| {
        let tried = Command::new(python).args(["-c", &format!("import {modules}")]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let python = ["python3", "/usr/bin/python3"].into_iter().find(has_all);
    if python.is_none() {
        not_tried(&format!("there is no Python with {modules}"));
    }
    python.map(Command::new)
}

/// Whether a program is there to be run; where it is not, as [`tool`].
pub fn is_installed(program: &str) -> bool {
    tool(program).is_some()
}

/// Where a program is, if it is installed.
pub fn path_of(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain([SYSTEM_FOLDER.into()]);
    folders.map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Where a library is below the folders of Debian's libraries; none where it is not installed, as [`tool`].
pub fn library(name: &str) -> Option<PathBuf> {
    let folders = std::fs::read_dir(LIBRARY_FOLDER).into_iter().flatten().flatten();
    let found = folders.map(|folder| folder.path().join(name)).find(|file| file.is_file());
    if found.is_none() {
        assert!(!required("PEERS"), "{name} is not installed");
        not_tried(&format!("{name} is not installed"));
    }
    found
}

/// A command that runs another one in a network namespace of its own, as root there; `more` are options of `unshare(1)`,
/// such as `--mount`. Root needs no user namespace for it, and some machines refuse those. None, and noted, where the
/// environment cannot: a container, a chroot.
pub fn in_own_network(more: &[&str]) -> Option<Command> {
    let id = Command::new("id").arg("-u").output().expect("id runs");
    let user = (id.stdout != b"0\n").then_some("--map-root-user");
    let unshare = || {
        let mut command = tool("unshare")?;
        command.arg("--net").args(user).args(more);
        Some(command)
    };
    tool("ip")?;
    let tried = unshare()?
        .args(["ip", "link", "set", "lo", "up"])
        .stdin(Stdio::null())
        .output()
        .expect("unshare runs");
    if tried.status.success() {
        return unshare();
    }
    let refusal = String::from_utf8_lossy(&tried.stderr);
    not_tried(&format!("there is no network namespace of one's own: {}", refusal.trim()));
    None
}

/// Notes that the test of this thread is not tried here, and why.
///
/// # Panics
///
/// Where `TOOLS` says that everything must be tried.
pub fn not_tried(because: &str) {
    assert!(!required("TOOLS"), "cannot be tried: {because}");
    let thread = std::thread::current();
    let line = format!("{}: {because}", thread.name().unwrap_or("a test"));
    println!("not tried here: {line}");
    let Some(file) = std::env::var_os("NOT_TRIED") else { return };
    let file = OpenOptions::new().append(true).create(true).open(file);
    // One write for a line: tests note beside each other.
    file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()))
        .expect("a list of what is not tried");
}

fn required(variable: &str) -> bool {
    std::env::var(variable).is_ok_and(|value| value == "required")
}
