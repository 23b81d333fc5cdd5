//! Rules: the fate of a setting, by its name. Each server has its own list.

use super::report::{Fate, FateKind};
use super::server_setting::{Occurrence, ServerSetting, ServerSettings};
use crate::source::nearest;

/// What becomes of some settings. `T` is the function that reads one.
pub(super) struct Rule<T: 'static> {
    pub(super) names: &'static [&'static str],
    pub(super) then: Then<T>,
}

/// What becomes of a setting.
#[derive(Clone, Copy)]
pub(super) enum Then<T> {
    /// Always the same.
    Always(FateKind, &'static str),
    /// Off or empty, it is as here; otherwise this.
    UnlessOff(FateKind, &'static str),
    /// It depends on the value.
    Read(T),
    /// It depends on the value, and every line that adds to it has a fate of its own.
    ReadEach(T),
}

impl<T: Copy> Rule<T> {
    pub(super) const fn always(names: &'static [&'static str], kind: FateKind, text: &'static str) -> Self {
        Self { names, then: Then::Always(kind, text) }
    }

    pub(super) const fn unless_off(
        names: &'static [&'static str],
        kind: FateKind,
        text: &'static str,
    ) -> Self {
        Self { names, then: Then::UnlessOff(kind, text) }
    }

    pub(super) const fn read(names: &'static [&'static str], function: T) -> Self {
        Self { names, then: Then::Read(function) }
    }

    pub(super) const fn read_each(names: &'static [&'static str], function: T) -> Self {
        Self { names, then: Then::ReadEach(function) }
    }
}

/// What the rules say about a name.
pub(super) fn find<T: Copy>(rules: &[Rule<T>], name: &str) -> Option<Then<T>> {
    rules.iter().find(|rule| rule.names.contains(&name)).map(|rule| rule.then)
}

/// What becomes of each setting by its rule, and of one without a rule, wherever it is given.
pub(super) fn fates<T: Copy>(
    rules: &[Rule<T>],
    settings: &ServerSettings,
    mut read: impl FnMut(T, &ServerSetting) -> Fate,
    unknown: impl Fn(&str) -> Fate,
) -> Vec<(Occurrence, Fate)> {
    let mut fates = Vec::new();
    let mut take = |setting: &ServerSetting, fate: Fate| {
        fates.extend(setting.occurrences.iter().map(|it| (it.clone(), fate.clone())));
    };
    for setting in settings.iter() {
        match find(rules, &setting.name) {
            Some(Then::ReadEach(function)) => {
                setting.parts().iter().for_each(|part| take(part, read(function, part)));
            }
            Some(Then::Read(function)) => take(setting, read(function, setting)),
            Some(Then::UnlessOff(..)) if setting.is_off() => take(setting, off()),
            Some(Then::Always(kind, text) | Then::UnlessOff(kind, text)) => take(setting, plain(kind, text)),
            None => take(setting, unknown(&setting.name)),
        }
    }
    fates
}

/// The fate of a setting whose rule needs no function.
pub(super) fn plain(kind: FateKind, text: &'static str) -> Fate {
    Fate::new(kind, text)
}

/// The fate of a setting that is off, and so as it is here.
pub(super) fn off() -> Fate {
    Fate::honoured("nothing to do: it is off")
}

/// The fate of a name that no rule knows.
pub(super) fn unknown<T: Copy>(rules: &[Rule<T>], name: &str, server: &str) -> Fate {
    let names = rules.iter().flat_map(|rule| rule.names.iter().copied());
    match nearest(name, names) {
        Some(near) => Fate::refused(format!("not known to {server}; did you mean `{near}`?")),
        None => Fate::refused(format!("not known; look it up in the manual of {server}")),
    }
}
