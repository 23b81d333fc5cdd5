//! Plugins that give names records: `hosts`, `template`, `rewrite`.

use std::path::Path;

use super::super::hosts::{self, HostsLine};
use super::super::made::{Alias, Data};
use super::super::report::Fate;
use super::super::word::Word;
use super::lines::Line;
use super::reading::Reading;
use super::template::{Itself, Matched, answer, matched};
use crate::dns::{Name, NameRef};
use crate::source::Diagnostic;
use crate::zone::reverse_name;

/// TTL of names in `hosts` where none is said, in seconds.
const HOSTS_TTL: u32 = 3600;

/// What becomes of names that this block is not asked for.
pub(super) const ELSEWHERE: &str = "its block is not asked for this name";

/// Where hosts are where no file is named.
const ETC_HOSTS: &str = "/etc/hosts";

/// `hosts [FILE [ZONES…]] { ADDRESS NAME…; ttl N; no_reverse; reload D; fallthrough }`.
pub(super) fn hosts(reading: &mut Reading<'_>, line: &Line) -> Fate {
    let (file, zones) = match line.arguments() {
        // Without a path zones may stand there, which are no files.
        [first, zones @ ..] => (Some(first), zones),
        [] => (None, &[][..]),
    };
    let zones = reading.zones_or_own(zones);
    if zones.is_empty() {
        return Fate::no_effect(ELSEWHERE);
    }
    let mut ttl = HOSTS_TTL;
    let mut has_reverse = true;
    let mut falls_through = false;
    let mut lines: Vec<HostsLine> = Vec::new();
    for inner in &line.block {
        match inner.text(0) {
            "ttl" => ttl = inner.text(1).parse().unwrap_or(ttl),
            "no_reverse" => has_reverse = false,
            "fallthrough" => falls_through = true,
            "reload" => {}
            _ => lines.extend(hosts::line(inner.words.clone(), &mut reading.work.found)),
        }
    }
    let is_inline = !lines.is_empty();
    match (file, is_inline) {
        (Some(word), _) => match named(reading, word) {
            Ok(more) => lines.extend(more),
            Err(fate) => return fate,
        },
        (None, false) => {
            let by = reading.work.sources.path(line.span.file).to_owned();
            let path = reading.work.folders.find_of_host(Path::new(ETC_HOSTS), by.as_ref());
            let Some(file) = path.and_then(|path| reading.work.sources.read(&path).ok()) else {
                return Fate::refused("/etc/hosts is not in the copy: copy it, and import again");
            };
            lines.extend(hosts::read(&reading.work.sources, file, &mut reading.work.found));
        }
        (None, true) => {}
    }
    if !reading.forwards() {
        let remark = reading.work.whence(line.span);
        for zone in zones.iter().filter(|zone| !zone.as_ref().is_root()) {
            reading.made.answer_whole(zone.clone(), &remark);
        }
    }
    let mut count = 0;
    for HostsLine { address, names } in lines {
        for (place, word) in names.iter().enumerate() {
            let Some(name) = reading.name(word) else { continue };
            let remark = reading.work.whence(word.span);
            if is_in(reading, &zones, &name) {
                reading.made.add(name.clone(), Data::address(address).with_ttl(Some(ttl)), &remark);
                count += 1;
            }
            // All names of an address are answered there; here it has one.
            let reverse = reverse_name(address).filter(|_| has_reverse && place == 0);
            let is_free = |owner: &Name| !reading.made.has(owner, &["PTR"]) && is_in(reading, &zones, owner);
            if let Some(owner) = reverse.filter(is_free) {
                reading.made.add(owner, Data::new("PTR", name.to_string()).with_ttl(Some(ttl)), &remark);
            }
        }
    }
    let text = format!("→ [[zone]]: {count} names");
    match (falls_through, reading.forwards()) {
        (false, true) => {
            Fate::changed(format!("{text}; names that it has not go to [[forward]], as with `fallthrough`"))
        }
        _ => Fate::honoured(text),
    }
}

/// Whether `hosts` with these zones has a name, and its block is asked for it.
fn is_in(reading: &Reading<'_>, zones: &[Name], name: &Name) -> bool {
    zones.iter().any(|zone| name.as_ref().is_at_or_below(zone.as_ref())) && reading.is_asked(name)
}

/// The lines of a hosts file that a word names.
fn named(reading: &mut Reading<'_>, word: &Word) -> Result<Vec<HostsLine>, Fate> {
    let by = reading.work.sources.path(word.span.file).to_owned();
    let root = reading.root.clone();
    let path = reading.work.folders.find(word, root.as_deref(), by.as_ref(), &mut reading.work.found);
    match reading.work.sources.read(&path) {
        Ok(file) => Ok(hosts::read(&reading.work.sources, file, &mut reading.work.found)),
        Err(error) => {
            let help = reading.work.folders.advice(&word.text);
            reading.work.found.push(Diagnostic::error(word.span, error.to_string()).help(help));
            Err(Fate::refused("its file cannot be read: copy it, and import again"))
        }
    }
}

/// `template CLASS TYPE [ZONES…] { match PATTERN; answer RECORD; rcode CODE; fallthrough }`.
pub(super) fn template(reading: &mut Reading<'_>, line: &Line) -> Fate {
    const OTHER: &str = "only wildcards can be had, whose answer is of the asked name: write a zone file with the records that \
                         are wanted";
    let zones = reading.zones_or_own(line.arguments().get(2..).unwrap_or_default());
    if zones.is_empty() {
        return Fate::no_effect(ELSEWHERE);
    }
    let of = |word: &str| line.block.iter().filter(|inner| inner.text(0) == word).collect::<Vec<&Line>>();
    let remark = reading.work.whence(line.span);
    let matches = of("match");
    let answers = of("answer");
    let is_refusal = answers.is_empty() && of("rcode").iter().any(|rcode| rcode.text(1) == "NXDOMAIN");
    if is_refusal && matches.is_empty() && zones.iter().all(|zone| !zone.as_ref().is_root()) {
        zones.into_iter().for_each(|zone| reading.made.answer_whole(zone, &remark));
        return Fate::honoured("→ [[zone]]: names of it that have no record do not exist");
    }
    if !of("additional").is_empty() || !of("authority").is_empty() || answers.is_empty() {
        return Fate::refused(OTHER);
    }
    let wanted = line.text(2).to_ascii_uppercase();
    let mut data = Vec::new();
    for inner in &answers {
        match answer(inner.text(1)) {
            Some((ttl, rtype, rdata)) if rtype == wanted || wanted == "ANY" => {
                data.push(Data::new(rtype, rdata).with_ttl(Some(ttl)));
            }
            _ => return Fate::refused(OTHER),
        }
    }
    let names: Option<Vec<Matched>> = match matches.as_slice() {
        [] => Some(zones.iter().map(|zone| Matched::Below(zone.clone(), Itself::Too)).collect()),
        all => all.iter().map(|inner| matched(inner.text(1))).collect(),
    };
    let Some(names) = names else { return Fate::refused(OTHER) };
    let mut names: Vec<Matched> = names.into_iter().flat_map(|name| name.within(&zones)).collect();
    names.retain(|(Matched::Below(apex, _) | Matched::One(apex))| reading.is_asked(apex));
    if names.is_empty() {
        return Fate::no_effect(ELSEWHERE);
    }
    names.iter().for_each(|name| take(reading, name, &data, &remark));
    Fate::changed("→ [[zone]] with a wildcard; other types of its names have no data (NODATA)")
}

/// Gives the names that a pattern means their records.
fn take(reading: &mut Reading<'_>, name: &Matched, data: &[Data], remark: &str) {
    for data in data {
        match name {
            Matched::Below(apex, Itself::Too) => match reading.made.domain_of(apex.as_ref()) {
                // It lies in a domain that is one zone.
                Some(outer) if outer != apex => {
                    let wildcard = Name::parse(b"*", apex.as_ref()).ok();
                    for owner in [Some(apex.clone()), wildcard].into_iter().flatten() {
                        reading.made.add(owner, data.clone(), remark);
                    }
                }
                Some(_) | None => reading.made.add_everywhere(apex, data.clone(), remark),
            },
            Matched::Below(apex, Itself::Not) => {
                if let Ok(owner) = Name::parse(b"*", apex.as_ref()) {
                    reading.made.add(owner, data.clone(), remark);
                }
            }
            Matched::One(owner) => reading.made.add(owner.clone(), data.clone(), remark),
        }
    }
}

/// `rewrite [continue|stop] name [exact|suffix] FROM TO […]`.
pub(super) fn rewrite(reading: &mut Reading<'_>, line: &Line) -> Fate {
    let words = line.arguments();
    let words = match words.first().map(|word| word.text.as_str()) {
        Some("continue" | "stop") => words.get(1..).unwrap_or_default(),
        _ => words,
    };
    let text = |place: usize| words.get(place).map_or("", |word| word.text.as_str());
    let remark = reading.work.whence(line.span);
    match (text(0), text(1)) {
        ("name", "suffix") => suffix(reading, (words.get(2), words.get(3)), &remark),
        ("name", "exact") => exact(reading, (words.get(2), words.get(3)), &remark),
        ("name", "prefix" | "substring" | "regex") => Fate::refused(
            "patterns of names are not known here: write CNAME records, or a DNAME record, into a zone file",
        ),
        ("name", _) => exact(reading, (words.get(1), words.get(2)), &remark),
        ("edns0", _) => Fate::changed("EDNS options are not passed on"),
        _ => Fate::refused("only names are rewritten, as aliases: leave it to the upstream"),
    }
}

fn exact(reading: &mut Reading<'_>, words: (Option<&Word>, Option<&Word>), remark: &str) -> Fate {
    let (Some(from), Some(to)) = words else {
        return Fate::refused("two names are wanted: mend it, and import again");
    };
    let (Some(from), Some(to)) = (reading.name(from), reading.name(to)) else {
        return Fate::refused("not a name: mend it, and import again");
    };
    if !reading.is_asked(&from) {
        return Fate::no_effect(ELSEWHERE);
    }
    match reading.made.add_alias(from, None, &to, remark) {
        Alias::Kept => Fate::changed("→ [[zone]], as a CNAME record, which clients see"),
        Alias::Addresses => Fate::changed("→ [[zone]], with the addresses of the other name"),
        Alias::Lost => Fate::refused(
            "a zone of its own has no CNAME at its apex, and the other name has no address here: --zone DOMAIN puts it into a \
             zone where it can be",
        ),
    }
}

fn suffix(reading: &mut Reading<'_>, words: (Option<&Word>, Option<&Word>), remark: &str) -> Fate {
    let (Some(from), Some(to)) = words else {
        return Fate::refused("two suffixes are wanted: mend it, and import again");
    };
    let name = |word: &Word| Name::parse(word.text.trim_start_matches('.').as_bytes(), NameRef::ROOT).ok();
    let (Some(apex), Some(target)) = (name(from), name(to)) else {
        return Fate::refused("not a name: mend it, and import again");
    };
    if !reading.is_asked(&apex) {
        return Fate::no_effect(ELSEWHERE);
    }
    if apex.as_ref().is_root() || reading.made.domain_of(apex.as_ref()) == Some(&apex) {
        return Fate::refused(
            "a DNAME record cannot stand beside other names of its zone: write CNAME records",
        );
    }
    reading.made.add(apex, Data::new("DNAME", target.to_string()), remark);
    Fate::changed("→ [[zone]] with a DNAME record: clients see the alias, and the name itself is none")
}
