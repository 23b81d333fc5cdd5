//! The limit of open files.

use std::fs;
use std::process::Command;

use harness::lab::Lab;
use harness::program::Program;

/// Starts the program with these soft and hard limits.
fn start(lab: &Lab, soft: u32, hard: u32) -> Program {
    let program = lab.site.spawn_as(|command| {
        let mut limited = Command::new("sh");
        let limits = format!("ulimit -Sn {soft} && ulimit -Hn {hard} && exec \"$@\"");
        limited.args(["-c", &limits, "sh"]).arg(command.get_program()).args(command.get_args());
        limited.current_dir(lab.site.folder());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => limited.env(name, value),
                None => limited.env_remove(name),
            };
        }
        *command = limited;
    });
    program.wait_for_line("ready: 1 zones");
    program
}

/// The soft and the hard limit of a process.
fn limits(program: &Program) -> Vec<String> {
    let limits = fs::read_to_string(format!("/proc/{}/limits", program.pid())).expect("a process");
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files")).expect("a limit");
    files.split_whitespace().take(2).map(str::to_owned).collect()
}

fn warnings(program: &Program) -> Vec<String> {
    let lines = program.log().into_iter().map(|line| line.text);
    lines.filter(|line| line.contains("files open")).collect()
}

#[test]
fn as_many_files_may_be_open_as_the_system_grants() {
    let lab = Lab::new();
    let program = start(&lab, 256, 20_000);
    assert_eq!(limits(&program), ["20000", "20000"]);
    assert_eq!(warnings(&program), [""; 0]);
    program.stop();
}

#[test]
fn a_limit_that_is_too_low_for_what_is_configured_is_told_once() {
    let lab = Lab::new();
    let program = start(&lab, 512, 1024);
    // The defaults: 1,000 connections, half of the files for probes, and 256.
    program.wait_for_line("this process may have 1024 files open");
    let reload = || {
        let so_far = program.log_len();
        program.reload();
        program.wait_for_line_after(so_far, "reloaded: 1 zones");
    };
    reload();
    assert_eq!(warnings(&program).len(), 1, "it is known");
    lab.configure("probes-at-once = 600");
    reload();
    let told = warnings(&program);
    assert!(told.len() == 2 && told[1].contains("600 probes at once"), "{told:?}");
    program.stop();
}
