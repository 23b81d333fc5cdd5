//! `edgedns compare`: asks another server and ours the same about all our zones.
//!
//! Keeps the order of questions and their rate.
//!
//! ```text
//!  zones ──▶ plan ──questions──▶ asking ──▶ the other server ─┐
//!                        │                                    ├─▶ judging ──▶ report
//!                        └─────▶ ours: in process, or --local ┘
//! ```

mod order;
mod plan;

mod records;

mod ours;

mod judging;

mod reasons;
mod report;

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use super::asking::{Manner, Question, Reply, Silence, ask, local_address};
use crate::daemon::LoadResult;
use crate::dns::message::Rcode;
use crate::source::{Diagnostic, Look};
use crate::zones::Purpose;
use judging::{Case, judge};
use ours::Ours;
use plan::ZonePlan;
use report::Reporter;

pub use order::{COMPARE_RATE_MAX, CompareError, Comparison};

/// Questions under way at once: enough that a server far away is asked at the rate wished for.
const UNDER_WAY_MAX: usize = 64;

/// Questions in a row without an answer after which the server counts as gone.
const SILENT_IN_A_ROW_MAX: usize = 10;

/// How far questions may catch up with their rate after a delay: a burst of no more than this is put at once.
const LAG_MAX: Duration = Duration::from_millis(10);

/// Compares, and prints what differs; true when nothing does that is not a documented choice.
///
/// # Errors
///
/// When the zones cannot be read, a server does not answer at all, or the output cannot be written.
pub fn compare(comparison: &Comparison) -> Result<bool, CompareError> {
    let mut plans = Vec::new();
    let mut reading = LoadResult::new(&comparison.config, &Purpose::Check, |_, zone| {
        plans.push(ZonePlan::of(zone, comparison.sample));
    });
    if reading.loaded.is_none() || reading.faults().any(Diagnostic::is_error) {
        let errors = reading.faults().filter(|fault| fault.is_error());
        let look = Look::on(&io::stderr());
        return Err(CompareError::Config(reading.sources.render_all(errors, look)));
    }
    if plans.is_empty() {
        return Err(CompareError::NoZones(comparison.config.clone()));
    }
    let zones = reading.loaded.take().map(|loaded| loaded.zones).unwrap_or_default();
    let ours = Ours::new(zones, local_address(comparison.with).map_err(CompareError::System)?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let total = plans.iter().map(ZonePlan::questions_count).sum();
    let mut run = Run {
        comparison,
        ours,
        manner: Manner::Authority,
        due: Instant::from_std(std::time::Instant::now()),
        silent: 0,
        reporter: Reporter::new(comparison, plans.len(), total),
    };
    runtime.map_err(CompareError::System)?.block_on(run.all(&plans))
}

/// One comparison under way.
struct Run<'c> {
    comparison: &'c Comparison,
    ours: Ours,
    /// How the other server answers.
    manner: Manner,
    /// When the next question may be put.
    due: Instant,
    /// Questions in a row without an answer.
    silent: usize,
    reporter: Reporter,
}

/// A question with what came of it.
struct ComparedQuestion {
    question: Question,
    theirs: Result<Reply, Silence>,
    /// None: it is answered in process.
    ours: Option<Result<Reply, Silence>>,
}

impl Run<'_> {
    async fn all(&mut self, plans: &[ZonePlan]) -> Result<bool, CompareError> {
        if let Some(first) = plans.first() {
            self.meet(&first.soa()).await?;
        }
        for plan in plans {
            self.zone(plan).await?;
        }
        self.reporter.end()?;
        Ok(self.reporter.is_same())
    }

    /// Finds out whether the servers answer, and how the other one does.
    async fn meet(&mut self, soa: &Question) -> Result<(), CompareError> {
        let Comparison { with, local, .. } = *self.comparison;
        let unreachable =
            |server| move |silence: Silence| CompareError::Unreachable { server, why: silence.to_string() };
        if let Some(local) = local {
            ask(local, soa, Manner::Authority).await.map_err(unreachable(local))?;
        }
        let reply = ask(with, soa, Manner::Authority).await.map_err(unreachable(with))?;
        if reply.response.rcode == Rcode::NOERROR && reply.response.is_authoritative() {
            return self.reporter.begin(Manner::Authority).map_err(CompareError::Output);
        }
        // A resolver may refuse, or know nothing, unless it is asked for recursion.
        let again = ask(with, soa, Manner::Resolver).await.map_err(unreachable(with))?;
        if again.response.rcode == Rcode::NOERROR && !again.response.is_authoritative() && again.recurses() {
            self.manner = Manner::Resolver;
        }
        self.reporter.begin(self.manner).map_err(CompareError::Output)
    }

    /// Asks everything about one zone.
    async fn zone(&mut self, plan: &ZonePlan) -> Result<(), CompareError> {
        let soa = self.ask_both(plan.soa()).await;
        let served = soa.theirs.as_ref().is_ok_and(|reply| reply.response.rcode == Rcode::NOERROR);
        self.compare_replies(soa)?;
        if !served {
            return self
                .reporter
                .add_skipped(plan.apex(), plan.questions_count() - 1)
                .map_err(CompareError::Output);
        }
        let mut questions = plan.questions().enumerate().peekable();
        let mut under_way = JoinSet::new();
        let mut early = BTreeMap::new();
        let mut next = 0;
        loop {
            let more = questions.peek().is_some() && under_way.len() < UNDER_WAY_MAX;
            tokio::select! {
                biased;
                Some(done) = under_way.join_next() => {
                    let (place, asked): (usize, ComparedQuestion) =
                        done.map_err(|fault| CompareError::System(io::Error::other(fault)))?;
                    early.insert(place, asked);
                    while let Some(asked) = early.remove(&next) {
                        next += 1;
                        self.compare_replies(asked)?;
                    }
                }
                () = sleep_until(self.due), if more => {
                    if let Some((place, question)) = questions.next() {
                        self.schedule_next();
                        let asked = self.ask_both(question);
                        under_way.spawn(async move { (place, asked.await) });
                    }
                }
                else => return Ok(()),
            }
        }
    }

    /// The next question has to wait for its turn.
    fn schedule_next(&mut self) {
        let gap = Duration::from_secs(1) / self.comparison.rate.get();
        let late = Instant::now().checked_sub(LAG_MAX).unwrap_or(self.due);
        self.due = self.due.max(late) + gap;
    }

    /// Asks both servers one question.
    fn ask_both(&self, question: Question) -> impl Future<Output = ComparedQuestion> + use<> {
        let (with, local, manner) = (self.comparison.with, self.comparison.local, self.manner);
        async move {
            let theirs = ask(with, &question, manner);
            let ours = async {
                match local {
                    Some(local) => Some(ask(local, &question, Manner::Authority).await),
                    None => None,
                }
            };
            let (theirs, ours) = tokio::join!(theirs, ours);
            ComparedQuestion { question, theirs, ours }
        }
    }

    fn compare_replies(&mut self, asked: ComparedQuestion) -> Result<(), CompareError> {
        let ComparedQuestion { question, theirs, ours } = asked;
        let ours = match ours {
            Some(Ok(reply)) => reply,
            Some(Err(silence)) => {
                let server = self.comparison.local.unwrap_or(self.comparison.with);
                return Err(CompareError::Unreachable { server, why: silence.to_string() });
            }
            None => self.ours.answer(&question),
        };
        let theirs = match theirs {
            Ok(theirs) => theirs,
            Err(silence) => {
                self.silent += 1;
                self.reporter.add_unanswered(&question, &silence)?;
                let gone = self.silent >= SILENT_IN_A_ROW_MAX;
                let (server, asked) = (self.comparison.with, self.reporter.questions());
                return if gone { Err(CompareError::Gone { server, asked }) } else { Ok(()) };
            }
        };
        self.silent = 0;
        let case =
            Case { question: &question, ours: &ours, theirs: &theirs, manner: self.manner, held: &self.ours };
        let judgement = judge(&case);
        let reason = if judgement.parts.is_empty() { None } else { reasons::likely(&case) };
        Ok(self.reporter.add_judgement(&question, judgement, reason)?)
    }
}
