//! The program under test as an operator runs it: one process, from its config file to its exit status, and
//! its log.

use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::{PATIENCE, free_port, loopback, wait_for};

/// The file of the program under test.
///
/// Cargo names it to the tests that it runs. A test that a debugger runs finds it where cargo leaves it: in the folder
/// above its own.
pub fn executable() -> PathBuf {
    std::env::var_os("CARGO_BIN_EXE_edgedns").map_or_else(
        || {
            let test = std::env::current_exe().expect("the file of this test");
            test.ancestors().nth(2).expect("a target folder").join("edgedns")
        },
        PathBuf::from,
    )
}

/// The program under test, without what an operator has set for other runs, and without colours.
pub fn command() -> Command {
    let mut command = Command::new(executable());
    forget_settings(&mut command);
    command
}

/// Takes from a command what an operator has set for edgedns, and colours.
pub(crate) fn forget_settings(command: &mut Command) {
    for variable in ["EDGEDNS_LOG", "JOURNAL_STREAM", "NOTIFY_SOCKET", "RUNTIME_DIRECTORY", "STATE_DIRECTORY"]
    {
        command.env_remove(variable);
    }
    command.env("NO_COLOR", "1");
}

/// All that a command wrote: what it was asked for, then its messages.
pub fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned()
}

/// A folder with a config file and zones, and a place to listen at.
pub struct Site {
    folder: TempDir,
    listen: SocketAddr,
}

/// A running edgedns. Killed when dropped; [`Program::stop`] ends it properly.
pub struct Program {
    child: Child,
    /// What it logs, in a file without a name: what it had logged before something that a test sees is there when the test
    /// looks.
    log: File,
    listen: SocketAddr,
}

/// One line of the log.
#[derive(Clone, Debug)]
pub struct Line {
    /// The line, without its end.
    pub text: String,
}

impl Site {
    /// An empty folder and an address of its own.
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a scratch folder"), listen: free_port(loopback()) }
    }

    /// Where the program is told to listen.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// The folder of the config file.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file of the folder as an editor does: the new text is there at once or not at all.
    pub fn write(&self, file: &str, text: &str) {
        let (place, fresh) = (self.folder().join(file), self.folder().join("fresh"));
        fs::write(&fresh, text).expect("a scratch file");
        fs::rename(fresh, place).expect("a scratch file");
    }

    /// Writes the config file: the `[server]` table, then `rest`. Files are not watched, so that a test says
    /// when they are read.
    pub fn configure(&self, rest: &str) {
        self.configure_listeners(&[self.listen], rest);
    }

    /// Writes the config file with these listeners.
    pub fn configure_listeners(&self, listen: &[SocketAddr], rest: &str) {
        let listen: Vec<String> = listen.iter().map(|place| format!("\"{place}\"")).collect();
        self.write(
            "edgedns.toml",
            &format!("[server]\nlisten = [{}]\nworkers = 1\nwatch = false\n\n{rest}", listen.join(", ")),
        );
    }

    /// Writes the config file of a server that watches its files.
    pub fn configure_watched(&self, rest: &str) {
        let text = format!("[server]\nlisten = [\"{}\"]\nworkers = 1\n\n{rest}", self.listen);
        self.write("edgedns.toml", &text);
    }

    /// Starts the program and waits until it is ready.
    pub fn start(&self) -> Program {
        let program = self.spawn();
        program.wait_for_line("ready: ");
        program
    }

    /// Starts the program by a command that `prepare` has changed, and waits for nothing.
    pub fn spawn_as(&self, prepare: impl FnOnce(&mut Command)) -> Program {
        let mut command = self.command();
        command.arg("--config").arg(self.config());
        prepare(&mut command);
        self.begin(command)
    }

    /// Runs `edgedns check` on the folder.
    pub fn check(&self) -> Output {
        self.command().arg("check").arg("--config").arg(self.config()).output().expect("the program runs")
    }

    /// Runs a command of edgedns in the folder, to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.run_as(arguments, |_| {})
    }

    /// Runs a command of edgedns that `prepare` has changed, to its end.
    pub fn run_as(&self, arguments: &[&str], prepare: impl FnOnce(&mut Command)) -> Output {
        let mut command = self.command();
        command.args(arguments);
        prepare(&mut command);
        command.output().expect("the program runs")
    }

    /// Runs a command that finds the running server by the config file, to its end.
    pub fn ask(&self, arguments: &[&str]) -> Output {
        self.run(&[arguments, &["--config", "edgedns.toml"]].concat())
    }

    /// What `edgedns status` says, as JSON.
    pub fn status(&self) -> Value {
        let output = self.ask(&["status", "--format", "json"]);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", said(&output)))
    }

    /// `edgedns force`, which must succeed; what it said.
    pub fn force(&self, arguments: &[&str]) -> String {
        let output = self.ask(&[&["force"], arguments].concat());
        assert!(output.status.success(), "{}", said(&output));
        said(&output)
    }

    /// Begins `edgedns reload`, over the control socket in the folder, which ends when the reload does.
    pub fn reload(&self) -> Child {
        let mut command = self.command();
        command.args(["reload", "--socket", "control.sock"]).stdout(Stdio::null()).stderr(Stdio::null());
        command.spawn().expect("the program runs")
    }

    fn spawn(&self) -> Program {
        self.spawn_as(|_| {})
    }

    fn begin(&self, mut command: Command) -> Program {
        let log = tempfile::tempfile().expect("a scratch file");
        let written = log.try_clone().expect("a scratch file");
        let child = command.stdout(Stdio::null()).stderr(written).spawn().expect("the program runs");
        Program { child, log, listen: self.listen }
    }

    fn command(&self) -> Command {
        let mut command = command();
        command.current_dir(self.folder());
        command
    }

    fn config(&self) -> PathBuf {
        self.folder().join("edgedns.toml")
    }
}

impl Program {
    /// Where it answers.
    pub fn listen(&self) -> SocketAddr {
        self.listen
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The log so far, its whole lines.
    pub fn log(&self) -> Vec<Line> {
        let length = self.log.metadata().expect("a scratch file").len();
        let mut bytes = vec![0; usize::try_from(length).expect("a log that fits")];
        // Read where it stands: the program writes at the place that both share.
        self.log.read_exact_at(&mut bytes, 0).expect("a scratch file");
        let text = String::from_utf8_lossy(&bytes);
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| Line { text: line.to_owned() }).collect()
    }

    /// How many lines it has logged: where to look from with [`Program::wait_for_line_after`].
    pub fn log_len(&self) -> usize {
        self.log().len()
    }

    /// Waits for a line with `words`, wherever it is.
    pub fn wait_for_line(&self, words: &str) -> Line {
        self.wait_for_line_after(0, words)
    }

    /// Waits for a line with `words` behind the first `after` lines.
    pub fn wait_for_line_after(&self, after: usize, words: &str) -> Line {
        let begin = Instant::now();
        loop {
            let log = self.log();
            if let Some(line) = log.iter().skip(after).find(|line| line.text.contains(words)) {
                return line.clone();
            }
            let text: Vec<&str> = log.iter().map(|line| line.text.as_str()).collect();
            assert!(begin.elapsed() < PATIENCE, "no line with {words:?} in the log:\n{}", text.join("\n"));
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Asks until the sorted addresses are `wanted`.
    pub fn wait_for_addresses(&self, qname: &str, wanted: &[IpAddr]) {
        use hickory_proto::rr::RecordType;
        let mut seen = None;
        let ask = || {
            seen = crate::client::sorted_addresses(self.listen, qname, RecordType::A);
            (seen.as_deref() == Some(wanted)).then_some(())
        };
        wait_for(&format!("{qname} A {wanted:?}"), PATIENCE, ask);
    }

    /// SIGHUP.
    pub fn reload(&self) {
        self.signal("HUP");
    }

    /// SIGHUP; returns when the files have been read, all or some of them.
    pub fn reload_and_wait(&self) {
        let before = self.log_len();
        self.reload();
        self.wait_for_line_after(before, "reloaded: ");
    }

    /// SIGTERM; then it must end with status 0.
    pub fn stop(mut self) {
        self.signal("TERM");
        let status: ExitStatus =
            wait_for("the end of edgedns", PATIENCE, || self.child.try_wait().expect("a child"));
        assert!(status.success(), "edgedns ended with {status}");
    }

    /// SIGKILL: it ends as in a crash.
    pub fn kill(&mut self) {
        self.child.kill().expect("edgedns is there to be killed");
        self.child.wait().expect("a child");
    }

    /// Waits until it ends by itself, and tells how.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        wait_for("the end of edgedns", PATIENCE, || self.child.try_wait().expect("a child"))
    }

    /// Fails when the program is no longer there.
    pub fn assert_running(&mut self) {
        let ended = self.child.try_wait().expect("a child");
        assert!(ended.is_none(), "edgedns ended with {ended:?}");
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.pid().to_string()).status();
        assert!(sent.is_ok_and(|status| status.success()), "edgedns is not there to get SIG{name}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // After `stop` there is nothing left to kill; both may fail, and neither matters then.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
