//! No command writes colours to a pipe, or where a variable forbids them. How a terminal is recognized is
//! tested in `source`.

use std::process::Command;

use harness::lab::Lab;

/// A node of PowerDNS, with mistakes in its zones.
const NODE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/three-node/etc/pdns");

/// Every command that has colours, where it has something to say in them.
const COMMANDS: [&[&str]; 11] = [
    &["--config", "faulty.toml"],
    &["check", "--config", "faulty.toml"],
    &["compare", "--config", "edgedns.toml", "--with", "SERVER"],
    &["compare", "--config", "faulty.toml", "--with", "SERVER"],
    &["explain", "api.lab.example", "--config", "edgedns.toml"],
    &["import", "pdns", "--from", NODE, "--into", "imported", "--force"],
    &["machineconfig", "--config", "faulty.toml"],
    &["status", "--config", "edgedns.toml"],
    &["status", "--config", "faulty.toml"],
    &["status", "--nonsense"],
    &["trace", "--config", "edgedns.toml", "--for", "1s"],
];

/// What may be said of colours, and whether there are any in a pipe then.
const WISHES: [(&[(&str, &str)], Colours); 5] = [
    (&[], Colours::None),
    (&[("NO_COLOR", "1")], Colours::None),
    (&[("CLICOLOR_FORCE", "1")], Colours::Some),
    (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "")], Colours::Some),
    (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], Colours::None),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colours {
    None,
    Some,
}

impl Colours {
    fn of(text: &str) -> Colours {
        if text.contains('\x1b') { Colours::Some } else { Colours::None }
    }
}

/// Has a command begin with these variables and no other that means colours.
fn wish(command: &mut Command, variables: &[(&str, &str)]) {
    for variable in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    command.env("TERM", "xterm").envs(variables.iter().copied());
}

#[test]
fn no_command_writes_colours_to_a_pipe_or_against_a_wish() {
    let lab = Lab::new();
    let program = lab.site.start();
    lab.site.write("faulty.toml", "[probe]\nintervall = \"1s\"\n");
    // The server has the zone as it was, so that `compare` has a difference to show.
    lab.write_zone(2);
    let server = lab.site.listen().to_string();
    for arguments in COMMANDS {
        let arguments: Vec<&str> =
            arguments.iter().map(|word| if *word == "SERVER" { &server } else { *word }).collect();
        for (variables, wanted) in WISHES {
            let output = lab.site.run_as(&arguments, |command| wish(command, variables));
            let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
            assert_eq!(Colours::of(&text), wanted, "{arguments:?} with {variables:?}:\n{text}");
        }
    }
    program.stop();
}

#[test]
fn the_log_of_the_server_has_colours_only_where_they_are_wanted() {
    for (variables, wanted) in WISHES {
        let lab = Lab::new();
        let program = lab.site.spawn_as(|command| wish(command, variables));
        let line = program.wait_for_line("ready: 1 zones").text;
        assert_eq!(Colours::of(&line), wanted, "{variables:?}: {line}");
        program.stop();
    }
}
