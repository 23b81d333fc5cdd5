//! A backend as a pool: its servers as addresses, its checks as probes.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::super::draft::{Guard, Line};
use super::super::made::{Data, MadeZones};
use super::super::report::Fate;
use super::super::word::Word;
use super::super::work::Work;
use super::check::{Check, Said};
use super::lines::{ConfigLine, Section};
use super::rules;
use super::server::{Place, Role, Server, duration};
use crate::dns::Name;
use crate::source::{Diagnostic, Span};

/// Time between two checks where none is said (the manual, "inter").
const INTER: Duration = Duration::from_secs(2);

/// Passes in a row that turn a server up where none are said (the manual, "rise").
const RISE: u32 = 2;

/// Failures in a row that turn a server down where none are said (the manual, "fall").
const FALL: u32 = 3;

/// Most servers of one `server-template`.
const TEMPLATE_MAX: usize = 1000;

/// Addresses by name, in small letters.
pub(super) type Hosts = BTreeMap<String, Vec<IpAddr>>;

/// A backend.
#[derive(Debug)]
pub(super) struct Pool {
    pub(super) name: String,
    /// The line that names it.
    pub(super) span: Span,
    pub(super) is_off: bool,
    members: Vec<Member>,
    /// Ports at which its servers take connections; none: that at which the client came.
    pub(super) ports: BTreeSet<Option<u16>>,
    tests: Vec<(&'static str, toml::Value)>,
    tcp: Vec<u16>,
    times: Vec<Line>,
    selector: Option<&'static str>,
    all_backups: bool,
}

/// A server that can be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Member {
    address: IpAddr,
    /// Where it is tested instead.
    tested_at: Option<IpAddr>,
    weight: u32,
    is_backup: bool,
}

/// A server, as a line gives it.
struct Found<'l> {
    line: &'l ConfigLine,
    server: Server,
    port: Option<u16>,
    addresses: Vec<IpAddr>,
}

impl Pool {
    /// Reads a backend, and says what becomes of each of its lines.
    pub(super) fn read(work: &mut Work, section: &Section, inherited: &[&ConfigLine], hosts: &Hosts) -> Pool {
        let mut check = Check::default();
        let mut usual = Server::default();
        for line in inherited {
            check.take(line);
            if line.text(0) == "default-server" {
                usual = usual.with(line, 1);
            }
        }
        // Its own rules take the place of those it inherits.
        let is_rule = |line: &ConfigLine| matches!(line.text(0), "http-check" | "tcp-check");
        if section.lines.iter().any(is_rule) {
            check = Check::default();
            inherited.iter().filter(|line| !is_rule(line)).for_each(|line| _ = check.take(line));
        }
        let mut fates: Vec<(&ConfigLine, Fate)> = Vec::new();
        let mut servers = Vec::new();
        for line in &section.lines {
            match line.text(0) {
                "default-server" => {
                    usual = usual.with(line, 1);
                    fates.push((line, Fate::honoured("counts for the servers below it")));
                }
                "server" | "server-template" => match found(work, line, &usual, hosts) {
                    Ok(found) => servers.push(found),
                    Err(fate) => fates.push((line, fate)),
                },
                // Ports are judged with all that lead to it.
                "bind" => {}
                _ => {
                    let fate = match check.take(line) {
                        Said::Nothing => rules::of_backend(line),
                        Said::Taken => Fate::honoured("→ [[zone.probe]]"),
                        Said::But(what) => Fate::changed(format!("→ [[zone.probe]]; {what}")),
                        Said::Refused(why) => Fate::refused(why),
                    };
                    fates.push((line, fate));
                }
            }
        }
        let all: Vec<&ConfigLine> = inherited.iter().copied().chain(&section.lines).collect();
        let mut pool = Pool {
            name: section.name().to_owned(),
            span: section.head.span,
            is_off: section.is_off(),
            members: Vec::new(),
            ports: BTreeSet::new(),
            tests: Vec::new(),
            tcp: Vec::new(),
            times: Vec::new(),
            selector: rules::selector(&all),
            all_backups: all.iter().any(|line| line.begins(&["option", "allbackups"])),
        };
        fates.extend(pool.take_all(&servers, &check, &all));
        for (line, fate) in fates {
            let fate = if pool.is_off { Fate::no_effect("the section is disabled") } else { fate };
            work.report.add(line.span, &line.shown, fate);
        }
        pool
    }

    /// Takes its servers; the fate of each line.
    fn take_all<'l>(
        &mut self,
        servers: &[Found<'l>],
        check: &Check,
        lines: &[&ConfigLine],
    ) -> Vec<(&'l ConfigLine, Fate)> {
        let mut fates = Vec::new();
        let mut first: Option<(&Server, Option<u16>)> = None;
        for Found { line, server, port, addresses } in servers {
            if server.is_disabled || server.weight == Some(0) {
                fates.push((*line, Fate::changed("it takes no connections: not in the pool")));
                continue;
            }
            let probe = check.probe(server, *port).filter(|_| server.is_checked);
            let ports = probe.as_ref().map(|probe| probe.ports.clone()).unwrap_or_default();
            let test = probe.map(|probe| (probe.key, probe.value));
            match first {
                None if server.is_checked && test.is_none() => {
                    fates.push((*line, Fate::refused("no port to test: write one")));
                    continue;
                }
                None => {
                    first = Some((server, *port));
                    self.tcp = ports;
                    self.tests = test.filter(|(key, _)| *key != "tcp").into_iter().collect();
                    self.times = if server.is_checked { times(server, lines) } else { Vec::new() };
                }
                Some(_) => {
                    let own: Vec<(&'static str, toml::Value)> =
                        test.filter(|(key, _)| *key != "tcp").into_iter().collect();
                    if own != self.tests || ports != self.tcp {
                        let text = "it is tested in another way than the first server: all addresses of a pool are tested alike, \
                                    so give it a backend and a name of its own";
                        fates.push((*line, Fate::refused(text)));
                        continue;
                    }
                }
            }
            self.ports.insert(*port);
            for address in addresses {
                let weight = server.weight.unwrap_or(1);
                self.members.push(Member {
                    address: *address,
                    tested_at: server.tested_at().filter(|at| at != address),
                    weight,
                    is_backup: server.role == Role::Backup,
                });
            }
            fates.push((*line, fate_of(server, first.map(|(first, _)| first))));
        }
        fates
    }

    /// Whether something is to be probed.
    fn is_probed(&self) -> bool {
        !self.tests.is_empty() || !self.tcp.is_empty()
    }

    fn main(&self) -> impl Iterator<Item = &Member> {
        // HAProxy has backups only where there is something else.
        let has_main = self.members.iter().any(|member| !member.is_backup);
        self.members.iter().filter(move |member| !member.is_backup || !has_main)
    }

    fn backups(&self) -> Vec<&Member> {
        let has_main = self.members.iter().any(|member| !member.is_backup);
        self.members.iter().filter(|member| member.is_backup && has_main).collect()
    }

    fn addresses(&self) -> BTreeSet<IpAddr> {
        self.members.iter().map(|member| member.address).collect()
    }

    /// The lines of `[[zone.probe]]`, but for its names.
    fn guard(&self) -> Guard {
        let mut lines = Vec::new();
        match self.tcp.as_slice() {
            [] => {}
            [port] => lines.push(Line::new("tcp", i64::from(*port))),
            ports => {
                let ports = ports.iter().map(|port| i64::from(*port).into()).collect();
                lines.push(Line::new("tcp", toml::Value::Array(ports)));
            }
        }
        lines.extend(self.tests.iter().map(|(key, value)| Line::new(key, value.clone())));
        lines.extend(self.times.iter().cloned());
        lines.extend(self.selector.map(|selector| Line::new("selector", selector)));
        let weights: BTreeSet<u32> = self.main().map(|member| member.weight).collect();
        if weights.len() > 1 && self.selector != Some("first") {
            let weigh = |member: &Member| (member.address.to_string(), i64::from(member.weight).into());
            lines.push(Line::new("weights", toml::Table::from_iter(self.main().map(weigh))));
        }
        let elsewhere: toml::Table = self
            .members
            .iter()
            .filter_map(|member| Some((member.address.to_string(), member.tested_at?.to_string().into())))
            .collect();
        if !elsewhere.is_empty() {
            lines.push(Line::new("probe-at", elsewhere));
        }
        let backups = self.backups();
        if !backups.is_empty() {
            let text = |member: &&Member| toml::Value::from(member.address.to_string());
            // One after the other, unless all of them are taken at once.
            let groups = match self.all_backups {
                true => backups.iter().map(text).collect(),
                false => backups.iter().map(|member| toml::Value::Array(vec![text(member)])).collect(),
            };
            lines.push(Line::new("backup", toml::Value::Array(groups)));
        }
        Guard { lines }
    }

    /// Tests what another backend of the same names tests, too; why that cannot be.
    fn join(&mut self, other: &Pool) -> Result<(), &'static str> {
        if self.addresses() != other.addresses() {
            return Err("another backend has these names, and other servers: a name has one pool");
        }
        if self.is_probed() != other.is_probed() {
            return Err("another backend has these names, and one of both is not checked");
        }
        if self.tests.iter().any(|(key, _)| other.tests.iter().any(|(known, _)| key == known)) {
            return Err(
                "another backend has these names, and tests the same in another way: name but one of them",
            );
        }
        self.tests.extend(other.tests.iter().cloned());
        let more = other.tcp.iter().filter(|port| !self.tcp.contains(port)).copied().collect::<Vec<u16>>();
        self.tcp.extend(more);
        Ok(())
    }
}

/// Writes the pools; the names of each beside it.
pub(super) fn write(work: &mut Work, made: &mut MadeZones, pools: Vec<(Vec<Name>, Pool)>) {
    let mut joined: Vec<(Vec<Name>, Pool)> = Vec::new();
    for (names, pool) in pools {
        let shown = format!("backend {}", pool.name);
        let fate = if pool.is_off {
            Fate::no_effect("it is disabled")
        } else if pool.members.is_empty() {
            Fate::no_effect("no server is left in it: nothing is answered")
        } else if names.is_empty() {
            Fate::refused(format!(
                "it has no name: say with --name {0}=NAME what clients ask for, or with --zone DOMAIN that it is \
                 {0} in a domain",
                pool.name
            ))
        } else {
            let list = names.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            let known = joined.iter_mut().find(|(known, _)| known.iter().any(|name| names.contains(name)));
            match known {
                Some((known, _)) if *known != names => Fate::refused(
                    "some of its names are those of another backend: give both the same, or others",
                ),
                Some((_, first)) => match first.join(&pool) {
                    Ok(()) => Fate::changed(format!(
                        "→ [[zone.probe]] of {list} with what {} tests: an address leaves when either fails",
                        first.name
                    )),
                    Err(why) => Fate::refused(why),
                },
                None => {
                    let fate = match pool.is_probed() {
                        true => Fate::honoured(format!("→ {list}, with [[zone.probe]]")),
                        false => Fate::honoured(format!(
                            "→ {list}: its servers are not checked, so all are answered"
                        )),
                    };
                    joined.push((names, pool));
                    fate
                }
            }
        };
        work.report.add_besides(shown, fate);
    }
    for (names, pool) in joined {
        let remark = work.whence(pool.span);
        for name in &names {
            for member in pool.main() {
                made.add(name.clone(), Data::address(member.address), &remark);
            }
        }
        if pool.is_probed() {
            made.guard(names, pool.guard());
        }
    }
}

/// Reads a `server` or a `server-template` line.
fn found<'l>(
    work: &mut Work,
    line: &'l ConfigLine,
    usual: &Server,
    hosts: &Hosts,
) -> Result<Found<'l>, Fate> {
    let is_template = line.text(0) == "server-template";
    let place = if is_template { 3 } else { 2 };
    let Some(word) = line.words.get(place) else { return Err(Fate::refused("it has no address")) };
    let Some(at) = Place::parse(&word.text) else {
        return Err(Fate::refused("not an address that clients could connect to: write one"));
    };
    let server = usual.clone().with(line, place + 1);
    if let Some(word) = server.faulty.first() {
        work.found.push(Diagnostic::error(word.span, format!("`{}` cannot be read here", word.text)));
        return Err(Fate::refused("a value in it cannot be read: mend it, and import again"));
    }
    let mut addresses = addresses(&at, hosts).ok_or_else(|| unknown(work, word, &at))?;
    if is_template {
        let last = line.text(2).rsplit('-').next().unwrap_or_default();
        let count: Option<usize> = last.parse().ok();
        addresses.truncate(count.map_or(TEMPLATE_MAX, |count| count.min(TEMPLATE_MAX)));
    }
    Ok(Found { line, server, port: at.port, addresses })
}

fn addresses(at: &Place, hosts: &Hosts) -> Option<Vec<IpAddr>> {
    match at.host.parse::<IpAddr>() {
        Ok(address) if !address.is_unspecified() => Some(vec![address]),
        Ok(_) => None,
        Err(_) => hosts.get(&at.host.trim_end_matches('.').to_ascii_lowercase()).cloned(),
    }
}

fn unknown(work: &mut Work, word: &Word, at: &Place) -> Fate {
    let message = format!("`{}` is a name, and names are not looked up", at.host);
    let help = "name a file of the form of /etc/hosts that has it with --hosts, or write its address";
    work.found.push(Diagnostic::error(word.span, message).help(help));
    Fate::refused("its address is not known: --hosts FILE says it")
}

/// How often it is tested, and how many outcomes count.
fn times(server: &Server, lines: &[&ConfigLine]) -> Vec<Line> {
    let limit = lines.iter().rfind(|line| line.begins(&["timeout", "check"]));
    let limit = limit.and_then(|line| duration(line.text(2)));
    let inter = server.inter.unwrap_or(INTER);
    let text = |time: Duration| format!("{}ms", time.as_millis().max(1));
    let mut times = vec![
        Line::new("interval", text(inter)),
        Line::new("timeout", text(limit.unwrap_or(inter))),
        Line::new("rise", i64::from(server.rise.unwrap_or(RISE))),
        Line::new("fall", i64::from(server.fall.unwrap_or(FALL))),
    ];
    times.extend(server.fastinter.map(|retry| Line::new("retry", text(retry.min(inter)))));
    times.extend(
        server.downinter.filter(|down| *down != inter).map(|down| Line::new("down-interval", text(down))),
    );
    times.extend(server.slowstart.map(|time| Line::new("slow-start", text(time))));
    times.extend(server.source.map(|source| Line::new("source", source.to_string())));
    times
}

/// What becomes of a server that is in the pool.
fn fate_of(server: &Server, first: Option<&Server>) -> Fate {
    let mut differing = Vec::new();
    if !server.is_checked {
        differing.push("it is not checked: it counts as up".to_owned());
    }
    if let (Some(address), None) = (&server.check_address, server.tested_at()) {
        return Fate::refused(format!("→ its address, which is tested itself: {address} is not an address"));
    }
    if let Some(what) = server.refused.first() {
        return Fate::refused(format!("→ its address and its check, without `{what}`"));
    }
    let times = |it: &Server| (it.inter, it.rise, it.fall, it.fastinter, it.downinter, it.slowstart);
    if first.is_some_and(|first| times(first) != times(server)) {
        differing.push("it is tested as often as the first server".to_owned());
    }
    match (differing.as_slice(), server.is_checked) {
        ([], _) => Fate::honoured("→ its address and its check"),
        ([one], false) => Fate::honoured(format!("→ its address; {one}")),
        (all, _) => Fate::changed(format!("→ its address and its check; {}", all.join("; "))),
    }
}
