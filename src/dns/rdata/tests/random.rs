//! Random RDATA and random words.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::prelude::*;

use super::*;
use table::{Field, TypeEntry};

/// Nothing is written into the folder of the project.
pub(super) fn config() -> ProptestConfig {
    ProptestConfig { failure_persistence: None, ..ProptestConfig::default() }
}

/// Sound RDATA of any type of the table.
pub(super) fn any_rdata() -> impl Strategy<Value = (Rtype, Vec<u8>)> {
    (0..TYPES.len()).prop_flat_map(|at| {
        let entry = &TYPES[at];
        let rdata = match entry.mnemonic {
            "IPSECKEY" => ipseckey().boxed(),
            "AMTRELAY" => amtrelay().boxed(),
            // Where flags say that there is no key, there may be one.
            _ => field_by_field(entry).boxed(),
        };
        rdata.prop_map(|rdata| (entry.rtype, rdata))
    })
}

fn field_by_field(entry: &'static TypeEntry) -> impl Strategy<Value = Vec<u8>> {
    let fields: Vec<BoxedStrategy<Vec<u8>>> = entry.fields.iter().map(bytes_of).collect();
    fields.prop_map(|parts| parts.concat())
}

/// A gateway of each type that is known.
fn gateway() -> impl Strategy<Value = (u8, Vec<u8>)> {
    prop_oneof![
        Just((0, Vec::new())),
        vec(any::<u8>(), 4).prop_map(|address| (1, address)),
        vec(any::<u8>(), 16).prop_map(|address| (2, address)),
        name().prop_map(|name| (3, name)),
    ]
}

fn ipseckey() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), gateway(), any::<u8>(), vec(any::<u8>(), 0..40)).prop_map(
        |(precedence, (kind, gateway), algorithm, key)| {
            let algorithm = if key.is_empty() { 0 } else { algorithm };
            [vec![precedence, kind, algorithm], gateway, key].concat()
        },
    )
}

fn amtrelay() -> impl Strategy<Value = Vec<u8>> {
    (any::<u8>(), gateway(), any::<bool>()).prop_map(|(precedence, (kind, gateway), discovery)| {
        [vec![precedence, kind | u8::from(discovery) << 7], gateway].concat()
    })
}

fn identity() -> impl Strategy<Value = Vec<u8>> {
    let parts = (vec(any::<u8>(), 1..=255), any::<u8>(), vec(any::<u8>(), 1..300), vec(name(), 0..3));
    parts.prop_map(|(tag, algorithm, key, servers)| {
        let [high, low] = u16::try_from(key.len()).unwrap().to_be_bytes();
        let lengths = vec![u8::try_from(tag.len()).unwrap(), algorithm, high, low];
        [lengths, tag, key, servers.concat()].concat()
    })
}

fn prefixes() -> impl Strategy<Value = Vec<u8>> {
    let item = |family: u8, bits: u8| {
        let address = vec(any::<u8>(), 0..=usize::from(bits / 8));
        (address, 0..=bits, any::<bool>()).prop_map(move |(mut address, prefix, negated)| {
            while address.last() == Some(&0) {
                address.pop();
            }
            let length = u8::try_from(address.len()).unwrap() | u8::from(negated) << 7;
            [vec![0, family, prefix, length], address].concat()
        })
    };
    vec(prop_oneof![item(1, 32), item(2, 128)], 0..4).prop_map(|items| items.concat())
}

fn address_chain() -> impl Strategy<Value = Vec<u8>> {
    (0..=128u8, vec(any::<u8>(), 16), name()).prop_map(|(prefix, address, name)| {
        let mut suffix = address[usize::from(prefix / 8)..].to_vec();
        if let Some(first) = suffix.first_mut() {
            *first &= 0xff >> (prefix % 8);
        }
        [vec![prefix], suffix, if prefix == 0 { Vec::new() } else { name }].concat()
    })
}

fn atm() -> impl Strategy<Value = Vec<u8>> {
    let plain = vec(any::<u8>(), 1..20).prop_map(|address| [vec![0], address].concat());
    prop_oneof![plain, "[0-9]{1,15}".prop_map(|number| [vec![1], number.into_bytes()].concat())]
}

/// Bits that end in one that is set, or none.
fn bits(first: std::ops::RangeInclusive<u8>, bytes_max: usize) -> impl Strategy<Value = Vec<u8>> {
    (first, vec(any::<u8>(), 0..bytes_max), 1..=127u8).prop_map(|(first, mut bits, last)| {
        bits.push(last);
        bits[0] = first & 0x7f | u8::from(bits.len() == 1);
        bits
    })
}

fn bytes_of(field: &Field) -> BoxedStrategy<Vec<u8>> {
    let exactly = |length: usize| vec(any::<u8>(), length..=length).boxed();
    // The oracle knows the flags that are assigned today, and text in them.
    match (field.name, field.kind) {
        ("flags", FieldKind::U16) => return (0..=3u8).prop_map(|flags| vec![0, flags]).boxed(),
        ("flags", FieldKind::CharString) => {
            return "[A-Z0-9]{0,3}".prop_map(|text| behind_length(text.as_bytes())).boxed();
        }
        _ => {}
    }
    match field.kind {
        FieldKind::U8 | FieldKind::Named8(_) => exactly(1),
        FieldKind::U16 | FieldKind::Named16(_) | FieldKind::Flags16(_) | FieldKind::Type => exactly(2),
        FieldKind::U32 | FieldKind::Timer | FieldKind::Timestamp | FieldKind::Ipv4 => exactly(4),
        FieldKind::Eui48 => exactly(6),
        FieldKind::Eui64 | FieldKind::Locator64 | FieldKind::Halves64 => exactly(8),
        FieldKind::Ipv6 => exactly(16),
        FieldKind::Name(..) => name().boxed(),
        FieldKind::CharString | FieldKind::Salt => counted(0).boxed(),
        FieldKind::OptionalString => prop_oneof![Just(Vec::new()), counted(0)].boxed(),
        FieldKind::Digits => "[0-9]{4,15}".prop_map(|digits| behind_length(digits.as_bytes())).boxed(),
        FieldKind::CharStrings => vec(counted(0), 1..4).prop_map(|strings| strings.concat()).boxed(),
        FieldKind::Text(_) | FieldKind::Opaque | FieldKind::Base64OrDash => vec(any::<u8>(), 0..300).boxed(),
        FieldKind::Base64(_) | FieldKind::Hex | FieldKind::Nsap => vec(any::<u8>(), 1..300).boxed(),
        FieldKind::Tag => "[a-zA-Z0-9]{1,15}".prop_map(|tag| behind_length(tag.as_bytes())).boxed(),
        // The byte in front may ask for any of these lengths.
        FieldKind::Digest(..) => {
            prop::sample::select(vec![20usize, 32, 48, 64]).prop_flat_map(exactly).boxed()
        }
        FieldKind::HashedOwner => counted(1).boxed(),
        FieldKind::TypeBitmap => bitmap().boxed(),
        FieldKind::FlatBitmap => prop_oneof![Just(Vec::new()), bits(0..=127, 16)].boxed(),
        FieldKind::SvcParams => params().boxed(),
        FieldKind::Location => location().boxed(),
        FieldKind::Prefixes => prefixes().boxed(),
        FieldKind::HostIdentity => identity().boxed(),
        FieldKind::Services => prop_oneof![Just(Vec::new()), bits(0..=255, 60)].boxed(),
        FieldKind::AddressChain => address_chain().boxed(),
        FieldKind::Atm => atm().boxed(),
        // They depend on each other: see `ipseckey` and `amtrelay`.
        FieldKind::Gateway(_) | FieldKind::RelayType => unreachable!("a field of a type made as a whole"),
    }
}

fn behind_length(bytes: &[u8]) -> Vec<u8> {
    let mut counted = vec![u8::try_from(bytes.len()).unwrap()];
    counted.extend_from_slice(bytes);
    counted
}

fn counted(least: usize) -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![vec(any::<u8>(), least..12), vec(any::<u8>(), 250..=255)]
        .prop_map(|bytes| behind_length(&bytes))
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    vec(vec(any::<u8>(), 1..=31).prop_map(|label| behind_length(&label)), 0..6).prop_map(|mut labels| {
        labels.push(vec![0]);
        labels.concat()
    })
}

fn bitmap() -> impl Strategy<Value = Vec<u8>> {
    let window = (vec(any::<u8>(), 0..32), 1..=u8::MAX).prop_map(|(mut bits, last)| {
        bits.push(last);
        behind_length(&bits)
    });
    btree_map(any::<u8>(), window, 0..4).prop_map(|windows| {
        windows.into_iter().flat_map(|(number, window)| [vec![number], window].concat()).collect()
    })
}

fn location() -> impl Strategy<Value = Vec<u8>> {
    let size = || prop_oneof![Just(0u8), (1..=9u8, 0..=9u8).prop_map(|(digit, power)| digit << 4 | power)];
    let angle =
        |degrees: u32| (0..=2 * degrees * 3_600_000).prop_map(move |at| at + (1 << 31) - degrees * 3_600_000);
    ([size(), size(), size()], angle(90), angle(180), any::<u32>()).prop_map(|(sizes, north, east, above)| {
        let numbers = [north, east, above].map(u32::to_be_bytes).concat();
        [vec![0], sizes.to_vec(), numbers].concat()
    })
}

fn params() -> impl Strategy<Value = Vec<u8>> {
    let many = |length: usize| (1..4usize).prop_flat_map(move |count| vec(any::<u8>(), count * length));
    let values = (
        vec("[ -~é]{1,9}", 1..3)
            .prop_map(|ids| ids.iter().flat_map(|id| behind_length(id.as_bytes())).collect::<Vec<u8>>()),
        vec(any::<u8>(), 2),
        many(4),
        vec(any::<u8>(), 1..20),
        many(16),
        "/[a-zé\"\\\\,;]{0,9}\\{\\?dns\\}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..20),
    );
    let codes = btree_set(prop::sample::select(vec![1u16, 2, 3, 4, 5, 6, 7, 8, 9, 667, 65_534]), 0..6);
    (values, codes, any::<prop::sample::Index>()).prop_map(
        |((alpn, port, v4, ech, v6, path, other), mut codes, pick)| {
            if codes.contains(&2) {
                codes.insert(1);
            }
            let value = |code: u16| match code {
                1 => alpn.clone(),
                2 | 8 => Vec::new(),
                3 => port.clone(),
                4 => v4.clone(),
                5 => ech.clone(),
                6 => v6.clone(),
                7 => path.clone(),
                _ => other.clone(),
            };
            let mut params: Vec<(u16, Vec<u8>)> = codes.iter().map(|&code| (code, value(code))).collect();
            let wanted =
                codes.iter().take(pick.index(3)).flat_map(|code| code.to_be_bytes()).collect::<Vec<u8>>();
            if !wanted.is_empty() {
                params.insert(0, (0, wanted));
            }
            let wire = |(code, value): (u16, Vec<u8>)| {
                [&code.to_be_bytes()[..], &u16::try_from(value.len()).unwrap().to_be_bytes(), &value].concat()
            };
            params.into_iter().flat_map(wire).collect()
        },
    )
}

/// Words that come close to what fields want.
fn word() -> impl Strategy<Value = Vec<u8>> {
    let near = prop::sample::select(vec![
        "0",
        "1",
        "255",
        "65536",
        "4294967296",
        "-",
        "@",
        ".",
        "a.",
        r"\#",
        r"\",
        "A",
        "N",
        "E",
        "10m",
        "1h30m",
        "=",
        "alpn=h2",
        "mandatory=alpn",
        "key1=",
        "192.0.2.1",
        "::1",
        "00-00",
        "AA==",
        "\"",
        "alpn=\"",
        "20260101000000",
        "",
        "3",
        "!1:192.0.2.0/24",
        "2:::1/3",
        "0x47.00",
        "+612",
        "39.24",
        "smtp",
        "NOKEY",
        "ZONE|HOST",
        "1:2:3:4",
        "1.2",
        "AQID",
        "aabb",
    ]);
    prop_oneof![near.prop_map(|text| text.as_bytes().to_vec()), vec(any::<u8>(), 0..20)]
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_written_is_read_back_to_the_same_bytes((rtype, rdata) in any_rdata()) {
        let text = written(rtype, &rdata);
        // A digest whose kind wants another length is written as unknown, and no RDATA of its type.
        prop_assume!(!text.starts_with(r"\#") || entry(rtype).is_some_and(TypeEntry::is_opaque));
        let line = Line::new(&text);
        let mut found = Diagnostics::default();
        let read = line.read(rtype, &mut found);
        prop_assert_eq!(read.as_ref(), Ok(&rdata), "{} {}", rtype, text);
        prop_assert!(names(rtype, &rdata).all(|inner| rdata[inner.at..].starts_with(inner.name.wire())));
    }

    #[test]
    fn any_words_are_read_or_refused(
        words in vec((word(), any::<bool>()), 0..10),
        at in 0..=TYPES.len(),
    ) {
        let rtype = TYPES.get(at).map_or(Rtype(65_280), |entry| entry.rtype);
        let line = Line::new("");
        let span = line.span(0, 0);
        let tokens: Vec<Token<'_>> =
            words.iter().map(|(text, quoted)| Token { text, quoted: *quoted, span }).collect();
        let mut out = Vec::new();
        if parse(rtype, &tokens, NameRef::ROOT, span, &mut out, &mut Diagnostics::default()).is_ok() {
            let text = written(rtype, &out);
            // What was read by its fields has them. `\#` can tell more than they.
            let unknown = tokens.first().is_some_and(|first| first.text == br"\#" && !first.quoted);
            prop_assert!(unknown || !text.starts_with(r"\#"), "{} {}", rtype, text);
            prop_assert_eq!(Line::new(&text).read(rtype, &mut Diagnostics::default()), Ok(out));
        } else {
            prop_assert!(out.is_empty());
        }
    }

    #[test]
    fn any_bytes_are_written(rdata in vec(any::<u8>(), 0..80), at in 0..TYPES.len()) {
        let text = written(TYPES[at].rtype, &rdata);
        prop_assert!(text.is_ascii() && !text.contains('\n'));
        names(TYPES[at].rtype, &rdata).for_each(drop);
        if !text.starts_with(r"\#") {
            prop_assert_eq!(Line::new(&text).read(TYPES[at].rtype, &mut Diagnostics::default()), Ok(rdata));
        }
    }
}
