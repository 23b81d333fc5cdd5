//! Any bytes as zone text: every fault can be drawn, and a zone that is accepted is the same after it was
//! written and read again.

use edgedns::answer::compile;
use edgedns::source::{Diagnostics, Look, Sources, Span};
use edgedns::zone::{Builder, Zone};
use edgedns::zonefile;

use crate::served::name;

/// Words of zone text.
pub(crate) const WORDS: &[&[u8]] = &[
    b"$ORIGIN ",
    b"$TTL ",
    b"$INCLUDE ",
    b"$GENERATE 1-9 ",
    b"${0,3,x}",
    b" SOA ",
    b" NS ",
    b" CNAME ",
    b" DNAME ",
    b" MX 1 ",
    b" TXT ",
    b" SRV 0 0 1 ",
    b" AAAA ",
    b" CAA 0 issue ",
    b" HTTPS 1 . ",
    b" LOC ",
    b" NAPTR ",
    b" TYPE1 \\# 4 ",
    b" IN ",
    b" CH ",
    b"(",
    b")",
    b"\"",
    b"\\",
    b"\\065",
    b";",
    b"\n",
    b"\r\n",
    b"@",
    b"*",
    b"..",
    b"1h30m",
    b"4294967295",
    b" LUA A \"ifportup(1, {'192.0.2.1'})\"",
    b"2001:db8::",
];

/// Most records that a `$GENERATE` may make here: an input of a few bytes shall not take a second.
const GENERATED_MAX: u32 = 300;

/// Panics unless the property holds.
pub(crate) fn holds(text: &[u8]) {
    let Some(zone) = read(text) else { return };
    let written = write(&zone);
    let Some(again) = read(written.as_bytes()) else { panic!("what was written is refused:\n{written}") };
    assert_eq!(write(&again), written, "what is read again is the same");
    // A zone without errors has no answer that is too long.
    compile(&zone).expect("what was read is compiled");
}

/// The zone of a text without errors. Draws whatever is wrong with it.
fn read(text: &[u8]) -> Option<Zone> {
    let mut sources = Sources::default();
    let file = sources.add("example.zone", text.to_vec());
    let mut builder = Builder::new(name("example."), Span::new(file, 0, 0));
    // No input shall name a file of the machine that runs this.
    let settings = zonefile::Settings {
        include_depth_max: 0,
        generate_max: GENERATED_MAX,
        ..zonefile::Settings::default()
    };
    let mut found = Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &settings, &mut found);
    let zone = builder.finish(&mut found);
    found.sort();
    draw(&sources, &found);
    zone.filter(|_| found.errors() == 0)
}

/// Draws diagnostics in every way there is.
pub(super) fn draw(sources: &Sources, found: &Diagnostics) {
    for one in found {
        assert!(!sources.render(one, Look::Plain).is_empty());
        assert!(!sources.render(one, Look::Coloured).is_empty());
        assert!(!sources.sentence(one).contains('\n'), "a sentence is one line: {}", sources.sentence(one));
    }
}

fn write(zone: &Zone) -> String {
    let mut text = String::new();
    zonefile::write(zone, &mut text);
    text
}
