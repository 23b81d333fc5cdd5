//! pdns-recursor: `recursor.conf` in both its forms, and `recursor.yml`.
//!
//! Decides which addresses are listened on, and which clients may ask.

mod lists;
mod reading;

mod forward;

mod rules;

mod form;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::Path;

use super::draft::{Allow, Allowed};
use super::listeners::{include_dir, listen_addresses};
use super::netmasks;
use super::networks::{Block, Clients, List};
use super::open_door;
use super::report::{Fate, FateKind};
use super::rule;
use super::server_setting::{ServerSetting, ServerSettings};
use super::word::Word;
use super::work::{Unreadable, Work, file_at};
use crate::source::{Diagnostic, Span};
use reading::{Reading, Recursor};

/// The clients that may ask a recursor by default.
const ALLOWED: &[&str] = &[
    "127.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "169.254.0.0/16",
    "192.168.0.0/16",
    "172.16.0.0/12",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

/// PowerDNS, which is behind it.
pub(super) struct Beside<'r> {
    /// Where PowerDNS listens: what is asked there is answered here.
    pub(super) own: &'r [SocketAddr],
    /// Of these, one where clients may ask it without the recursor.
    pub(super) public: Option<SocketAddr>,
}

/// Reads its files; `path` is a folder or a file.
pub(super) fn settings(work: &mut Work, path: &Path) -> Result<Recursor, Unreadable> {
    // Where both are, the YAML file counts.
    let path = file_at(path, &["recursor.yml", "recursor.conf"]);
    let settings = form::read(work, &path)?;
    Ok(Recursor { path, settings })
}

/// Where it listens.
pub(super) fn listen(work: &mut Work, recursor: &Recursor) -> Vec<SocketAddr> {
    listen_addresses(work, &recursor.settings, &recursor.path).unwrap_or_else(|port| {
        vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))]
    })
}

/// Says what becomes of every setting, and writes it into the draft.
pub(super) fn judge(work: &mut Work, recursor: &Recursor, beside: &Beside<'_>) {
    let mut reading = Reading { work, recursor, own: beside.own, public: beside.public };
    let unknown = |name: &str| rule::unknown(rules::RULES, name, "pdns-recursor");
    let fates =
        rule::fates(rules::RULES, &recursor.settings, |function, it| function(&mut reading, it), unknown);
    fates.into_iter().for_each(|(it, fate)| reading.work.report.add(it.span, it.shown, fate));
    reading.allow();
    if !reading.work.draft.forwards.iter().any(|forward| forward.zone.as_ref().is_root()) {
        let what = "names that no setting forwards";
        let text = "the root servers are not asked: name a resolver as upstream of [[forward]] zone = \".\"";
        reading.work.report.add_besides(what, Fate::refused(text));
        reading.work.draft.wants_upstream = Some("pdns-recursor");
    }
}

impl<'r> Reading<'r> {
    /// Writes the clients that may ask: for forwarded names, and for names of our zones, which other clients
    /// could not reach through the recursor.
    fn allow(&mut self) {
        let (mut clients, remark) = self.admitted();
        let networks = clients.written();
        if self.public.is_none() && !clients.is_everybody() {
            let allowed = Allowed { networks: networks.clone(), remark: remark.clone() };
            self.work.draft.zones.iter_mut().for_each(|zone| zone.allow = Some(allowed.clone()));
        }
        self.work.draft.allow = match (clients.world().is_some(), clients.excepts()) {
            (true, false) => Allow::ClosedWorld(remark),
            (true, true) => Allow::These(Allowed { networks: clients.on_this_host().written(), remark }),
            (false, _) => Allow::These(Allowed { networks, remark }),
        };
    }

    /// The clients that may ask, and the setting that decides it.
    fn admitted(&mut self) -> (Clients, String) {
        if let Some(setting) = self.recursor.settings.get("include-dir").filter(|setting| !setting.is_empty())
            && include_dir(self.work, setting, &self.recursor.path).kind != FateKind::Honoured
        {
            return (Clients::nobody(), "missing files may say who may ask".to_owned());
        }
        let Some(setting) = self.counting() else {
            let mut usual = List::default();
            let file = self.work.sources.next();
            for text in ALLOWED {
                let word = Word { text: (*text).to_owned(), span: Span::new(file, 0, 0) };
                Block::parse(text).into_iter().for_each(|block| usual.admit(&Clients::network(block, &word)));
            }
            return (usual.finish(), "what pdns-recursor allows by default".to_owned());
        };
        let place = self.work.sources.place(setting.span);
        let name = Path::new(&place.path).file_name().unwrap_or_default().to_string_lossy();
        let remark = format!("{} of {name}", setting.name);
        (self.clients(setting, &mut Vec::new()), remark)
    }

    /// The setting that decides who may ask: a file overrides the list.
    fn counting(&self) -> Option<&'r ServerSetting> {
        let settings: &'r ServerSettings = &self.recursor.settings;
        let get = |name: &str| settings.get(name);
        get("allow-from-file").filter(|setting| !setting.is_empty()).or(get("allow-from"))
    }

    /// The clients that a list or a file names.
    fn clients(&mut self, setting: &ServerSetting, faults: &mut Vec<Diagnostic>) -> Clients {
        if setting.name == "allow-from-file" {
            return match lists::networks_file(self.work, &self.recursor.path, setting) {
                Some(words) if words.is_empty() => {
                    Clients::world_of(Word { span: setting.span, ..setting.text() })
                }
                Some(words) => netmasks::clients(&words, faults),
                None => Clients::nobody_but("those in the file, which cannot be read"),
            };
        }
        if setting.is_empty() {
            // All clients are alike.
            return Clients::world_of(Word { span: setting.span, ..setting.text() });
        }
        netmasks::clients_of(setting, faults)
    }

    /// The fate of a list of clients that may ask; `part` is one line of it.
    fn report_clients(&mut self, part: &ServerSetting) -> Fate {
        let whole = match self.counting() {
            Some(counting) if counting.name == part.name => counting,
            _ if part.is_empty() => return Fate::honoured("nothing to do: it is empty"),
            _ => return Fate::no_effect("allow-from-file takes its place"),
        };
        let mut faults = Vec::new();
        let lost = self.clients(part, &mut faults).lost().to_vec();
        self.work.found.extend(faults);
        let mut clients = self.clients(whole, &mut Vec::new());
        let zones = match self.public {
            Some(public) => {
                format!("names of our zones are answered to everybody, as PowerDNS does at {public}")
            }
            None => "[[zone]] allow-query".to_owned(),
        };
        let text = match self.public {
            Some(_) => format!("→ [[forward]] allow; {zones}"),
            None => format!("→ [[forward]] allow, {zones}"),
        };
        if let Some(word) = clients.world() {
            self.work.found.push(open_door::fault(word));
            if clients.excepts() {
                return Fate::refused(open_door::CLOSED_BUT_SOME);
            }
            let zones = if clients.is_everybody() { String::new() } else { format!("; {zones}") };
            let text =
                format!("an open door, closed: this host and its networks, without [[forward]] allow{zones}");
            return if lost.is_empty() { Fate::changed(text) } else { without(&text, &lost) };
        }
        clients.written();
        let too_many = clients.lost().iter().filter(|lost| lost.starts_with("the smallest")).cloned();
        let lost: Vec<String> = lost.into_iter().chain(too_many).collect();
        if lost.is_empty() { Fate::honoured(text) } else { without(&text, &lost) }
    }
}

/// A list that became a key, but for some who are refused now.
fn without(text: &str, lost: &[String]) -> Fate {
    Fate::refused(format!(
        "{text}, without {}: they are REFUSED; write the networks that may ask",
        lost.join(", ")
    ))
}
