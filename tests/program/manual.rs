//! `edgedns manual`: man pages that groff renders without a warning, and completions that shells accept.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use edgedns::config::{Absent, KEYS, Section};
use tempfile::TempDir;

use harness::program::said;
use harness::tools::tool;

/// The manual, written into a folder of its own.
fn manual() -> TempDir {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let output = edgedns(&["manual", "--into", &folder.path().display().to_string()]);
    assert!(output.status.success(), "{}", said(&output));
    folder
}

fn edgedns(arguments: &[&str]) -> Output {
    harness::program::command().args(arguments).output().expect("edgedns runs")
}

/// What a program says; none where it is not installed.
fn asked(name: &str, prepare: impl FnOnce(&mut Command)) -> Option<Output> {
    let mut command = tool(name)?;
    prepare(&mut command);
    Some(command.output().unwrap_or_else(|error| panic!("{name} is not asked: {error}")))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder of the manual");
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    files
}

/// The commands that `edgedns --help` shows.
fn commands() -> Vec<String> {
    let help = said(&edgedns(&["-h"]));
    let list = help.split("Commands:\n").nth(1).expect("commands").split("\n\n").next().unwrap_or_default();
    // A second line of a command's help is indented further.
    let lines = list.lines().filter_map(|line| line.strip_prefix("  ").filter(|line| !line.starts_with(' ')));
    let names = lines.filter_map(|line| line.split_whitespace().next()).filter(|name| *name != "help");
    names.map(str::to_owned).collect()
}

#[test]
fn every_command_has_a_page_and_the_main_page_leads_to_it() {
    let folder = manual();
    let page = |name: &str| fs::read_to_string(folder.path().join(format!("man/{name}.8")));
    let main = page("edgedns").expect("the main page").replace('\\', "");
    let commands = commands();
    assert!(commands.len() >= 8 && commands.iter().any(|command| command == "check"), "{commands:?}");
    for command in &commands {
        let text = page(&format!("edgedns-{command}")).unwrap_or_else(|error| panic!("{command}: {error}"));
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "SEE ALSO"] {
            let heading = [format!(".SH {section}\n"), format!(".SH \"{section}\"\n")];
            assert!(heading.iter().any(|one| text.contains(one)), "edgedns-{command}(8) has no {section}");
        }
        assert!(main.contains(&format!("edgedns-{command}(8)")), "edgedns(8) does not lead to {command}");
    }
    let known = |page: &str| {
        let own = |command: &String| page.starts_with(&format!("edgedns-{command}"));
        matches!(page, "edgedns.8" | "edgedns.toml.5") || commands.iter().any(own)
    };
    for page in files(&folder.path().join("man")) {
        let name = page.file_name().and_then(|name| name.to_str()).expect("a name");
        assert!(known(name), "{name} is of no command");
    }
}

#[test]
fn every_page_is_rendered_without_a_warning() {
    let folder = manual();
    for page in files(&folder.path().join("man")) {
        // -k as man(1) does it: the pages are UTF-8.
        let render = |groff: &mut Command| {
            groff.args(["-man", "-Tutf8", "-k", "-ww", "-z"]).arg(&page);
        };
        let Some(output) = asked("groff", render) else { return };
        assert!(output.status.success() && said(&output).is_empty(), "{}: {}", page.display(), said(&output));
    }
}

#[test]
fn the_page_of_the_config_file_has_every_key_with_its_default() {
    let folder = manual();
    let page = fs::read_to_string(folder.path().join("man/edgedns.toml.5")).expect("the page");
    let plain = page.replace("\\fB", "").replace("\\fI", "").replace("\\fR", "").replace("\\-", "-");
    let plain = plain.replace("\\*(Aq", "'").replace("\\(aq", "'").replace("\\\\", "\\");
    for section in Section::all().filter(|section| section.keys().next().is_some()) {
        assert!(plain.contains(section.header()), "{} is not in\n{plain}", section.header());
    }
    for key in KEYS.iter() {
        let shown = match key.absent {
            Absent::Default(value) => format!("{} = {value} ", key.name),
            Absent::Unset { example } | Absent::Required { example } => format!("{} = {example} ", key.name),
            Absent::Inherited => format!("{} ", key.name),
        };
        assert!(plain.contains(&shown), "{shown:?} is not in\n{plain}");
        assert!(plain.contains(key.help), "{:?} is not in\n{plain}", key.help);
    }
}

#[test]
fn bash_completes_commands_and_their_options() {
    let folder = manual();
    let file = folder.path().join("completions/edgedns.bash");
    let complete = |words: &[&str]| {
        let script = format!(
            "source '{}'; COMP_WORDS=({}); COMP_CWORD={}; _edgedns edgedns '{}' ''; echo \"${{COMPREPLY[*]}}\"",
            file.display(),
            words.join(" "),
            words.len() - 1,
            words.last().expect("a word")
        );
        let output = asked("bash", |bash| {
            bash.args(["--norc", "-c", &script]);
        });
        output.map(|output| said(&output).trim().to_owned())
    };
    if let Some(found) = complete(&["edgedns", "sta"]) {
        assert_eq!(found, "status");
        let options = complete(&["edgedns", "status", "--"]).expect("bash");
        assert_eq!(
            options.split(' ').collect::<Vec<_>>(),
            ["--config", "--socket", "--format", "--watch", "--help"]
        );
    }
}

#[test]
fn there_are_completions_for_each_shell_with_every_command() {
    let folder = manual();
    for file in ["edgedns.bash", "_edgedns", "edgedns.fish"] {
        let text = fs::read_to_string(folder.path().join("completions").join(file)).expect("completions");
        for command in commands() {
            assert!(text.contains(&command), "{file} does not know {command}");
        }
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_said_so() {
    let output = edgedns(&["manual", "--into", "/proc/edgedns"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("/proc/edgedns"), "{}", said(&output));
}
