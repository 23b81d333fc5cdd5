//! `allow-update`, `update-policy` and `allow-update-forwarding`: they become `[[zone.update]]`.
//!
//! What cannot be said there stays closed, and is told with its line.

use super::super::draft::Updates;
use super::super::report::Fate;
use super::super::rule;
use super::super::statement::Statement;
use super::super::word::Word;
use super::reading::{OpenZone, Reading, ZoneContents};
use crate::dns::{Name, NameRef, Rtype};
use crate::source::Diagnostic;
use crate::update::is_never_updated;

/// What is to be done where updates go on.
const PENDING: &str = "write pending updates into the file before it is copied (`rndc sync -clean`)";

/// Kinds of rules that are about the key of a message and nothing else.
const BY_KEY: [&str; 7] = ["name", "subdomain", "zonesub", "wildcard", "self", "selfsub", "selfwild"];

/// What a rule of `update-policy` allows.
struct Allowed {
    names: Vec<String>,
    types: Vec<String>,
    /// Types that no client changes here.
    lost: Vec<String>,
}

/// A rule that is taken over.
struct Granted {
    updates: Updates,
    /// Types that no client changes here.
    lost: Vec<String>,
}

impl Reading<'_> {
    /// Who may change a zone with these statements, and what of it.
    pub(super) fn updates(&mut self, open: &OpenZone, zone: &[Statement]) -> Vec<Updates> {
        if self.closes_zone(zone).is_some() {
            return Vec::new();
        }
        let own = |keyword: &str| zone.iter().rfind(|inner| inner.keyword() == keyword);
        match open.contents {
            ZoneContents::Copied => {
                let list = own("allow-update-forwarding").or_else(|| self.get("allow-update-forwarding"));
                let (allow, _) = list.map(|list| self.transferred(list)).unwrap_or_default();
                let updates = Updates { allow, names: Vec::new(), types: Vec::new(), remark: remark(list) };
                Some(updates).filter(|updates| !updates.allow.is_empty()).into_iter().collect()
            }
            ZoneContents::File => {
                if let Some(policy) = own("update-policy") {
                    let rules = self.policy(open, policy).into_iter();
                    return rules.filter_map(|(_, rule)| Some(rule.ok()?.updates)).collect();
                }
                let list = own("allow-update").or_else(|| self.get("allow-update"));
                let (allow, _) = list.map(|list| self.transferred(list)).unwrap_or_default();
                let all = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
                let (names, types) = (all(&["**"]), all(&["ANY", "NS", "DNAME"]));
                let updates = Updates { allow, names, types, remark: remark(list) };
                Some(updates).filter(|updates| !updates.allow.is_empty()).into_iter().collect()
            }
        }
    }

    /// What becomes of each rule. The first that is about a client, a name and a type decides (BIND's manual, "Dynamic
    /// Update Policies"), so nothing is taken over behind one that forbids something to the same clients.
    fn policy<'s>(
        &mut self,
        open: &OpenZone,
        policy: &'s Statement,
    ) -> Vec<(&'s Statement, Result<Granted, Fate>)> {
        let mut forbidden: Vec<String> = Vec::new();
        let rules = policy.block().iter();
        rules
            .map(|rule| {
                let identity = rule.word(1).map(|word| identity(&word.text)).unwrap_or_default();
                let made = match rule.keyword().as_str() {
                    "deny" => {
                        let kind = rule.word(2).map(|word| word.text.to_ascii_lowercase());
                        let is_by_key = kind.is_some_and(|kind| BY_KEY.contains(&kind.as_str()));
                        forbidden.push(if is_by_key { identity } else { "*".to_owned() });
                        Err(Fate::honoured("nobody may what no [[zone.update]] allows"))
                    }
                    "grant" if forbidden.iter().any(|other| *other == identity || other.contains('*')) => {
                        Err(refused(
                            "a rule above it forbids these clients something, which cannot be said here",
                        ))
                    }
                    "grant" => self.grant(open, rule),
                    _ => Err(refused("it is neither `grant` nor `deny`")),
                };
                (rule, made)
            })
            .collect()
    }

    fn grant(&mut self, open: &OpenZone, rule: &Statement) -> Result<Granted, Fate> {
        let words: Vec<&Word> = rule.words().collect();
        let [client, kind, rest @ ..] = words.as_slice() else {
            return Err(refused("it says not enough"));
        };
        let Allowed { names, types, lost } = allowed(&open.name, client, kind, rest)?;
        if types.is_empty() {
            return Err(refused("none of its types is changed by clients here"));
        }
        let key = self.is_open_to_all().then(|| self.key_named(&client.text)).flatten();
        let Some(key) = key else {
            let why = "its key cannot be had here for all who have it";
            return Err(refused(why));
        };
        let remark = self.work.whence(rule.span);
        let updates = Updates { allow: vec![format!("key:{key}")], names, types, remark };
        Ok(Granted { updates, lost })
    }
}

fn remark(list: Option<&Statement>) -> String {
    list.map(Statement::keyword).unwrap_or_default()
}

fn refused(why: &'static str) -> Fate {
    Fate::changed(format!("not taken over, {why}: write who may change what in [[zone.update]]"))
}

fn identity(text: &str) -> String {
    text.trim_end_matches('.').to_ascii_lowercase()
}

/// Names and types of a rule, in the words of `[[zone.update]]`.
fn allowed(apex: &Name, client: &Word, kind: &Word, rest: &[&Word]) -> Result<Allowed, Fate> {
    if client.text.contains('*') {
        return Err(refused("it is about every client with a signature"));
    }
    let of = |word: &Word| below(apex, &word.text);
    // Where its own name is left out, the types follow.
    let named = |own: fn(&str) -> Vec<String>| match rest {
        [name, types @ ..] => Ok((own(&of(name)?), types)),
        [] => Err(refused("it has no name")),
    };
    let itself = |own: fn(&str) -> Vec<String>| match rest {
        // The name is there for the form alone, and may be a dot or the key once more.
        [_, types @ ..] => Ok((own(&of(client)?), types)),
        [] => Ok((own(&of(client)?), rest)),
    };
    let exact = |name: &str| vec![name.to_owned()];
    let below_it = |name: &str| vec![if name == "@" { "**".to_owned() } else { format!("**.{name}") }];
    let strictly = |name: &str| vec![if name == "@" { "**.*".to_owned() } else { format!("**.*.{name}") }];
    let (names, types) = match kind.text.to_ascii_lowercase().as_str() {
        "name" => named(exact)?,
        "subdomain" => named(below_it)?,
        "zonesub" => (vec!["**".to_owned()], rest),
        "wildcard" => match rest {
            [name, types @ ..] => {
                let name = name.text.strip_prefix("*.").ok_or_else(|| refused("its name is no wildcard"))?;
                (strictly(&below(apex, name)?), types)
            }
            [] => return Err(refused("it has no name")),
        },
        "self" => itself(exact)?,
        "selfsub" => itself(below_it)?,
        "selfwild" => itself(strictly)?,
        _ => return Err(refused("clients are known here by their address and the name of their key alone")),
    };
    let (types, lost) = types_of(types);
    Ok(Allowed { names, types, lost })
}

/// A name relative to the zone, as a pattern that means nothing but that.
fn below(apex: &Name, text: &str) -> Result<String, Fate> {
    let name = Name::parse(text.as_bytes(), NameRef::ROOT).map_err(|_| refused("its name is not one"))?;
    let (name, apex) = (name.to_string().to_ascii_lowercase(), apex.to_string().to_ascii_lowercase());
    if name == apex {
        return Ok("@".to_owned());
    }
    let relative = match apex.as_str() {
        "." => name.strip_suffix('.'),
        apex => name.strip_suffix(apex).and_then(|rest| rest.strip_suffix('.')),
    };
    let relative = relative.ok_or_else(|| refused("its name lies outside the zone"))?;
    if relative.contains(['*', '?', '\\', '@']) {
        return Err(refused("its name has signs that mean others here"));
    }
    Ok(relative.to_owned())
}

/// Types of a rule, and those of them that are lost.
fn types_of(words: &[&Word]) -> (Vec<String>, Vec<String>) {
    if words.is_empty() {
        // All but RRSIG, NS, SOA, NSEC and NSEC3.
        return (vec!["ANY".to_owned(), "DNAME".to_owned()], Vec::new());
    }
    let (mut types, mut lost) = (Vec::new(), Vec::new());
    for word in words {
        let text = word.text.to_ascii_uppercase();
        let rtype = Rtype::parse(text.as_bytes()).filter(|rtype| !rtype.is_meta());
        match rtype {
            _ if text == "ANY" => types.extend(["ANY", "NS", "DNAME"].map(str::to_owned)),
            Some(rtype) if rtype != Rtype::SOA && is_never_updated(rtype).is_none() => {
                types.push(rtype.to_string());
            }
            _ => lost.push(text),
        }
    }
    (types, lost)
}

/// Those who may send updates of a zone.
pub(super) fn allow_update(reading: &mut Reading<'_>, list: &Statement) -> Fate {
    if Reading::is_off(list) {
        return rule::off();
    }
    if reading.is_copied() {
        return Fate::no_effect("a copied zone is changed where it comes from");
    }
    let clients = reading.clients_without_faults(list);
    if let Some(word) = clients.world() {
        let fault = Diagnostic::warning(word.span, "an open door: everybody may change the zones");
        let help = "nothing to do for edgedns, which refuses updates; close it where BIND goes on running";
        reading.work.found.push(fault.help(help));
        return Fate::changed("an open door, closed: updates are REFUSED to everybody");
    }
    let (entries, lost) = reading.transferred(list);
    match (entries.as_slice(), lost.as_slice()) {
        ([], []) => Fate::honoured("nothing to do: nobody may"),
        (_, []) => Fate::honoured(format!("→ [[zone.update]]; {PENDING}")),
        (_, lost) => Fate::changed(format!(
            "→ [[zone.update]] without {}: write who may change what there; {PENDING}",
            lost.join(", ")
        )),
    }
}

/// Those whose updates of a copied zone are passed on.
pub(super) fn allow_update_forwarding(reading: &mut Reading<'_>, list: &Statement) -> Fate {
    if Reading::is_off(list) {
        return rule::off();
    }
    if reading.zone.is_some() && !reading.is_copied() {
        return Fate::no_effect("the zone is not copied");
    }
    if reading.clients_without_faults(list).world().is_some() {
        return Fate::changed(
            "an open door, closed: nobody's updates are passed on; write whose are in [[zone.update]]",
        );
    }
    let (entries, lost) = reading.transferred(list);
    match (entries.as_slice(), lost.as_slice()) {
        ([], []) => Fate::honoured("nothing to do: nobody may"),
        (_, []) => Fate::honoured("→ [[zone.update]] of the zones that are copied"),
        (_, lost) => {
            Fate::changed(format!("→ [[zone.update]] without {}: write them there", lost.join(", ")))
        }
    }
}

/// Rules about who may change what; each is told by itself.
pub(super) fn update_policy(reading: &mut Reading<'_>, policy: &Statement) -> Fate {
    let Some(open) = reading.zone.clone().filter(|open| open.contents == ZoneContents::File) else {
        return Fate::no_effect("see its zone");
    };
    if policy.list().is_none() {
        return Fate::changed(
            "BIND makes a key for this host at each start: write a [[key]] and who may change what in [[zone.update]]",
        );
    }
    let rules = reading.policy(&open, policy);
    let all = rules.len();
    let mut taken = 0;
    for (rule, made) in rules {
        let shown = format!("{}: {}", open.shown, rule.shown());
        let fate = match made {
            Ok(Granted { lost, .. }) => {
                taken += 1;
                match lost.as_slice() {
                    [] => Fate::honoured("→ [[zone.update]]"),
                    lost => Fate::changed(format!(
                        "→ [[zone.update]] without {}: no client changes these here",
                        lost.join(", ")
                    )),
                }
            }
            Err(fate) => fate,
        };
        reading.work.report.add(rule.span, shown, fate);
    }
    match taken {
        0 => Fate::changed("none of its rules is taken over"),
        taken if taken == all => Fate::honoured(format!("→ [[zone.update]]; {PENDING}")),
        taken => Fate::changed(format!("{taken} of {all} rules → [[zone.update]]; {PENDING}")),
    }
}
