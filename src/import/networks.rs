//! Sets of clients, and lists of networks in which some are taken out.
//!
//! Files alone do not always show which clients a list means: those of a key, of an `acl` that is not there,
//! of the networks of this host. So a set is known between two bounds. The clients that may ask are taken
//! from the lower one, those that are taken out from the upper one: in doubt a client is kept out.
//!
//! Knows prefixes, their differences, and what is lost where a list cannot be written down.

use super::word::Word;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::dns::Name;

/// Most networks of a list in the config file, where a longer one is an error.
pub(super) const LIST_MAX: usize = 64;

/// Networks that are kept of one set while it is worked out: enough for any list that is written by hand, and
/// few enough that one made to be slow ends.
const WORKED_OUT_MAX: usize = 512;

/// This host and its networks, as lists of networks name them.
const LOCAL: &str = "local";

/// What is lost where this host's own addresses are meant.
const OWN: &str = "addresses of this host that are not named here";

/// What is lost where a list holds more than is worked out.
const TOO_LONG: &str = "networks of a list that is too long";

/// The addresses of one family that begin with the same bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    family: Family,
    /// From the highest on; those behind the length are zero.
    bits: u128,
    length: u32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Family {
    V4,
    V6,
}

impl Family {
    fn longest(self) -> u32 {
        match self {
            Family::V4 => Ipv4Addr::BITS,
            Family::V6 => Ipv6Addr::BITS,
        }
    }
}

impl Block {
    /// Both families.
    const EVERYTHING: [Block; 2] =
        [Block { family: Family::V4, bits: 0, length: 0 }, Block { family: Family::V6, bits: 0, length: 0 }];

    fn around(address: IpAddr, length: u32) -> Block {
        let (family, bits) = match address {
            IpAddr::V4(address) => (Family::V4, u128::from(address.to_bits()) << (128 - Ipv4Addr::BITS)),
            IpAddr::V6(address) => (Family::V6, address.to_bits()),
        };
        Block { family, bits: bits & mask(length), length }
    }

    /// An address alone.
    pub(super) fn of(address: IpAddr) -> Block {
        Block::around(address, if address.is_ipv4() { Ipv4Addr::BITS } else { Ipv6Addr::BITS })
    }

    /// `192.0.2.0/24`, `2001:db8::1`. Bits behind the length are not looked at.
    pub(super) fn parse(text: &str) -> Option<Block> {
        let (address, length) = text.split_once('/').map_or((text, None), |(a, length)| (a, Some(length)));
        let address: IpAddr = address.parse().ok()?;
        let whole = Block::of(address);
        let Some(digits) = length else { return Some(whole) };
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let length = digits.parse().ok().filter(|length| is_number && *length <= whole.length)?;
        Some(Block::around(address, length))
    }

    fn is_everything(self) -> bool {
        self.length == 0
    }

    /// How many leading bits it says.
    pub(super) fn length(self) -> u32 {
        self.length
    }

    /// The address, if it is one alone.
    pub(super) fn address(self) -> Option<IpAddr> {
        (self.length == self.family.longest()).then(|| self.first())
    }

    /// The zones that have the PTR records of its addresses, and no others: those of the next whole octet, or of
    /// the next whole hexadecimal digit (RFC 1035, section 3.5; RFC 3596, section 2.5).
    pub(super) fn reverse_zones(self) -> Vec<Name> {
        let (bits, end) = match self.family {
            Family::V4 => (8, "in-addr.arpa."),
            Family::V6 => (4, "ip6.arpa."),
        };
        let places = self.length.div_ceil(bits);
        let open = places * bits - self.length;
        let zone = |number: u128| {
            // Behind the length the bits are zero, so that the number takes their place.
            let first = self.bits | number.checked_shl(128 - places * bits).unwrap_or(0);
            let label = |place: u32| {
                let digit = first >> (128 - (place + 1) * bits) & ((1 << bits) - 1);
                if bits == 8 { format!("{digit}.") } else { format!("{digit:x}.") }
            };
            let text: String = (0..places).rev().map(label).chain([end.to_owned()]).collect();
            text.parse().ok()
        };
        (0..1_u128 << open).filter_map(zone).collect()
    }

    fn first(self) -> IpAddr {
        match self.family {
            Family::V4 => {
                let [a, b, c, d, ..] = self.bits.to_be_bytes();
                Ipv4Addr::new(a, b, c, d).into()
            }
            Family::V6 => Ipv6Addr::from_bits(self.bits).into(),
        }
    }

    /// Whether every address of the other is in this.
    pub(super) fn covers(self, other: Block) -> bool {
        self.family == other.family
            && self.length <= other.length
            && (self.bits ^ other.bits) & mask(self.length) == 0
    }

    /// What is in both: of two prefixes one holds the other, or they have nothing in common.
    fn common(self, other: Block) -> Option<Block> {
        match (self.covers(other), other.covers(self)) {
            (true, _) => Some(other),
            (false, true) => Some(self),
            (false, false) => None,
        }
    }

    /// What is left of this without the other: on each level down to it, the half that it does not lie in.
    fn minus(self, other: Block) -> Vec<Block> {
        if other.covers(self) {
            return Vec::new();
        }
        if !self.covers(other) {
            return vec![self];
        }
        let half = |length: u32| {
            let last_bit = mask(length) ^ mask(length - 1);
            Block { family: self.family, bits: (other.bits & mask(length)) ^ last_bit, length }
        };
        (self.length + 1..=other.length).map(half).collect()
    }
}

/// As it is written in a list: an address alone without its length.
impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address() {
            Some(address) => write!(f, "{address}"),
            None => write!(f, "{}/{}", self.first(), self.length),
        }
    }
}

fn mask(length: u32) -> u128 {
    u128::MAX.checked_shl(128 - length).unwrap_or(0)
}

fn loopback() -> [Block; 2] {
    [Block::around(Ipv4Addr::LOCALHOST.into(), 8), Block::of(Ipv6Addr::LOCALHOST.into())]
}

/// Something that a list of the config file may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Item {
    Network(Block),
    /// Loopback and the networks that the host is in, wherever that will be.
    Local,
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Item::Network(block) => block.fmt(f),
            Item::Local => f.write_str(LOCAL),
        }
    }
}

/// A set of clients, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Clients {
    /// Clients that are in it for certain.
    sure: Vec<Item>,
    /// Clients that may be in it: all others are certainly outside.
    possible: Vec<Block>,
    /// The word that names all addresses of a family, if one does.
    world: Option<Word>,
    /// Whether anybody was taken out.
    excepts: bool,
    /// What else is meant, and is not in `sure`.
    lost: Vec<String>,
}

impl Clients {
    /// Nobody at all.
    pub(super) fn nobody() -> Clients {
        Clients::default()
    }

    /// No client, as it is not known which are meant.
    pub(super) fn nobody_but(lost: impl Into<String>) -> Clients {
        Clients { lost: vec![lost.into()], possible: Block::EVERYTHING.into(), ..Clients::default() }
    }

    /// Those with a key: no query that is answered here has one.
    pub(super) fn with_key(lost: impl Into<String>) -> Clients {
        Clients { lost: vec![lost.into()], ..Clients::default() }
    }

    /// All clients, as no list is given.
    pub(super) fn everybody() -> Clients {
        let sure = Block::EVERYTHING.map(Item::Network).into();
        Clients { sure, possible: Block::EVERYTHING.into(), ..Clients::default() }
    }

    /// Everybody, as a word says.
    pub(super) fn world_of(word: Word) -> Clients {
        Clients { world: Some(word), ..Clients::everybody() }
    }

    /// One network, named by a word.
    pub(super) fn network(block: Block, word: &Word) -> Clients {
        let world = block.is_everything().then(|| word.clone());
        Clients { sure: vec![Item::Network(block)], possible: vec![block], world, ..Clients::default() }
    }

    /// Loopback and the networks of the host.
    pub(super) fn local() -> Clients {
        Clients { sure: vec![Item::Local], possible: Block::EVERYTHING.into(), ..Clients::default() }
    }

    /// The host's own addresses, of which these are known.
    pub(super) fn own(known: &[IpAddr]) -> Clients {
        let loopback = [IpAddr::from(Ipv4Addr::LOCALHOST), IpAddr::from(Ipv6Addr::LOCALHOST)];
        let mut list = List::default();
        for address in loopback.iter().chain(known) {
            list.push(Item::Network(Block::of(*address)));
        }
        Clients {
            sure: list.sure,
            possible: Block::EVERYTHING.into(),
            lost: vec![OWN.to_owned()],
            ..Clients::default()
        }
    }

    /// Whether it is everybody, for certain.
    pub(super) fn is_everybody(&self) -> bool {
        Block::EVERYTHING.iter().all(|all| self.sure.contains(&Item::Network(*all)))
    }

    /// Whether it is empty, and nothing was lost.
    pub(super) fn is_nobody(&self) -> bool {
        self.sure.is_empty() && self.lost.is_empty()
    }

    /// The word that lets in the whole world, be it but one family.
    pub(super) fn world(&self) -> Option<&Word> {
        self.world.as_ref()
    }

    /// Whether a word lets in every address of the family that this one is of, and none was taken out.
    pub(super) fn is_world_of(&self, address: IpAddr) -> bool {
        let is_family = |all: &&Block| all.first().is_ipv4() == address.is_ipv4();
        let all = Block::EVERYTHING.iter().find(is_family);
        self.world.is_some() && all.is_some_and(|all| self.networks().any(|block| block.covers(*all)))
    }

    /// Whether anybody was taken out.
    pub(super) fn excepts(&self) -> bool {
        self.excepts
    }

    /// What is meant and is not in it.
    pub(super) fn lost(&self) -> &[String] {
        &self.lost
    }

    /// Whether it holds this address for certain.
    pub(super) fn holds(&self, address: IpAddr) -> bool {
        let asked = Block::of(address);
        self.networks().any(|block| block.covers(asked))
    }

    /// The addresses and networks that are in it for certain; of the host's networks, loopback.
    pub(super) fn networks(&self) -> impl Iterator<Item = Block> + '_ {
        self.sure.iter().flat_map(|item| match item {
            Item::Network(block) => vec![*block],
            Item::Local => loopback().into(),
        })
    }

    /// Those of this host alone.
    pub(super) fn on_this_host(&self) -> Clients {
        let sure =
            self.networks().flat_map(|block| loopback().into_iter().filter_map(move |it| block.common(it)));
        Clients { sure: sure.map(Item::Network).collect(), world: None, ..self.clone() }
    }

    /// Says that the host's own addresses are all known, as nothing else is listened on.
    pub(super) fn own_are_known(&mut self) {
        self.lost.retain(|lost| lost != OWN);
    }

    /// Clients that are in both.
    pub(super) fn and(&self, other: &Clients) -> Clients {
        if self.is_everybody() {
            return Clients { excepts: self.excepts || other.excepts, ..other.clone() };
        }
        if other.is_everybody() {
            return Clients { excepts: self.excepts || other.excepts, ..self.clone() };
        }
        let mut list = List::default();
        let is_local = |clients: &Clients| clients.sure.contains(&Item::Local);
        match (is_local(self), is_local(other)) {
            (true, true) => list.push(Item::Local),
            (false, false) => {}
            (true, false) | (false, true) => list.lose("those of this host's networks that two lists name"),
        }
        for own in self.networks() {
            for (count, common) in other.networks().filter_map(|it| own.common(it)).enumerate() {
                if count == WORKED_OUT_MAX {
                    list.lose(TOO_LONG);
                    break;
                }
                list.push(Item::Network(common));
            }
        }
        let possible =
            self.possible.iter().flat_map(|own| other.possible.iter().filter_map(|it| own.common(*it)));
        let possible: Vec<Block> = possible.take(WORKED_OUT_MAX + 1).collect();
        let is_whole = possible.len() <= WORKED_OUT_MAX;
        self.lost.iter().chain(&other.lost).for_each(|lost| list.lose(lost));
        // Two of different families have no client in common.
        let world = self.world.clone().filter(|_| other.world.is_some() && !list.sure.is_empty());
        Clients {
            sure: list.sure,
            possible: if is_whole { possible } else { Block::EVERYTHING.into() },
            world,
            excepts: self.excepts || other.excepts,
            lost: list.lost,
        }
    }

    /// The items of a list of the config file. What does not fit into one is lost: the smallest networks.
    pub(super) fn written(&mut self) -> Vec<String> {
        let length = |item: &Item| match item {
            Item::Network(block) => block.length,
            Item::Local => 0,
        };
        let mut lengths: Vec<u32> = self.sure.iter().map(length).collect();
        lengths.sort_unstable();
        if let Some(&longest) = lengths.get(LIST_MAX) {
            // Of equally long ones the first stay.
            let mut room = LIST_MAX - lengths.iter().filter(|it| **it < longest).count();
            let all = self.sure.len();
            self.sure.retain(|item| match length(item).cmp(&longest) {
                std::cmp::Ordering::Less => true,
                std::cmp::Ordering::Equal if room > 0 => {
                    room -= 1;
                    true
                }
                std::cmp::Ordering::Equal | std::cmp::Ordering::Greater => false,
            });
            self.lost.push(format!("the smallest of {all} networks, as a list has {LIST_MAX} at most"));
        }
        self.sure.iter().map(Item::to_string).collect()
    }
}

/// A list that is being read from its first entry on: the first that holds an address decides.
#[derive(Clone, Debug, Default)]
pub(super) struct List {
    sure: Vec<Item>,
    possible: Vec<Block>,
    /// Clients that have been taken out for certain.
    out: Vec<Block>,
    /// Clients that may have been taken out.
    maybe_out: Vec<Block>,
    world: Option<Word>,
    excepts: bool,
    lost: Vec<String>,
}

impl List {
    /// An entry that lets clients in.
    pub(super) fn admit(&mut self, clients: &Clients) {
        for item in &clients.sure {
            match item {
                Item::Network(block) => {
                    let left = at_least(*block, &self.maybe_out);
                    left.into_iter().for_each(|piece| self.push(Item::Network(piece)));
                }
                Item::Local if self.maybe_out.is_empty() => self.push(Item::Local),
                // Which of the host's networks are left is not known here.
                Item::Local => {
                    let left = loopback().into_iter().flat_map(|it| at_least(it, &self.maybe_out));
                    left.collect::<Vec<_>>().into_iter().for_each(|piece| self.push(Item::Network(piece)));
                    self.lose("the networks of this host, as some may be taken out of them");
                }
            }
        }
        for block in &clients.possible {
            self.possible.extend(at_most(*block, &self.out));
        }
        bounded(&mut self.possible);
        if self.world.is_none() {
            self.world.clone_from(&clients.world);
        }
        self.excepts |= clients.excepts;
        clients.lost.iter().for_each(|lost| self.lose(lost));
    }

    /// An entry that takes clients out of all that follow; `written` is the entry as the file has it.
    pub(super) fn exclude(&mut self, clients: &Clients, written: &str) {
        let sure: Vec<Block> = clients.networks().collect();
        let is_sure = |block: &Block| sure.iter().any(|it| it.covers(*block));
        if !clients.possible.iter().all(is_sure) {
            self.lose(&format!("the clients that may be meant by `{written}`"));
        }
        let is_in = |block: &Block| {
            self.sure.iter().any(|known| matches!(known, Item::Network(known) if known.covers(*block)))
        };
        self.excepts |= !clients.possible.iter().all(is_in);
        if self.out.len() + sure.len() <= WORKED_OUT_MAX {
            self.out.extend(sure);
        }
        self.maybe_out.extend(&clients.possible);
        bounded(&mut self.maybe_out);
    }

    /// All entries have been read: no other client is let in.
    pub(super) fn finish(mut self) -> Clients {
        if self.sure.contains(&Item::Local) {
            // They are among those of its networks.
            self.lost.retain(|lost| lost != OWN);
            let is_loopback = |block: &Block| loopback().iter().any(|it| it.covers(*block));
            self.sure.retain(|item| !matches!(item, Item::Network(block) if is_loopback(block)));
        }
        let Self { sure, possible, world, excepts, lost, .. } = self;
        Clients { sure, possible, world, excepts, lost }
    }

    fn push(&mut self, item: Item) {
        let is_known = match item {
            Item::Local => self.sure.contains(&item),
            Item::Network(block) => {
                self.sure.iter().any(|known| matches!(known, Item::Network(known) if known.covers(block)))
            }
        };
        if is_known {
            return;
        }
        if let Item::Network(block) = item {
            self.sure.retain(|known| !matches!(known, Item::Network(known) if block.covers(*known)));
        }
        if self.sure.len() < WORKED_OUT_MAX {
            self.sure.push(item);
        } else {
            self.lose(TOO_LONG);
        }
    }

    fn lose(&mut self, lost: &str) {
        if !self.lost.iter().any(|known| known == lost) {
            self.lost.push(lost.to_owned());
        }
    }
}

/// What is certainly left of a network. Where that is in too many pieces, the largest of them.
fn at_least(block: Block, out: &[Block]) -> Vec<Block> {
    let mut left = vec![block];
    for out in out {
        take_out(&mut left, *out);
        if left.len() > WORKED_OUT_MAX {
            left.sort_by_key(|piece| piece.length);
            left.truncate(WORKED_OUT_MAX);
        }
    }
    left
}

/// What may be left of a network. Where that is in too many pieces, more.
fn at_most(block: Block, out: &[Block]) -> Vec<Block> {
    let mut left = vec![block];
    for out in out {
        let before = left.clone();
        take_out(&mut left, *out);
        if left.len() > WORKED_OUT_MAX {
            left = before;
        }
    }
    left
}

/// Takes a block out of pieces that have nothing in common: it lies in one of them, or holds some.
fn take_out(pieces: &mut Vec<Block>, out: Block) {
    match pieces.iter().position(|piece| piece.covers(out)) {
        Some(place) => {
            let less = pieces[place].minus(out);
            pieces.splice(place..=place, less);
        }
        None => pieces.retain(|piece| !out.covers(*piece)),
    }
}

/// Of too many blocks, everything.
fn bounded(blocks: &mut Vec<Block>) {
    if blocks.len() > WORKED_OUT_MAX {
        *blocks = Block::EVERYTHING.into();
    }
}

#[cfg(test)]
mod tests;
