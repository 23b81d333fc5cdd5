//! Address match lists: networks and names of `acl`s, resolved to sets of clients.

use std::net::IpAddr;

use super::super::networks::{Block, Clients, List};
use super::super::statement::{Missing, Part, Statement};
use super::super::word::Word;
use super::reading::Reading;
use crate::source::Diagnostic;

/// Deepest nesting of `acl`s that name each other.
const DEPTH_MAX: usize = 16;

/// Elements of one list, those of the `acl`s it names counted each time: lists that name each other several
/// times would otherwise grow as powers of that.
const ELEMENTS_MAX: usize = 4096;

/// Octets of an IPv4 address.
const OCTETS: usize = 4;

/// Whether an element lets clients in, or keeps them out of all that follows.
#[derive(Clone, Copy)]
enum Sign {
    Admit,
    Exclude,
}

/// What follows the sign of an element.
enum Element<'s> {
    Word(Word),
    List(&'s [Statement]),
}

impl Reading<'_> {
    /// The clients of a list such as `{ !192.0.2.1; 192.0.2.0/24; localnets; }`.
    pub(super) fn clients(&mut self, list: &Statement) -> Clients {
        let mut count = 0;
        let mut clients = self.collect(list.block(), 0, &mut count);
        let known =
            self.listen.iter().all(Option::is_some) && self.listeners().all(|ip| !ip.is_unspecified());
        if known {
            clients.own_are_known();
        }
        clients
    }

    /// The same of a list whose faults do not matter, as nothing is opened by it.
    pub(super) fn clients_without_faults(&mut self, list: &Statement) -> Clients {
        let found = self.work.found.clone();
        let clients = self.clients(list);
        self.work.found = found;
        clients
    }

    /// The addresses that are listened on, as far as they have been read.
    pub(super) fn listeners(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.listen.iter().flatten().flatten().map(std::net::SocketAddr::ip)
    }

    /// As BIND reads a list (its manual, "Address Match Lists"): the first element that an address matches
    /// decides; a list within one matches where it lets the address in, and only there.
    fn collect(&mut self, list: &[Statement], depth: usize, count: &mut usize) -> Clients {
        let mut result = List::default();
        for element in list {
            *count += 1;
            if depth > DEPTH_MAX || *count > ELEMENTS_MAX {
                if *count <= ELEMENTS_MAX {
                    self.work.found.push(Diagnostic::error(element.span, "`acl`s that name each other"));
                } else if *count == ELEMENTS_MAX + 1 {
                    let message =
                        format!("a list of more than {ELEMENTS_MAX} elements, those of its `acl`s counted");
                    self.work.found.push(Diagnostic::error(element.span, message));
                }
                result.exclude(&Clients::nobody_but("the rest of the list"), "the rest of the list");
                break;
            }
            let Some((sign, inner)) = parted(element) else { continue };
            let (sign, clients) = match inner {
                Element::List(inner) => (sign, self.collect(inner, depth + 1, count)),
                Element::Word(word) => self.named_clients((sign, &word), element, depth, count),
            };
            match sign {
                Sign::Admit => result.admit(&clients),
                Sign::Exclude => result.exclude(&clients, &element.shown()),
            }
        }
        result.finish()
    }

    /// The clients that a word names. `none` is everybody with the sign turned over.
    fn named_clients(
        &mut self,
        (sign, word): (Sign, &Word),
        element: &Statement,
        depth: usize,
        count: &mut usize,
    ) -> (Sign, Clients) {
        let text = word.text.to_ascii_lowercase();
        let clients = match text.as_str() {
            "any" => Clients::world_of(word.clone()),
            "none" => return (sign.turned(), Clients::world_of(word.clone())),
            "localhost" => {
                Clients::own(&self.listeners().filter(|ip| !ip.is_unspecified()).collect::<Vec<_>>())
            }
            "localnets" => Clients::local(),
            "key" => Clients::with_key(format!("those with the {}", element.shown().trim_start_matches('!'))),
            "geoip" | "ecs" => Clients::nobody_but(format!("those of `{}`", element.shown())),
            // What it names follows it.
            "include" => match self.parsed.missing(element) {
                Some(Missing::Unknown) => {
                    let unknown = Clients::nobody_but("what is in a file that is missing");
                    return (Sign::Exclude, unknown);
                }
                Some(Missing::Stock(_)) | None => Clients::nobody(),
            },
            _ => match network(&text) {
                Some(block) => Clients::network(block, word),
                None => match self.acls.get(&text).copied() {
                    Some(inner) => self.collect(inner, depth + 1, count),
                    None => self.unknown(word),
                },
            },
        };
        (sign, clients)
    }

    fn unknown(&mut self, word: &Word) -> Clients {
        let message = format!("`{}` is not a network, and no `acl` has this name", word.text);
        self.work.found.push(Diagnostic::error(word.span, message));
        Clients::nobody_but(format!("`{}`", word.text))
    }
}

impl Sign {
    fn turned(self) -> Sign {
        match self {
            Sign::Admit => Sign::Exclude,
            Sign::Exclude => Sign::Admit,
        }
    }
}

/// The sign of an element, and what follows it; none if nothing does.
fn parted(element: &Statement) -> Option<(Sign, Element<'_>)> {
    let inner = |part: &'_ Part| match part {
        Part::Word(word) => Element::Word(word.clone()),
        Part::Block(_) => Element::List(element.block()),
    };
    match element.parts.first()? {
        Part::Word(word) if word.text == "!" => Some((Sign::Exclude, inner(element.parts.get(1)?))),
        Part::Word(word) => match word.text.strip_prefix('!') {
            Some(text) => {
                Some((Sign::Exclude, Element::Word(Word { text: text.to_owned(), span: word.span })))
            }
            None => Some((Sign::Admit, Element::Word(word.clone()))),
        },
        Part::Block(_) => Some((Sign::Admit, Element::List(element.block()))),
    }
}

/// A network; of IPv4 also in the short form `10/8` that BIND takes.
fn network(text: &str) -> Option<Block> {
    if let Some(block) = Block::parse(text) {
        return Some(block);
    }
    let (address, length) = text.split_once('/')?;
    let octets = address.split('.').count();
    let whole = format!("{address}{}/{length}", ".0".repeat(OCTETS.saturating_sub(octets)));
    Block::parse(&whole).filter(|_| !address.contains(':'))
}
