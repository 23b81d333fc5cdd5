//! pdns-recursor: `recursor.conf` in both its forms, and `recursor.yml`.
//!
//! Responsible for the order of reading, for where it listens, and for who
//! may ask.
//! Not responsible for the forms, for single settings or for whom it asks:
//! those are `form`, `rules` and `forward`.

mod form;
mod forward;
mod rules;

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

use super::address::{Clients, clients};
use super::draft::Allow;
use super::given::{Given, Settings, Word};
use super::pdns::listen_addresses;
use super::report::Fate;
use super::rule::{self, Then};
use super::{Unreadable, Work, file_at};
use crate::source::Diagnostic;

/// Who may ask a recursor that was not told.
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

/// What its files say.
pub(super) struct Recursor {
    pub(super) path: PathBuf,
    settings: Settings,
}

/// What the rules work on.
struct Reading<'r> {
    work: &'r mut Work,
    recursor: &'r Recursor,
    /// Where PowerDNS listens: what is asked there is answered here.
    own: &'r [SocketAddr],
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
    listen_addresses(work, &recursor.settings).unwrap_or_else(|port| {
        vec![SocketAddr::from((Ipv4Addr::LOCALHOST, port)), SocketAddr::from((Ipv6Addr::LOCALHOST, port))]
    })
}

/// Says what becomes of every setting, and writes it into the draft.
pub(super) fn judge(work: &mut Work, recursor: &Recursor, own: &[SocketAddr]) {
    let mut reading = Reading { work, recursor, own };
    for given in recursor.settings.iter() {
        let fate = match rule::find(rules::RULES, &given.name) {
            Some(Then::Always(kind, text)) => rule::plain(kind, text),
            Some(Then::UnlessOff(..)) if given.is_off() => rule::off(),
            Some(Then::UnlessOff(kind, text)) => rule::plain(kind, text),
            Some(Then::Read(function)) => function(&mut reading, given),
            None => rule::unknown(rules::RULES, &given.name, "pdns-recursor"),
        };
        for written in &given.written {
            reading.work.report.tell(written.span, &written.shown, fate.clone());
        }
    }
    reading.allow();
    if !reading.work.draft.forwards.iter().any(|forward| forward.zone.as_ref().is_root()) {
        let what = "names that no setting forwards";
        let text = "the root servers are not asked: name a resolver as upstream of [[forward]] zone = \".\"";
        reading.work.report.tell_besides(what, Fate::refused(text));
        reading.work.draft.wants_upstream = Some("pdns-recursor");
    }
}

impl Reading<'_> {
    /// Who may ask for names of others.
    fn allow(&mut self) {
        let get = |name: &str| self.recursor.settings.get(name);
        // A file takes the place of the list.
        let given = get("allow-from-file").filter(|given| !given.is_empty()).or(get("allow-from"));
        let Some(given) = given else {
            let networks = ALLOWED.iter().map(ToString::to_string).collect();
            let remark = "what pdns-recursor allows that was not told".to_owned();
            self.work.draft.allow = Allow::Networks(networks, remark);
            return;
        };
        let place = self.work.sources.place(given.span);
        let name = Path::new(&place.path).file_name().unwrap_or_default().to_string_lossy();
        let remark = format!("{} of {name}", given.name);
        let mut faults = Vec::new();
        self.work.draft.allow = match self.clients(given, &mut faults) {
            Some(Clients::Networks(networks)) if !networks.is_empty() => Allow::Networks(networks, remark),
            Some(Clients::World(_)) => Allow::ClosedWorld(remark),
            Some(Clients::Networks(_)) | None => Allow::Default,
        };
    }

    /// The clients that a list or a file names; none when the file cannot be read.
    fn clients(&mut self, given: &Given, faults: &mut Vec<Diagnostic>) -> Option<Clients> {
        let words = if given.name == "allow-from-file" {
            form::networks_file(self.work, &self.recursor.path, given)?
        } else {
            given.items(&[',', ' ', '\t', ';'])
        };
        if words.is_empty() {
            // Nobody is told apart.
            return Some(Clients::World(Word { text: given.text().text, span: given.span }));
        }
        Some(clients(&words, faults))
    }

    /// What becomes of a list of those who may ask.
    fn tell_clients(&mut self, given: &Given) -> Fate {
        let file_counts = self.recursor.settings.get("allow-from-file").is_some_and(|file| !file.is_empty());
        if given.name == "allow-from" && file_counts {
            return Fate::no_effect("allow-from-file takes its place");
        }
        if given.name == "allow-from-file" && given.is_empty() {
            return Fate::honoured("nothing to do: it is empty");
        }
        let mut faults = Vec::new();
        let clients = self.clients(given, &mut faults);
        self.work.found.extend(faults);
        match clients {
            None => Fate::refused("it cannot be read: [[forward]] allow is this host and its networks"),
            Some(Clients::Networks(_)) => {
                Fate::honoured("→ [[forward]] allow; names of our zones are answered to everybody")
            }
            Some(Clients::World(word)) => {
                let fault = Diagnostic::warning(word.span, "an open door: this lets the whole world in")
                    .remark("a resolver that answers everybody is used to flood others")
                    .help("not taken over: without [[forward]] allow it is this host and its networks");
                self.work.found.push(fault);
                Fate::changed("an open door, closed: this host and its networks, without [[forward]] allow")
            }
        }
    }
}
