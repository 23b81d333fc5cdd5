//! PowerDNS: `pdns.conf`, the zones of its BIND backend, and the recursor in front of it.
//!
//! Decides what follows from two servers becoming one: which addresses are listened on.

mod reading;
mod zones;

mod values;

mod stored;

mod keys;

mod signing;

mod rules;

use std::net::SocketAddr;
use std::path::Path;

use super::address::everywhere;
use super::copies::ApiPort;
use super::listeners::{included, listen_addresses};
use super::report::Fate;
use super::rule;
use super::server_setting::ServerSettings;
use super::work::{Unreadable, Work, file_at};
use super::{keyed, recursor};
use crate::source::{Diagnostic, Severity, Span};
use reading::{Front, Reading, is_kept};
use signing::Database;

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
    let (signing, stored) = signing::read(work, &settings, &path);
    let mut reading =
        Reading { work, settings: &settings, path: &path, own: &own, front: &front, zones, signing };
    reading.judge_all();
    // Behind what counts for all zones.
    match stored {
        Database::Silent => {}
        Database::Unread(span) => signing::close_copied(work, span),
        Database::Read(stored) => signing::apply(work, &settings, &stored),
    }
    work.draft.listen = together(&own, &front);
    work.draft.listen_remark = match front {
        Front::None => "local-address and local-port of pdns.conf".to_owned(),
        Front::Recursor(_) => {
            "where pdns-recursor was asked; nothing is between it and the zones now".to_owned()
        }
    };
    let mut origin = path.display().to_string();
    if let (Some(recursor), Front::Recursor(front)) = (&recursor, &front) {
        // PowerDNS itself answers from its zones to any client that reaches it.
        let public = own.iter().copied().find(|own| is_kept(*own, front));
        recursor::judge(work, recursor, &recursor::Beside { own: &own, public });
        origin = format!("{origin} and {}", recursor.path.display());
    }
    warn_of_lua(work, &settings);
    Ok(origin)
}

/// Says that a file which everything depends on cannot be understood.
fn cannot_be_read(work: &mut Work, path: &Path) {
    let text = "it cannot be read or understood, as drawn below: nothing is written";
    work.report.add_besides(path.display().to_string(), Fate::refused(text));
}

/// Says what is different about LUA records, if there are any.
fn warn_of_lua(work: &mut Work, settings: &ServerSettings) {
    let places = work.copies.lua_records();
    if settings.is_on("enable-lua-records") != Some(true) {
        let fault = |span: &Span| {
            Diagnostic::warning(*span, "this record was left out so far, and is answered now")
                .remark("`enable-lua-records` is not on: PowerDNS behaves as if it were not there")
        };
        work.found.extend(places.iter().map(fault));
    }
    if let Some(told) = told_of_api_ports(work.copies.api_ports()) {
        work.found.push(told);
    }
    if !places.is_empty() {
        let text = "answer all members that are up; PowerDNS answers one: [lua] selector = \"random\"";
        work.report.add_besides("LUA records without `selector`", Fate::changed(text));
    }
}

/// Lines that are shown as they would be better.
const SHOWN_BETTER_MAX: usize = 2;

/// What a test of an API server's port does not see, if there is one.
fn told_of_api_ports(places: &[ApiPort]) -> Option<Diagnostic> {
    let first = places.first()?;
    let told = Diagnostic::warning(
        first.span,
        "an API server that ends accepts connections for up to 70 s more",
    )
    .remark("its /readyz fails at once, and OpenShift wants it out of a load balancer within 30 s of that");
    let told = places
        .iter()
        .take(SHOWN_BETTER_MAX)
        .fold(told, |told, place| told.help(format!("to test that, write `{}`", place.better)));
    let more = places.len().saturating_sub(SHOWN_BETTER_MAX);
    Some(if more > 0 {
        told.remark(format!("records that test the port so besides these: {more}"))
    } else {
        told
    })
}

/// The settings of `pdns.conf` and of the folder it includes.
fn settings(work: &mut Work, path: &Path) -> Result<ServerSettings, Unreadable> {
    let mut settings = ServerSettings::default();
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

/// Where PowerDNS listens.
fn listen(work: &mut Work, settings: &ServerSettings, path: &Path) -> Vec<SocketAddr> {
    listen_addresses(work, settings, path).unwrap_or_else(|port| everywhere(port).to_vec())
}

/// One server's addresses from those of two: the recursor's, and of PowerDNS's own those that clients may
/// ask.
fn together(own: &[SocketAddr], front: &Front) -> Vec<SocketAddr> {
    let Front::Recursor(front) = front else { return own.to_vec() };
    let kept = own.iter().filter(|own| is_kept(**own, front));
    front.iter().chain(kept).copied().collect()
}

impl Reading<'_> {
    fn judge_all(&mut self) {
        let ignored: Vec<String> = match self.settings.get("ignore-unknown-settings") {
            Some(setting) => setting.items(&[',', ' ']).into_iter().map(|word| word.text).collect(),
            None => Vec::new(),
        };
        let settings = self.settings;
        let unknown = |name: &str| match ignored.iter().any(|it| it == name) {
            true => Fate::no_effect("PowerDNS was configured to ignore it, too"),
            false => rules::foreign(name).unwrap_or_else(|| rule::unknown(rules::RULES, name, "PowerDNS")),
        };
        let fates = rule::fates(rules::RULES, settings, |function, setting| function(self, setting), unknown);
        fates.into_iter().for_each(|(it, fate)| self.work.report.add(it.span, it.shown, fate));
    }
}
