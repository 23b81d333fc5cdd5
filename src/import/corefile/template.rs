//! `template`: patterns of names in the forms that a wildcard says as well.

use crate::dns::{Name, NameRef};

/// Which names a pattern means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Matched {
    /// All names below this one, and itself if that is so.
    Below(Name, Itself),
    /// This one alone.
    One(Name),
}

impl Matched {
    /// Those of them that are in some zones.
    pub(super) fn within(self, zones: &[Name]) -> Vec<Matched> {
        let (Matched::Below(apex, _) | Matched::One(apex)) = &self;
        if zones.iter().any(|zone| apex.as_ref().is_at_or_below(zone.as_ref())) {
            return vec![self];
        }
        match &self {
            Matched::Below(apex, _) => {
                let inside = zones.iter().filter(|zone| zone.as_ref().is_below(apex.as_ref()));
                inside.map(|zone| Matched::Below(zone.clone(), Itself::Too)).collect()
            }
            Matched::One(_) => Vec::new(),
        }
    }
}

/// Whether the name itself is meant as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Itself {
    Too,
    Not,
}

/// Beginnings of patterns that mean any labels, and whether they may be missing.
const ANYTHING: &[(&str, Itself)] = &[
    ("(.*\\.)?", Itself::Too),
    ("(.+\\.)?", Itself::Too),
    ("(?:.*\\.)?", Itself::Too),
    ("(.*)\\.", Itself::Not),
    ("(.+)\\.", Itself::Not),
    (".*\\.", Itself::Not),
    (".+\\.", Itself::Not),
    ("(.*)[.]", Itself::Not),
    (".*[.]", Itself::Not),
    // Without a dot, what is behind may begin anywhere; of names in the zone these two are what is meant.
    ("(.*)", Itself::Too),
    (".*", Itself::Too),
    (".+", Itself::Not),
];

/// What a regular expression means, if it is one of those that are written for wildcards.
pub(super) fn matched(pattern: &str) -> Option<Matched> {
    let inside = pattern.strip_prefix('^').unwrap_or(pattern);
    let inside = inside.strip_suffix('$').unwrap_or(inside);
    let named = |text: &str| {
        let text = text.replace("\\.", ".").replace("[.]", ".").replace("\\-", "-");
        let is_plain =
            text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'));
        if is_plain && !text.is_empty() { Name::parse(text.as_bytes(), NameRef::ROOT).ok() } else { None }
    };
    for (begin, itself) in ANYTHING {
        if let Some(name) = inside.strip_prefix(begin).and_then(named) {
            return Some(Matched::Below(name, *itself));
        }
    }
    // Without `^` it may be found anywhere in a name.
    let name = named(inside)?;
    Some(if pattern.starts_with('^') { Matched::One(name) } else { Matched::Below(name, Itself::Too) })
}

/// The TTL, the type and the data of an `answer` whose owner is the name that is asked for.
pub(super) fn answer(text: &str) -> Option<(u32, String, String)> {
    let rest = text.trim().strip_prefix("{{")?;
    let (name, rest) = rest.split_once("}}")?;
    if name.trim().trim_matches('-').trim() != ".Name" {
        return None;
    }
    let rest = rest.strip_prefix('.').unwrap_or(rest);
    let mut words = rest.split_whitespace();
    let mut next = words.next()?;
    // In any order, and TTL of an hour where none is written.
    let mut ttl = 3600;
    for _ in 0..2 {
        if next.eq_ignore_ascii_case("IN") {
            next = words.next()?;
        } else if let Ok(written) = next.parse() {
            ttl = written;
            next = words.next()?;
        }
    }
    let data = words.collect::<Vec<_>>().join(" ");
    let is_plain = !data.is_empty() && !data.contains("{{");
    is_plain.then(|| (ttl, next.to_ascii_uppercase(), data))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn below(name: &str, itself: Itself) -> Option<Matched> {
        Some(Matched::Below(name.parse().expect("a name"), itself))
    }

    #[test]
    fn patterns_of_wildcards_are_recognised() {
        for (pattern, wanted) in [
            (r".*\.apps\.lab\.test", below("apps.lab.test", Itself::Not)),
            (r"^(.*)\.apps\.lab\.test\.$", below("apps.lab.test", Itself::Not)),
            (r".*apps\.lab\.test", below("apps.lab.test", Itself::Too)),
            (r"^(.*\.)?apps[.]lab[.]test[.]$", below("apps.lab.test", Itself::Too)),
            (r"apps\.lab\.test", below("apps.lab.test", Itself::Too)),
            (r"^api\.lab\.test\.$", Some(Matched::One("api.lab.test".parse().expect("a name")))),
            (r"^ip-(?P<a>[0-9]*)\.lab\.test\.$", None),
            (r"(a|b)\.lab\.test", None),
        ] {
            assert_eq!(matched(pattern), wanted, "{pattern}");
        }
    }

    #[test]
    fn answers_of_the_asked_name_are_read() {
        let read = |text| answer(text).map(|(ttl, rtype, data)| format!("{ttl} {rtype} {data}"));
        assert_eq!(read("{{ .Name }} 60 IN A 192.0.2.1").as_deref(), Some("60 A 192.0.2.1"));
        assert_eq!(read("{{.Name}} IN 60 AAAA 2001:db8::1").as_deref(), Some("60 AAAA 2001:db8::1"));
        assert_eq!(read("{{ .Name }} A 192.0.2.1").as_deref(), Some("3600 A 192.0.2.1"));
        assert_eq!(read("{{ .Name }} 60 IN A {{ .Group.a }}"), None);
        assert_eq!(read("www.lab.test. 60 IN A 192.0.2.1"), None);
    }
}
