//! Lists of networks as PowerDNS and its recursor read them: the most specific network that holds an address
//! decides, in whatever order they are written.

use super::networks::{Block, Clients, List};
use super::server_setting::ServerSetting;
use super::word::Word;
use crate::source::Diagnostic;

/// What parts the networks of a list on one line.
const SEPARATORS: &[char] = &[',', ' ', '\t', ';'];

/// The clients of a setting. Anything that is not a network is pushed to `faults`.
pub(super) fn clients_of(setting: &ServerSetting, faults: &mut Vec<Diagnostic>) -> Clients {
    let strange = setting.strange();
    faults.extend(
        strange.iter().map(|span| Diagnostic::error(*span, "this is not a network").help("write a word")),
    );
    if strange.is_empty() {
        return clients(&setting.items(SEPARATORS), faults);
    }
    Clients::nobody_but("what is not a word in it")
}

/// The clients of a list of words.
pub(super) fn clients(words: &[Word], faults: &mut Vec<Diagnostic>) -> Clients {
    let mut list = List::default();
    // By network; of two entries for the same one the last counts.
    let mut entries: Vec<(Block, &Word)> = Vec::new();
    let mut unreadable = Vec::new();
    for word in words {
        let text = word.text.strip_prefix('!').map_or(word.text.as_str(), str::trim_start);
        match Block::parse(text) {
            Some(block) => {
                entries.retain(|(known, _)| *known != block);
                entries.push((block, word));
            }
            None => {
                faults.push(Diagnostic::error(word.span, format!("`{}` is not a network", word.text)));
                unreadable.push(word);
            }
        }
    }
    let is_exception = |word: &Word| word.text.starts_with('!');
    // Then it is not known which clients are to be kept out.
    for word in unreadable.iter().filter(|word| is_exception(word)) {
        list.exclude(&Clients::nobody_but(""), &word.text);
    }
    if entries.iter().any(|(_, word)| is_exception(word)) {
        entries.sort_by_key(|(block, _)| std::cmp::Reverse(block.length()));
    }
    for (block, word) in entries {
        let clients = Clients::network(block, word);
        if is_exception(word) {
            list.exclude(&clients, &word.text);
        } else {
            list.admit(&clients);
        }
    }
    for word in unreadable.iter().filter(|word| !is_exception(word)) {
        list.admit(&Clients::nobody_but(format!("`{}`", word.text)));
    }
    list.finish()
}
