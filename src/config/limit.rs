//! `[limit]`: how many responses a network gets over UDP.

use std::num::NonZeroU32;

use super::table::Table;
use crate::answer::PrefixError;
use crate::setting::Value;
use crate::setting::keep;
use crate::source::{Diagnostic, Diagnostics};
use crate::zones::Clients;

/// Most responses per second, of one kind or of all. More is more than one network sends queries; beyond it
/// is a slip.
pub const RESPONSES_PER_SECOND_MAX: u32 = 1_000_000;

/// Rarest slip. A client that is over the limit without fault tries about as often before it gives up.
pub const SLIP_MAX: u32 = 10;

/// Most exempt prefixes: each costs a comparison per query.
pub const EXEMPT_MAX: usize = 64;

/// `[limit]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// Responses of one kind to one network in a second; none: all.
    pub responses_per_second: Option<NonZeroU32>,
    /// Responses of all kinds to one network in a second; none: all.
    pub all_per_second: Option<NonZeroU32>,
    /// One in so many of those over the limit is sent as TC; 0: none.
    pub slip: u32,
    /// Who is not limited.
    pub exempt: Vec<Clients>,
}

impl Default for Limit {
    fn default() -> Self {
        Self { responses_per_second: None, all_per_second: None, slip: 2, exempt: vec![Clients::Local] }
    }
}

impl Limit {
    /// Reads `[limit]`; what is absent or faulty keeps its default.
    pub(super) fn read(table: &Table<'_>, found: &mut Diagnostics) -> Self {
        let default = Limit::default();
        let responses_per_second = table.read("responses-per-second", found, rate).flatten();
        let all_per_second = table.read("all-per-second", found, rate).flatten();
        if let (Some(alike), Some(all)) = (responses_per_second, all_per_second)
            && all < alike
            && let Some(value) = table.get("all-per-second")
        {
            let message =
                format!("`all-per-second` is {all}, below `responses-per-second`, which is {alike}");
            found.push(
                Diagnostic::warning(value.span(), message).label("this one always comes first").help(
                    "a client asks for several names at once: allow at least four times as many of all",
                ),
            );
        }
        Self {
            responses_per_second,
            all_per_second,
            slip: table.read("slip", found, slip).unwrap_or(default.slip),
            exempt: table.get("exempt").and_then(|value| exempt(value, found)).unwrap_or(default.exempt),
        }
    }
}

fn rate(value: Value<'_>) -> Result<Option<NonZeroU32>, Diagnostic> {
    value.whole(format!("0 (no limit) to {RESPONSES_PER_SECOND_MAX}"), |rate| {
        (rate <= RESPONSES_PER_SECOND_MAX).then(|| NonZeroU32::new(rate))
    })
}

fn slip(value: Value<'_>) -> Result<u32, Diagnostic> {
    value.whole(format!("0 (never) to {SLIP_MAX}"), |slip| Some(slip).filter(|slip| *slip <= SLIP_MAX))
}

/// Who is exempt; none if the list as a whole is of no use.
fn exempt(value: Value<'_>, found: &mut Diagnostics) -> Option<Vec<Clients>> {
    let items = keep(value.items(), found)?;
    if items.len() > EXEMPT_MAX {
        found.push(value.fault(format!("more than {EXEMPT_MAX} prefixes")).help("name larger networks"));
        return None;
    }
    let read = |item| keep(one_exempt(item), found);
    Some(items.into_iter().filter_map(read).collect())
}

/// Clients by their network, or `local`.
pub(super) fn one_exempt(value: Value<'_>) -> Result<Clients, Diagnostic> {
    let text = value.text()?;
    if text == Clients::LOCAL {
        return Ok(Clients::Local);
    }
    text.parse().map(Clients::Prefix).map_err(|error| match error {
        PrefixError::Address => value
            .fault(format!("`{text}` is not a network"))
            .help("write it as \"192.0.2.0/24\" or \"2001:db8::/32\"; \"local\" is this host's own networks"),
        PrefixError::Length { longest } => {
            value.fault(format!("`{text}` has no length of 0 to {longest} bits")).help("write \"…/24\"")
        }
        PrefixError::BitsBehind { meant } => {
            value.fault(format!("`{text}` has bits behind its length")).help(format!("write \"{meant}\""))
        }
    })
}
