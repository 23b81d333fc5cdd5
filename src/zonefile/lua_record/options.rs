//! The options of functions that probe: `{selector='all', timeout=2}`.
//!
//! Has their names, defaults and values. `pool` makes the pool; values that only a request has are in
//! `request`.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::lua_defaults::LuaDefaults;
use super::reader::Reader;
use super::request::Request;
use super::shown::shown;
use crate::lua::{Expr, ExprKind, Field};
use crate::probe::Vantage;
use crate::source::{Diagnostic, nearest};
use crate::zone::{AllDown, PICKCLOSEST, Selector, WhilePending};

/// What the options of a function say, defaults included.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) selector: Selector,
    pub(super) backup_selector: Selector,
    pub(super) incomplete: Incomplete,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) fall: NonZeroU32,
    pub(super) source: Option<IpAddr>,
    /// Whose probes count for clients elsewhere; PowerDNS does not look at it.
    pub(super) vantage: Vantage,
    /// What only functions for URLs look at.
    pub(super) request: Request,
}

/// What a function probes at its addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subject {
    Port,
    Url,
    /// A URL whose response says how much of the clients its address takes.
    Weight,
}

/// What `failOnIncompleteCheck` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Incomplete {
    Answer,
    Fail,
}

/// Shortest interval between two probes of a target: more often burdens it, and finds nothing sooner that a
/// client would notice.
const INTERVAL_MIN: Duration = Duration::from_millis(100);
/// Shortest timeout: less than the way to a target and back is always a failure.
const TIMEOUT_MIN: Duration = Duration::from_millis(1);
/// Longest interval and timeout: a longer one is milliseconds taken for seconds.
const SECONDS_MAX: Duration = Duration::from_secs(24 * 60 * 60);

type Apply = for<'r, 'f> fn(&mut Options, &mut Reader<'r, 'f>, &'r Expr) -> Option<()>;

/// The options that every function that probes has.
const OPTIONS: &[(&str, Apply)] = &[
    ("selector", |options, reader, value| {
        options.selector = reader.selector(value)?;
        Some(())
    }),
    ("backupSelector", |options, reader, value| {
        options.backup_selector = reader.selector(value)?;
        Some(())
    }),
    ("interval", |options, reader, value| {
        options.interval = reader.seconds(value, INTERVAL_MIN, SECONDS_MAX)?;
        Some(())
    }),
    ("minimumFailures", |options, reader, value| {
        options.fall = NonZeroU32::new(reader.integer(value, 1, u32::MAX, "a whole number from 1 on")?)?;
        Some(())
    }),
    ("failOnIncompleteCheck", |options, reader, value| {
        options.incomplete = if reader.truth(value)? { Incomplete::Fail } else { Incomplete::Answer };
        Some(())
    }),
    ("source", |options, reader, value| {
        options.source = Some(reader.source(value)?);
        Some(())
    }),
    ("vantage", |options, reader, value| {
        options.vantage = reader.vantage(value)?;
        Some(())
    }),
];

/// The options that mean something else, or nothing, to functions for URLs.
const PORT_OPTIONS: &[(&str, Apply)] = &[("timeout", |options, reader, value| {
    let zero = "PowerDNS does not wait then, and declares every target up";
    options.timeout = reader.timeout(value, zero)?;
    Some(())
})];

/// The options that only functions for URLs have, or that mean something else to them.
const URL_OPTIONS: &[(&str, Apply)] = &[
    ("timeout", |options, reader, value| {
        options.timeout = reader.timeout(value, "PowerDNS waits without end then")?;
        Some(())
    }),
    ("useragent", |options, reader, value| reader.user_agent(value, &mut options.request)),
    ("stringmatch", |options, reader, value| reader.string_match(value, &mut options.request)),
    ("httpcode", |options, reader, value| reader.http_code(value, &mut options.request)),
    ("byteslimit", |options, reader, value| reader.bytes_limit(value, &mut options.request)),
    ("headers", |options, reader, value| reader.headers(value, &mut options.request)),
];

impl Subject {
    fn options(self) -> impl Iterator<Item = (&'static str, Apply)> {
        let own = match self {
            Subject::Port => PORT_OPTIONS,
            Subject::Url | Subject::Weight => URL_OPTIONS,
        };
        OPTIONS.iter().chain(own).copied()
    }
}

impl Options {
    /// What holds without options.
    pub(super) fn defaults(defaults: &LuaDefaults, subject: Subject) -> Self {
        // What answers one address while some are up answers one when none is.
        let selector = if subject == Subject::Weight { Selector::Random } else { defaults.selector };
        Self {
            selector,
            backup_selector: selector,
            incomplete: Incomplete::Answer,
            interval: defaults.interval,
            timeout: defaults.timeout,
            fall: defaults.fall,
            source: None,
            vantage: Vantage::Own,
            request: Request::default(),
        }
    }

    /// What is answered when all are down.
    pub(super) fn all_down(&self) -> AllDown {
        AllDown::Select(self.backup_selector)
    }

    /// What is answered while nothing is known. PowerDNS takes one of the backups then; a record that names a
    /// fail-safe keeps it, all others get what the members would give if they were up.
    pub(super) fn while_pending(&self) -> WhilePending {
        match (self.incomplete, self.backup_selector) {
            (Incomplete::Fail, _) => WhilePending::ServFail,
            (Incomplete::Answer, Selector::Empty) => WhilePending::NoData,
            (Incomplete::Answer, _) => WhilePending::Select,
        }
    }
}

impl<'r> Reader<'r, '_> {
    /// Reads a table of options.
    pub(super) fn options(&mut self, table: &'r Expr, subject: Subject) -> Option<Options> {
        let (fields, _) = self.table(table, "options in braces: {selector='all'}")?;
        let mut options = Options::defaults(self.defaults, subject);
        let mut seen: Vec<(&str, &Field)> = Vec::new();
        let mut sound = Some(());
        for field in fields {
            let Some((name, apply)) = self.option(field, subject) else {
                sound = None;
                continue;
            };
            if let Some((_, first)) = seen.iter().find(|(earlier, _)| *earlier == name) {
                self.found.push(
                    Diagnostic::error(key_or_value(field).span, format!("option `{name}` is given twice"))
                        .and_at(key_or_value(first).span, "first here"),
                );
                sound = None;
                continue;
            }
            seen.push((name, field));
            if (subject, name) == (Subject::Weight, "selector") {
                let fault =
                    Diagnostic::warning(key_or_value(field).span, "this means nothing: weights choose");
                self.found.push(fault.remark("PowerDNS does not look at it either"));
            }
            sound = apply(&mut options, self, &field.value).and(sound);
        }
        sound?;
        self.request_can_pass(&options.request)?;
        Some(options)
    }

    /// Which option a field is.
    fn option(&mut self, field: &'r Field, subject: Subject) -> Option<(&'static str, Apply)> {
        let Some(key) = &field.key else {
            self.error(field.value.span, "expected an option: `name=value`");
            return None;
        };
        let written = self.text(key, "the name of an option")?;
        if let Some(option) = subject.options().find(|(name, _)| *name == written) {
            return Some(option);
        }
        if URL_OPTIONS.iter().any(|(name, _)| *name == written) {
            let message = format!("`{written}` means nothing to `ifportup`: it belongs to a probe of a URL");
            self.error(key.span, message);
            return None;
        }
        let fault = Diagnostic::error(key.span, format!("unknown option `{}`", shown(written.as_bytes())));
        let names = || subject.options().map(|(name, _)| name);
        self.found.push(match nearest(&shown(written.as_bytes()), names()) {
            Some(known) => fault.help(format!("did you mean `{known}`?")),
            None => fault.help(format!("the options are {}", listed(names()))),
        });
        None
    }

    fn selector(&mut self, value: &'r Expr) -> Option<Selector> {
        let selectors = Selector::lua_words();
        let words = || selectors.iter().map(|(word, _)| *word);
        let resolved = self.scope.resolve(value);
        let written = self.text(value, "a selector in quotes")?;
        let Some((word, selector)) = selectors.iter().find(|(word, _)| *word == written) else {
            let message = format!("unknown selector `{}`", shown(written.as_bytes()));
            let fault = Diagnostic::error(resolved.span, message);
            let fault = match nearest(&shown(written.as_bytes()), words()) {
                Some(known) => fault.help(format!("did you mean `{known}`?")),
                None => fault.help(format!("the selectors are {}", listed(words()))),
            };
            self.found.push(fault.remark("PowerDNS takes `random` for a word it does not know"));
            return None;
        };
        if *word == PICKCLOSEST {
            self.found.push(
                Diagnostic::warning(resolved.span, "`pickclosest` is read as `random`")
                    .remark("so does PowerDNS without GeoIP data"),
            );
        }
        Some(*selector)
    }

    fn vantage(&mut self, value: &'r Expr) -> Option<Vantage> {
        let resolved = self.scope.resolve(value);
        let written = self.text(value, "a vantage in quotes")?;
        let known = Vantage::WORDS.iter().find(|(word, _)| *word == written);
        if known.is_none() {
            let words = Vantage::WORDS.iter().map(|(word, _)| *word);
            let message = format!("unknown vantage `{}`", shown(written.as_bytes()));
            let help = format!("the vantages are {}", listed(words));
            self.found.push(Diagnostic::error(resolved.span, message).help(help));
        }
        known.map(|(_, vantage)| *vantage)
    }

    /// How long a probe may take; `zero` is what PowerDNS makes of 0.
    fn timeout(&mut self, value: &'r Expr, zero: &str) -> Option<Duration> {
        let resolved = self.scope.resolve(value);
        let not_positive = match &resolved.kind {
            ExprKind::Number(seconds) => *seconds <= 0.0,
            ExprKind::String(text) => crate::lua::number(text).is_some_and(|seconds| seconds <= 0.0),
            _ => false,
        };
        if not_positive {
            self.found
                .push(Diagnostic::error(resolved.span, "a timeout is longer than 0 seconds").remark(zero));
            return None;
        }
        self.seconds(value, TIMEOUT_MIN, SECONDS_MAX)
    }

    fn source(&mut self, value: &'r Expr) -> Option<IpAddr> {
        let resolved = self.scope.resolve(value);
        let family = self.family()?;
        let written = self.text(value, "an address in quotes")?;
        match written.parse::<IpAddr>() {
            Ok(IpAddr::V6(ip)) if ip.is_unicast_link_local() => {
                let message = format!(
                    "`{written}` cannot be a source: it is link-local, and the targets' links are not known"
                );
                self.error(resolved.span, message);
                None
            }
            Ok(address) if family.has(address) => Some(address),
            Ok(_) => {
                let message = format!("`{written}` cannot be a source: the targets are {family} addresses");
                self.error(resolved.span, message);
                None
            }
            Err(_) => {
                let message = format!("`{}` is not an {family} address", shown(written.as_bytes()));
                self.error(resolved.span, message);
                None
            }
        }
    }
}

fn key_or_value(field: &Field) -> &Expr {
    field.key.as_ref().unwrap_or(&field.value)
}

fn listed<'w>(words: impl Iterator<Item = &'w str>) -> String {
    words.map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}
