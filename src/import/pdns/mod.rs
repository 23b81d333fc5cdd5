//! PowerDNS: `pdns.conf`, the zones of its BIND backend, and the recursor in
//! front of it.
//!
//! Responsible for the order of reading, and for what follows from two
//! servers becoming one: who listens where.
//! Not responsible for single settings: those are `rules`, `values` and
//! `recursor`.

mod rules;
mod values;
mod zones;

use std::net::SocketAddr;
use std::path::Path;

use super::address::{self, everywhere, on_this_host};
use super::given::{Given, Settings, Word};
use super::report::{Fate, Kind};
use super::rule::{self, Then};
use super::{Unreadable, Work, file_at, keyed, recursor};
use crate::source::{Diagnostic, Severity, Span};

/// What is between the clients and PowerDNS.
enum Front {
    /// Nothing: clients ask PowerDNS.
    None,
    /// A recursor on these addresses, which asks PowerDNS for its zones.
    Recursor(Vec<SocketAddr>),
}

/// What the rules of `pdns.conf` work on.
struct Reading<'r> {
    work: &'r mut Work,
    settings: &'r Settings,
    /// Where `pdns.conf` is.
    path: &'r Path,
    /// Where PowerDNS listens.
    own: &'r [SocketAddr],
    front: &'r Front,
    /// What became of `bind-config`.
    zones: Fate,
}

/// Reads a node; what it was read from.
pub(super) fn read(work: &mut Work, from: &Path, recursor: Option<&Path>) -> Result<String, Unreadable> {
    let path = file_at(from, &["pdns.conf"]);
    let settings = settings(work, &path).inspect_err(|_| cannot_be_read(work, &path))?;
    let recursor = recursor.map(|path| {
        work.folders.add(path);
        recursor::settings(work, path).inspect_err(|_| cannot_be_read(work, path))
    });
    let recursor = recursor.transpose()?;
    let own = listen(work, &settings, &path);
    let front = match &recursor {
        Some(recursor) => Front::Recursor(recursor::listen(work, recursor)),
        None => Front::None,
    };
    let zones = zones::read(work, &settings, &path);
    let mut reading = Reading { work, settings: &settings, path: &path, own: &own, front: &front, zones };
    reading.judge_all();
    work.draft.listen = together(&own, &front);
    work.draft.listen_remark = match front {
        Front::None => "local-address and local-port of pdns.conf".to_owned(),
        Front::Recursor(_) => {
            "where pdns-recursor was asked; nothing is between it and the zones now".to_owned()
        }
    };
    let mut origin = path.display().to_string();
    if let (Some(recursor), Front::Recursor(front)) = (&recursor, &front) {
        // Clients that may ask PowerDNS itself get its zones there, whoever they are.
        let public = own.iter().copied().find(|own| is_kept(*own, front));
        recursor::judge(work, recursor, &recursor::Beside { own: &own, public });
        origin = format!("{origin} and {}", recursor.path.display());
    }
    tell_of_lua(work, &settings);
    Ok(origin)
}

/// Says that a file which everything depends on cannot be understood.
fn cannot_be_read(work: &mut Work, path: &Path) {
    let text = "it cannot be read or understood, as drawn below: nothing is written";
    work.report.tell_besides(path.display().to_string(), Fate::refused(text));
}

/// Says what is different about LUA records, if there are any.
fn tell_of_lua(work: &mut Work, settings: &Settings) {
    let places = work.copies.lua_records();
    if settings.is_on("enable-lua-records") != Some(true) {
        let fault = |span: &Span| {
            Diagnostic::warning(*span, "this record was left out so far, and is answered now")
                .remark("`enable-lua-records` is not on: PowerDNS behaves as if it were not there")
        };
        work.found.extend(places.iter().map(fault));
    }
    if !places.is_empty() {
        let text = "answer all members that are up; PowerDNS answers one: [lua] selector = \"random\"";
        work.report.tell_besides("LUA records without `selector`", Fate::changed(text));
    }
}

/// The settings of `pdns.conf` and of the folder it includes.
fn settings(work: &mut Work, path: &Path) -> Result<Settings, Unreadable> {
    let mut settings = Settings::default();
    let mut files = vec![path.to_owned()];
    let mut is_first = true;
    while let Some(file) = files.pop() {
        match work.sources.read(&file) {
            Ok(id) => keyed::read(&work.sources, id, &mut settings, &mut work.report, &mut work.found),
            Err(error) => {
                work.found.push(Diagnostic::placeless(Severity::Error, error.to_string()));
                return Err(Unreadable);
            }
        }
        if std::mem::take(&mut is_first) {
            files = included(work, &settings, path, "conf");
        }
    }
    Ok(settings)
}

/// The files of `include-dir`, the last one first.
pub(super) fn included(
    work: &mut Work,
    settings: &Settings,
    path: &Path,
    end: &str,
) -> Vec<std::path::PathBuf> {
    let Some(given) = settings.get("include-dir").filter(|given| !given.is_empty()) else {
        return Vec::new();
    };
    let word = given.text();
    let folder = work.folders.find(&word, None, path, &mut work.found);
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) => {
            let message = format!("cannot read {}: {error}", folder.display());
            work.found.push(Diagnostic::error(word.span, message).help(work.folders.advice(&word.text)));
            return Vec::new();
        }
    };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut files: Vec<_> = paths
        .filter(|path| path.extension().is_some_and(|extension| extension == end) && path.is_file())
        .filter(|path| path.file_name().is_some_and(|name| !name.as_encoded_bytes().starts_with(b".")))
        .collect();
    files.sort_unstable_by(|a, b| b.cmp(a));
    files
}

/// What becomes of `include-dir`.
pub(super) fn include_dir(work: &mut Work, given: &Given, path: &Path) -> Fate {
    if given.is_empty() {
        return Fate::honoured("nothing to do: it is empty");
    }
    match work.folders.find(&given.text(), None, path, &mut work.found).is_dir() {
        true => Fate::honoured("its files are read, too"),
        false => Fate::refused(
            "it cannot be read: copy it beside the file that names it, and import again; until then it is loopback that \
             is listened on, as its files may say where",
        ),
    }
}

/// Where PowerDNS listens.
fn listen(work: &mut Work, settings: &Settings, path: &Path) -> Vec<SocketAddr> {
    listen_addresses(work, settings, path).unwrap_or_else(|port| everywhere(port).to_vec())
}

/// What `local-address` and `local-port` say; the port alone where no address is given. `path` is the file they are
/// from. Where none of the addresses can be read, or a file is missing that may name others, it is loopback: a server
/// that was kept to some addresses is not to be found on all of them.
pub(super) fn listen_addresses(
    work: &mut Work,
    settings: &Settings,
    path: &Path,
) -> Result<Vec<SocketAddr>, u16> {
    let port = match settings.get("local-port").map(|given| address::port(&given.text())) {
        Some(Ok(port)) => port,
        Some(Err(fault)) => {
            work.found.push(fault);
            address::DNS_PORT
        }
        None => address::DNS_PORT,
    };
    if settings.get("include-dir").is_some_and(|given| include_dir(work, given, path).kind == Kind::Refused) {
        return Ok(on_this_host(port).into());
    }
    let Some(given) = settings.get("local-address").filter(|given| !given.is_empty()) else {
        return Err(port);
    };
    let mut addresses = Vec::new();
    for address in addresses_of(given, port) {
        match address {
            Ok(address) if addresses.contains(&address) => {}
            Ok(address) => addresses.push(address),
            Err((_, fault)) => work.found.push(fault),
        }
    }
    if addresses.is_empty() { Ok(on_this_host(port).into()) } else { Ok(addresses) }
}

/// The addresses of `local-address`; of what is none, how it is written and what is wrong.
fn addresses_of(given: &Given, port: u16) -> Vec<Result<SocketAddr, (String, Diagnostic)>> {
    let read = |word: Word| {
        address::socket_address(&word, port).map_err(|fault| (format!("`{}`", word.text), fault))
    };
    let strange = |span: Span| ("what is no word".to_owned(), Diagnostic::error(span, "this is no address"));
    let words = given.items(&[',', ' ', '\t', ';']).into_iter().map(read);
    words.chain(given.strange().into_iter().map(strange).map(Err)).collect()
}

/// What becomes of `local-address` and `local-port` where they cannot be read, in whole or in part.
pub(super) fn faulty_listener(given: &Given) -> Option<Fate> {
    if given.name == "local-port" {
        let fault = address::port(&given.text()).err();
        return fault.map(|_| Fate::refused(format!("not a port: {} is listened on", address::DNS_PORT)));
    }
    let lost: Vec<String> =
        addresses_of(given, address::DNS_PORT).into_iter().filter_map(|it| Some(it.err()?.0)).collect();
    if lost.is_empty() {
        return None;
    }
    Some(Fate::refused(format!("→ [server] listen without {}: write addresses", lost.join(", "))))
}

/// One server's addresses from those of two: the recursor's, and of PowerDNS's own those that clients may ask.
fn together(own: &[SocketAddr], front: &Front) -> Vec<SocketAddr> {
    let Front::Recursor(front) = front else { return own.to_vec() };
    let kept = own.iter().filter(|own| is_kept(**own, front));
    front.iter().chain(kept).copied().collect()
}

/// Whether clients may ask PowerDNS itself: at the port of DNS, from outside, where no recursor is.
fn is_kept(own: SocketAddr, front: &[SocketAddr]) -> bool {
    let is_public = own.port() == address::DNS_PORT && !own.ip().is_loopback() && !own.ip().is_unspecified();
    is_public && !front.iter().any(|front| address::covers(*front, own))
}

impl Reading<'_> {
    fn judge_all(&mut self) {
        let ignored: Vec<String> = match self.settings.get("ignore-unknown-settings") {
            Some(given) => given.items(&[',', ' ']).into_iter().map(|word| word.text).collect(),
            None => Vec::new(),
        };
        for given in self.settings.iter() {
            let rule = rule::find(rules::RULES, &given.name);
            if let Some(Then::ReadEach(function)) = rule {
                for part in given.parts() {
                    let fate = function(self, &part);
                    part.written
                        .iter()
                        .for_each(|it| self.work.report.tell(it.span, &it.shown, fate.clone()));
                }
                continue;
            }
            let fate = match rule {
                Some(Then::Always(kind, text)) => rule::plain(kind, text),
                Some(Then::UnlessOff(..)) if given.is_off() => rule::off(),
                Some(Then::UnlessOff(kind, text)) => rule::plain(kind, text),
                Some(Then::Read(function) | Then::ReadEach(function)) => function(self, given),
                None if ignored.contains(&given.name) => {
                    Fate::no_effect("PowerDNS was told to ignore it, too")
                }
                None => rules::foreign(&given.name)
                    .unwrap_or_else(|| rule::unknown(rules::RULES, &given.name, "PowerDNS")),
            };
            for written in &given.written {
                self.work.report.tell(written.span, &written.shown, fate.clone());
            }
        }
    }
}
