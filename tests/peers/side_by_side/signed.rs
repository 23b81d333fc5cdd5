//! Random zones that come signed: edgedns answers questions with the DO bit as NSD, Knot DNS and BIND do, section by
//! section.
//!
//! Signed by `dnssec-signzone` with one key, with NSEC records, with NSEC3 records, and with those that opt out. Unbound
//! and delv validate the answers, and dnssec-verify what a transfer sends.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, UdpSocket};
use std::path::Path;
use std::process::{Command, Stdio};

use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::answer::{Answer, Set};
use super::differences::{Case, Judgement, judge};
use super::question::{self, Edns, Question};
use super::server::{Kind, Server};
use super::zone::{self, Pair, Planted, Which};
use super::{FAULTS_SHOWN_MAX, plant, seed};
use harness::PATIENCE;
use harness::tools::{is_installed, tool};
use harness::unbound::Unbound;

/// Pairs of zones of each kind of denial.
const PAIRS: usize = 40;

/// Questions about one pair at most.
const QUESTIONS_MAX: usize = 400;

/// How names are denied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denial {
    Nsec,
    Nsec3,
    OptOut,
}

impl Denial {
    /// What `dnssec-signzone` is told.
    fn options(self) -> &'static [&'static str] {
        match self {
            Denial::Nsec => &[],
            Denial::Nsec3 => &["-3", "AABB", "-H", "2"],
            Denial::OptOut => &["-3", "-", "-H", "0", "-A"],
        }
    }
}

#[test]
fn zones_that_come_signed_with_nsec_are_answered_as_the_peers_do() {
    compare(Denial::Nsec);
}

#[test]
fn zones_that_come_signed_with_nsec3_are_answered_as_the_peers_do() {
    compare(Denial::Nsec3);
}

#[test]
fn zones_that_come_signed_and_opt_out_are_answered_as_the_peers_do() {
    compare(Denial::OptOut);
}

fn compare(denial: Denial) {
    let peers = [Kind::Nsd, Kind::Knot, Kind::Bind].into_iter().all(Kind::is_installed);
    if !peers || !is_installed("dnssec-signzone") || !is_installed("dnssec-keygen") {
        return;
    }
    let seed = seed(0);
    println!("PEERS_SEED={seed}");
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed.to_le_bytes(); 4].concat());
    let mut runner = TestRunner::new_with_rng(Config::default(), chance);
    let pairs: Vec<Pair> = (0..PAIRS).map(|_| signable(&mut runner)).collect();
    let planted = plant(&pairs);
    let zones = signed(&planted, denial);
    let questions: Vec<Question> = planted
        .iter()
        .flat_map(|&planted| {
            question::of_types(planted, question::SIGNED_QTYPES, QUESTIONS_MAX, runner.rng())
        })
        // For ANY each server chooses another RRset, or none to follow; what is chosen is signed as it is by itself.
        .filter(|question| question.qtype != 255)
        .map(|question| Question { edns: Edns::DnssecOk(4096), ..question })
        .collect();
    let answers = ask(&zones, &questions);
    let mut counted: BTreeMap<String, usize> = BTreeMap::new();
    let mut shown = String::new();
    let mut faults = BTreeMap::<String, usize>::new();
    for (question, answers) in questions.iter().zip(&answers) {
        let planted = planted[question.pair];
        match verdict(&planted.apexes(), question, answers) {
            Ok(why) => *counted.entry(why).or_default() += 1,
            Err(why) => {
                let met = faults.entry(why.clone()).or_default();
                *met += 1;
                if *met <= FAULTS_SHOWN_MAX {
                    shown += &explained(&zones, planted, question, answers, &why);
                }
            }
        }
    }
    for (why, count) in counted {
        println!("{count:>7} {why}");
    }
    assert!(faults.is_empty(), "{faults:?} of {} answers\n{shown}", questions.len());
}

/// A pair of zones that BIND takes: it refuses NS records at a wildcard.
fn signable(runner: &mut TestRunner) -> Pair {
    let pair = zone::pairs().new_tree(runner).expect("a strategy that rejects nothing").current();
    let is_taken = |record: &zone::Record| record.mnemonic() != "NS" || record.owner.first() != Some(&"*");
    Pair::new(pair.kin, &pair.records.into_iter().filter(is_taken).collect::<Vec<_>>())
}

/// Pairs of zones about which a validating resolver is asked.
const VALIDATED_PAIRS: usize = 8;

#[test]
fn unbound_finds_no_answer_bogus_or_insecure() {
    for denial in [Denial::Nsec, Denial::Nsec3] {
        validate(denial);
    }
}

/// Has Unbound and delv validate answers of random zones, and dnssec-verify these zones as they are sent.
fn validate(denial: Denial) {
    let programs = ["unbound", "delv", "dig", "dnssec-signzone", "dnssec-keygen", "dnssec-verify"];
    if !programs.into_iter().all(is_installed) {
        return;
    }
    let seed = seed(0);
    println!("PEERS_SEED={seed}");
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed.to_le_bytes(); 4].concat());
    let mut runner = TestRunner::new_with_rng(Config::default(), chance);
    let pairs: Vec<Pair> = (0..VALIDATED_PAIRS).map(|_| signable(&mut runner)).collect();
    let planted = plant(&pairs);
    let zones = signed(&planted, denial);
    let ours = Kind::Edgedns.serve_texts(&zones);
    let resolver = Resolver::start(&ours, &zones);
    // Some answers Unbound does not take from anybody: a name with a `*` in it, a DNAME that leads to itself.
    let peers: Vec<(Kind, Server, Resolver)> = [Kind::Nsd, Kind::Knot]
        .into_iter()
        .filter(|kind| kind.is_installed())
        .map(|kind| {
            let server = kind.serve_texts(&zones);
            let resolver = Resolver::start(&server, &zones);
            (kind, server, resolver)
        })
        .collect();
    let mut states = BTreeMap::<String, usize>::new();
    let mut faults = String::new();
    let (mut asked, mut secure) = (0, 0);
    for &planted in &planted {
        for question in question::about(planted, QUESTIONS_MAX / 2, runner.rng()) {
            let question = Question { edns: Edns::DnssecOk(4096), ..question };
            let own = ours.ask(std::slice::from_ref(&question)).pop().flatten();
            let own = Answer::read(over_tcp_if_cut(&ours, &question, own).as_deref()).expect("an answer");
            if !is_for_a_resolver(&planted.apexes(), &question, &own) {
                continue;
            }
            asked += 1;
            let state = resolver.ask(&question);
            if ["NOERROR ad", "NXDOMAIN ad"].contains(&state.as_str()) {
                secure += 1;
                *states.entry(state).or_default() += 1;
                continue;
            }
            let theirs: Vec<(Kind, String)> =
                peers.iter().map(|(kind, _, resolver)| (*kind, resolver.ask(&question))).collect();
            // Who goes round in a circle between zones says SERVFAIL late, or not in time.
            let is_none = |state: &str| ["SERVFAIL", "silent"].contains(&state);
            let is_same = |theirs: &str| theirs == state || is_none(theirs) && is_none(&state);
            if let Some((kind, _)) = theirs.iter().find(|(_, theirs)| is_same(theirs)) {
                *states.entry(format!("{state}, as of {kind:?}")).or_default() += 1;
            } else if faults.len() < 20_000 {
                faults += &format!("\n{state}, and of others {theirs:?}: {question}\n{own}\n{planted}\n");
            }
        }
    }
    println!("{denial:?}: {states:?}");
    assert!(faults.is_empty(), "{states:?}{faults}\n{}", resolver.unbound.log());
    assert!(asked > 100 && secure > asked * 9 / 10, "{asked} questions only, {secure} secure: {states:?}");
    // A client that validates by itself.
    for (apex, _) in &zones {
        assert!(resolver.delv(&ours, apex, "SOA").contains("; fully validated"), "{apex} SOA");
        let denied = resolver.delv(&ours, &format!("nobody-is-here.{apex}"), "A");
        assert!(
            denied.contains("; negative response, fully validated") || denied.contains("; fully validated"),
            "{denied}"
        );
        resolver.verify(&ours, apex);
    }
}

/// Whether a resolver can answer it from our zones alone.
fn is_for_a_resolver(apexes: &BTreeSet<String>, question: &Question, own: &Answer) -> bool {
    let is_ours =
        |name: &String| apexes.iter().any(|apex| name == apex || name.ends_with(&format!(".{apex}")));
    let chain = own.answer.iter().filter(|set| set.rtype == "CNAME" || set.rtype == "DNAME");
    // The servers of a zone that is delegated are nobody, and so is the parent of an apex.
    let refers = own.authority.iter().any(|set| set.rtype == "NS");
    let is_of_parent = question.qtype == 43 && apexes.contains(&question.qname.to_lowercase());
    // Asked for an alias, we answer with the one that a DNAME makes, and Unbound takes that for a missing DS; the others
    // follow it.
    let is_made_alias = question.qtype == 5 && own.answers_with("DNAME");
    // For ANY a resolver shows what it has.
    own.is_authoritative()
        && !is_made_alias
        && !refers
        && !is_of_parent
        && question.qtype != 255
        && chain.flat_map(Set::targets).all(|name| is_ours(&name))
}

/// A validating resolver before a server, with the key of all zones, and what else judges the server's answers.
struct Resolver {
    unbound: Unbound,
}

impl Resolver {
    fn start(ours: &Server, zones: &[(String, String)]) -> Resolver {
        let keys: Vec<String> = zones.iter().map(|(apex, signed)| dnskey(apex, signed)).collect();
        let mut anchors = String::from("trust-anchors {\n");
        for ((apex, _), key) in zones.iter().zip(&keys) {
            let (fixed, bits) = key.rsplit_once(' ').expect("a key");
            _ = writeln!(anchors, "  {apex} static-key {fixed} \"{bits}\";");
        }
        let of_zones: Vec<(&str, &str)> =
            zones.iter().zip(&keys).map(|((apex, _), key)| (apex.as_str(), key.as_str())).collect();
        let unbound = Unbound::start(ours.place(), &of_zones, "  aggressive-nsec: no\n");
        let unbound = unbound.expect("it is installed");
        fs::write(unbound.folder().join("anchors"), anchors + "};\n").expect("a file of keys");
        Resolver { unbound }
    }

    /// The response code, and whether it was validated.
    fn ask(&self, question: &Question) -> String {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_read_timeout(Some(PATIENCE)).expect("a time limit");
        socket.connect(self.unbound.place()).expect("a loopback address");
        let mut query = question.message(1);
        // RD.
        query[2] |= 1;
        let mut buffer = [0; 65_535];
        if socket.send(&query).is_err() {
            return "silent".into();
        }
        let Ok(length) = socket.recv(&mut buffer) else { return "silent".into() };
        match Answer::read(Some(&buffer[..length])) {
            Ok(answer) => {
                let rcode = format!("{:?}", answer.rcode).to_uppercase();
                format!("{}{}", rcode, if answer.flags.contains("AD") { " ad" } else { "" })
            }
            Err(error) => error,
        }
    }

    /// What delv says of an answer of ours.
    fn delv(&self, ours: &Server, qname: &str, qtype: &str) -> String {
        let apex = qname.rsplit_once("here.").map_or(qname, |(_, apex)| apex);
        let place = ours.place();
        let output = tool("delv")
            .expect("it is installed")
            .arg(format!("@{}", place.ip()))
            .args(["-p", &place.port().to_string(), "-a"])
            .arg(self.unbound.folder().join("anchors"))
            .args([&format!("+root={apex}"), qname, qtype])
            .output()
            .expect("delv runs");
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    }

    /// A zone that is sent is whole.
    fn verify(&self, ours: &Server, apex: &str) {
        let place = ours.place();
        let sent = tool("dig")
            .expect("it is installed")
            .arg(format!("@{}", place.ip()))
            .args(["-p", &place.port().to_string(), apex, "AXFR", "+noall", "+answer"])
            .output()
            .expect("dig runs");
        let sent = String::from_utf8(sent.stdout).expect("a text");
        let records: Vec<&str> = sent.lines().collect();
        let file = self.unbound.folder().join("sent");
        fs::write(&file, records[..records.len() - 1].join("\n") + "\n").expect("a zone file");
        run(tool("dnssec-verify").expect("it is installed").args(["-z", "-o", apex]).arg(file));
    }
}

/// The data of the DNSKEY record of a zone that was signed.
fn dnskey(apex: &str, signed: &str) -> String {
    let line = signed
        .lines()
        .find(|line| line.contains("DNSKEY") && !line.contains("RRSIG") && !line.contains("NSEC"));
    let line = line.unwrap_or_else(|| panic!("{apex} has a key"));
    let words: Vec<&str> = line.split_whitespace().skip_while(|word| *word != "DNSKEY").skip(1).collect();
    format!("{} {}", words[..3].join(" "), words[3..].concat())
}

/// An answer, and what of it signs and denies.
#[derive(Clone, PartialEq, Eq)]
struct Signed {
    plain: Answer,
    /// With the section that it is in.
    signing: BTreeSet<(u8, Set)>,
    whole: Answer,
}

impl Signed {
    fn of(answer: Answer) -> Signed {
        let is_signing = |set: &Set| matches!(set.rtype.as_str(), "RRSIG" | "NSEC" | "NSEC3");
        let mut signing = BTreeSet::new();
        let sections: [Vec<&Set>; 3] = [
            answer.answer.iter().collect(),
            answer.authority.iter().collect(),
            answer.additional.iter().collect(),
        ];
        for (number, section) in (0..).zip(sections) {
            signing
                .extend(section.into_iter().filter(|set| is_signing(set)).map(|set| (number, set.clone())));
        }
        let mut plain = answer.clone();
        plain.answer.retain(|set| !is_signing(set));
        plain.authority.retain(|set| !is_signing(set));
        plain.additional.retain(|set| !is_signing(set));
        Signed { plain, signing, whole: answer }
    }

    /// Without the signatures of name servers at an apex and of their addresses, where those were added unasked.
    fn without_signatures_of(mut self, apexes: &BTreeSet<String>, before: &Answer) -> Signed {
        let gone = |set: &Set| before.authority.contains(set) && !self.plain.authority.contains(set);
        let unasked = before.authority.iter().any(gone);
        let has = |owner: &str| self.plain.additional.iter().any(|set| set.owner == owner);
        let kept = self.signing.iter().filter(|(section, set)| match section {
            1 => !(unasked && apexes.contains(&set.owner) && covers(set) == BTreeSet::from([2])),
            2 => has(&set.owner),
            _ => true,
        });
        self.signing = kept.cloned().collect();
        self
    }
}

/// The types that signatures cover.
fn covers(set: &Set) -> BTreeSet<u16> {
    let covered = |rdata: &str| u16::from_str_radix(rdata.get(..4)?, 16).ok();
    set.records.iter().filter(|_| set.rtype == "RRSIG").filter_map(|(_, rdata)| covered(rdata)).collect()
}

type Answers = [Result<Signed, String>; 4];

/// Whether ours is right, and as whose it is.
fn verdict(apexes: &BTreeSet<String>, question: &Question, answers: &Answers) -> Result<String, String> {
    let [Ok(nsd), Ok(knot), Ok(bind), ours] = answers else { return Ok("a peer is silent".into()) };
    let ours = ours.as_ref().map_err(|_| "not readable".to_owned())?;
    let peers = [("NSD", nsd), ("Knot", knot), ("BIND", bind)];
    let same: Vec<&str> = peers
        .iter()
        .filter(|(_, peer)| peer.plain == ours.plain && peer.signing == ours.signing)
        .map(|(name, _)| *name)
        .collect();
    if !same.is_empty() {
        return Ok(format!("as {}", same.join(", ")));
    }
    let alike: Vec<&str> =
        peers.iter().filter(|(_, peer)| peer.plain == ours.plain).map(|(name, _)| *name).collect();
    // BIND sends the SOA, and so its signatures, with a TTL of 0 where it was asked for; NSD leaves out what denies a
    // wildcard that has no records.
    let proves_as = |peer: &Signed| {
        let denials = |one: &Signed| -> BTreeSet<(u8, Set)> {
            let is_of_soa = |set: &Set| covers(set) == BTreeSet::from([6]);
            one.signing.iter().filter(|(_, set)| !is_of_soa(set)).cloned().collect()
        };
        denials(peer) == denials(ours)
    };
    if let Some((name, _)) = peers.iter().find(|(_, peer)| proves_as(peer)).filter(|_| !alike.is_empty()) {
        return Ok(format!("proven as by {name}"));
    }
    // A name below a wildcard without records: one peer denies the name, another shows the wildcard; both are wanted.
    let holds = |peer: &Signed| peer.signing.is_subset(&ours.signing);
    let all: BTreeSet<_> = peers.iter().flat_map(|(_, peer)| peer.signing.clone()).collect();
    if !alike.is_empty() && ours.signing.is_subset(&all) && peers.iter().any(|(_, peer)| holds(peer)) {
        return Ok("proven as by several together".into());
    }
    if !alike.is_empty() {
        return Err(format!("{}: signed otherwise than by {}", question.mnemonic(), alike.join(", ")));
    }
    let case = Case { apexes, question, nsd: &nsd.plain, knot: &knot.plain, ours: &ours.plain };
    match judge(&case) {
        Judgement::Known(known) => Ok(format!("otherwise: {}", known.name)),
        Judgement::Agreed | Judgement::OneOfBoth => Ok("one of both".into()),
        Judgement::Wrong => Err("other records".into()),
    }
}

fn explained(
    zones: &[(String, String)],
    planted: Planted<'_>,
    question: &Question,
    answers: &Answers,
    why: &str,
) -> String {
    let mut text = format!("\n==== {why}\n");
    for which in [Which::First, Which::Second] {
        let apex = planted.apex(which);
        if let Some((_, zone)) = zones.iter().find(|(own, _)| *own == apex) {
            _ = writeln!(text, "; zone {apex}\n{}\n{zone}", planted.text(which));
        }
    }
    _ = writeln!(text, "; asked: {question}");
    for (server, answer) in ["NSD", "Knot", "BIND", "edgedns"].iter().zip(answers) {
        _ = match answer {
            Ok(answer) => writeln!(text, "\n<<< {server}\n{}", answer.whole),
            Err(error) => writeln!(text, "\n<<< {server}\n{error}"),
        };
    }
    text
}

/// Asks NSD, Knot, BIND and edgedns, in this order.
fn ask(zones: &[(String, String)], questions: &[Question]) -> Vec<Answers> {
    let ask = |kind: Kind| {
        let server = kind.serve_texts(zones);
        let answers = server.ask(questions);
        let whole =
            |(question, answer): (&Question, Option<Vec<u8>>)| over_tcp_if_cut(&server, question, answer);
        questions.iter().zip(answers).map(whole).collect::<Vec<_>>()
    };
    let [nsd, knot, bind, ours] = std::thread::scope(|scope| {
        [Kind::Nsd, Kind::Knot, Kind::Bind, Kind::Edgedns]
            .map(|kind| scope.spawn(move || ask(kind)))
            .map(|asking| asking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let apexes: BTreeSet<String> = zones.iter().map(|(apex, _)| apex.clone()).collect();
    let peer = |answer: Option<Vec<u8>>| Answer::read(answer.as_deref()).map(Signed::of);
    let nsd_as_peer = |answer: Option<Vec<u8>>| {
        let answer = Answer::read(answer.as_deref())?;
        let plain = Signed::of(answer.clone()).plain;
        let without = Signed::of(answer.clone().without_apex_ns(&apexes));
        Ok(without.without_signatures_of(&apexes, &plain))
    };
    let all = nsd.into_iter().zip(knot).zip(bind).zip(ours);
    all.map(|(((nsd, knot), bind), ours)| {
        [nsd_as_peer(nsd), peer(knot), peer(bind), Answer::read_strictly(ours.as_deref()).map(Signed::of)]
    })
    .collect()
}

fn over_tcp_if_cut(server: &Server, question: &Question, answer: Option<Vec<u8>>) -> Option<Vec<u8>> {
    let is_cut = answer.as_ref().is_some_and(|answer| answer.get(2).is_some_and(|flags| flags & 2 != 0));
    if is_cut { server.ask_over_tcp(question) } else { answer }
}

/// The texts of all zones, signed.
fn signed(planted: &[Planted<'_>], denial: Denial) -> Vec<(String, String)> {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let key = key(folder.path());
    let mut zones = Vec::new();
    for planted in planted {
        for which in [Which::First, Which::Second] {
            let apex = planted.apex(which);
            let text = sign(folder.path(), &key, &apex, &planted.text(which), denial);
            zones.push((apex, text));
        }
    }
    zones
}

/// A key for the zone `key.test.`: the name of its files, without their endings.
fn key(folder: &Path) -> String {
    let made = tool("dnssec-keygen")
        .expect("it is installed")
        .args(["-q", "-a", "ECDSAP256SHA256", "-f", "KSK", "-K"])
        .args([folder.as_os_str(), "key.test".as_ref()])
        .output()
        .expect("dnssec-keygen runs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    String::from_utf8(made.stdout).expect("a name").trim().to_owned()
}

/// A zone signed with the key, as if it were its own.
fn sign(folder: &Path, key: &str, apex: &str, text: &str, denial: Denial) -> String {
    let own = folder.join(apex);
    fs::create_dir(&own).expect("a folder");
    for end in ["key", "private"] {
        let text = fs::read_to_string(folder.join(format!("{key}.{end}"))).expect("a key file");
        let renamed = own.join(format!("{}.{end}", key.replace("key.test.", apex)));
        fs::write(renamed, text.replace("key.test.", apex)).expect("a key file");
    }
    // BIND wants addresses of name servers in the zone.
    let is_server = |line: &&str| line.starts_with(&format!("{apex} ")) && line.contains(" IN NS ");
    let mut unsigned: String =
        text.lines().filter(|line| !is_server(line)).map(|line| format!("{line}\n")).collect();
    _ = writeln!(unsigned, "{apex} 300 IN NS ns.example.org.");
    fs::write(own.join("zone"), unsigned).expect("a zone file");
    run(tool("dnssec-signzone")
        .expect("it is installed")
        .current_dir(&own)
        .args(["-S", "-z", "-P", "-O", "full", "-o", apex, "-f", "signed", "-K", "."])
        .args(denial.options())
        .arg("zone"));
    fs::read_to_string(own.join("signed")).expect("the signed zone")
}

fn run(command: &mut Command) {
    let output = command.stdin(Stdio::null()).output().expect("the program runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
