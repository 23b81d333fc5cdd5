//! Limits of the kernel that a busy name server meets: buffers, local ports, the table of connections.

use std::ops::RangeInclusive;

use super::finding::{Finding, Grade, listed};
use super::host::Host;
use super::wanted::Wanted;
use crate::transport::UDP_BUFFER_BYTES;

const SUBJECT: &str = "kernel";

/// Where settings of the kernel are kept over a restart.
const SYSCTL: &str = "/etc/sysctl.d/90-edgedns.conf";

/// How full the table of connections may be, in percent.
const CONNTRACK_PERCENT_MAX: u64 = 80;

pub(super) fn look(host: &Host, wanted: &Wanted) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        [buffers(host), given_away(host, wanted), conntrack(host)].into_iter().flatten().collect();
    if found.is_empty() {
        found.push(Finding::new(SUBJECT, Grade::Fine, "the kernel's limits leave room"));
    }
    found
}

/// Queries and responses that wait.
fn buffers(host: &Host) -> Option<Finding> {
    let wanted = UDP_BUFFER_BYTES as u64;
    let short =
        |name: &&str| host.number(&format!("/proc/sys/net/core/{name}")).is_some_and(|most| most < wanted);
    let low: Vec<&str> = ["rmem_max", "wmem_max"].into_iter().filter(short).collect();
    if low.is_empty() {
        return None;
    }
    let names: Vec<String> = low.iter().map(|name| format!("net.core.{name}")).collect();
    let lines: Vec<String> = names.iter().map(|name| format!("`{name} = {wanted}`")).collect();
    let message = format!("lower than the {} KiB that edgedns asks for: {}", wanted >> 10, listed(&names));
    Some(
        Finding::new(SUBJECT, Grade::Warning, message)
            .note("nothing is lost until thousands of queries come at once, as when all pods start again")
            .help(format!("{} in {SYSCTL}, then `sysctl --system` and a restart of edgedns", listed(lines))),
    )
}

/// Ports that the kernel gives to outgoing connections: one of them may be taken when we start.
fn given_away(host: &Host, wanted: &Wanted) -> Option<Finding> {
    let text = host.text("/proc/sys/net/ipv4/ip_local_port_range")?;
    let mut numbers = text.split_whitespace().map(str::parse::<u16>);
    let range = numbers.next()?.ok()?..=numbers.next()?.ok()?;
    let reserved = ranges(&host.text("/proc/sys/net/ipv4/ip_local_reserved_ports").unwrap_or_default());
    let is_risky = |port: &u16| range.contains(port) && !reserved.iter().any(|range| range.contains(port));
    let mut ports: Vec<u16> = wanted.places().map(|place| place.port()).filter(is_risky).collect();
    ports.sort_unstable();
    ports.dedup();
    if ports.is_empty() {
        return None;
    }
    let shown = listed(&ports);
    let reserved = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
    let message = format!(
        "the kernel gives port {shown} to outgoing connections, as all from {} to {}",
        range.start(),
        range.end()
    );
    Some(
        Finding::new(SUBJECT, Grade::Warning, message)
            .note("when another process happens to have it, edgedns does not start")
            .help(format!(
                "take another port, or `net.ipv4.ip_local_reserved_ports = {reserved}` in {SYSCTL}"
            )),
    )
}

/// `8080,9000-9999`.
fn ranges(text: &str) -> Vec<RangeInclusive<u16>> {
    let range = |part: &str| {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        Some(first.parse().ok()?..=last.parse().ok()?)
    };
    text.trim().split(',').filter_map(range).collect()
}

/// The table of connections, in which every query over UDP is one where the firewall counts them.
fn conntrack(host: &Host) -> Option<Finding> {
    let number = |name: &str| host.number(&format!("/proc/sys/net/netfilter/nf_conntrack_{name}"));
    let (count, most) = (number("count")?, number("max")?);
    (most > 0 && count.saturating_mul(100) / most >= CONNTRACK_PERCENT_MAX).then(|| {
        let message = format!("the kernel's table of connections is nearly full: {count} of {most}");
        Finding::new(SUBJECT, Grade::Warning, message)
            .note("when it is full, queries are dropped unseen; `dmesg` says `nf_conntrack: table full`")
            .help(format!("`net.netfilter.nf_conntrack_max = {}` in {SYSCTL}", most.saturating_mul(2)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_ports_are_single_or_ranges() {
        assert_eq!(ranges("8080,9000-9999\n"), [8080..=8080, 9000..=9999]);
        assert_eq!(ranges("\n"), []);
    }
}
