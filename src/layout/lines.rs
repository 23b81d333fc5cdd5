//! The layout of zone text: `/edgedns/lab.example/api` holds the lines of a zone file that `api` would have, LUA records
//! included.
//!
//! ```text
//!   /edgedns/lab.example/@     3600 SOA ns1 hostmaster 1 3600 600 604800 60
//!                              3600 NS ns1
//!   /edgedns/lab.example/api   10 LUA A "ifportup(6443, {'192.0.2.1', '192.0.2.2'})"
//!   /edgedns/lab.example/app        60 A 192.0.2.1
//!                                   60 A 192.0.2.2
//!   /edgedns/lab.example/app#pool   {"tcp": 443, "order": "local-first"}
//! ```
//!
//! The owner is the key's, so no line has one. It is relative to the zone, as are names within lines.

use super::item::{Item, KeyFault};
use super::place::Place;
use crate::dns::Name;
use crate::source::{Diagnostics, Sources, Span};
use crate::zone::Builder;
use crate::zonefile::{self, Part};

/// Most lines of one value.
const LINES_MAX: usize = 10_000;

/// What a key ends with whose value guards the addresses of a name.
const POOL: &[u8] = b"#pool";

/// How LUA records name code that stands elsewhere.
const INCLUDE: &[u8] = b"include";

/// What keys of the zone begin with.
pub(super) fn prefix(place: &Place) -> String {
    let zone = place.apex.to_string().to_ascii_lowercase();
    let zone = if zone == "." { "." } else { zone.trim_end_matches('.') };
    format!("{}/{zone}/", place.prefix.trim_end_matches('/'))
}

/// The key of a name.
pub(super) fn key_of(place: &Place, name: &Name) -> String {
    let owner = name.to_string().to_ascii_lowercase();
    let apex = place.apex.to_string().to_ascii_lowercase();
    let relative = owner.strip_suffix(&apex).map(|relative| relative.trim_end_matches('.'));
    let relative = relative.filter(|relative| !relative.is_empty()).unwrap_or("@");
    format!("{}{relative}", prefix(place))
}

/// The key of the pool of a name.
pub(super) fn pool_key_of(place: &Place, name: &Name) -> String {
    format!("{}{}", key_of(place, name), String::from_utf8_lossy(POOL))
}

/// What a key says; none: it is not of the zone.
pub(super) fn read(place: &Place, key: &[u8], value: &[u8]) -> Option<Result<Vec<Item>, KeyFault>> {
    let rest = key.strip_prefix(prefix(place).as_bytes())?;
    Some(read_ours(place, key, rest, value).map_err(|what| KeyFault::of(key, what)))
}

/// The zone text of a key of the zone, with its owner before each record: what [`crate::zonefile`] reads.
///
/// # Errors
///
/// When the key names no owner in the zone.
pub fn text_of(place: &Place, key: &[u8], value: &[u8]) -> Result<(Name, Vec<u8>), String> {
    let rest = key.strip_prefix(prefix(place).as_bytes()).ok_or("the key is of another zone")?;
    text(place, rest, value)
}

fn owner(place: &Place, rest: &[u8]) -> Result<Name, String> {
    if rest.is_empty() {
        return Err("the key names no owner; that of the zone is `@`".to_owned());
    }
    let owner = Name::parse(rest, place.apex.as_ref()).map_err(|error| format!("no owner: {error}"))?;
    if !owner.as_ref().is_at_or_below(place.apex.as_ref()) {
        return Err(format!("`{owner}` does not lie in the zone"));
    }
    Ok(owner)
}

fn text(place: &Place, rest: &[u8], value: &[u8]) -> Result<(Name, Vec<u8>), String> {
    let owner = owner(place, rest)?;
    if value.split(|byte| *byte == b'\n').count() > LINES_MAX {
        return Err(format!("the value has more than {LINES_MAX} lines"));
    }
    // The owner stands on the first line, so that each line of the value keeps its number and, but for one, its columns:
    // a line that begins with white space has the owner of the line before it.
    let mut text = format!("{owner} ").into_bytes();
    let mut has_owner = false;
    for (number, line) in value.split(|byte| *byte == b'\n').enumerate() {
        if number > 0 {
            text.push(b'\n');
        }
        let is_blank = line.iter().all(u8::is_ascii_whitespace) || line.trim_ascii_start().starts_with(b";");
        if number == 0 && is_blank {
            text.clear();
        }
        has_owner |= number == 0 && !is_blank;
        if is_blank {
            continue;
        }
        if !has_owner {
            text.extend_from_slice(format!("{owner} ").as_bytes());
            has_owner = true;
        } else if number > 0 {
            text.push(b' ');
        }
        text.extend_from_slice(line);
    }
    text.push(b'\n');
    Ok((owner, text))
}

fn read_ours(place: &Place, key: &[u8], rest: &[u8], value: &[u8]) -> Result<Vec<Item>, String> {
    let depth = key.iter().filter(|byte| **byte == b'/').count();
    if let Some(rest) = rest.strip_suffix(POOL) {
        let owner = owner(place, rest)?;
        let pool = Some(Box::new(place.pools.read(value)?));
        return Ok(vec![Item { owner, records: Vec::new(), has_lua: false, pool, group: None, depth }]);
    }
    let (owner, text) = text(place, rest, value)?;
    let name = String::from_utf8_lossy(key).into_owned();
    // Nothing but this text can be read: a value includes no files.
    let mut sources = Sources::default().closed_over(Vec::new());
    let file = sources.add(name.clone(), text);
    let mut found = Diagnostics::default();
    let part = zonefile::read_part(&mut sources, file, &place.apex, &place.text, &mut found);
    // What includes the code of another key has a meaning with that alone.
    if part.has_lua && !value.windows(INCLUDE.len()).any(|word| word == INCLUDE) {
        let mut builder = Builder::new(place.apex.clone(), Span::new(file, 0, 0));
        zonefile::read_code(&mut sources, &[file], &mut builder, &place.text, &mut found);
    }
    if let Some(first) = found.first_error() {
        let line = first.span().map(|span| sources.place(span).line);
        let line = line.map_or_else(String::new, |line| format!("line {line}: "));
        return Err(format!("{line}{}", first.message));
    }
    if let Some(other) = part.records.iter().find(|record| record.owner != owner) {
        return Err(format!("`{}` is another owner than that of the key", other.owner));
    }
    if part.records.is_empty() && !part.has_lua {
        return Err("the value has no records".to_owned());
    }
    let Part { records, has_lua, .. } = part;
    Ok(vec![Item { owner, records, has_lua, pool: None, group: None, depth }])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Ttl;
    use crate::layout::place::Subtree;
    use crate::layout::pool::{Guards, PoolReader, ReadPool};
    use crate::zone::PoolSettings;

    fn place() -> Place {
        Place {
            apex: "Lab.example.".parse().unwrap(),
            prefix: "/edgedns/".to_owned(),
            ttl: Ttl::from_seconds(300).unwrap(),
            subtree: Subtree::Apart,
            nameservers: Vec::new(),
            text: zonefile::Settings::default(),
            pools: PoolReader::new(Words),
        }
    }

    /// A pool is one word here.
    #[derive(Debug)]
    struct Words;

    impl ReadPool for Words {
        fn read(&self, text: &[u8]) -> Result<Guards, String> {
            let choice = PoolSettings::default();
            if text == b"well" {
                Ok(Guards { guards: Vec::new(), choice })
            } else {
                Err("no pool".to_owned())
            }
        }

        fn is_same(&self, _: &dyn ReadPool) -> bool {
            true
        }
    }

    fn says(key: &str, value: &str) -> Result<Vec<String>, String> {
        let read = read(&place(), key.as_bytes(), value.as_bytes()).expect("a key of the zone");
        let [item] = <[Item; 1]>::try_from(read.map_err(|fault| fault.to_string())?).expect("one owner");
        let mut lines: Vec<String> = item
            .records
            .iter()
            .map(|record| format!("{} {} {}", record.owner, record.ttl.seconds(), record.rtype))
            .collect();
        lines.extend(item.has_lua.then(|| format!("{} LUA", item.owner)));
        Ok(lines)
    }

    #[test]
    fn a_value_is_lines_of_a_zone_file_for_the_owner_of_its_key() {
        let of = |key: &str, value: &str| says(&format!("/edgedns/lab.example/{key}"), value);
        assert_eq!(
            of("api", "60 A 192.0.2.1\nAAAA 2001:db8::1").unwrap(),
            ["api.Lab.example. 60 A", "api.Lab.example. 60 AAAA"]
        );
        assert_eq!(
            of("@", "; ours\n\n\t3600 IN NS ns1\n 3600 NS ns2.test.").unwrap(),
            ["Lab.example. 3600 NS", "Lab.example. 3600 NS"]
        );
        assert_eq!(of("*.apps", "30 A ( 192.0.2.1\n)\n30 TXT \"x\"").unwrap().len(), 2);
        let lua = of("api", "10 LUA A \"ifportup(6443, {'192.0.2.1'})\"\n10 TXT x").unwrap();
        assert_eq!(lua, ["api.Lab.example. 10 TXT", "api.Lab.example. LUA"]);
    }

    #[test]
    fn a_fault_has_the_key_and_the_line_as_its_place() {
        let of = |key: &str, value: &str| says(&format!("/edgedns/lab.example/{key}"), value).unwrap_err();
        let told = of("api", "60 A 192.0.2.1\n60 AA 192.0.2.2");
        assert!(told.starts_with("/edgedns/lab.example/api: line 2: "), "{told}");
        assert!(of("api", "other A 192.0.2.1").starts_with("/edgedns/lab.example/api: line 1: "));
        assert!(of("api", "10 LUA A \"ifportup(\"").starts_with("/edgedns/lab.example/api: line 1: "));
        assert!(of("api", "; nothing").ends_with("the value has no records"));
        assert!(of("", "60 A 192.0.2.1").contains("names no owner"));
        assert!(of("api.other.test.", "60 A 192.0.2.1").contains("does not lie in the zone"));
        assert!(of("api", "$INCLUDE /etc/passwd").contains("line 1: "));
        assert!(of("api", "60 A 192.0.2.1\n$ORIGIN x\n60 A 192.0.2.2").contains("line 2: "));
        assert!(read(&place(), b"/edgedns/lab.example2/x", b"").is_none());
    }

    #[test]
    fn a_key_that_ends_with_pool_guards_the_name_before() {
        let of = |key: &str, value: &str| {
            let key = format!("/edgedns/lab.example/{key}");
            super::read(&place(), key.as_bytes(), value.as_bytes()).unwrap()
        };
        for (key, name) in [("api#pool", "api.lab.example."), ("@#pool", "lab.example.")] {
            let [item] = <[Item; 1]>::try_from(of(key, "well").unwrap()).unwrap();
            assert!(item.records.is_empty() && item.pool.is_some());
            assert_eq!(item.owner, name.parse().unwrap());
            assert!(pool_key_of(&place(), &item.owner).ends_with(key));
        }
        let fault = of("api#pool", "ill").unwrap_err().to_string();
        assert_eq!(fault, "/edgedns/lab.example/api#pool: no pool");
        assert!(of("#pool", "well").unwrap_err().what.contains("names no owner"));
    }

    #[test]
    fn a_name_has_a_key_that_is_read_as_that_name() {
        for name in ["lab.example.", "api.lab.example.", "*.apps.Lab.example.", "a\\.b.lab.example."] {
            let key = key_of(&place(), &name.parse().unwrap());
            assert_eq!(
                text_of(&place(), key.as_bytes(), b"60 A 192.0.2.1").unwrap().0,
                name.parse().unwrap()
            );
        }
    }
}
