//! Random zones and random questions: edgedns answers as NSD and Knot DNS do. Where those two differ it
//! answers as one of them, for a reason that `differences` gives.
//!
//! `PEERS_ROUNDS=30 PEERS_SEED=random` in the environment runs longer, over other zones.

mod answer;
mod differences;
mod odd;
mod question;
mod server;
mod shrink;
mod signed;
pub(super) mod zone;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::hash::{BuildHasher, RandomState};

use proptest::prelude::Strategy;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use answer::Answer;
use differences::{Case, Judgement, judge};
use question::Question;
use server::Kind;
use zone::{Pair, Planted};

/// Pairs of zones per start of the servers.
const PAIRS: usize = 100;

/// Questions about one pair at most.
const QUESTIONS_MAX: usize = 500;

/// Faults that are printed with zones and answers; the rest is counted.
const FAULTS_SHOWN_MAX: usize = 3;

/// Differences between the peers that have not been looked into, of which this many are printed.
const STRANGE_SHOWN_MAX: usize = 2;

#[test]
fn edgedns_answers_as_nsd_and_knot_do() {
    if !peers_are_installed() {
        return;
    }
    let rounds =
        std::env::var("PEERS_ROUNDS").map_or(1, |text| text.parse().expect("PEERS_ROUNDS is a number"));
    for round in 0..rounds {
        let seed = seed(round);
        println!("PEERS_SEED={seed}");
        one_round(seed);
    }
}

fn one_round(seed: u64) {
    let chance = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed.to_le_bytes(); 4].concat());
    let mut runner = TestRunner::new_with_rng(Config::default(), chance);
    let strategy = zone::pairs();
    let pairs: Vec<Pair> = (0..PAIRS)
        .map(|_| strategy.new_tree(&mut runner).expect("a strategy that rejects nothing").current())
        .collect();
    let planted = plant(&pairs);
    let questions: Vec<Question> =
        planted.iter().flat_map(|&planted| question::about(planted, QUESTIONS_MAX, runner.rng())).collect();
    let answers = ask(&planted, &questions);
    let judged: Vec<Judgement> = questions
        .iter()
        .zip(&answers)
        .map(|(question, answers)| verdict(planted[question.pair], question, answers))
        .collect();
    count(&judged);
    let draw = |judgement: Judgement, count_max: usize| -> String {
        let mut pairs_met = BTreeSet::new();
        let met = questions.iter().zip(&judged).filter(|(_, judged)| **judged == judgement);
        // One per pair of zones: there, the others are mostly the same fault again.
        met.filter(|(question, _)| pairs_met.insert(question.pair))
            .take(count_max)
            .map(|(question, _)| explain(&pairs[question.pair], question, judgement))
            .collect()
    };
    print!("{}", draw(Judgement::OneOfBoth, STRANGE_SHOWN_MAX));
    let faults = judged.iter().filter(|judged| **judged == Judgement::Wrong).count();
    assert!(
        faults == 0,
        "{faults} of {} answers are wrong\n{}",
        judged.len(),
        draw(Judgement::Wrong, FAULTS_SHOWN_MAX)
    );
}

fn count(judged: &[Judgement]) {
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for judgement in judged {
        let name = match judgement {
            Judgement::Agreed => "agreed with both".into(),
            Judgement::Known(known) => format!("{}: {}", known.name, known.reason),
            Judgement::OneOfBoth => "agreed with one where nobody has looked yet".into(),
            Judgement::Wrong => "WRONG".into(),
        };
        *met.entry(name).or_default() += 1;
    }
    for (name, count) in met {
        println!("{count:>7} {name}");
    }
}

fn verdict(planted: Planted<'_>, question: &Question, answers: &[Result<Answer, String>; 3]) -> Judgement {
    match answers {
        [Ok(nsd), Ok(knot), Ok(ours)] => {
            judge(&Case { apexes: &planted.apexes(), question, nsd, knot, ours })
        }
        // A peer that is silent or garbled does not count.
        [_, _, Ok(_)] => Judgement::OneOfBoth,
        [_, _, Err(_)] => Judgement::Wrong,
    }
}

/// Shrinks the pair until only what leads to the judgement is left, and draws it.
fn explain(pair: &Pair, question: &Question, judgement: Judgement) -> String {
    let about = |index| {
        let own = |name: &str| name.replace(&format!("{}.test", question.pair), &format!("{index}.test"));
        Question { pair: index, qname: own(&question.qname.to_lowercase()), ..question.clone() }
    };
    let failing = |pairs: &[Pair]| -> Vec<bool> {
        let questions: Vec<Question> = (0..pairs.len()).map(about).collect();
        let planted = plant(pairs);
        let answers = ask(&planted, &questions);
        let same = |((&planted, question), answers)| verdict(planted, question, answers) == judgement;
        planted.iter().zip(&questions).zip(&answers).map(same).collect()
    };
    let smallest = [shrink::shrink(pair, failing)];
    let question = about(0);
    let planted = plant(&smallest);
    let [answers] = &ask(&planted, std::slice::from_ref(&question))[..] else { unreachable!("one question") };
    let mut text = format!("\n{}\n; asked: {question}\n", planted[0]);
    for (server, answer) in ["NSD", "Knot", "edgedns"].iter().zip(answers) {
        _ = match answer {
            Ok(answer) => writeln!(text, "\n<<< {server}\n{answer}"),
            Err(error) => writeln!(text, "\n<<< {server}\n{error}"),
        };
    }
    text
}

fn plant(pairs: &[Pair]) -> Vec<Planted<'_>> {
    pairs.iter().enumerate().map(|(index, pair)| Planted { pair, index }).collect()
}

/// Asks NSD, Knot and edgedns, in this order.
fn ask(planted: &[Planted<'_>], questions: &[Question]) -> Vec<[Result<Answer, String>; 3]> {
    let ask = |kind: Kind| kind.serve(planted).ask(questions);
    let [nsd, knot, ours] = std::thread::scope(|scope| {
        [Kind::Nsd, Kind::Knot, Kind::Edgedns]
            .map(|kind| scope.spawn(move || ask(kind)))
            .map(|asking| asking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    });
    let all = questions.iter().zip(nsd).zip(knot).zip(ours);
    all.map(|(((question, nsd), knot), ours)| {
        let apexes = planted[question.pair].apexes();
        let nsd = Answer::read(nsd.as_deref()).map(|nsd| nsd.without_apex_ns(&apexes));
        [nsd, Answer::read(knot.as_deref()), Answer::read_strictly(ours.as_deref())]
    })
    .collect()
}

fn peers_are_installed() -> bool {
    [Kind::Nsd, Kind::Knot].into_iter().all(Kind::is_installed)
}

/// The seed of a round. A gate must say the same twice, so rounds begin at a fixed seed unless another or a
/// random one is asked for.
fn seed(round: u64) -> u64 {
    match std::env::var("PEERS_SEED").as_deref() {
        // The standard library's hash keys are random; nothing else in it is.
        Ok("random") => RandomState::new().hash_one(round),
        Ok(text) => text.parse::<u64>().expect("PEERS_SEED is a number or `random`").wrapping_add(round),
        Err(_) => FIRST_SEED.wrapping_add(round),
    }
}

/// Where rounds begin by default.
const FIRST_SEED: u64 = 1035;
