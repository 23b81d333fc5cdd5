//! Which zones are sound: every rule, with the place it names.

mod guards;
mod hosts;
mod rules;
mod targets;

use super::*;
use crate::dns::rdata::{self, Token};
use crate::dns::{Name, NameRef, Rtype, Ttl};
use crate::source::{Diagnostics, FileId, Look, Sources, Span};

/// A zone that is being written down: one record a line, `owner ttl type data`.
struct Lab {
    sources: Sources,
    found: Diagnostics,
    builder: Builder,
    /// Where the configuration names the zone.
    named: Span,
    file: FileId,
    text: &'static str,
}

impl Lab {
    /// `example.` with these records. An owner is relative to the apex.
    fn new(text: &'static str) -> Self {
        Self::named("example.", text)
    }

    /// A zone of another name.
    fn named(apex: &str, text: &'static str) -> Self {
        let mut sources = Sources::default();
        let config = sources.add("edgedns.toml", b"name = \"example\"\nnames = [\"api\"]\n".to_vec());
        let file = sources.add("lab.zone", text.as_bytes().to_vec());
        let apex: Name = apex.parse().unwrap();
        let named = Span::new(config, 7, 16);
        let builder = Builder::new(apex, named);
        let mut lab = Self { sources, found: Diagnostics::default(), builder, named, file, text };
        let mut at = 0;
        for line in text.split_inclusive('\n') {
            if !line.trim().is_empty() {
                lab.record(line, at);
            }
            at += line.len();
        }
        lab
    }

    fn record(&mut self, line: &'static str, at: usize) {
        let mut words = self.words(line, at).into_iter();
        let mut word = || words.next().expect("owner, TTL and type");
        let (owner, ttl, rtype) = (word(), word(), word());
        let span = owner.span;
        let origin = self.builder.apex().to_name();
        let owner = Name::parse(owner.text, origin.as_ref()).unwrap();
        let ttl = Ttl::from_seconds(std::str::from_utf8(ttl.text).unwrap().parse().unwrap()).unwrap();
        let rtype = Rtype::parse(rtype.text).unwrap();
        let words: Vec<Token<'_>> = words.collect();
        let mut data = Vec::new();
        rdata::parse(rtype, &words, origin.as_ref(), span, &mut data, &mut self.found).unwrap();
        self.found.extend(self.builder.add(owner.as_ref(), rtype, ttl, &data, span).err());
    }

    fn words(&self, line: &'static str, at: usize) -> Vec<Token<'static>> {
        let span = |word: &str| {
            let start = at + (word.as_ptr().addr() - line.as_ptr().addr());
            Span::new(self.file, u32::try_from(start).unwrap(), u32::try_from(start + word.len()).unwrap())
        };
        line.split_whitespace()
            .map(|word| Token { text: word.as_bytes(), quoted: false, span: span(word) })
            .collect()
    }

    /// The place of the first `word` in the zone's text.
    fn place(&self, word: &str) -> Span {
        let at = self.text.find(word).expect("a word of the text");
        Span::new(self.file, u32::try_from(at).unwrap(), u32::try_from(at + word.len()).unwrap())
    }

    /// A pool as a LUA record makes one; it was written where `word` stands.
    fn lua(mut self, owner: &str, word: &str) -> Self {
        let span = self.place(word);
        self.builder.add_pool(pool(owner, span)).unwrap();
        self
    }

    /// The zone, and what was said: severity and sentence.
    fn finish(mut self) -> (Option<Zone>, Vec<String>) {
        let zone = self.builder.finish(&mut self.found);
        let said = self.found.iter();
        let said = said.map(|one| format!("{} {}", one.severity.word(), self.sources.sentence(one)));
        (zone, said.collect())
    }

    fn said(self) -> Vec<String> {
        self.finish().1
    }

    /// What was said, as it is drawn.
    fn drawn(mut self) -> String {
        self.builder.finish(&mut self.found);
        let drawn = self.found.iter().map(|one| self.sources.render(one, Look::Plain));
        drawn.collect::<Vec<_>>().join("\n")
    }
}

fn name(text: &[u8]) -> Name {
    Name::parse(text, "example.".parse::<Name>().unwrap().as_ref()).unwrap()
}

fn pool(owner: &str, span: Span) -> Pool {
    let members = vec![Member::at("192.0.2.1".parse().unwrap())];
    let pool = Pool::new(name(owner.as_bytes()), Rtype::A, Ttl::default(), members, span);
    Pool { lua: Some("ifportup(1, {'192.0.2.1'})".into()), ..pool }
}

/// What every zone needs, so that a test need only add what it is about.
macro_rules! sound {
    ($($line:literal)*) => {
        concat!("@ 60 SOA ns host 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.53\n", $($line, "\n"),*)
    };
}
use sound;

#[test]
fn a_sound_zone_says_nothing() {
    let (zone, said) = Lab::new(sound!("www 60 CNAME ns" "*.apps 60 A 192.0.2.1")).finish();
    assert_eq!(said, [""; 0]);
    let zone = zone.unwrap();
    assert_eq!((zone.serial(), zone.record_count()), (1, 5));
}

#[test]
fn empty_non_terminals_are_nodes() {
    let (zone, _) = Lab::new(sound!("a.b.c 60 A 192.0.2.1")).finish();
    let zone = zone.unwrap();
    let node = |owner: &str| zone.find(name(owner.as_bytes()).as_ref()).map(|id| zone.node(id));
    assert_eq!(node("b.c").unwrap().types().count(), 0);
    assert_eq!(node("B.C").unwrap().parent().name(), name(b"c").as_ref());
    assert!(node("x.c").is_none());
}

#[test]
fn what_lies_below_a_cut_is_occluded_and_the_highest_covers() {
    let (zone, _) =
        Lab::new(sound!("cut 60 NS ns" "below.cut 60 NS ns" "deep.below.cut 60 A 192.0.2.1" "d 60 DNAME ns"))
            .finish();
    let zone = zone.unwrap();
    let id = |owner: &str| zone.find(name(owner.as_bytes()).as_ref()).unwrap();
    let kinds = ["@", "cut", "below.cut", "deep.below.cut", "d"].map(|owner| zone.node(id(owner)).kind());
    let expected =
        [NodeKind::Plain, NodeKind::ZoneCut, NodeKind::Occluded, NodeKind::Occluded, NodeKind::Dname];
    assert_eq!(kinds, expected);
    assert_eq!(zone.covering(id("deep.below.cut")), Some(id("cut")));
    assert_eq!(zone.covering(id("cut")), None);
}

#[test]
fn a_wildcard_is_found_from_its_parent() {
    let (zone, _) = Lab::new(sound!("*.apps 60 A 192.0.2.1")).finish();
    let zone = zone.unwrap();
    let apps = zone.node(zone.find(name(b"apps").as_ref()).unwrap());
    assert_eq!(apps.wildcard().unwrap().name(), name(b"*.apps").as_ref());
    assert!(zone.node(NodeId::APEX).wildcard().is_none());
}

#[test]
fn records_come_in_canonical_order_with_the_soa_first() {
    let (zone, _) = Lab::new(sound!("*.z 60 A 192.0.2.1" "a.z 60 A 192.0.2.3" "a.z 60 A 192.0.2.2")).finish();
    let zone = zone.unwrap();
    let order: Vec<String> =
        zone.records().map(|(owner, rtype, _, data)| format!("{owner} {rtype} {}", data.len())).collect();
    assert_eq!(
        order,
        [
            "example. SOA 46",
            "example. NS 12",
            "ns.example. A 4",
            "*.z.example. A 4",
            "a.z.example. A 4",
            "a.z.example. A 4"
        ]
    );
    let last: Vec<&[u8]> = zone.records().map(|(.., data)| data).skip(4).collect();
    assert_eq!(last, [&[192, 0, 2, 2][..], &[192, 0, 2, 3]]);
}

#[test]
fn an_owner_outside_the_zone_is_refused() {
    assert_eq!(
        Lab::new(sound!("www.example.net. 60 A 192.0.2.1")).said(),
        ["error lab.zone:4:1: `www.example.net.` does not lie in the zone `example.`; \
          names that do not end in a dot are relative to $ORIGIN; a record of another zone is answered from there: \
          remove it here, as BIND and Knot do unasked"]
    );
    let mut lab = Lab::new(sound!());
    let refused = lab.builder.add_pool(pool("api.example.net.", lab.place("ns"))).unwrap_err();
    assert!(refused.message.contains("does not lie in the zone"), "{}", refused.message);
}

#[test]
fn record_data_has_a_length_of_16_bits() {
    let mut lab = Lab::new(sound!());
    let span = lab.place("ns");
    let too_long = lab.builder.add(name(b"a").as_ref(), Rtype(65_280), Ttl::default(), &[0; 65_536], span);
    assert_eq!(too_long.unwrap_err().message, "the record's data is longer than 65535 bytes");
    lab.builder.add(name(b"a").as_ref(), Rtype(65_280), Ttl::default(), &[0; 64_900], span).unwrap();
    assert!(lab.finish().0.is_some());
}

#[test]
fn the_root_may_be_a_zone() {
    let mut found = Diagnostics::default();
    let mut sources = Sources::default();
    let span = Span::new(sources.add("root.zone", Vec::new()), 0, 0);
    let mut builder = Builder::new(Name::root(), span);
    builder.add(NameRef::ROOT, Rtype::NS, Ttl::default(), b"\x01a\0", span).unwrap();
    builder
        .add("a.".parse::<Name>().unwrap().as_ref(), Rtype::A, Ttl::default(), &[192, 0, 2, 1], span)
        .unwrap();
    let soa = [&[0, 0][..], &[0; 20]].concat();
    builder.add(NameRef::ROOT, Rtype::SOA, Ttl::default(), &soa, span).unwrap();
    assert!(builder.finish(&mut found).is_some());
    assert_eq!(found.iter().count(), 0, "{found:?}");
}
