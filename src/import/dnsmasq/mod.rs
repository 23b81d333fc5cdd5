//! dnsmasq: `dnsmasq.conf` with the files it names.
//!
//! dnsmasq has no zones: a domain that it answers whole (`local=`, `address=`) becomes one, and so does each
//! other name that it has records for.

mod reading;

mod records;

mod servers;

mod rules;

use std::path::Path;

use super::address;
use super::draft::{Allow, Allowed, Forward, Line, Upstream};
use super::made::MadeZones;
use super::report::Fate;
use super::rule::{self, Then};
use super::work::{Unreadable, Work, file_at};
use crate::dns::Name;
use crate::source::Diagnostic;
use reading::{Asked, Given, LocalService, Reading, Upstreams};

/// TTL of local names where no option says one (the manual of dnsmasq, `--local-ttl`).
const LOCAL_TTL: u32 = 0;

/// Where the names of this host are.
const ETC_HOSTS: &str = "/etc/hosts";

/// Reads `dnsmasq.conf`; what it was read from. Each of `whole` is a domain that is answered whole, whatever
/// the options say.
pub(super) fn read(work: &mut Work, from: &Path, whole: &[Name]) -> Result<String, Unreadable> {
    let path = file_at(from, &["dnsmasq.conf"]);
    let options = reading::options(work, &path).inspect_err(|_| {
        let fate = Fate::refused("it cannot be read: nothing is written");
        work.report.add_besides(path.display().to_string(), fate);
    })?;
    let number = |option: &Given| option.text().text.parse().ok();
    let ttl = options.iter().rfind(|option| option.name == "local-ttl").and_then(number);
    let mut made = MadeZones::new(ttl.unwrap_or(LOCAL_TTL));
    let service = LocalService::of(&options);
    if let Some(service) = service {
        made.answer_to(service.clients(), "local-service");
    }
    whole.iter().for_each(|apex| made.answer_whole(apex.clone(), "--zone"));
    let mut reading =
        Reading { work, options: &options, made, upstreams: Upstreams::default(), rebinding: Vec::new() };
    if reading.get("port").is_some_and(|port| port.text().text == "0") {
        let text = "DNS is off (`port=0`): there is nothing to take over";
        reading.work.found.push(Diagnostic::placeless(crate::source::Severity::Error, text));
        return Err(Unreadable);
    }
    reading.judge();
    reading.read_etc_hosts(&path);
    reading.finish(service);
    Ok(path.display().to_string())
}

impl Reading<'_> {
    /// Says what becomes of every option: first of those that name domains and records, then of aliases,
    /// which may lead to any of them.
    fn judge(&mut self) {
        let turn = |option: &Given| {
            let value = option.value.as_ref().map_or("", |value| value.text.as_str());
            match option.name.as_str() {
                "local" | "address" => 0,
                // The same as `local`.
                "server" if value.starts_with('/') && value.ends_with('/') => 0,
                // Those of all names come before domains that are to be asked of them.
                "server" | "rev-server" if value.starts_with('/') => 2,
                "rev-server" => 2,
                "cname" => 3,
                _ => 1,
            }
        };
        let options = self.options;
        for now in 0..=3 {
            for option in options.iter().filter(|option| turn(option) == now) {
                let fate = match rule::find(rules::RULES, &option.name) {
                    Some(Then::Always(kind, text) | Then::UnlessOff(kind, text)) => rule::plain(kind, text),
                    Some(Then::Read(function) | Then::ReadEach(function)) => function(self, option),
                    None => rule::unknown(rules::RULES, &option.name, "dnsmasq"),
                };
                self.work.report.add(option.span, &option.shown, fate);
            }
        }
    }

    /// Takes the names of `/etc/hosts`, which dnsmasq reads unless it is told not to.
    fn read_etc_hosts(&mut self, by: &Path) {
        if self.is_given("no-hosts") {
            return;
        }
        let path = self.work.folders.find_of_host(Path::new(ETC_HOSTS), by);
        let file = path.and_then(|path| self.work.sources.read(&path).ok());
        let fate = match file {
            Some(file) => self.take_hosts(file),
            None => Fate::refused("it is not in the copy: copy it, or write `no-hosts`, and import again"),
        };
        self.work.report.add_besides(format!("{ETC_HOSTS}, without `no-hosts`"), fate);
    }

    /// Puts together what was said in several options.
    fn finish(&mut self, service: Option<LocalService>) {
        self.ask_system();
        self.listen(service);
        self.allow(service);
        self.forward();
        let (all, alone) = self.made.count();
        if alone > 0 {
            let text = format!(
                "{alone} of {all} zones are of a single name, so that its neighbours still go to [[forward]]; other types of it \
                 have no data (NODATA), and names below it do not exist; --zone DOMAIN puts all names of a domain into one zone"
            );
            self.work
                .report
                .add_besides("names that are no domain of `local` or `address`", Fate::changed(text));
        }
        std::mem::take(&mut self.made).finish(self.work);
    }

    fn listen(&mut self, service: Option<LocalService>) {
        let port =
            self.get("port").and_then(|port| address::port(&port.text()).ok()).unwrap_or(address::DNS_PORT);
        let is_named = |option: &&Given| matches!(option.name.as_str(), "listen-address" | "interface");
        let named: Vec<&Given> = self.options.iter().filter(is_named).collect();
        let mut listen = Vec::new();
        for option in &named {
            let addresses = option.fields().into_iter().filter_map(|word| word.text.parse().ok());
            match option.name.as_str() {
                "listen-address" => listen.extend(addresses.map(|ip| std::net::SocketAddr::new(ip, port))),
                // Whatever interface is named, loopback is one of them.
                _ => listen.extend(address::on_this_host(port)),
            }
        }
        if named.is_empty() && !self.is_given("except-interface") {
            listen = address::everywhere(port).into();
        }
        let mut known = Vec::new();
        listen.retain(|address| {
            !known.contains(address) && {
                known.push(*address);
                true
            }
        });
        self.work.draft.listen_remark = match named.first() {
            Some(option) => format!("{} of dnsmasq", option.name),
            None => "what dnsmasq listens on".to_owned(),
        };
        if service == Some(LocalService::Host) {
            listen = address::on_this_host(port).into();
            self.work.draft.listen_remark = "local-service=host of dnsmasq".to_owned();
        }
        if listen.is_empty() {
            listen = address::on_this_host(port).into();
            self.work.draft.listen_remark = "nothing else is left to listen on".to_owned();
        }
        self.work.draft.listen = listen;
    }

    /// Writes the clients that may ask for forwarded names.
    fn allow(&mut self, service: Option<LocalService>) {
        match service {
            // Without a list it is these.
            Some(LocalService::Networks) => return,
            Some(LocalService::Host) => {
                let networks = LocalService::Host.clients().written();
                let remark = "local-service=host".to_owned();
                self.work.draft.allow = Allow::These(Allowed { networks, remark });
                return;
            }
            None => {}
        }
        self.work.draft.allow = Allow::ClosedWorld("dnsmasq".to_owned());
        if !self.upstreams.is_empty() {
            let text = "an open door, closed: dnsmasq answers whoever reaches it; names of others are answered to this host \
                        and its networks, without [[forward]] allow";
            self.work.report.add_besides("without `local-service`", Fate::changed(text));
        }
    }

    /// Writes the `[[forward]]` blocks.
    fn forward(&mut self) {
        let mut lines = Vec::new();
        if self.is_given("strict-order") {
            lines.push(Line::new("policy", "in-order"));
        }
        let guarded =
            Line { remark: "stop-dns-rebind".to_owned(), ..Line::new("rebinding-protection", true) };
        let is_guarded = self.is_given("stop-dns-rebind");
        let usual = self.upstreams.of(&Name::root()).cloned();
        // A domain whose answers may be private has a block of its own.
        let open = std::mem::take(&mut self.rebinding);
        for zone in open.iter().filter(|_| is_guarded) {
            if let Some(Asked { upstream, remark }) = usual.clone() {
                self.upstreams.add(zone.clone(), upstream, &remark);
            }
        }
        for (zone, Asked { upstream, remark }) in std::mem::take(&mut self.upstreams).into_all() {
            let mut lines = lines.clone();
            if is_guarded && !open.iter().any(|it| zone.as_ref().is_at_or_below(it.as_ref())) {
                lines.push(guarded.clone());
            }
            if let (Upstream::System, Some(file)) = (&upstream, self.get("resolv-file")) {
                lines.push(Line::new("resolv-conf", file.text().text));
            }
            self.work.draft.forwards.push(Forward { zone, upstream, lines, remark });
        }
    }
}
