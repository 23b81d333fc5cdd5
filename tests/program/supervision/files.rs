//! The limit of open files.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use harness::PATIENCE;
use harness::lab::Lab;
use harness::program::Program;
use harness::tools::tool;

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

/// Has the running program open so many files at most.
fn limit(program: &Program, files: u32) {
    let mut prlimit = tool("prlimit").expect("a program of util-linux");
    let limit = format!("--nofile={files}:20000");
    let limited = prlimit.arg("--pid").arg(program.pid().to_string()).arg(limit).status();
    assert!(limited.is_ok_and(|status| status.success()), "a limit for the program");
}

/// A response over a connection, without its id.
fn exchange(client: &mut TcpStream) -> Option<Vec<u8>> {
    // The root's NS records, which are nobody's here.
    let query = [&[0, 17, 0, 7, 0, 0, 0, 1][..], &[0; 6], &[0, 0, 2, 0, 1]].concat();
    client.write_all(&query).ok()?;
    let mut length = [0; 2];
    client.read_exact(&mut length).ok()?;
    let mut response = vec![0; u16::from_be_bytes(length).into()];
    client.read_exact(&mut response).ok()?;
    Some(response.split_off(2))
}

fn connect(to: SocketAddr) -> TcpStream {
    let client = TcpStream::connect(to).expect("a connection");
    client.set_read_timeout(Some(PATIENCE)).expect("a time limit");
    client
}

#[test]
fn without_files_who_is_connected_is_answered_and_others_wait_until_there_are_some() {
    let lab = Lab::new();
    let program = start(&lab, 4096, 20_000);
    let address = lab.site.listen();
    let mut connected = connect(address);
    let response = exchange(&mut connected).expect("a response");
    // Not even those that are open would be allowed.
    limit(&program, 3);
    let mut waiting = connect(address);
    waiting.write_all(&[0]).expect("a first byte");
    let said = program.wait_for_line("cannot accept TCP connections");
    assert!(said.text.contains(&address.to_string()), "{}", said.text);
    assert_eq!(exchange(&mut connected).expect("a response"), response);
    limit(&program, 4096);
    program.wait_for_line("accepting TCP connections again");
    drop(waiting);
    assert_eq!(exchange(&mut connect(address)).expect("a response"), response);
    let complaints = program.log().into_iter().filter(|line| line.text.contains("cannot accept TCP"));
    assert_eq!(complaints.count(), 1);
    program.stop();
}
