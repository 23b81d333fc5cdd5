//! Address match lists: who may do something, by networks and names of `acl`s.
//!
//! Responsible for resolving names, and for saying what cannot be.
//! Not responsible for what the clients may do.

use super::super::address::Clients;
use super::super::given::Word;
use super::super::statement::{Part, Statement};
use super::Reading;
use crate::source::Diagnostic;
use crate::zone::Network;

/// Deepest nesting of `acl`s that name each other.
const DEPTH_MAX: usize = 16;

/// This host and its networks, as lists of networks name them.
const LOCAL: &str = "local";

impl Reading<'_> {
    /// The clients of a list such as `{ 192.0.2.0/24; localnets; }`.
    pub(super) fn clients(&mut self, list: &Statement) -> Clients {
        let mut networks = Vec::new();
        match self.collect(list.block(), &mut networks, 0) {
            Some(world) => Clients::World(world),
            None => Clients::Networks(networks),
        }
    }

    /// Adds the networks of a list; the word that lets in the whole world, if there is one.
    fn collect(&mut self, list: &[Statement], networks: &mut Vec<String>, depth: usize) -> Option<Word> {
        for element in list {
            if depth > DEPTH_MAX {
                self.work.found.push(Diagnostic::error(element.span, "`acl`s that name each other"));
                return None;
            }
            let word = match element.parts.first() {
                Some(Part::Word(word)) => word,
                Some(Part::Block(inner)) => {
                    if let Some(world) = self.collect(inner, networks, depth + 1) {
                        return Some(world);
                    }
                    continue;
                }
                None => continue,
            };
            match word.text.as_str() {
                // What an `include` names stands behind it.
                "none" | "include" => {}
                "any" => return Some(word.clone()),
                "localhost" | "localnets" => push_new(networks, LOCAL),
                "key" | "!" => self.not_taken(word),
                text if text.starts_with('!') => self.not_taken(word),
                text if text.ends_with("/0") && Network::parse(text).is_some() => return Some(word.clone()),
                text if Network::parse(text).is_some() => push_new(networks, text),
                text => match self.acls.get(text).copied() {
                    Some(inner) => {
                        if let Some(world) = self.collect(inner, networks, depth + 1) {
                            return Some(world);
                        }
                    }
                    None => {
                        let message = format!("`{text}` is no network, and no `acl` has this name");
                        self.work.found.push(Diagnostic::error(word.span, message));
                    }
                },
            }
        }
        None
    }

    fn not_taken(&mut self, word: &Word) {
        let fault = Diagnostic::warning(word.span, "exceptions and keys in a list are not taken over");
        self.work.found.push(fault.help("list the networks that may ask"));
    }
}

fn push_new(networks: &mut Vec<String>, network: &str) {
    if !networks.iter().any(|known| known == network) {
        networks.push(network.to_owned());
    }
}
