//! Every example of the help can be typed.

use super::*;
use clap::{CommandFactory, Parser};

/// The examples of a command: the lines of its help that begin with the program's name, each with those that go on with it.
fn examples(command: &Command) -> Vec<String> {
    let end = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
    end.replace("\\\n", "")
        .lines()
        .filter_map(|line| line.strip_prefix("  edgedns "))
        .map(str::to_owned)
        .collect()
}

/// The words of a command line, as a shell takes them; a `#` begins a comment.
fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote) = (None::<String>, None);
    for character in line.chars() {
        match (quote, character) {
            (Some(open), close) if open == close => quote = None,
            (None, open @ ('"' | '\'')) => {
                quote = Some(open);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '#' | '|' | '>') if word.is_none() => return words,
            (_, other) => word.get_or_insert_default().push(other),
        }
    }
    words.into_iter().chain(word).collect()
}

#[test]
fn every_example_of_the_help_is_a_command_line_that_is_understood() {
    let mut program = crate::Arguments::command();
    program.build();
    let hidden = |command: &&Command| !command.is_hide_set() && command.get_name() != "help";
    let commands: Vec<&Command> = program.get_subcommands().filter(hidden).chain([&program]).collect();
    assert!(commands.len() > 8, "{} commands", commands.len());
    for command in commands {
        let shown = examples(command);
        assert!(!shown.is_empty(), "the help of {} shows no example", command.get_name());
        for example in shown {
            let line = std::iter::once("edgedns".to_owned()).chain(words(&example));
            let read = crate::Arguments::try_parse_from(line);
            assert!(read.is_ok(), "edgedns {example}: {}", read.err().unwrap());
        }
        let end = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        assert!(end.contains("\nExit status:\n  0  "), "the help of {} tells no status", command.get_name());
    }
}

#[test]
fn words_are_split_as_a_shell_does_it() {
    assert_eq!(
        words("force '192.0.2.1:*' down --reason \"new kernel\"  # drain"),
        ["force", "192.0.2.1:*", "down", "--reason", "new kernel"]
    );
    assert_eq!(words("trace --name \"\" | head"), ["trace", "--name", ""]);
}
