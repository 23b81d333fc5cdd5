//! How `[[zone.probe]]` makes a pool choose: selector, order, backups, weights, thresholds.
//!
//! Reads these keys, and refuses those that mean nothing together. Not responsible for what is probed
//! (`zone_probe`), or for whether an address is in the zone.

use std::collections::HashSet;
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
use crate::zone::{
    AllDown, AnswerOrder, Answers, ConfigForm, MEMBERS_MAX, Machines, MinUp, Pass, PoolSettings, Selector,
    ShareMax, WhileAny,
};

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

const WHILE_ANY: &[(&str, WhileAny)] = &[("passing", WhileAny::Passing), ("all", WhileAny::All)];

/// Most that one weight may be: a thousand members of it still add up.
const WEIGHT_MAX: u32 = 1_000_000;

/// Reads these keys of a block; what is absent or faulty keeps its default.
pub(super) fn read(table: &Table<'_>, found: &mut Diagnostics) -> PoolSettings {
    let usual = PoolSettings::default();
    let (weights, drained) = table.get("weights").map(|value| read_weights(value, found)).unwrap_or_default();
    let order = table.read("order", found, |value| value.word(ORDERS));
    let backups = table.get("backup").map(|value| read_backups(value, found)).unwrap_or_default();
    let selector = read_selector(table, &weights, found);
    let choice = PoolSettings {
        selector,
        order: order.unwrap_or(usual.order),
        weights,
        drained,
        probed_at: table.get("probe-at").map(|value| read_probed_at(value, found)).unwrap_or_default(),
        machines: table.get("machine").map(|value| read_machines(value, found)).unwrap_or_default(),
        share_max: table.read("max-share", found, read_share_max),
        while_any: table.read("while-any", found, |value| value.word(WHILE_ANY)).unwrap_or_default(),
        backups,
        pass: table.read("pass", found, read_pass).unwrap_or(usual.pass),
        min_up: table.read("min-up", found, read_min_up).unwrap_or(usual.min_up),
        answers_max: table.read("max-answers", found, read_count),
        ttl_degraded: table.read("ttl-degraded", found, read_ttl),
        all_down: table.read("all-down", found, |value| value.word(ALL_DOWN)).unwrap_or(usual.all_down),
        vantage: table.read("vantage", found, |value| value.word(Vantage::WORDS)).unwrap_or(usual.vantage),
    };
    warn_of_what_means_nothing(selector, table, found);
    choice
}

/// Keys about several answers, where one is given, and the other way round.
fn warn_of_what_means_nothing(selector: Selector, table: &Table<'_>, found: &mut Diagnostics) {
    for value in selector.entry().idle_keys.iter().filter_map(|key| table.get(key)) {
        let message = match selector.entry().answers {
            Answers::One | Answers::Nothing => "this means nothing: the selector answers one address only",
            Answers::Several => "this means nothing: the selector answers all addresses",
        };
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

/// The weights of addresses, and those whose weight is 0.
fn read_weights(value: Value<'_>, found: &mut Diagnostics) -> (Vec<(IpAddr, NonZeroU32)>, Vec<IpAddr>) {
    let mut weights: Vec<(IpAddr, NonZeroU32)> = Vec::new();
    let mut drained: Vec<IpAddr> = Vec::new();
    for (text, value) in keep(value.entries(), found).unwrap_or_default() {
        let Ok(address) = text.parse::<IpAddr>() else {
            let fault = value.fault(format!("`{text}` is not an address"));
            found.push(fault.help("weigh addresses, as in { \"192.0.2.1\" = 3 }"));
            continue;
        };
        let bounds = format!("a weight, 0 to {WEIGHT_MAX}, for each address");
        let weight = value.whole(bounds, |weight| (weight <= WEIGHT_MAX).then(|| NonZeroU32::new(weight)));
        let Some(weight) = keep(weight, found) else { continue };
        if weights.iter().any(|(known, _)| *known == address) || drained.contains(&address) {
            found.push(value.fault(format!("{address} is weighed twice")));
            continue;
        }
        match weight {
            Some(weight) => weights.push((address, weight)),
            None => drained.push(address),
        }
    }
    (weights, drained)
}

/// For addresses that are answered those that are probed instead.
fn read_probed_at(value: Value<'_>, found: &mut Diagnostics) -> Vec<(IpAddr, IpAddr)> {
    let mut places: Vec<(IpAddr, IpAddr)> = Vec::new();
    for (text, value) in keep(value.entries(), found).unwrap_or_default() {
        let Ok(answered) = text.parse::<IpAddr>() else {
            let fault = value.fault(format!("`{text}` is not an address"));
            found.push(fault.help("write { \"ADDRESS THAT IS ANSWERED\" = \"ADDRESS THAT IS PROBED\" }"));
            continue;
        };
        let Some(probed) = keep(value.address(), found) else { continue };
        if places.iter().any(|(known, _)| *known == answered) {
            found.push(value.fault(format!("{answered} is probed at two addresses")));
        } else {
            places.push((answered, probed));
        }
    }
    places
}

/// `true`, or for each machine the list of its addresses.
fn read_machines(value: Value<'_>, found: &mut Diagnostics) -> Machines {
    if let Ok(by_place) = value.truth() {
        return if by_place { Machines::ByPlace } else { Machines::Apart };
    }
    let help = "write `true` where the n-th A and the n-th AAAA record are of one machine, or list the addresses of each, \
                as in [[\"192.0.2.1\", \"2001:db8::1\"], …]";
    let Ok(items) = value.items() else {
        found.push(value.takes("a truth value, or a list of lists of addresses").help(help));
        return Machines::Apart;
    };
    let mut machines: Vec<Vec<IpAddr>> = Vec::with_capacity(items.len());
    let mut known = HashSet::new();
    for item in items {
        let Some(addresses) = keep(item.items().map_err(|fault| fault.help(help)), found) else { continue };
        let is_alone = addresses.len() < 2;
        let mut machine = Vec::with_capacity(addresses.len());
        for written in addresses {
            let Some(address) = keep(written.address(), found) else { continue };
            if known.insert(address) {
                machine.push(address);
            } else {
                found.push(written.fault(format!("{address} is an address of one machine, once")));
            }
        }
        if is_alone {
            found.push(item.fault("a machine of one address: there is nothing to leave together").help(help));
        }
        machines.push(machine);
    }
    Machines::Listed(machines)
}

/// A share of the answers: `"50%"`.
fn read_share_max(value: Value<'_>) -> Result<ShareMax, Diagnostic> {
    let text = value.text()?;
    let percent = percent(text).and_then(|percent| ShareMax::percent(percent.get()));
    percent.ok_or_else(|| value.fault("`max-share` is a share of the answers from \"1%\" to \"100%\""))
}

/// Percent, but 0: `34%`.
fn percent(text: &str) -> Option<NonZeroU32> {
    let digits = text.strip_suffix('%').filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    digits.and_then(|digits| digits.parse().ok())
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
    percent(text)
        .filter(|percent| percent.get() <= 100)
        .map(MinUp::Percent)
        .ok_or_else(|| value.fault(format!("`min-up` is {bounds}")))
}

/// How many probes of an address must pass.
fn read_pass(value: Value<'_>) -> Result<Pass, Diagnostic> {
    if value.is_whole() {
        return value.whole("1 or more, \"all\" or \"any\"", NonZeroU32::new).map(Pass::Count);
    }
    value.word(&[("all", Pass::All), ("any", Pass::Count(NonZeroU32::MIN))])
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
