//! Lines of a shell: what they run.

use super::markdown::Page;

/// The lines of the command blocks of a page; one that goes on in the next is one.
pub(super) fn lines(page: &Page) -> Vec<String> {
    let joined = page.blocks("sh").into_iter().map(|block| block.replace("\\\n", " "));
    joined.flat_map(|block| block.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

/// What a line of a shell runs with edgedns.
pub(super) fn run_in(line: &str) -> Vec<Vec<String>> {
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
pub(super) fn words(line: &str) -> Vec<String> {
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
