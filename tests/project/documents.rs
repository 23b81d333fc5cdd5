//! What the documents show works: every config in the README is one that the
//! program takes, and so is what `zones/` offers to start from; every command
//! of edgedns in the README and in the guide of `systemd/` is one that it knows.
//!
//! Responsible for examples. Not responsible for prose.

use std::path::Path;
use std::process::{Command, Output};

use edgedns::config::{Absent, KEYS, Section};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A zone without guards, for the configs that guard plain records.
const PLAIN: &str = "\
$TTL 10
@ IN SOA ns1 hostmaster 1 3h 30m 2w 10
@ IN NS ns1
ns1 IN A 192.0.2.13
api IN A 192.0.2.13
api IN A 192.0.2.14
api-int IN A 192.0.2.13
*.apps IN A 192.0.2.13
";

fn check(config: &Path) -> Output {
    let edgedns = env!("CARGO_BIN_EXE_edgedns");
    Command::new(edgedns).arg("check").arg("--config").arg(config).output().expect("edgedns runs")
}

#[test]
fn every_config_in_the_readme_is_taken_without_a_word() {
    let readme = std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let blocks: Vec<&str> =
        readme.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 2, "the README shows {} configs", blocks.len());
    for block in blocks {
        let folder = tempfile::tempdir().unwrap();
        let zones = folder.path().join("zones");
        std::fs::create_dir(&zones).unwrap();
        let example = "ocp4.example.com.zone";
        std::fs::copy(Path::new(ROOT).join("zones").join(example), zones.join(example)).unwrap();
        std::fs::write(zones.join("plain.zone"), PLAIN).unwrap();
        let config = folder.path().join("edgedns.toml");
        std::fs::write(&config, block).unwrap();
        let output = check(&config);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains("0 errors, 0 warnings"), "{block}\n{said}");
    }
}

/// The documents that show commands.
const GUIDES: [&str; 2] = ["README.md", "systemd/README.md"];

/// With `--help` behind it, a command is read up to there: unknown commands, options and values are refused.
#[test]
fn every_command_of_edgedns_in_a_guide_is_one_that_it_knows() {
    let mut faults = Vec::new();
    for guide in GUIDES {
        let text = std::fs::read_to_string(Path::new(ROOT).join(guide)).unwrap();
        let commands = commands(&text);
        assert!(commands.len() >= 5, "{guide} shows {} commands", commands.len());
        for arguments in commands {
            let edgedns = env!("CARGO_BIN_EXE_edgedns");
            let output = Command::new(edgedns).args(&arguments).arg("--help").output().expect("edgedns runs");
            if !output.status.success() {
                let said = String::from_utf8_lossy(&output.stderr).into_owned();
                faults.push(format!("{guide}: edgedns {}\n{said}", arguments.join(" ")));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The arguments of every `edgedns` that is run in a block of commands, whoever runs it: behind `sudo`, `$(`, a pipe.
fn commands(guide: &str) -> Vec<Vec<String>> {
    let blocks = guide.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next());
    let joined: Vec<String> = blocks.map(|block| block.replace("\\\n", " ")).collect();
    let lines = joined.iter().flat_map(|block| block.lines());
    lines.flat_map(run_in).collect()
}

/// What a line of a shell runs with edgedns.
fn run_in(line: &str) -> Vec<Vec<String>> {
    let words = words(line);
    // A word of the name of a unit or a package is not a command: `systemctl status edgedns`.
    let starts = |at: usize| {
        at == 0 || matches!(words[at - 1].as_str(), "|" | "&&" | ";" | "sudo" | "then" | "do" | "$(")
    };
    let is_run = |at: &usize| words[*at] == "edgedns" && starts(*at);
    let arguments = |at: usize| {
        let behind = words[at + 1..].iter();
        behind
            .take_while(|word| !matches!(word.as_str(), "|" | "||" | "&&" | ";" | ")" | ">" | "2>"))
            .cloned()
            .collect()
    };
    (0..words.len()).filter(is_run).map(arguments).collect()
}

/// The words of a line, without quotes and without its comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut quote = None;
    for character in line.chars().chain([' ']) {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '#') if word.is_empty() => break,
            (None, ' ' | ';' | ')') => {
                words.extend(Some(std::mem::take(&mut word)).filter(|word| !word.is_empty()));
                words.extend((character != ' ').then(|| character.to_string()));
            }
            _ => word.push(character),
        }
        if word == "$(" {
            words.push(std::mem::take(&mut word));
        }
    }
    words.extend(Some(word).filter(|word| !word.is_empty()));
    words
}

#[test]
fn commands_are_found_in_every_place_of_a_line() {
    let found = |line: &str| run_in(line).into_iter().map(|words| words.join("+")).collect::<Vec<_>>();
    assert_eq!(found("edgedns status   # and why"), ["status"]);
    assert_eq!(
        found("sudo edgedns force '192.0.2.14:*' down --reason \"a b\" | cat"),
        ["force+192.0.2.14:*+down+--reason+a b"]
    );
    assert_eq!(found("x && edgedns reload; edgedns status > file"), ["reload", "status"]);
    assert_eq!(found("systemctl status edgedns; rpm -q edgedns"), [""; 0]);
}

/// Begins the part of `docs/configuration.md` that is made from the table of keys.
const KEYS_BEGIN: &str =
    "<!-- From here on made from the table of keys: WRITE=1 cargo test --test project documents -->\n";

/// The list that the reader of the config file itself goes by; `WRITE=1` writes it anew.
#[test]
fn the_reference_has_every_key_with_its_default() {
    let mut text = String::new();
    for (place, key) in KEYS.iter().enumerate() {
        if place == 0 || KEYS[place - 1].section != key.section {
            let section = match key.section {
                Section::Root => "",
                Section::Server => "[server]",
                Section::Admin => "[admin]",
                Section::Probe => "[probe]",
                Section::Limit => "[limit]",
                Section::Lua => "[lua]",
                Section::Cache => "[cache]",
                Section::Forward => "[[forward]]",
                Section::Zone => "[[zone]]",
                Section::ZoneProbe => "[[zone.probe]]",
                Section::Tls => "tls = { … }",
                Section::Http => "http = { … }",
                Section::Https => "https = { … }",
            };
            text += &format!("\n## `{section}`\n\n| key | default | what it says |\n|---|---|---|\n");
        }
        let default = match key.absent {
            Absent::Default(value) => format!("`{value}`"),
            Absent::Unset { example } => format!("none; e.g. `{example}`"),
            Absent::Required { example } => format!("required; e.g. `{example}`"),
            Absent::Inherited => "as in `[probe]`".to_string(),
        };
        text += &format!("| `{}` | {default} | {} |\n", key.name, key.help);
    }
    let file = Path::new(ROOT).join("docs/configuration.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let (head, written) =
        page.split_once(KEYS_BEGIN).expect("docs/configuration.md marks where its tables begin");
    if std::env::var_os("WRITE").is_some() {
        std::fs::write(&file, format!("{head}{KEYS_BEGIN}{text}")).unwrap();
    } else {
        assert!(
            written == text,
            "docs/configuration.md is out of date: WRITE=1 cargo test --test project documents"
        );
    }
}

#[test]
fn the_example_to_start_from_is_sound() {
    let output = check(&Path::new(ROOT).join("zones/edgedns.toml"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("0 errors, 0 warnings"), "{said}");
}

#[test]
fn every_file_beside_the_sources_is_told_in_the_readme_or_begins_with_a_dot() {
    let readme = std::fs::read_to_string(Path::new(ROOT).join("README.md")).unwrap();
    let known = ["Cargo.toml", "Cargo.lock", "README.md", "CHANGELOG.md", "LICENSE", "target"];
    for entry in std::fs::read_dir(ROOT).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let told = readme.contains(&format!("`{name}/`"));
        assert!(told || name.starts_with('.') || known.contains(&name.as_str()), "{name} is not told");
    }
}

/// What a benchmark has of the others it imports by name, so that one that has lost something does not start. Whoever
/// changes one of them does not measure with all.
#[test]
fn every_benchmark_starts_and_says_what_it_shows() {
    let mut seen = 0;
    for file in std::fs::read_dir(Path::new(ROOT).join("benches")).unwrap().flatten() {
        let text = std::fs::read_to_string(file.path()).unwrap_or_default();
        if !text.starts_with("#!/usr/bin/env python3\n") {
            continue;
        }
        let output = Command::new(file.path()).arg("--help").output().expect("Python is installed");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{}\n{}",
            file.path().display(),
            String::from_utf8_lossy(&output.stderr)
        );
        let shows = text.split("\"\"\"").nth(1).and_then(|words| words.lines().next()).unwrap_or_default();
        assert!(!shows.is_empty() && said.contains(shows), "{} is not said in\n{said}", shows);
        seen += 1;
    }
    assert!(seen >= 6, "{seen} benchmarks");
}

/// A machine that has a program already hides that the list lacks it.
#[test]
fn every_program_that_tests_call_is_in_the_list_of_what_is_installed() {
    let list = std::fs::read_to_string(Path::new(ROOT).join("tests/run")).unwrap();
    let (_, list) = list.split_once("\nneeds=(").unwrap();
    let (list, _) = list.split_once(")\n").unwrap();
    let listed: Vec<&str> =
        list.split_whitespace().filter_map(|need| Some(need.split_once(':')?.0)).collect();
    // Debian marks the packages of these as essential: there is no Debian without.
    let essential = ["bash", "cp", "id", "sh"];
    let (mut folders, mut called) = (vec![Path::new(ROOT).join("tests")], 0);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()) {
            if entry.is_dir() {
                folders.push(entry);
                continue;
            }
            let text = std::fs::read_to_string(&entry).unwrap_or_default();
            if entry.extension().is_none_or(|extension| extension != "rs") {
                continue;
            }
            for program in programs(&text) {
                called += 1;
                let known = listed.contains(&program) || essential.contains(&program);
                assert!(known, "{}: `{program}` is not in the list of tests/run", entry.display());
            }
        }
    }
    assert!(called > 15, "{called} programs");
}

/// The programs that the text of a test calls by name.
fn programs(text: &str) -> impl Iterator<Item = &str> {
    let ways =
        ["Command::new", "tool", "is_installed", "installed", "path_of"].map(|way| format!("{way}(\""));
    let calls = ways.map(|way| text.match_indices(&way).map(|(at, way)| at + way.len()).collect::<Vec<_>>());
    // Peers have their names in one place: `fn program`, or a constant.
    let named = text.match_indices("fn program(").flat_map(|(at, _)| {
        let body = &text[at..at + text[at..].find("\n    }").unwrap_or(0)];
        body.match_indices("=> \"").map(|(arm, way)| at + arm + way.len()).collect::<Vec<_>>()
    });
    let begins: Vec<usize> = calls.concat().into_iter().chain(named).collect();
    begins.into_iter().filter_map(|at| text[at..].split('"').next())
}
