//! The log of the running program, in each format.

use serde_json::Value;

use harness::lab::{API, Lab};

#[test]
fn every_line_of_a_json_log_is_an_object_with_what_it_can_be_found_by() {
    let mut lab = Lab::new();
    let program = lab.site.spawn_as(|command| _ = command.args(["--log-format", "json"]));
    program.wait_for_line("ready: 1 zones");
    lab.masters[0].close();
    program.wait_for_line(" down after ");
    lab.site.write("lab.zone", "@ A here\n");
    program.reload();
    program.wait_for_line("reloaded: 0 of 1 zones");
    let lines: Vec<Value> =
        program.log().iter().map(|line| serde_json::from_str(&line.text).expect("an object")).collect();
    let find = |words: &str| {
        let says = |line: &&Value| line["message"].as_str().is_some_and(|message| message.contains(words));
        lines.iter().find(says).unwrap_or_else(|| panic!("no line says {words:?}: {lines:#?}"))
    };
    let down = find(" down after ");
    assert_eq!(
        (&down["level"], &down["target"], &down["verdict"], &down["pool"]),
        (&"warn".into(), &lab.name(0).into(), &"down".into(), &serde_json::json!([API]))
    );
    let loaded = find("zone lab.example. serial 1");
    assert_eq!((&loaded["zone"], &loaded["serial"]), (&"lab.example.".into(), &"1".into()));
    let stays = find("stays at serial 1");
    assert_eq!((&stays["zone"], &stays["level"]), (&"lab.example.".into(), &"error".into()));
    assert!(find("reloaded: 0 of 1 zones")["generation"].is_string());
    program.stop();
}

#[test]
fn a_plain_log_says_nothing_twice() {
    let mut lab = Lab::new();
    // Inherited from a service whose standard error is the journal; ours is not.
    let program = lab.site.spawn_as(|command| _ = command.env("JOURNAL_STREAM", "8:1234"));
    program.wait_for_line("ready: 1 zones");
    lab.masters[0].close();
    let line = program.wait_for_line(" down after ");
    let text = line.text.split_once(" WARN ").unwrap_or_else(|| panic!("{line:?}")).1;
    let (sentence, effect) = text.split_once(" (").unwrap_or_else(|| panic!("{line:?}"));
    assert_eq!(sentence, format!("{} down after 1 failure: connection refused", lab.name(0)));
    assert_eq!(effect, format!("{API} now {} {})", lab.hosts[1], lab.hosts[2]));
    program.stop();
}

#[test]
fn without_a_journal_its_format_is_a_priority_before_each_line() {
    let lab = Lab::new();
    // The journal's socket is not where a machine without systemd has none.
    let Err(_) = std::fs::metadata("/run/systemd/journal/socket") else { return };
    let program = lab.site.spawn_as(|command| _ = command.args(["--log-format", "journal"]));
    let line = program.wait_for_line("ready: 1 zones");
    assert!(line.text.starts_with("<6>ready: "), "{line:?}");
    program.stop();
}
