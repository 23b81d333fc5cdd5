//! The output of a comparison: differences as they are found, progress, totals.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::super::asking::{Manner, Question, Silence};
use super::judging::{Judgement, Known, Part};
use super::order::Comparison;
use super::records::plain;
use crate::control::quantities::counted;
use crate::control::style::{Style, style};
use crate::dns::Name;
use crate::source::Look;
use crate::tools::format::Format;

/// Differences that are drawn: more than that have one cause, and `json` has them all.
const SHOWN_MAX: u64 = 200;

/// How often the progress is drawn.
const PROGRESS_INTERVAL: Duration = Duration::from_millis(200);

/// How wide the names of parts are.
const PART_WIDTH: usize = 10;

/// Tells what is found, and counts it.
pub(super) struct Reporter {
    with: SocketAddr,
    format: Format,
    look: Look,
    manner: Manner,
    zones: usize,
    /// Questions that there are.
    total: u64,
    counts: Counts,
    known: BTreeMap<Known, u64>,
    /// When the progress was drawn last; none: it is not drawn.
    drawn: Option<Instant>,
}

#[derive(Clone, Copy, Debug, Default, Serialize)]
struct Counts {
    questions: u64,
    same: u64,
    different: u64,
    unanswered: u64,
    /// Not asked, because the other server does not serve their zone.
    skipped: u64,
}

/// One line for machines.
#[derive(Serialize)]
#[serde(rename_all = "lowercase")]
enum Line<'l> {
    Difference {
        name: String,
        #[serde(rename = "type")]
        rtype: String,
        parts: &'l [Part],
        reason: Option<&'l str>,
    },
    Unanswered {
        name: String,
        #[serde(rename = "type")]
        rtype: String,
        error: String,
    },
    End {
        with: String,
        resolver: bool,
        zones: usize,
        #[serde(flatten)]
        counts: Counts,
        known: Vec<KnownLine>,
    },
}

#[derive(Serialize)]
struct KnownLine {
    count: u64,
    reason: &'static str,
}

impl Reporter {
    pub(super) fn new(comparison: &Comparison, zones: usize, total: u64) -> Reporter {
        let progress = comparison.format == Format::Text && io::stderr().is_terminal();
        Reporter {
            with: comparison.with,
            format: comparison.format,
            look: Look::on(&io::stdout()),
            manner: Manner::Authority,
            zones,
            total,
            counts: Counts::default(),
            known: BTreeMap::new(),
            drawn: progress.then(Instant::now),
        }
    }

    /// Questions that were put so far.
    pub(super) fn questions(&self) -> u64 {
        self.counts.questions
    }

    /// Whether nothing differs that counts.
    pub(super) fn is_same(&self) -> bool {
        self.counts.different == 0 && self.counts.unanswered == 0
    }

    /// Says what is compared.
    pub(super) fn begin(&mut self, manner: Manner) -> io::Result<()> {
        self.manner = manner;
        if self.format == Format::Json {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        let with = self.with;
        let (total, zones) = (questions(self.total), counted(self.zones, "zone"));
        writeln!(out, "{total} about {zones}: - as {with} answers, + as edgedns does")?;
        if manner == Manner::Resolver {
            writeln!(
                out,
                "note: {with} is a resolver: only answers are compared, and its TTLs run down; better ask the \
                 server behind it"
            )?;
        }
        writeln!(out)
    }

    /// Takes a question whose answers were compared.
    pub(super) fn add_judgement(
        &mut self,
        question: &Question,
        judgement: Judgement,
        reason: Option<&'static str>,
    ) -> io::Result<()> {
        self.counts.questions += 1;
        for known in judgement.known {
            *self.known.entry(known).or_default() += 1;
        }
        if judgement.parts.is_empty() {
            self.counts.same += 1;
            return self.progress();
        }
        self.counts.different += 1;
        let Question { qname, qtype } = question;
        match self.format {
            Format::Json => {
                let (name, rtype) = (plain(qname), qtype.to_string());
                line(&Line::Difference { name, rtype, parts: &judgement.parts, reason })
            }
            Format::Text => self.draw(&difference(question, &judgement.parts, reason, self.look)),
        }
    }

    /// Takes a question that was not answered.
    pub(super) fn add_unanswered(&mut self, question: &Question, silence: &Silence) -> io::Result<()> {
        self.counts.questions += 1;
        self.counts.unanswered += 1;
        let Question { qname, qtype } = question;
        match self.format {
            Format::Json => {
                let (name, rtype) = (plain(qname), qtype.to_string());
                line(&Line::Unanswered { name, rtype, error: silence.to_string() })
            }
            Format::Text => {
                let name = style(&format!("{} {qtype}", plain(qname)), Style::Strong, self.look);
                self.draw(&format!("{name}\n  {} {silence}\n", self.with))
            }
        }
    }

    /// Takes questions that need not be asked.
    pub(super) fn add_skipped(&mut self, apex: &Name, questions: u64) -> io::Result<()> {
        self.counts.skipped += questions;
        match self.format {
            Format::Json => Ok(()),
            Format::Text => self.draw(&format!("{apex}: nothing more is asked about this zone\n")),
        }
    }

    /// Draws a block, unless there have been enough.
    fn draw(&self, block: &str) -> io::Result<()> {
        self.erase_progress()?;
        let drawn = self.counts.different + self.counts.unanswered;
        let mut out = io::stdout().lock();
        if drawn <= SHOWN_MAX {
            writeln!(out, "{block}")?;
        } else if drawn == SHOWN_MAX + 1 {
            writeln!(out, "more than {SHOWN_MAX}: the rest is only counted; `--format json` has them all\n")?;
        }
        out.flush()
    }

    fn progress(&mut self) -> io::Result<()> {
        if self.drawn.is_none_or(|drawn| drawn.elapsed() < PROGRESS_INTERVAL) {
            return Ok(());
        }
        self.drawn = Some(Instant::now());
        let Counts { questions, different, skipped, .. } = self.counts;
        let mut out = io::stderr().lock();
        write!(
            out,
            "\r{questions} of {} asked, {different} answered differently\x1b[K",
            self.total - skipped
        )?;
        out.flush()
    }

    fn erase_progress(&self) -> io::Result<()> {
        if self.drawn.is_some() {
            write!(io::stderr().lock(), "\r\x1b[K")?;
        }
        Ok(())
    }

    /// Tells the totals.
    pub(super) fn end(&self) -> io::Result<()> {
        self.erase_progress()?;
        let known = self.known.iter();
        match self.format {
            Format::Json => line(&Line::End {
                with: self.with.to_string(),
                resolver: self.manner == Manner::Resolver,
                zones: self.zones,
                counts: self.counts,
                known: known
                    .map(|(known, count)| KnownLine { count: *count, reason: known.reason() })
                    .collect(),
            }),
            Format::Text => {
                let mut out = io::stdout().lock();
                for (known, count) in known {
                    let times = if *count == 1 { "once" } else { "times" };
                    let count = if *count == 1 { String::new() } else { format!("{count} ") };
                    writeln!(out, "not counted, {count}{times}: {}", known.reason())?;
                }
                let Counts { same, different, unanswered, skipped, .. } = self.counts;
                let asked = questions(self.counts.questions);
                let ink = if self.is_same() { Style::Good } else { Style::Bad };
                let differ = style(&format!("{different} differently"), ink, self.look);
                let mut totals = format!("{asked}: {same} answered the same, {differ}");
                if unanswered > 0 {
                    totals += &format!(", {unanswered} not at all");
                }
                if skipped > 0 {
                    totals += &format!("; {skipped} not asked");
                }
                writeln!(out, "{totals}")
            }
        }
    }
}

/// `1 question`, `2 questions`.
fn questions(number: u64) -> String {
    // For people only, and the same number where `usize` has 64 bits.
    counted(usize::try_from(number).unwrap_or(usize::MAX), "question")
}

/// A difference for people, part by part.
fn difference(question: &Question, parts: &[Part], reason: Option<&str>, look: Look) -> String {
    let Question { qname, qtype } = question;
    let mut block = format!("{}\n", style(&format!("{} {qtype}", plain(qname)), Style::Strong, look));
    for Part { what, theirs, ours } in parts {
        let theirs = theirs.iter().map(|line| (format!("- {line}"), Style::Bad));
        let ours = ours.iter().map(|line| (format!("+ {line}"), Style::Good));
        for (place, (line, ink)) in theirs.chain(ours).enumerate() {
            let what = if place == 0 { what } else { "" };
            let what = style(&format!("{what:PART_WIDTH$}"), Style::Faint, look);
            block += &format!("  {what}  {}\n", style(&line, ink, look));
        }
    }
    if let Some(reason) = reason {
        let likely = style(&format!("{:PART_WIDTH$}", "likely"), Style::Faint, look);
        block += &format!("  {likely}  {reason}\n");
    }
    block
}

/// One JSON object in a line.
fn line(line: &Line<'_>) -> io::Result<()> {
    writeln!(io::stdout().lock(), "{}", serde_json::to_string(line).map_err(io::Error::other)?)
}
