//! What holds for any list: the first entry that holds an address decides, and in doubt a client is kept out.

use proptest::prelude::*;

use super::*;
use crate::source::{Sources, Span};

/// An entry of a list.
#[derive(Clone, Debug)]
enum Entry {
    Network(Block),
    Any,
    /// It is unknown which clients are meant.
    Unknown,
    List(Vec<(Sign, Entry)>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sign {
    Admit,
    Exclude,
}

fn word() -> Word {
    let file = Sources::default().next();
    Word { text: "any".to_owned(), span: Span::new(file, 0, 0) }
}

/// Few addresses, so that networks meet.
fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        (0_u8..4, 0_u8..8).prop_map(|(c, d)| IpAddr::from([10, 0, c, d])),
        (0_u16..4, 0_u16..8).prop_map(|(a, z)| IpAddr::from([0x2001, 0xdb8, a, 0, 0, 0, 0, z])),
    ]
}

fn block() -> impl Strategy<Value = Block> {
    (address(), 0_u32..=128).prop_map(|(address, length)| {
        let whole = Block::of(address);
        Block::around(address, length % (whole.length + 1))
    })
}

fn entry() -> impl Strategy<Value = Entry> {
    let leaf = prop_oneof![
        8 => block().prop_map(Entry::Network),
        1 => Just(Entry::Any),
        1 => Just(Entry::Unknown),
    ];
    leaf.prop_recursive(3, 24, 6, |inner| list(inner).prop_map(Entry::List))
}

fn list(entry: impl Strategy<Value = Entry>) -> impl Strategy<Value = Vec<(Sign, Entry)>> {
    prop::collection::vec((prop::sample::select(vec![Sign::Admit, Sign::Exclude]), entry), 0..6)
}

/// Whether an entry holds an address: none if it is unknown.
fn holds(entry: &Entry, address: IpAddr) -> Option<bool> {
    match entry {
        Entry::Network(block) => Some(block.covers(Block::of(address))),
        Entry::Any => Some(true),
        Entry::Unknown => None,
        Entry::List(list) => lets_in(list, address),
    }
}

/// As the manuals have it: the first entry that holds an address decides, and without one it stays outside.
fn lets_in(list: &[(Sign, Entry)], address: IpAddr) -> Option<bool> {
    let mut doubt = None;
    for (sign, entry) in list {
        let verdict = *sign == Sign::Admit;
        match (holds(entry, address), doubt) {
            (Some(false), _) => {}
            (Some(true), None) => return Some(verdict),
            (Some(true), Some(other)) => return (other == verdict).then_some(verdict),
            (None, None) => doubt = Some(verdict),
            (None, Some(other)) if other == verdict => {}
            (None, Some(_)) => return None,
        }
    }
    // Whoever no entry holds stays outside.
    match doubt {
        None | Some(false) => Some(false),
        Some(true) => None,
    }
}

fn worked_out(list: &[(Sign, Entry)]) -> Clients {
    let mut result = List::default();
    for (sign, entry) in list {
        let clients = match entry {
            Entry::Network(block) => Clients::network(*block, &word()),
            Entry::Any => Clients::everybody(),
            Entry::Unknown => Clients::nobody_but("somebody"),
            Entry::List(list) => worked_out(list),
        };
        match sign {
            Sign::Admit => result.admit(&clients),
            Sign::Exclude => result.exclude(&clients, "!"),
        }
    }
    result.finish()
}

proptest! {
    #[test]
    fn a_difference_holds_what_the_first_holds_and_the_second_does_not(
        (one, other, address) in (block(), block(), address())
    ) {
        let asked = Block::of(address);
        let left = one.minus(other);
        let wanted = one.covers(asked) && !other.covers(asked);
        prop_assert_eq!(left.iter().filter(|piece| piece.covers(asked)).count(), usize::from(wanted));
        prop_assert!(left.len() <= 128);
    }

    #[test]
    fn a_list_lets_in_who_is_certainly_meant_and_nobody_else(
        list in list(entry()), addresses in prop::collection::vec(address(), 8)
    ) {
        let clients = worked_out(&list);
        for address in addresses {
            prop_assert_eq!(clients.holds(address), lets_in(&list, address) == Some(true), "{} in {:?}", address, list);
            let may = clients.possible.iter().any(|block| block.covers(Block::of(address)));
            prop_assert_eq!(may, lets_in(&list, address) != Some(false), "{} may be in {:?}", address, list);
        }
    }

    #[test]
    fn what_is_in_two_lists_is_in_each_of_them(
        one in list(entry()), other in list(entry()), addresses in prop::collection::vec(address(), 8)
    ) {
        let (one, other) = (worked_out(&one), worked_out(&other));
        let both = one.and(&other);
        for address in addresses {
            prop_assert_eq!(both.holds(address), one.holds(address) && other.holds(address), "{}", address);
        }
    }

    #[test]
    fn a_list_that_is_written_holds_nobody_more(list in list(entry())) {
        let mut clients = worked_out(&list);
        let before = clients.clone();
        let written = clients.written();
        prop_assert!(written.len() <= LIST_MAX);
        for text in written {
            let block = Block::parse(&text).expect("a network that is written can be read");
            prop_assert!(before.networks().any(|known| known.covers(block)), "{}", text);
        }
    }
}

fn read(list: &[&str]) -> Vec<String> {
    let mut result = List::default();
    for text in list {
        match text.strip_prefix('!') {
            Some(text) => result.exclude(&Clients::network(Block::parse(text).unwrap(), &word()), text),
            None => result.admit(&Clients::network(Block::parse(text).unwrap(), &word())),
        }
    }
    result.finish().written()
}

#[test]
fn one_address_out_of_a_network_leaves_a_prefix_of_each_length() {
    assert_eq!(
        read(&["!10.14.40.129", "10.14.40.0/24"]),
        [
            "10.14.40.0/25",
            "10.14.40.192/26",
            "10.14.40.160/27",
            "10.14.40.144/28",
            "10.14.40.136/29",
            "10.14.40.132/30",
            "10.14.40.130/31",
            "10.14.40.128",
        ]
    );
}

#[test]
fn an_exception_behind_the_network_that_holds_it_is_none() {
    assert_eq!(read(&["10.0.0.0/8", "!10.1.0.0/16"]), ["10.0.0.0/8"]);
}

#[test]
fn what_a_wider_network_holds_is_not_written_beside_it() {
    assert_eq!(read(&["10.0.0.1", "192.0.2.0/24", "10.0.0.0/24"]), ["192.0.2.0/24", "10.0.0.0/24"]);
}

#[test]
fn a_list_too_long_for_the_config_file_loses_its_smallest_networks_and_says_so() {
    let mut list = List::default();
    list.exclude(&Clients::network(Block::parse("2001:db8::1").unwrap(), &word()), "2001:db8::1");
    list.admit(&Clients::network(Block::parse("2001:db8::/32").unwrap(), &word()));
    let mut clients = list.finish();
    assert!(clients.lost().is_empty(), "96 prefixes say it all");
    assert_eq!(clients.written().len(), LIST_MAX);
    assert!(!clients.lost().is_empty());
    assert!(clients.holds("2001:db8:8000::1".parse().unwrap()));
    assert!(!clients.holds("2001:db8::2".parse().unwrap()), "it lies beside the exception");
}

#[test]
fn networks_of_the_host_are_left_out_where_one_of_them_may_be_excepted() {
    let mut list = List::default();
    list.exclude(&Clients::network(Block::parse("192.0.2.9").unwrap(), &word()), "192.0.2.9");
    list.admit(&Clients::local());
    let mut clients = list.finish();
    assert_eq!(clients.written(), ["127.0.0.0/8", "::1"]);
    assert!(!clients.lost().is_empty());
}

#[test]
fn a_list_made_to_be_slow_ends() {
    let mut list = List::default();
    for number in 0..2 * WORKED_OUT_MAX as u128 {
        let address = IpAddr::V6(Ipv6Addr::from_bits(number << 64 | number.reverse_bits()));
        list.exclude(&Clients::network(Block::of(address), &word()), "!");
        if number % 64 == 0 {
            list.admit(&Clients::network(Block::EVERYTHING[1], &word()));
        }
    }
    let clients = list.finish();
    assert!(clients.sure.len() <= WORKED_OUT_MAX);
}
