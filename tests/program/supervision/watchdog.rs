//! The watchdog is fed while loop, workers and probes make progress, and only then.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::Duration;

use hickory_proto::rr::RecordType;

use super::manager::Manager;
use harness::client::{addresses, ask_tcp};
use harness::lab::{API, Lab};
use harness::program::Program;
use harness::tools::tool;
use harness::{PATIENCE, wait_for};

/// Half a second: fed every quarter.
const WATCHDOG_USEC: &str = "500000";

/// Holds one thread as a debugger does, until its standard input ends.
const HOLD: &str = r#"
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
thread, seize, interrupt, any_thread = int(sys.argv[1]), 0x4206, 0x4207, 0x40000000
for request in seize, interrupt:
    if libc.ptrace(request, thread, None, None) != 0:
        sys.exit(os.strerror(ctypes.get_errno()))
os.waitpid(thread, any_thread)
print("held", flush=True)
sys.stdin.read()
"#;

fn start(lab: &Lab, manager: &Manager) -> Program {
    lab.site.spawn_as(|command| {
        manager.expect(command);
        command.env("WATCHDOG_USEC", WATCHDOG_USEC);
    })
}

#[test]
fn it_is_fed_while_everything_turns() {
    let lab = Lab::new();
    let mut manager = Manager::new();
    let program = start(&lab, &manager);
    manager.wait_for("READY=1");
    for _ in 0..8 {
        manager.wait_for("WATCHDOG=1");
    }
    program.stop();
}

#[test]
fn it_is_not_fed_while_a_udp_worker_hangs_and_is_again_afterwards() {
    it_is_not_fed_while_this_hangs("edgedns-udp-0", "UDP worker 0");
}

#[test]
fn it_is_not_fed_while_a_thread_of_tcp_hangs_and_is_again_afterwards() {
    it_is_not_fed_while_this_hangs("edgedns-tcp-0", "TCP thread 0");
}

fn it_is_not_fed_while_this_hangs(thread: &str, name: &str) {
    let lab = Lab::new();
    let mut manager = Manager::new();
    let program = start(&lab, &manager);
    manager.wait_for("WATCHDOG=1");
    let Some(held) = Held::thread(&program, thread) else { return };
    program.wait_for_line(&format!(
        "{name} makes no progress; if this persists, the watchdog of the service manager"
    ));
    // Signs that were on their way when it was held have come by now; the next sign would be due twice.
    manager.count_during(Duration::from_millis(1), "");
    assert_eq!(manager.count_during(Duration::from_millis(600), "WATCHDOG=1"), 0);
    held.let_go();
    manager.wait_for("WATCHDOG=1");
    program.stop();
}

#[test]
fn it_is_not_fed_while_the_loop_hangs() {
    let lab = Lab::new();
    let mut manager = Manager::new();
    let program = start(&lab, &manager);
    manager.wait_for("WATCHDOG=1");
    let Some(held) = Held::thread(&program, "edgedns") else { return };
    // A sign that was due may take as long as half the watchdog.
    manager.count_during(Duration::from_millis(500), "");
    assert_eq!(manager.count_during(Duration::from_millis(600), "WATCHDOG=1"), 0);
    held.let_go();
    manager.wait_for("WATCHDOG=1");
    program.stop();
}

/// Asks over TCP, which no worker serves, until the sorted addresses are these.
fn wait_for_masters_over_tcp(lab: &Lab, masters: &[usize]) {
    let wanted = lab.addresses(masters);
    wait_for(&format!("{wanted:?} over TCP"), PATIENCE, || {
        let mut seen = addresses(&ask_tcp(lab.site.listen(), API, RecordType::A)?);
        seen.sort_unstable();
        (seen == wanted).then_some(())
    });
}

#[test]
fn verdicts_are_published_while_a_change_of_the_listeners_hangs() {
    let mut lab = Lab::new();
    let program = lab.site.start();
    lab.wait_for_masters(&program, &[0, 1, 2]);
    let Some(held) = Held::thread(&program, "edgedns-udp-0") else { return };
    let mut reload = lab.site.reload();
    // It is under way when its targets have been probed; then it waits for the worker.
    program.wait_for_line("reloaded: 1 zones");
    for (gone, left) in [(0, &[1, 2][..]), (1, &[2])] {
        lab.masters[gone].close();
        wait_for_masters_over_tcp(&lab, left);
    }
    assert!(
        reload.try_wait().expect("a child").is_none(),
        "the reload is over before the worker has heard of it"
    );
    held.let_go();
    assert!(wait_for("the end of the reload", PATIENCE, || reload.try_wait().expect("a child")).success());
    lab.wait_for_masters(&program, &[2]);
    program.stop();
}

/// A thread that does not run.
struct Held(Child);

impl Held {
    /// None without Python to hold it with.
    fn thread(program: &Program, name: &str) -> Option<Held> {
        let tasks = fs::read_dir(format!("/proc/{}/task", program.pid())).expect("a process");
        let named = |task: &fs::DirEntry| {
            fs::read_to_string(task.path().join("comm")).is_ok_and(|comm| comm.trim_end() == name)
        };
        let thread = tasks.map_while(Result::ok).find(named).expect("a thread of this name").file_name();
        let mut child = tool("python3")?
            .args(["-c", HOLD])
            .arg(thread)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("Python runs");
        let mut line = String::new();
        let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
        said.read_line(&mut line).expect("a word");
        assert_eq!(line.trim_end(), "held", "the thread cannot be held");
        Some(Held(child))
    }

    fn let_go(mut self) {
        drop(self.0.stdin.take());
        assert!(self.0.wait().expect("a child").success());
    }
}
