//! Runs every scenario of this folder: a text file for each story, named after what would be wrong, with zones,
//! questions and expected responses. `scenario` explains the files.

mod explained;
mod query;
mod response;
mod scenario;
mod spread;

use std::collections::{BTreeSet, HashMap};
use std::num::NonZeroU32;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use edgedns::answer::{Access, Counters, Identity, RateLimit, Snapshot, UDP_PAYLOAD_MAX, WorkerContext};
use edgedns::dns::Name;
use edgedns::health::Verdict;
use edgedns::probe::{Life, Port, ProbeKind, Tcp};
use edgedns::source::Span;
use edgedns::zone::{AllDown, GuardTemplate, Guarding, PoolSettings, Selector, Test};

use crate::invariant::{self, Stream};
use crate::served::{self, Served, name};
use response::{Response, counted, counts};
use scenario::{Scenario, Step, Verb};

#[test]
fn every_scenario_is_answered_as_its_file_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/answers/scenarios");
    let files = std::fs::read_dir(folder)
        .expect("the folder of this file")
        .map(|entry| entry.expect("a file").path());
    let mut files: Vec<_> = files.filter(|path| path.extension().is_some_and(|end| end == "txt")).collect();
    files.sort();
    assert!(!files.is_empty(), "no scenario was found");
    let mut faults = Vec::new();
    for path in files {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let run = catch_unwind(AssertUnwindSafe(|| run(&text)));
        match run {
            Ok(found) => faults.extend(found.into_iter().map(|fault| format!("{file}:{fault}"))),
            Err(_) => faults.push(format!("{file}: does not run: see above")),
        }
    }
    assert!(faults.is_empty(), "{} answers are wrong:\n\n{}", faults.len(), faults.join("\n"));
}

/// Carries out a scenario; returns what is not as it says.
fn run(text: &str) -> Vec<String> {
    let scenario = Scenario::read(text);
    let served = serve(&scenario);
    let server = scenario.steps.iter().find(|step| step.verb == Verb::Server);
    let identity = Identity {
        nsid: server.and_then(|step| step.value("nsid")).map(String::from),
        version: server.and_then(|step| step.value("version")).map(String::from),
        cookies: server.filter(|step| step.has("cookies")).map(|_| query::SECRET),
    };
    let subnet_from = server.and_then(|step| step.value("client-subnet-from"));
    let subnet_from = subnet_from.map(|prefix| Arc::from([prefix.parse().expect("a prefix")]));
    let mut verdicts: HashMap<&str, Verdict> = HashMap::new();
    let counters = Arc::new(Counters::default());
    let mut scratch = WorkerContext::new(Arc::clone(&counters), 1);
    let mut now = Duration::from_secs(query::NOW.into());
    scratch.set_now(now);
    let mut limit = None;
    let mut faults = Vec::new();
    for step in &scenario.steps {
        let verdict = match step.verb {
            Verb::Up => Verdict::Up,
            Verb::Down => Verdict::Down,
            Verb::Pending => Verdict::Pending,
            Verb::Ask | Verb::Send => {
                let verdict = |target: &str| verdicts.get(target).copied().unwrap_or_default();
                let mut snapshot = served.snapshot(identity.clone(), verdict);
                snapshot.limit.clone_from(&limit);
                snapshot.subnet_from.clone_from(&subnet_from);
                faults.extend(judge(step, &snapshot, &mut scratch, &counters));
                continue;
            }
            Verb::Limit => {
                limit = Some(Arc::new(rate_limit(step)));
                continue;
            }
            Verb::Wait => {
                now += Duration::from_millis(step.words[0].parse().expect("milliseconds"));
                scratch.set_now(now);
                continue;
            }
            Verb::Zone | Verb::Guard | Verb::NoVersion | Verb::Server => continue,
        };
        verdicts.extend(step.words.iter().map(|target| (target.as_str(), verdict)));
    }
    faults
}

/// `--- limit RESPONSES-PER-SECOND [all=N] [slip=N] [exempt=PREFIX]`.
fn rate_limit(step: &Step) -> RateLimit {
    let responses_per_second = step.words[0].parse().expect("responses per second");
    let slip = step.value("slip").map_or(0, |text| text.parse().expect("a number"));
    let exempt = step.value("exempt").map(|text| text.parse().expect("a prefix"));
    let limit = RateLimit::new(responses_per_second, slip, exempt.into_iter().collect());
    match step.value("all") {
        Some(all) => limit.with_all(all.parse().expect("responses per second")),
        None => limit,
    }
}

/// Compiles the zones of a scenario.
fn serve(scenario: &Scenario) -> Served {
    let mut served = Served::default();
    let mut steps = scenario.steps.iter().peekable();
    while let Some(step) = steps.next() {
        match step.verb {
            Verb::Zone => {
                let apex = &step.words[0];
                let mut guards = Vec::new();
                while let Some(guard) = steps.next_if(|next| next.verb == Verb::Guard) {
                    guards.push(guard);
                }
                served.restrict(access(step));
                served.add(apex, &step.body.join("\n"), |span| {
                    guards.iter().flat_map(|guard| guardings(guard, &name(apex), span)).collect()
                });
            }
            Verb::NoVersion => served.add_zone_without_version(&step.words[0]),
            _ => {}
        }
    }
    served
}

/// `--- zone APEX [for=PREFIX,…] [allow=PREFIX,…]`.
fn access(step: &Step) -> Option<Box<Access>> {
    let clients = |key| {
        let list = step.value(key)?;
        Some(list.split(',').map(|prefix| prefix.parse().expect("a prefix")).collect())
    };
    Access::new(clients("for"), clients("allow"))
}

/// `--- guard OWNER… tcp=PORT [all-down=all|none|servfail]`.
fn guardings(step: &Step, apex: &Name, span: Span) -> Vec<Guarding> {
    let two = NonZeroU32::MIN.saturating_add(1);
    let port = step.value("tcp").and_then(|port| Port::new(port.parse().ok()?)).expect("tcp=PORT");
    let template = GuardTemplate {
        test: Test::Same(ProbeKind::Tcp(Tcp { port })),
        source: None,
        timeout: Duration::from_secs(1),
        interval: Duration::from_secs(1),
        retry: Duration::from_secs(1),
        rise: two,
        fall: two,
        life: Life::default(),
    };
    let all_down = match step.value("all-down") {
        None | Some("all") => AllDown::Select(Selector::All),
        Some("none") => AllDown::Select(Selector::Empty),
        Some("servfail") => AllDown::ServFail,
        Some(other) => panic!("all-down={other}"),
    };
    let owners = step.words.iter().filter(|word| !word.contains('='));
    owners
        .map(|owner| Guarding {
            owner: Name::parse(owner.as_bytes(), apex.as_ref()).expect("a name"),
            origin: span.into(),
            hosts: Vec::new(),
            guards: vec![template.clone()],
            choice: PoolSettings { all_down, ..PoolSettings::default() },
            records: edgedns::zone::Expected::Now,
        })
        .collect()
}

/// Asks as often as the step says; a fault if the response is another than the one expected.
fn judge(
    step: &Step,
    snapshot: &Snapshot,
    scratch: &mut WorkerContext,
    counters: &Counters,
) -> Option<String> {
    let times: usize = step.value("times").map_or(1, |text| text.parse().expect("a number"));
    let mut expected = Expected::of(step.expected());
    for _ in 0..times {
        let got = ask(step, snapshot, scratch, counters);
        if let Err(lines) = expected.met_by(&got) {
            let wanted = step.expected().join("\n");
            let question = step.words.join(" ");
            let lines = if lines.len() > LINES_SHOWN_MAX { summary(&got) } else { lines };
            return Some(format!(
                "{}: {question}\n{}\n>>> instead of\n{wanted}\n",
                step.line,
                lines.join("\n")
            ));
        }
    }
    let unseen: Vec<_> = expected.members.difference(&expected.seen).cloned().collect();
    (!unseen.is_empty()).then(|| format!("{}: in {times} answers never:\n{}\n", step.line, unseen.join("\n")))
}

/// Lines of a wrong response that are shown; a longer one is shown by its numbers of records.
const LINES_SHOWN_MAX: usize = 60;

fn summary(got: &Response) -> Vec<String> {
    let numbers = response::HEADINGS.iter().zip(&got.sections).filter(|(_, records)| !records.is_empty());
    let numbers = numbers.map(|(heading, records)| format!("{heading}, {} records", records.len()));
    got.head.iter().cloned().chain(numbers).collect()
}

fn ask(step: &Step, snapshot: &Snapshot, scratch: &mut WorkerContext, counters: &Counters) -> Response {
    let query = query::bytes(step);
    let peer = query::peer(step);
    let (stream, room) = if peer.transport.is_stream() {
        (Stream::Connection, usize::from(u16::MAX))
    } else {
        (Stream::Datagram, UDP_PAYLOAD_MAX)
    };
    let mut out = vec![0; room];
    let (before, spread) = (counts(counters), spread::counted(counters));
    let response = served::ask(snapshot, scratch, peer, &query, &mut out);
    let counted = counted(&before, &counts(counters));
    spread::check(&spread, &spread::counted(counters), &query, response);
    match response {
        None => Response::silence(counted),
        Some(message) => {
            invariant::check(&query, message, stream);
            explained::check(snapshot, (peer.address, query::subnet(step)), &query, message);
            Response::read(message, counted, peer.address)
        }
    }
}

/// What a step wants to see.
struct Expected {
    lines: Vec<String>,
    answer: Answer,
    /// Where the answer differs from time to time: the records that must come first at some time.
    members: BTreeSet<String>,
    /// Those that did.
    seen: BTreeSet<String>,
}

/// How the answer section is compared.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Answer {
    /// `;; ANSWER`: as it stands. In every section `;; ANSWER, 60 records` compares their number.
    All,
    /// `;; ANSWER, each first`: all of it every time, and every record first at some time.
    EachFirst,
    /// `;; ANSWER, each alone`: one record every time, and every record at some time.
    EachAlone,
}

impl Expected {
    fn of(mut lines: Vec<String>) -> Self {
        let mut members = BTreeSet::new();
        let mut answer = Answer::All;
        if let Some(heading) = lines.iter().position(|line| line.starts_with(";; ANSWER, each")) {
            answer = if lines[heading].ends_with("alone") { Answer::EachAlone } else { Answer::EachFirst };
            lines[heading] = response::HEADINGS[0].to_string();
            let records = lines[heading + 1..].iter().take_while(|line| !line.starts_with(";;"));
            members = records.cloned().collect();
        }
        if answer == Answer::EachAlone {
            lines.retain(|line| !members.contains(line));
        }
        Self { lines, answer, members, seen: BTreeSet::new() }
    }

    /// The response as lines where it is another one.
    fn met_by(&mut self, got: &Response) -> Result<(), Vec<String>> {
        let mut lines = got.lines();
        if self.answer == Answer::EachAlone {
            let one = got.sections[0].len() == 1;
            lines.retain(|line| !(one && self.members.contains(line)));
        }
        for (heading, records) in response::HEADINGS.iter().zip(&got.sections) {
            let number = format!("{heading}, {} records", records.len());
            if self.lines.contains(&number) {
                lines.retain(|line| !records.contains(line));
                lines.iter_mut().filter(|line| line == heading).for_each(|line| line.clone_from(&number));
            }
        }
        self.seen.extend(got.sections[0].first().cloned());
        if lines == self.lines { Ok(()) } else { Err(got.lines()) }
    }
}
