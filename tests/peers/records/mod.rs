//! Records of every type beside BIND, Knot DNS and NSD: where one of them and edgedns read a record, both
//! make the same of it.
//!
//! `samples.txt` holds the text of each type; text to wire and wire to text are compared.

mod peer;

use std::collections::BTreeMap;

use edgedns::dns::{Name, Rtype, rdata};
use edgedns::source::Sources;
use edgedns::zonefile::{self, Content, search};

use peer::{Bind, Knot, Nsd, Verdict};

/// The zone that relative names are completed with.
const APEX: &str = "x.example.";

/// What is to become of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    Read,
    ReadHereAlone,
    Refused,
}

/// One line of `samples.txt`.
#[derive(Clone, Copy, Debug)]
struct Sample {
    expected: Expected,
    /// Type and data.
    text: &'static str,
}

fn samples() -> Vec<Sample> {
    let lines = include_str!("samples.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let sample = |line: &'static str| {
        let (mark, text) = line.split_once(' ').expect("a mark and a record");
        let expected = match mark {
            "=" => Expected::Read,
            "~" => Expected::ReadHereAlone,
            "!" => Expected::Refused,
            _ => panic!("no mark: {line}"),
        };
        Sample { expected, text }
    };
    lines.map(sample).collect()
}

/// Type and RDATA of a record, as edgedns reads it.
fn read(text: &str) -> Option<(Rtype, Vec<u8>)> {
    let mut sources = Sources::default();
    let file = sources.add("x.zone", format!("x {text}\n").into_bytes());
    let apex: Name = APEX.parse().expect("a name");
    let found = search(&mut sources, file, &apex, &zonefile::Settings::default(), |_, _| true);
    found.into_iter().next().map(|written| match written.content {
        Content::Rdata(rdata) => (written.rtype, rdata),
        Content::Lua(_) => panic!("no sample is a LUA record: {text}"),
    })
}

/// A record in edgedns's own text.
fn written(rtype: Rtype, wire: &[u8]) -> String {
    let mut text = format!("{rtype} ");
    rdata::write(rtype, wire, &mut text);
    text
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect()
}

#[test]
fn every_type_of_the_table_has_a_sample_and_all_are_read_or_refused_as_they_say() {
    let mut met: BTreeMap<u16, u32> = BTreeMap::new();
    for Sample { expected, text } in samples() {
        let read = read(text);
        assert_eq!(read.is_some(), expected != Expected::Refused, "{text}");
        let Some((rtype, wire)) = read else { continue };
        *met.entry(rtype.0).or_default() += 1;
        let again = written(rtype, &wire);
        assert_eq!(self::read(&again), Some((rtype, wire)), "{text}: {again}");
    }
    // What signs a zone is left out of it (see `zonefile`), what is no data cannot stand in one, SOA stands at the
    // apex alone, and LUA has no RDATA.
    const NOT_HERE: [&str; 6] = ["SOA", "RRSIG", "NSEC", "NSEC3", "NSEC3PARAM", "LUA"];
    let types = Rtype::mnemonics().filter(|mnemonic| !NOT_HERE.contains(mnemonic));
    for mnemonic in types {
        let rtype = Rtype::parse(mnemonic.as_bytes()).expect("a mnemonic");
        assert_eq!(met.contains_key(&rtype.0), !rtype.is_meta(), "{mnemonic} has a sample");
    }
}

/// What the peers make of one sample.
struct Judged {
    sample: Sample,
    bind: Verdict,
    knot: Verdict,
    nsd: Verdict,
}

impl Judged {
    fn verdicts(&self) -> [(&'static str, &Verdict); 3] {
        [("BIND", &self.bind), ("Knot", &self.knot), ("NSD", &self.nsd)]
    }

    /// Whether each peer that reads the sample makes these bytes of it, whatever the text it writes them in.
    fn agree(&self, wire: &[u8]) -> Result<(), String> {
        for (who, verdict) in self.verdicts() {
            let Verdict::Reads { wire: theirs, text } = verdict else { continue };
            if theirs.as_ref().is_some_and(|theirs| *theirs != hex(wire)) {
                return Err(format!("{who}: {} and not {}", theirs.as_deref().unwrap_or(""), hex(wire)));
            }
            match read(text) {
                Some((_, ours)) if ours == wire => {}
                other => return Err(format!("{who} writes {text}, which is read as {other:?}")),
            }
        }
        Ok(())
    }
}

#[test]
fn bind_knot_and_nsd_make_the_same_bytes_of_what_they_read() {
    if !peer::are_installed() {
        return;
    }
    let samples = samples();
    let judged = judge(&samples);
    let mut faults = Vec::new();
    for one in &judged {
        let Sample { expected, text } = one.sample;
        let Some((_, wire)) = read(text) else {
            // It knows all these types.
            let wrong = one.bind != Verdict::Refuses;
            faults.extend(wrong.then(|| format!("{text}: BIND reads it")));
            continue;
        };
        faults.extend(one.agree(&wire).err().map(|fault| format!("{text}: {fault}")));
        let readers = one.verdicts().iter().filter(|(_, verdict)| **verdict != Verdict::Refuses).count();
        if readers == 0 && expected == Expected::Read {
            faults.push(format!("{text}: no peer reads it"));
        }
    }
    assert!(faults.is_empty(), "{} of {}:\n{}", faults.len(), samples.len(), faults.join("\n"));
}

#[test]
fn bind_reads_what_edgedns_writes_to_the_same_bytes() {
    if !peer::are_installed() {
        return;
    }
    let read_here = samples().into_iter().filter(|sample| sample.expected == Expected::Read);
    let own: Vec<(Rtype, Vec<u8>)> = read_here.filter_map(|sample| read(sample.text)).collect();
    let texts: Vec<String> = own.iter().map(|(rtype, wire)| written(*rtype, wire)).collect();
    let verdicts = peer::at_once(&texts, |text| Bind::judge(text));
    for ((text, (_, wire)), verdict) in texts.iter().zip(&own).zip(verdicts) {
        match verdict {
            Verdict::Reads { wire: theirs, .. } => assert_eq!(theirs, Some(hex(wire)), "{text}"),
            // A key that is not there, for algorithm 0: BIND alone wants one.
            Verdict::Refuses => assert!(text.starts_with("IPSECKEY 10 0 0"), "BIND refuses {text}"),
        }
    }
}

/// Asks all peers about all samples.
fn judge(samples: &[Sample]) -> Vec<Judged> {
    let texts: Vec<&str> = samples.iter().map(|sample| sample.text).collect();
    let bind = peer::at_once(&texts, |text| Bind::judge(text));
    let nsd = peer::at_once(&texts, |text| Nsd::judge(text));
    // Knot DNS takes some malformed data, and some in the form for unknown types, and then cannot write the zone.
    let plain = |sample: &Sample| sample.expected != Expected::Refused && !sample.text.contains(r"\#");
    let taken = peer::at_once(samples, |sample| plain(sample) && Knot::takes(sample.text));
    let knot = Knot::judge(&texts, &taken);
    let all = samples.iter().zip(bind).zip(knot).zip(nsd);
    all.map(|(((sample, bind), knot), nsd)| Judged { sample: *sample, bind, knot, nsd }).collect()
}
