//! Whether the ports are free, which process has them, and how to get past it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

use super::finding::{Finding, Grade, listed};
use super::host::Host;
use super::sockets::{Holder, Receiving, holders, receiving};
use super::wanted::Wanted;
use crate::transport::SocketProtocol;

const SUBJECT: &str = "ports";

/// The unit that is to have the ports.
const OUR_UNIT: &str = "edgedns.service";

/// What to do about those who are met at port 53.
const KNOWN: &[(&str, &str)] = &[
    (
        "systemd-resolve",
        "or have it leave the port: `DNSStubListener=no` below `[Resolve]` in \
         /etc/systemd/resolved.conf.d/edgedns.conf, then `systemctl restart systemd-resolved`",
    ),
    (
        "dnsmasq",
        "`systemctl mask --now dnsmasq.service`; where the assisted installer has set it up, \
         `edgedns machineconfig --mask-dnsmasq` does it for good",
    ),
    (
        "coredns",
        "it is the platform's own: have edgedns listen at another address or port, and leave it alone",
    ),
    (
        "pdns_server",
        "when `edgedns compare` shows no difference: `systemctl disable --now pdns`, then \
         `systemctl restart edgedns`",
    ),
    (
        "pdns_recursor",
        "when `edgedns compare` shows no difference: `systemctl disable --now pdns-recursor`, then \
         `systemctl restart edgedns`",
    ),
    (
        "aardvark-dns",
        "it serves the containers of podman's networks at their own address: name the addresses to listen at",
    ),
];

/// What one process has of what we want.
struct Clash {
    grade: Grade,
    /// Where it receives.
    held: BTreeSet<String>,
    /// Where we are to listen.
    needed: BTreeSet<SocketAddr>,
    /// Its addresses are single ones, and ours is all of them.
    is_ours_wider: bool,
}

pub(super) fn look(host: &Host, wanted: &Wanted) -> Vec<Finding> {
    let Some(sockets) = receiving(host) else {
        let message = "cannot read the kernel's tables of sockets, so the users of the ports are unknown";
        return vec![Finding::new(SUBJECT, Grade::Warning, message).help("is /proc mounted?")];
    };
    let asked = asked(wanted);
    let met: Vec<(&Receiving, SocketAddr, Grade)> = asked
        .iter()
        .flat_map(|&(address, protocol)| {
            let same = sockets.iter().filter(move |socket| socket.protocol == protocol);
            same.filter_map(move |socket| Some((socket, address, clash(socket.address, address)?)))
        })
        .collect();
    let inodes: Vec<u64> = met.iter().map(|(socket, ..)| socket.inode).collect();
    let known = if inodes.is_empty() { BTreeMap::new() } else { holders(host, &inodes) };
    let mut clashes: BTreeMap<Option<&Holder>, Clash> = BTreeMap::new();
    for &(socket, needed, grade) in &met {
        let clash = clashes.entry(known.get(&socket.inode)).or_insert_with(|| Clash {
            grade,
            held: BTreeSet::new(),
            needed: BTreeSet::new(),
            is_ours_wider: false,
        });
        clash.grade = clash.grade.max(grade);
        clash.held.insert(format!("{} over {}", socket.address, socket.protocol));
        clash.needed.insert(needed);
        clash.is_ours_wider |= needed.ip().is_unspecified() && !socket.address.ip().is_unspecified();
    }
    let mut found: Vec<Finding> = clashes.into_iter().map(|(holder, clash)| clash.finding(holder)).collect();
    let free: BTreeSet<SocketAddr> =
        asked.iter().map(|(address, _)| *address).filter(|one| met.iter().all(|met| met.1 != *one)).collect();
    if !free.is_empty() {
        found.push(Finding::new(SUBJECT, Grade::Fine, format!("nothing listens on {} yet", listed(free))));
    }
    found
}

/// Every socket that is to be opened.
fn asked(wanted: &Wanted) -> Vec<(SocketAddr, SocketProtocol)> {
    let both = |address: &SocketAddr| [(*address, SocketProtocol::Udp), (*address, SocketProtocol::Tcp)];
    let admin = wanted.admin.map(|address| (address, SocketProtocol::Tcp));
    wanted.listen.iter().flat_map(both).chain(wanted.encrypted.iter().copied()).chain(admin).collect()
}

/// Whether a socket at `held` keeps us from `needed`. One at `[::]` may or may not take IPv4, too: the tables
/// do not say. Ours does not.
fn clash(held: SocketAddr, needed: SocketAddr) -> Option<Grade> {
    if held.port() != needed.port() {
        return None;
    }
    match (held.ip(), needed.ip()) {
        (IpAddr::V6(held), IpAddr::V4(_)) => held.is_unspecified().then_some(Grade::Warning),
        (IpAddr::V4(_), IpAddr::V6(_)) => None,
        (held, needed) => {
            (held == needed || held.is_unspecified() || needed.is_unspecified()).then_some(Grade::Error)
        }
    }
}

impl Clash {
    fn finding(&self, holder: Option<&Holder>) -> Finding {
        let held = listed(&self.held);
        let Some(holder) = holder else {
            let message = format!("a process that is not shown to this user has {held}");
            return Finding::new(SUBJECT, self.grade, message).help(
                "run it again as root to see who; pods and containers of another network do not count",
            );
        };
        let Holder { pid, name, unit } = holder;
        let unit = unit.as_deref();
        let who = match unit {
            Some(unit) => format!("`{name}` (pid {pid}, {unit})"),
            None => format!("`{name}` (pid {pid})"),
        };
        if name == "edgedns" && unit == Some(OUR_UNIT) {
            return Finding::new(SUBJECT, Grade::Fine, format!("{who} runs, and has {held}"));
        }
        if name == "edgedns" {
            let message = format!("{who} runs beside the service, and has {held}");
            return Finding::new(SUBJECT, Grade::Warning, message)
                .help(format!("end it with `kill {pid}`, so that {OUR_UNIT} can have the port"));
        }
        let message = format!("{who} has {held}");
        let note = match self.grade {
            Grade::Error => {
                format!("edgedns cannot listen at {} beside it, and does not start", listed(&self.needed))
            }
            Grade::Warning | Grade::Fine => {
                format!("if it takes IPv4 as well, edgedns cannot listen at {}", listed(&self.needed))
            }
        };
        let mut finding = Finding::new(SUBJECT, self.grade, message).note(note);
        if self.is_ours_wider {
            finding = finding.help(
                "name the addresses to listen at, as in `listen = [\"127.0.0.1:53\", \"192.0.2.13:53\"]`, \
                 instead of all of them",
            );
        }
        match (KNOWN.iter().find(|(known, _)| *known == name), unit) {
            (Some((_, help)), _) => finding.help(*help),
            (None, Some(unit)) => {
                finding.help(format!("if it is not needed: `systemctl disable --now {unit}`"))
            }
            (None, None) => finding.help(format!("find out who started it: `ps -fp {pid}`")),
        }
    }
}
