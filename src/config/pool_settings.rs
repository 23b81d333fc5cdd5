//! How `[[zone.probe]]` makes a pool choose: selector, order, backups, weights, thresholds.
//!
//! Reads these keys, and refuses those that mean nothing together. Not responsible for what is probed
//! (`zone_probe`), or for whether an address is in the zone.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::table::Table;
use crate::dns::Ttl;
use crate::probe::Vantage;
use crate::setting::DURATION_MAX;
use crate::setting::keep;
use crate::setting::{Value, list};
use crate::source::{Diagnostic, Diagnostics};
use crate::zone::{AllDown, AnswerOrder, ConfigForm, MEMBERS_MAX, MinUp, PoolSettings, Selector};

/// What may be answered when no address passes.
const ALL_DOWN: &[(&str, AllDown)] = &[
    ("all", AllDown::Select(Selector::All)),
    ("none", AllDown::Select(Selector::Empty)),
    ("servfail", AllDown::ServFail),
];

const ORDERS: &[(&str, AnswerOrder)] = &[
    ("rotate", AnswerOrder::Rotate),
    ("local-first", AnswerOrder::LocalFirst),
    ("fixed", AnswerOrder::Fixed),
];

/// Most that one weight may be: a thousand members of it still add up.
const WEIGHT_MAX: u32 = 1_000_000;

/// Reads these keys of a block; what is absent or faulty keeps its default.
pub(super) fn read(table: &Table<'_>, found: &mut Diagnostics) -> PoolSettings {
    let usual = PoolSettings::default();
    let weights = table.get("weights").map(|value| read_weights(value, found)).unwrap_or_default();
    let order = table.read("order", found, |value| value.word(ORDERS));
    let backups = table.get("backup").map(|value| read_backups(value, found)).unwrap_or_default();
    let selector = read_selector(table, &weights, found);
    let choice = PoolSettings {
        selector,
        order: order.unwrap_or(usual.order),
        weights,
        backups,
        min_up: table.read("min-up", found, read_min_up).unwrap_or(usual.min_up),
        answers_max: table.read("max-answers", found, read_count),
        ttl_degraded: table.read("ttl-degraded", found, read_ttl),
        all_down: table.read("all-down", found, |value| value.word(ALL_DOWN)).unwrap_or(usual.all_down),
        vantage: table.read("vantage", found, |value| value.word(Vantage::WORDS)).unwrap_or(usual.vantage),
    };
    warn_of_what_means_nothing(selector, table, found);
    choice
}

/// Keys about several answers, where one is given.
fn warn_of_what_means_nothing(selector: Selector, table: &Table<'_>, found: &mut Diagnostics) {
    for value in selector.entry().idle_keys.iter().filter_map(|key| table.get(key)) {
        let message = "this means nothing: the selector answers one address only";
        found.push(Diagnostic::warning(value.span(), message));
    }
}

/// The selector; with weights, the one that weighs.
fn read_selector(table: &Table<'_>, weights: &[(IpAddr, NonZeroU32)], found: &mut Diagnostics) -> Selector {
    let words = Selector::config_words();
    let read = table.read("selector", found, |value| value.word(&words));
    let Some(value) = table.get("weights").filter(|_| !weights.is_empty()) else {
        return read.unwrap_or(Selector::All);
    };
    let selector = read.unwrap_or(Selector::Random);
    let ConfigForm::Word(word) = selector.entry().config else { return selector };
    Selector::weighing(word).unwrap_or_else(|| {
        let weighed: Vec<&str> =
            words.iter().map(|(word, _)| *word).filter(|word| Selector::weighing(word).is_some()).collect();
        let fault = value.fault("`weights` are for choosing one address");
        found.push(fault.help(format!("make the selector {}", list(&weighed, "or"))));
        selector
    })
}

fn read_weights(value: Value<'_>, found: &mut Diagnostics) -> Vec<(IpAddr, NonZeroU32)> {
    let mut weights: Vec<(IpAddr, NonZeroU32)> = Vec::new();
    for (text, value) in keep(value.entries(), found).unwrap_or_default() {
        let Ok(address) = text.parse::<IpAddr>() else {
            let fault = value.fault(format!("`{text}` is not an address"));
            found.push(fault.help("weigh addresses, as in { \"192.0.2.1\" = 3 }"));
            continue;
        };
        let bounds = format!("a weight, 1 to {WEIGHT_MAX}, for each address");
        let weight = value.whole(bounds, |weight| NonZeroU32::new(weight).filter(|_| weight <= WEIGHT_MAX));
        let Some(weight) = keep(weight, found) else { continue };
        if weights.iter().any(|(known, _)| *known == address) {
            found.push(value.fault(format!("{address} is weighed twice")));
        } else {
            weights.push((address, weight));
        }
    }
    weights
}

/// One list of addresses, or a list of such lists in order.
fn read_backups(value: Value<'_>, found: &mut Diagnostics) -> Vec<Vec<IpAddr>> {
    let Some(items) = keep(value.items(), found) else { return Vec::new() };
    let groups: Vec<Option<Vec<Value<'_>>>> = items.iter().map(|item| item.items().ok()).collect();
    let groups: Vec<Vec<Value<'_>>> = if groups.iter().all(Option::is_none) {
        vec![items]
    } else {
        let Some(groups) = groups.into_iter().collect() else {
            let fault = value.fault("one list has addresses and groups of addresses");
            found.push(fault.help("write either [\"…\", \"…\"] or [[\"…\"], [\"…\"]]"));
            return Vec::new();
        };
        groups
    };
    let mut backups = Vec::with_capacity(groups.len());
    for group in groups {
        if group.is_empty() {
            found.push(value.fault("a backup without addresses").help("name them, or leave `backup` out"));
        }
        if group.len() > MEMBERS_MAX {
            found.push(value.fault(format!("`backup` is {MEMBERS_MAX} addresses at most")));
            continue;
        }
        backups.push(group.into_iter().filter_map(|item| keep(item.address(), found)).collect());
    }
    backups
}

/// A number of addresses, or a share of them: `"34%"`.
fn read_min_up(value: Value<'_>) -> Result<MinUp, Diagnostic> {
    let bounds = "1 or more, or a share from \"1%\" to \"100%\"";
    let Ok(text) = value.text() else {
        return value.whole(bounds, |count| NonZeroU32::new(count).map(MinUp::Count));
    };
    let share = text.strip_suffix('%').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let percent = share.and_then(|digits| digits.parse::<NonZeroU32>().ok());
    percent
        .filter(|percent| percent.get() <= 100)
        .map(MinUp::Percent)
        .ok_or_else(|| value.fault(format!("`min-up` is {bounds}")))
}

fn read_count(value: Value<'_>) -> Result<NonZeroU32, Diagnostic> {
    value.whole("1 or more", NonZeroU32::new)
}

/// A TTL: whole seconds.
fn read_ttl(value: Value<'_>) -> Result<Ttl, Diagnostic> {
    let time = value.duration(&(Duration::ZERO..=DURATION_MAX))?;
    let seconds = u32::try_from(time.as_secs()).ok().filter(|_| time.subsec_nanos() == 0);
    let ttl = seconds.and_then(Ttl::from_seconds);
    ttl.ok_or_else(|| value.fault("a TTL is whole seconds").help("write it as in \"5s\""))
}
