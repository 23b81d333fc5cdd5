//! `edgedns status`, `reload` and `force` over the control socket, and the answers after each.

use harness::lab::{API, Lab};
use harness::master::Master;
use harness::program::said;
use harness::{PATIENCE, client, wait_for};
use hickory_proto::rr::RecordType;
use serde_json::Value;

#[test]
fn the_status_tells_what_every_pool_answers_and_why() {
    let mut lab = Lab::new();
    lab.masters[1].close();
    let program = lab.site.start();
    lab.wait_for_masters(&program, &[0, 2]);
    let status = lab.site.status();
    assert_eq!(status["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(
        (&status["zones"][0]["name"], &status["zones"][0]["serial"]),
        (&"lab.example.".into(), &1.into())
    );
    let pool = &status["pools"][0];
    assert_eq!((&pool["owner"], &pool["type"]), (&API.into(), &"A".into()));
    let answering: Vec<String> = lab.addresses(&[0, 2]).iter().map(ToString::to_string).collect();
    assert_eq!(pool["answering"], Value::from(answering));
    assert_eq!(pool["members"][1]["verdict"], "down");
    let down = &status["targets"][1];
    assert_eq!((&down["address"], &down["probe"]), (&lab.hosts[1].to_string().into(), &"tcp".into()));
    assert_eq!((&down["verdict"], &down["forced"]), (&"down".into(), &Value::Null));
    assert_eq!(down["last_error"], "connection refused");
    assert!(down["last_probe_age_ms"].as_u64().is_some_and(|age| age < 20_000), "{down}");
    assert!(status["targets"][0]["latency_ms"].as_f64().is_some_and(|latency| latency < 2000.0));
    let table = lab.site.ask(&["status"]);
    assert!(table.status.success(), "{}", said(&table));
    let table = said(&table);
    assert!(table.contains(&format!("{API} A: 2 of 3 up, now {} {}", lab.hosts[0], lab.hosts[2])), "{table}");
    assert!(table.contains("connection refused"), "{table}");
    program.stop();
}

#[test]
fn the_status_fails_while_a_pool_has_no_member_up() {
    let mut lab = Lab::new();
    lab.masters.iter_mut().for_each(Master::close);
    let program = lab.site.start();
    wait_for("a status that fails", PATIENCE, || {
        let output = lab.site.ask(&["status"]);
        (output.status.code() == Some(1) && said(&output).contains("A: ALL 3 DOWN, now")).then_some(())
    });
    lab.masters[0].open();
    wait_for("a status that is well", PATIENCE, || lab.site.ask(&["status"]).status.success().then_some(()));
    program.stop();
}

#[test]
fn a_status_that_is_watched_is_told_again_and_again_until_nobody_reads_it() {
    let lab = Lab::new();
    let program = lab.site.start();
    let mut watching = harness::program::command()
        .args(["status", "--watch", "--socket", "control.sock"])
        .current_dir(lab.site.folder())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("the program runs");
    let output = std::io::BufReader::new(watching.stdout.take().expect("standard output is piped"));
    let mut lines = std::io::BufRead::lines(output).map(|line| line.expect("text"));
    assert!(lines.by_ref().take(100).any(|line| line.contains("0 queries")));
    client::ask(program.listen(), API, RecordType::A).expect("an answer");
    // What is piped has no colours and is not drawn in place.
    let one = |line: String| line.starts_with("1 query (") && line.ends_with(": 1 answered");
    assert!(lines.by_ref().take(100).any(one));
    program.stop();
    let gone = |line: String| line.starts_with("error: no server answers at") && !line.contains('\x1b');
    assert!(lines.by_ref().take(100).any(gone));
    // What it was then is below.
    assert!(lines.by_ref().take(20).any(|line| line.contains(": 1 answered")));
    drop(lines);
    let ended =
        wait_for("the end of whoever is not read", PATIENCE, || watching.try_wait().expect("a child"));
    assert!(ended.success(), "{ended}");
}

#[test]
fn a_reload_waits_and_says_what_came_of_it() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.write_zone(2);
    let output = lab.site.ask(&["reload"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("reloaded: 1 zones"), "{}", said(&output));
    assert_eq!(lab.site.status()["zones"][0]["serial"], 2);
    program.stop();
}

#[test]
fn a_reload_of_a_faulty_zone_fails_with_its_diagnostics_and_the_old_one_stays() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.site.write("lab.zone", "@ SOA nonsense\n");
    let output = lab.site.ask(&["reload"]);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(text.contains("lab.zone:1:") && text.contains("1 stay as they were"), "{text}");
    let zone = lab.site.status()["zones"][0].clone();
    assert_eq!(zone["serial"], 1);
    assert!(zone["error"].as_str().is_some_and(|error| error.contains("lab.zone:1:")), "{zone}");
    lab.write_zone(3);
    assert!(lab.site.ask(&["reload"]).status.success());
    assert_eq!(lab.site.status()["zones"][0]["error"], Value::Null);
    program.stop();
}

#[test]
fn a_reload_of_a_faulty_config_is_refused_with_its_diagnostics() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.site.configure("[probe]\nintervall = \"1s\"\n");
    let output = lab.site.run(&["reload", "--socket", "control.sock"]);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(text.contains("did you mean `interval`") && text.contains("nothing has changed"), "{text}");
    lab.assert_masters(&program, &[0, 1, 2]);
    program.stop();
}

#[test]
fn a_forced_target_is_gone_from_the_answers_when_the_command_ends() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.wait_for_masters(&program, &[0, 1, 2]);
    let name = lab.name(1);
    let text = lab.site.force(&[&name, "down", "--for", "30m", "--reason", "kernel update"]);
    assert_eq!(text, format!("{name}: down\n"));
    lab.assert_masters(&program, &[0, 2]);
    let line = program.wait_for_line("forced down by operator").text;
    let [first, third] = [lab.hosts[0], lab.hosts[2]];
    let words = format!("{name} forced down by operator for 30m: kernel update ({API} now {first} {third})");
    assert!(line.ends_with(&words), "{line}");
    let target = lab.site.status()["targets"][1].clone();
    assert_eq!((&target["verdict"], &target["forced"]), (&"up".into(), &"down".into()));
    lab.site.force(&[&name, "auto"]);
    lab.assert_masters(&program, &[0, 1, 2]);
    program.wait_for_line(&format!("{name} up, no longer forced"));
    program.stop();
}

#[test]
fn a_drained_target_gets_no_new_answers_and_is_not_down_for_that() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.wait_for_masters(&program, &[0, 1, 2]);
    let name = lab.name(1);
    assert_eq!(lab.site.force(&[&name, "drain", "--for", "2h"]), format!("{name}: drain\n"));
    lab.assert_masters(&program, &[0, 2]);
    program.wait_for_line(&format!("{name} drained by operator for 2h"));
    let status = lab.site.status();
    let target = &status["targets"][1];
    assert_eq!((&target["believed"], &target["share"]), (&"up".into(), &0.into()));
    assert_eq!(status["pools"][0]["members"][1]["verdict"], "up");
    let shown = said(&lab.site.run(&["status", "--socket", "control.sock"]));
    assert!(shown.contains("up (drained)"), "{shown}");
    // Where there is no other it is answered after all.
    lab.site.force(&[&lab.name(0), "down"]);
    lab.site.force(&[&lab.name(2), "down"]);
    lab.assert_masters(&program, &[1]);
    lab.site.force(&["*", "auto"]);
    lab.assert_masters(&program, &[0, 1, 2]);
    program.stop();
}

#[test]
fn the_last_rule_that_means_a_target_holds() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.wait_for_masters(&program, &[0, 1, 2]);
    lab.site.force(&["*", "down"]);
    lab.site.force(&[&format!("{}:*", lab.hosts[2]), "auto"]);
    lab.assert_masters(&program, &[2]);
    lab.site.force(&[&lab.name(0), "up"]);
    lab.assert_masters(&program, &[0, 2]);
    lab.site.force(&["*", "auto"]);
    lab.assert_masters(&program, &[0, 1, 2]);
    assert_eq!(lab.site.status()["forced"], Value::Array(Vec::new()));
    program.stop();
}

#[test]
fn a_forced_verdict_ends_when_its_time_is_over() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.wait_for_masters(&program, &[0, 1, 2]);
    lab.site.force(&[&lab.name(1), "down", "--for", "1s"]);
    program.wait_for_line(": expired");
    lab.wait_for_masters(&program, &[0, 1, 2]);
    program.stop();
}

#[test]
fn forced_verdicts_outlive_a_program_that_was_killed() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.site.force(&[&lab.name(1), "down", "--reason", "disk"]);
    // Dropped, it is killed, and leaves its socket behind.
    drop(program);
    assert!(lab.site.folder().join("control.sock").exists());
    let program = lab.site.start();
    program.wait_for_line("forced down by operator: disk; set ");
    lab.assert_masters(&program, &[0, 2]);
    lab.site.force(&["*", "auto"]);
    program.stop();
    let program = lab.site.start();
    lab.wait_for_masters(&program, &[0, 1, 2]);
    program.stop();
}

#[test]
fn what_will_not_outlive_a_restart_is_told_until_it_will() {
    let lab = Lab::new();
    lab.configure_admin("socket = \"control.sock\"\nstate-directory = \"none/later\"", "");
    let program = lab.site.start();
    program.wait_for_line("cannot make the state directory ");
    let output = lab.site.ask(&["force", &lab.name(1), "down"]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert!(said(&output).contains("this will not outlive a restart: "), "{}", said(&output));
    let trouble = lab.site.status()["state_trouble"].as_str().map(str::to_owned);
    assert!(trouble.is_some_and(|why| why.contains("No such file")));
    assert!(said(&lab.site.ask(&["status"])).contains("state for the next start is not written: "));
    // It is tried again, so that no user has to repeat it.
    std::fs::create_dir_all(lab.site.folder().join("none/later")).expect("a folder");
    wait_for("the state", PATIENCE, || lab.site.status()["state_trouble"].is_null().then_some(()));
    assert!(lab.site.folder().join("none/later/forced.json").exists());
    assert_eq!(lab.site.ask(&["force", "*", "auto"]).status.code(), Some(0));
    program.stop();
}

#[test]
fn where_nothing_is_kept_only_taking_back_is_for_good() {
    let lab = Lab::new();
    lab.configure_admin("socket = \"control.sock\"", "");
    let program = lab.site.start();
    assert_eq!(lab.site.ask(&["force", &lab.name(1), "down"]).status.code(), Some(3));
    assert_eq!(lab.site.ask(&["force", "*", "auto"]).status.code(), Some(0));
    assert!(lab.site.status()["state_trouble"].is_null());
    program.stop();
}

#[test]
fn a_target_that_nobody_knows_is_warned_about_and_nonsense_is_refused() {
    let lab = Lab::new();
    let program = lab.site.start();
    assert!(lab.site.force(&["192.0.2.9:*", "down"]).contains("means no target"));
    let refused = |arguments: &[&str]| lab.site.ask(&[&["force"], arguments].concat()).status.code();
    assert_eq!(refused(&["*", "off"]), Some(2));
    assert_eq!(refused(&["*", "down", "--for", "soon"]), Some(2));
    assert_eq!(refused(&["*", "down", "--reason", "a\nb"]), Some(2));
    program.stop();
}

#[test]
fn a_second_server_leaves_the_socket_of_the_first_alone() {
    let (lab, other) = (Lab::new(), Lab::new());
    let program = lab.site.start();
    let socket = lab.site.folder().join("control.sock");
    other.configure_admin(&format!("socket = \"{}\"", socket.display()), "");
    let second = other.site.start();
    second.wait_for_line("another process answers on it");
    other.wait_for_masters(&second, &[0, 1, 2]);
    second.stop();
    assert_eq!(lab.site.status()["targets"][0]["address"], lab.hosts[0].to_string());
    program.stop();
    assert!(!socket.exists());
}

#[test]
fn the_socket_follows_the_configuration() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.configure_admin("socket = \"other.sock\"", "");
    assert!(lab.site.run(&["reload", "--socket", "control.sock"]).status.success());
    let old = lab.site.folder().join("control.sock");
    wait_for("the end of the old socket", PATIENCE, || (!old.exists()).then_some(()));
    assert_eq!(lab.site.status()["zones"][0]["serial"], 1);
    lab.configure_admin("", "");
    assert!(lab.site.run(&["reload", "--socket", "other.sock"]).status.success());
    let output = lab.site.ask(&["status"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("has no `socket` in `[admin]`"), "{}", said(&output));
    program.stop();
}

#[test]
fn a_master_that_flaps_is_held_down_until_it_is_all_there_is() {
    let mut lab = Lab::new();
    lab.configure("flap-limit = 2\nflap-window = \"24h\"");
    let program = lab.site.start();
    lab.wait_for_masters(&program, &[0, 1, 2]);
    lab.masters[1].close();
    lab.wait_for_masters(&program, &[0, 2]);
    lab.masters[1].open();
    lab.wait_for_masters(&program, &[0, 1, 2]);
    lab.masters[1].close();
    program.wait_for_line(&format!("{} held down: 3 changes within 24h", lab.name(1)));
    lab.masters[1].open();
    wait_for("passes of the master that is held", PATIENCE, || {
        let target = lab.site.status()["targets"][1].clone();
        (target["verdict"] == "up" && target["held"] == true).then_some(())
    });
    lab.assert_masters(&program, &[0, 2]);
    lab.masters[0].close();
    lab.masters[2].close();
    lab.wait_for_masters(&program, &[1]);
    // It goes, too: then the pool's own choice holds, and it is not all-down while it passes.
    lab.masters[1].close();
    lab.wait_for_masters(&program, &[0, 1, 2]);
    lab.masters[1].open();
    lab.wait_for_masters(&program, &[1]);
    program.stop();
}
