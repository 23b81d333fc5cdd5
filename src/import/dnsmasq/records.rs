//! Options that give names records.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::super::hosts::{self, HostsLine};
use super::super::made::{Alias, Data};
use super::super::report::Fate;
use super::super::word::Word;
use super::reading::{Given, Reading, files_of, read_named};
use crate::dns::{Name, NameRef, presentation::write_quoted};
use crate::source::{Diagnostic, FileId};
use crate::zone::reverse_name;

/// Longest text of a TXT record's string (RFC 1035, section 3.3.14).
const TEXT_MAX: usize = 255;

impl Reading<'_> {
    /// A name as dnsmasq takes it; what is none is pushed.
    pub(super) fn name(&mut self, word: &Word) -> Option<Name> {
        match Name::parse(word.text.as_bytes(), NameRef::ROOT) {
            Ok(name) if word.text != "@" => Some(name),
            Ok(_) => self.no_name(word, "`@` is no name here"),
            Err(error) => self.no_name(word, &format!("`{}`: {error}", word.text)),
        }
    }

    fn no_name(&mut self, word: &Word, message: &str) -> Option<Name> {
        self.work.found.push(Diagnostic::error(word.span, message));
        None
    }

    /// Gives an address a name back, unless it has one.
    fn add_reverse(&mut self, address: IpAddr, name: &Name, ttl: Option<u32>, remark: &str) {
        let Some(owner) = reverse_name(address) else { return };
        if !self.made.has(&owner, &["PTR"]) {
            self.made.add(owner, Data::new("PTR", name.to_string()).with_ttl(ttl), remark);
        }
    }

    /// Takes the lines of a hosts file.
    pub(super) fn take_hosts(&mut self, file: FileId) -> Fate {
        let lines = hosts::read(&self.work.sources, file, &mut self.work.found);
        let domain = self.domain().filter(|_| self.is_given("expand-hosts"));
        let mut count = 0;
        for HostsLine { address, names } in lines {
            for (place, word) in names.iter().enumerate() {
                let Some(name) = self.name(word) else { continue };
                count += 1;
                let remark = self.work.whence(word.span);
                // The address has the longer of both names.
                let is_short = name.as_ref().label_count() == 1;
                let long = domain.as_ref().filter(|_| is_short);
                let long = long.and_then(|domain| Name::parse(word.text.as_bytes(), domain.as_ref()).ok());
                if place == 0 {
                    self.add_reverse(address, long.as_ref().unwrap_or(&name), None, &remark);
                }
                for name in [Some(name), long].into_iter().flatten() {
                    self.made.add(name, Data::address(address), &remark);
                }
            }
        }
        Fate::honoured(format!("→ [[zone]]: {count} names"))
    }

    /// The domain of this host.
    fn domain(&self) -> Option<Name> {
        let word = self.get("domain")?.fields().into_iter().next()?;
        Name::parse(word.text.as_bytes(), NameRef::ROOT).ok()
    }

    /// Gives a name a record from the fields of an option.
    fn record(&mut self, option: &Given, owner: &Word, data: Data) -> Fate {
        let Some(owner) = self.name(owner) else {
            return Fate::refused("not a name: mend it, and import again");
        };
        let remark = self.work.whence(option.span);
        self.made.add(owner, data, &remark);
        Fate::honoured("→ [[zone]]")
    }
}

/// `host-record=NAME,…,ADDRESS,…,TTL`.
pub(super) fn host_record(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let (mut names, mut addresses, mut ttl) = (Vec::new(), Vec::new(), None);
    for field in option.fields() {
        if let Ok(address) = field.text.parse::<IpAddr>() {
            addresses.push(address);
        } else if !addresses.is_empty() && field.text.bytes().all(|byte| byte.is_ascii_digit()) {
            ttl = field.text.parse().ok();
        } else {
            match reading.name(&field) {
                Some(name) => names.push(name),
                None => return Fate::refused("not a name: mend it, and import again"),
            }
        }
    }
    let remark = reading.work.whence(option.span);
    for address in &addresses {
        for name in &names {
            reading.made.add(name.clone(), Data::address(*address).with_ttl(ttl), &remark);
        }
        if let Some(first) = names.first() {
            reading.add_reverse(*address, first, ttl, &remark);
        }
    }
    match addresses.as_slice() {
        [] => Fate::changed("it gives no address: nothing is answered of it"),
        _ => Fate::honoured("→ [[zone]]: its addresses, and the name of each address"),
    }
}

/// `cname=ALIAS,…,TARGET,TTL`.
pub(super) fn cname(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let mut fields = option.fields();
    let is_ttl = |field: &Word| field.text.bytes().all(|byte| byte.is_ascii_digit());
    let ttl = fields.pop_if(|last| is_ttl(last)).and_then(|field| field.text.parse().ok());
    let target = fields.pop().and_then(|field| reading.name(&field));
    let (Some(target), false) = (target, fields.is_empty()) else {
        return Fate::refused("an alias and a target are wanted: mend it, and import again");
    };
    let remark = reading.work.whence(option.span);
    let mut worst = Alias::Kept;
    for field in fields {
        let Some(alias) = reading.name(&field) else {
            return Fate::refused("not a name: mend it, and import again");
        };
        match reading.made.add_alias(alias, ttl, &target, &remark) {
            Alias::Lost => worst = Alias::Lost,
            Alias::Addresses if worst == Alias::Kept => worst = Alias::Addresses,
            Alias::Addresses | Alias::Kept => {}
        }
    }
    match worst {
        Alias::Kept => Fate::honoured("→ [[zone]]"),
        Alias::Addresses => Fate::changed(
            "→ [[zone]], with the addresses of its target: a zone of its own has no CNAME at its apex; --zone DOMAIN keeps \
             the alias",
        ),
        Alias::Lost => Fate::refused(
            "a zone of its own has no CNAME at its apex, and its target has no address here: --zone DOMAIN puts it into a \
             zone where it can be",
        ),
    }
}

/// `address=/DOMAIN/…/ADDRESS`.
pub(super) fn address(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let value = option.text();
    let Some(inside) = value.text.strip_prefix('/') else {
        return Fate::refused("it names no domain: mend it, and import again");
    };
    let mut parts: Vec<Word> = inside.split('/').map(|part| value.part(part)).collect();
    let Some(target) = parts.pop() else { return Fate::refused("it names no domain") };
    let data = match target.text.as_str() {
        "" => Vec::new(),
        "#" => vec![Data::address(Ipv4Addr::UNSPECIFIED.into()), Data::address(Ipv6Addr::UNSPECIFIED.into())],
        text => match text.parse() {
            Ok(address) => vec![Data::address(address)],
            Err(_) => {
                reading
                    .work
                    .found
                    .push(Diagnostic::error(target.span, format!("`{text}` is not an address")));
                return Fate::refused("not an address: mend it, and import again");
            }
        },
    };
    let remark = reading.work.whence(option.span);
    for part in parts {
        let Some(apex) = reading.domain_word(&part) else {
            return Fate::refused("patterns of names are not known here: write domains");
        };
        reading.made.answer_whole(apex.clone(), &remark);
        for data in &data {
            reading.made.add_everywhere(&apex, data.clone(), &remark);
        }
    }
    match data.as_slice() {
        [] => Fate::honoured("→ [[zone]] without names: none of the domain exists"),
        _ => Fate::changed(
            "→ [[zone]] with a wildcard; types that no option gives have no data (NODATA), dnsmasq from 2.86 on asks its \
             servers for them",
        ),
    }
}

/// `txt-record=NAME,TEXT,…`.
pub(super) fn txt_record(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let fields = option.fields();
    let Some((owner, texts)) = fields.split_first() else { return Fate::refused("it names nothing") };
    if texts.iter().any(|text| text.text.len() > TEXT_MAX) {
        return Fate::refused("a string has at most 255 bytes: part it, and import again");
    }
    let shown: Vec<String> = texts.iter().map(|text| quoted(&text.text)).collect();
    let rdata = if shown.is_empty() { "\"\"".to_owned() } else { shown.join(" ") };
    reading.record(option, owner, Data::new("TXT", rdata))
}

/// `srv-host=NAME,TARGET,PORT,PRIORITY,WEIGHT`.
pub(super) fn srv_host(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let fields = option.fields();
    let Some(owner) = fields.first() else { return Fate::refused("it names nothing") };
    let text = |place: usize| fields.get(place).map_or("", |field| field.text.as_str());
    let number = |place: usize, usual: u16| match text(place) {
        "" => Some(usual),
        digits => digits.parse::<u16>().ok(),
    };
    let target = match fields.get(1).filter(|field| !field.text.is_empty()) {
        Some(field) => reading.name(field).map(|name| name.to_string()),
        None => Some(".".to_owned()),
    };
    // `_service._protocol` alone is of the domain of this host.
    let is_short = owner.text.trim_end_matches('.').split('.').count() == 2;
    let whole = reading.domain().filter(|_| is_short).map(|domain| format!("{}.{domain}", owner.text));
    let owner = &Word { text: whole.unwrap_or_else(|| owner.text.clone()), span: owner.span };
    let (Some(target), Some(port), Some(priority), Some(weight)) =
        (target, number(2, 1), number(3, 0), number(4, 0))
    else {
        return Fate::refused("not a target with numbers: mend it, and import again");
    };
    reading.record(option, owner, Data::new("SRV", format!("{priority} {weight} {port} {target}")))
}

/// `mx-host=NAME,TARGET,PREFERENCE`.
pub(super) fn mx_host(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let fields = option.fields();
    let Some(owner) = fields.first() else { return Fate::refused("it names nothing") };
    let target = match fields.get(1).filter(|field| !field.text.is_empty()) {
        Some(field) => field.clone(),
        None => match reading.get("mx-target") {
            Some(target) => target.text(),
            None => return Fate::refused("its target would be this host: name one, and import again"),
        },
    };
    let preference = fields.get(2).map_or(Some(1), |field| field.text.parse::<u16>().ok());
    match (reading.name(&target), preference) {
        (Some(target), Some(preference)) => {
            reading.record(option, owner, Data::new("MX", format!("{preference} {target}")))
        }
        _ => Fate::refused("not a target with a preference: mend it, and import again"),
    }
}

/// `ptr-record=NAME,TARGET`.
pub(super) fn ptr_record(reading: &mut Reading<'_>, option: &Given) -> Fate {
    match option.fields().as_slice() {
        [owner, target] => match reading.name(target) {
            Some(target) => reading.record(option, owner, Data::new("PTR", target.to_string())),
            None => Fate::refused("not a name: mend it, and import again"),
        },
        _ => Fate::refused("a name and a target are wanted: mend it, and import again"),
    }
}

/// `caa-record=NAME,FLAGS,TAG,VALUE`.
pub(super) fn caa_record(reading: &mut Reading<'_>, option: &Given) -> Fate {
    match option.fields().as_slice() {
        [owner, flags, tag, value] if flags.text.parse::<u8>().is_ok() => {
            let rdata = format!("{} {} {}", flags.text, tag.text, quoted(&value.text));
            reading.record(option, owner, Data::new("CAA", rdata))
        }
        _ => Fate::refused("a name, flags, a tag and a value are wanted: mend it, and import again"),
    }
}

/// `naptr-record=NAME,ORDER,PREFERENCE,FLAGS,SERVICE,REGEXP,REPLACEMENT`.
pub(super) fn naptr_record(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let fields = option.fields();
    let [owner, order, preference, flags, service, regexp, rest @ ..] = fields.as_slice() else {
        return Fate::refused("a name and five values are wanted: mend it, and import again");
    };
    let replacement = match rest.first().filter(|field| !field.text.is_empty()) {
        Some(field) => reading.name(field).map(|name| name.to_string()),
        None => Some(".".to_owned()),
    };
    let numbers = [order, preference].iter().all(|field| field.text.parse::<u16>().is_ok());
    let Some(replacement) = replacement.filter(|_| numbers) else {
        return Fate::refused("not numbers and names: mend it, and import again");
    };
    let texts: Vec<String> = [flags, service, regexp].iter().map(|field| quoted(&field.text)).collect();
    let rdata = format!("{} {} {} {replacement}", order.text, preference.text, texts.join(" "));
    reading.record(option, owner, Data::new("NAPTR", rdata))
}

/// `dns-rr=NAME,NUMBER,HEX`.
pub(super) fn dns_rr(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let fields = option.fields();
    let [owner, number, hex @ ..] = fields.as_slice() else {
        return Fate::refused("a name and a type are wanted: mend it, and import again");
    };
    let hex: String = hex.first().map(|field| field.text.as_str()).unwrap_or_default().to_owned();
    let digits: String = hex.chars().filter(char::is_ascii_hexdigit).collect();
    let is_plain = hex.chars().all(|it| it.is_ascii_hexdigit() || matches!(it, ':' | '-' | ' '));
    match number.text.parse::<u16>() {
        Ok(number) if is_plain && digits.len().is_multiple_of(2) => {
            let rdata = format!("\\# {} {digits}", digits.len() / 2);
            reading.record(option, owner, Data::new(format!("TYPE{number}"), rdata.trim_end()))
        }
        _ => Fate::refused("not a type with data in hexadecimal: mend it, and import again"),
    }
}

/// `addn-hosts=PATH`, `hostsdir=PATH`: a file or a folder of them.
pub(super) fn more_hosts(reading: &mut Reading<'_>, option: &Given) -> Fate {
    let word = option.text();
    let by = reading.work.sources.path(word.span.file).to_owned();
    let path = reading.work.folders.find(&word, None, by.as_ref(), &mut reading.work.found);
    if !path.is_dir() {
        return match read_named(reading.work, &word) {
            Some(file) => reading.take_hosts(file),
            None => Fate::refused("it cannot be read: copy it, and import again"),
        };
    }
    let Some(files) = files_of(reading.work, &path, &word) else {
        return Fate::refused("it cannot be read: copy it, and import again");
    };
    for file in &files {
        match reading.work.sources.read(file) {
            Ok(file) => _ = reading.take_hosts(file),
            Err(error) => reading.work.found.push(Diagnostic::error(word.span, error.to_string())),
        }
    }
    Fate::changed(format!(
        "→ [[zone]]: the names of {} files as they are now; later ones are not seen",
        files.len()
    ))
}

/// A character-string of zone text.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    // A text takes everything.
    _ = write_quoted(text.as_bytes(), &mut quoted);
    quoted
}
