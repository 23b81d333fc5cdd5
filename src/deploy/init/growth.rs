//! A master more, in files that are there and may have been edited since: its lines are put beside those of the others.
//!
//! Nothing else is touched, and nothing is written: what comes out is shown as a diff.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::named_cluster::reverse_name;
use super::node::Node;

/// Names of the cluster that lead to masters.
const SERVICES: [&str; 3] = ["api", "api-int", "*.apps"];

/// Lines around a change that a diff shows.
const CONTEXT_LINES: usize = 3;

/// A file of a site as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingFile {
    /// As it is to be called in a diff.
    pub path: String,
    /// All of it.
    pub text: String,
}

/// A site as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExistingSite {
    /// The config file.
    pub config: ExistingFile,
    /// `ocp4.example.com`, without a final dot.
    pub domain: String,
    /// Its zone.
    pub zone: ExistingFile,
    /// Reverse zones, by their names without a final dot; none where edgedns makes one by itself (`reverse-of`).
    pub reverse: BTreeMap<String, Option<ExistingFile>>,
}

/// Why no lines can be put there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GrowthError {
    /// The zone has no addresses of `api`.
    NoMaster(String),
    /// The address is in the zone already.
    AddressThere(IpAddr),
    /// The name is in the zone already.
    NameThere(String),
    /// No other master has an address of that family.
    OtherFamily(IpAddr),
}

impl fmt::Display for GrowthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            GrowthError::NoMaster(path) => {
                write!(f, "{path} has no addresses of `api` to put another beside")
            }
            GrowthError::AddressThere(address) => write!(f, "{address} is in the zone already"),
            GrowthError::NameThere(name) => {
                write!(
                    f,
                    "`{name}` is in the zone already: name it otherwise, as in --add-master NAME=192.0.2.16"
                )
            }
            GrowthError::OtherFamily(address) => {
                write!(
                    f,
                    "no other master has an address of the family of {address}: add that family by hand first"
                )
            }
        }
    }
}

impl std::error::Error for GrowthError {}

/// What becomes of the files of a site with one master more: a unified diff, as `patch -p1` takes it.
///
/// # Errors
///
/// See [`GrowthError`].
pub fn diff_with_master(site: &ExistingSite, node: &Node) -> Result<String, GrowthError> {
    let mut zone = Edited::of(&site.zone);
    let records = Records::of(&site.zone.text, &site.domain);
    let masters = records.addresses_of("api");
    if masters.is_empty() {
        return Err(GrowthError::NoMaster(site.zone.path.clone()));
    }
    let name = match &node.name {
        Some(name) => name.to_string(),
        None => records.next("master-"),
    };
    if records.0.iter().any(|record| record.owner == name) {
        return Err(GrowthError::NameThere(name));
    }
    for address in &node.addresses {
        records.check(*address, &masters)?;
        for service in SERVICES {
            zone.add_beside(records.last(service, *address, &masters), None, *address);
        }
        zone.add_beside(records.last_of_hosts(*address, &masters), Some(&name), *address);
    }
    if let Some(service) = records.0.iter().rfind(|record| record.rtype == "SRV") {
        let etcd = records.next("etcd-");
        for address in &node.addresses {
            zone.add_beside(records.last_etcd(*address), Some(&etcd), *address);
        }
        zone.add_after(service.line, service.text.replacen(service.data, &etcd, 1));
    }
    let target = format!("{name}.{}.", site.domain);
    zone.add_server(&records, &target);
    zone.raise_serial();
    let mut config = Edited::of(&site.config);
    let mut files = Vec::new();
    for address in &node.addresses {
        config.listen_at(*address, &masters);
        let (owner, network) = reverse_name(*address);
        match site.reverse.get(&network) {
            // It follows the zone.
            Some(None) => {}
            Some(Some(file)) => {
                let mut reverse = Edited::of(file);
                reverse.add_pointer(&owner, &target);
                reverse.add_server(&Records::of(&file.text, &network), &target);
                reverse.raise_serial();
                files.push(reverse);
            }
            None => config
                .append(&format!("\n[[zone]]\nname = \"{network}\"\nreverse-of = \"{}\"\n", site.domain)),
        }
    }
    let all = [config, zone].into_iter().chain(files);
    Ok(all.map(|file| file.diff()).collect())
}

/// A line of a zone file with one record on it.
struct Record<'t> {
    line: usize,
    text: &'t str,
    /// Relative to the zone, in lower case.
    owner: String,
    rtype: &'t str,
    /// The last word: an address or a name.
    data: &'t str,
}

struct Records<'t>(Vec<Record<'t>>);

impl<'t> Records<'t> {
    fn of(text: &'t str, domain: &str) -> Self {
        let record = |(line, text): (usize, &'t str)| {
            let words: Vec<&str> = text.split(';').next()?.split_whitespace().collect();
            if text.starts_with([' ', '\t', '$', ';']) {
                return None;
            }
            let is_type = |word: &&&str| ["A", "AAAA", "SRV", "NS", "PTR"].contains(*word);
            let rtype = words.iter().skip(1).find(is_type)?;
            let owner = words.first()?.to_ascii_lowercase();
            let below = format!(".{domain}.");
            let owner = owner.strip_suffix(&below).map(str::to_owned).unwrap_or(owner);
            Some(Record { line, text, owner, rtype, data: words.last()? })
        };
        Records(text.lines().enumerate().filter_map(record).collect())
    }

    fn addresses_of(&self, owner: &str) -> Vec<IpAddr> {
        self.0.iter().filter(|record| record.owner == owner).filter_map(Record::address).collect()
    }

    /// A name with the next number that none has.
    fn next(&self, prefix: &str) -> String {
        let number = |record: &Record<'_>| record.owner.strip_prefix(prefix)?.parse::<u32>().ok();
        let next = self.0.iter().filter_map(number).max().map_or(0, |last| last.saturating_add(1));
        format!("{prefix}{next}")
    }

    fn check(&self, address: IpAddr, masters: &[IpAddr]) -> Result<(), GrowthError> {
        if self.0.iter().any(|record| record.address() == Some(address)) {
            return Err(GrowthError::AddressThere(address));
        }
        let is_known = masters.iter().any(|master| master.is_ipv4() == address.is_ipv4());
        if is_known { Ok(()) } else { Err(GrowthError::OtherFamily(address)) }
    }

    /// The last line that gives an owner the address of a master, of the family of `address`.
    fn last(&self, owner: &str, address: IpAddr, masters: &[IpAddr]) -> Option<&Record<'t>> {
        self.0.iter().rfind(|record| record.owner == owner && record.is_like(address, masters))
    }

    /// The same of the masters themselves.
    fn last_of_hosts(&self, address: IpAddr, masters: &[IpAddr]) -> Option<&Record<'t>> {
        let is_host = |record: &&Record<'_>| {
            !SERVICES.contains(&record.owner.as_str())
                && !record.owner.starts_with("etcd-")
                && !record.owner.starts_with("ns")
                && record.is_like(address, masters)
        };
        self.0.iter().rfind(is_host).or_else(|| self.last("api-int", address, masters))
    }

    fn last_etcd(&self, address: IpAddr) -> Option<&Record<'t>> {
        let is_like = |one: IpAddr| one.is_ipv4() == address.is_ipv4();
        self.0
            .iter()
            .rfind(|record| record.owner.starts_with("etcd-") && record.address().is_some_and(is_like))
    }
}

impl Record<'_> {
    fn address(&self) -> Option<IpAddr> {
        matches!(self.rtype, "A" | "AAAA").then(|| self.data.parse().ok())?
    }

    /// Whether it has the address of a master, of the same family.
    fn is_like(&self, address: IpAddr, masters: &[IpAddr]) -> bool {
        self.address().is_some_and(|own| own.is_ipv4() == address.is_ipv4() && masters.contains(&own))
    }
}

/// A file with lines added or replaced.
struct Edited<'f> {
    path: &'f str,
    lines: Vec<&'f str>,
    /// By the line they come behind.
    added: BTreeMap<usize, Vec<String>>,
    replaced: BTreeMap<usize, String>,
}

impl<'f> Edited<'f> {
    fn of(file: &'f ExistingFile) -> Self {
        let lines = file.text.lines().collect();
        Self { path: &file.path, lines, added: BTreeMap::new(), replaced: BTreeMap::new() }
    }

    fn add_after(&mut self, line: usize, text: String) {
        self.added.entry(line).or_default().push(text);
    }

    fn append(&mut self, text: &str) {
        let last = self.lines.len().saturating_sub(1);
        for line in text.lines() {
            self.add_after(last, line.to_owned());
        }
    }

    /// Adds a line like that of `record` with another address, and another owner where one is given.
    fn add_beside(&mut self, record: Option<&Record<'_>>, owner: Option<&str>, address: IpAddr) {
        let Some(record) = record else { return };
        let text = record.text.replacen(record.data, &address.to_string(), 1);
        let text = match owner {
            None => text,
            Some(owner) => {
                let rest = text.trim_start_matches(|c: char| !c.is_whitespace()).trim_start();
                // In the column in which the others are.
                let width = (text.len() - rest.len()).max(owner.len() + 1);
                format!("{owner:width$}{rest}")
            }
        };
        self.add_after(record.line, text);
    }

    /// Adds a name server behind the last one of the zone.
    fn add_server(&mut self, records: &Records<'_>, target: &str) {
        if let Some(last) = records.0.iter().rfind(|record| record.rtype == "NS" && record.owner == "@") {
            self.add_after(last.line, last.text.replacen(last.data, target, 1));
        }
    }

    /// Adds a PTR record behind the last one.
    fn add_pointer(&mut self, owner: &str, target: &str) {
        let last = self.lines.iter().rposition(|line| line.contains(" PTR ")).unwrap_or(self.lines.len() - 1);
        self.add_after(last, format!("{owner} IN PTR  {target}"));
    }

    /// Raises the serial: the first word behind SOA and its two names.
    fn raise_serial(&mut self) {
        let Some(begin) = self.lines.iter().position(|line| line.contains(" SOA ")) else { return };
        let mut names = 2;
        for (line, text) in self.lines.iter().enumerate().skip(begin) {
            let mut at = if line == begin { text.find(" SOA ").map_or(0, |at| at + 5) } else { 0 };
            let data = text.get(at..).unwrap_or_default().split(';').next().unwrap_or_default();
            for word in data.split([' ', '\t', '(', ')']) {
                let end = at + word.len();
                if names > 0 {
                    names -= usize::from(!word.is_empty());
                } else if let Ok(serial) = word.parse::<u32>() {
                    let (head, tail) = (text.get(..at), text.get(end..));
                    let raised = serial.wrapping_add(1);
                    let raised = format!("{}{raised}{}", head.unwrap_or_default(), tail.unwrap_or_default());
                    self.replaced.insert(line, raised);
                    return;
                }
                // What separates words has one byte.
                at = end + 1;
            }
        }
    }

    /// Listens at one address more, behind that of another master.
    fn listen_at(&mut self, address: IpAddr, masters: &[IpAddr]) {
        let written = |master: &IpAddr| {
            let place = SocketAddr::new(*master, 53).to_string();
            self.lines
                .iter()
                .rposition(|line| line.contains(&format!("\"{place}\"")))
                .map(|line| (line, place))
        };
        let like = masters.iter().filter(|master| master.is_ipv4() == address.is_ipv4());
        let Some((line, place)) = like.filter_map(written).max() else { return };
        let Some(text) = self.lines.get(line) else { return };
        let ours = SocketAddr::new(address, 53);
        if text.trim_start().starts_with('"') {
            self.add_after(line, text.replacen(&place, &ours.to_string(), 1));
        } else {
            let text = self.replaced.get(&line).map_or(*text, String::as_str);
            let both = format!("\"{place}\", \"{ours}\"");
            let text = text.replacen(&format!("\"{place}\""), &both, 1);
            self.replaced.insert(line, text);
        }
    }

    /// As `diff -u` writes it; empty where nothing is otherwise.
    fn diff(&self) -> String {
        let touched: Vec<usize> = {
            let mut all: Vec<usize> = self.added.keys().chain(self.replaced.keys()).copied().collect();
            all.sort_unstable();
            all.dedup();
            all
        };
        let mut text = String::new();
        if !touched.is_empty() {
            text = format!("--- a/{0}\n+++ b/{0}\n", self.path);
        }
        let mut shift = 0;
        let mut rest = touched.as_slice();
        while let Some(&first) = rest.first() {
            // Changes whose surroundings touch are one piece.
            let is_near = |pair: &[usize]| pair[1] - pair[0] <= 2 * CONTEXT_LINES;
            let count = 1 + rest.windows(2).take_while(|pair| is_near(pair)).count();
            let (piece, others) = rest.split_at(count);
            rest = others;
            let last = piece.last().copied().unwrap_or(first);
            // A line that others are put behind is one of those before them.
            let before = CONTEXT_LINES - usize::from(!self.replaced.contains_key(&first));
            let begin = first.saturating_sub(before);
            let end = (last + 1 + CONTEXT_LINES).min(self.lines.len());
            let (body, added) = self.piece(begin, end);
            let old = end - begin;
            text += &format!("@@ -{},{old} +{},{} @@\n{body}", begin + 1, begin + 1 + shift, old + added);
            shift += added;
        }
        text
    }

    /// Lines from `begin` to `end`, each with its mark, and how many come in.
    fn piece(&self, begin: usize, end: usize) -> (String, usize) {
        let (mut body, mut count) = (String::new(), 0);
        for (line, text) in self.lines.iter().enumerate().take(end).skip(begin) {
            match self.replaced.get(&line) {
                Some(other) => body += &format!("-{text}\n+{other}\n"),
                None => body += &format!(" {text}\n"),
            }
            for added in self.added.get(&line).into_iter().flatten() {
                body += &format!("+{added}\n");
                count += 1;
            }
        }
        (body, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZONE: &str = "\
$TTL 10
@ IN SOA master-0.ocp4.example.com. hostmaster.ocp4.example.com. (
    7   ; serial
    3h 30m 2w 10 )
@ IN NS  master-0.ocp4.example.com.
api      IN A    192.0.2.13
api-int  IN A    192.0.2.13
*.apps   IN A    192.0.2.99
master-0 IN A    192.0.2.13
registry IN A    192.0.2.50
";

    fn site() -> ExistingSite {
        let file = |path: &str, text: &str| ExistingFile { path: path.to_owned(), text: text.to_owned() };
        ExistingSite {
            config: file("edgedns.toml", "[server]\nlisten = [\"127.0.0.1:53\", \"192.0.2.13:53\"]\n"),
            domain: "ocp4.example.com".to_owned(),
            zone: file("a.zone", ZONE),
            reverse: BTreeMap::from([("2.0.192.in-addr.arpa".to_owned(), None)]),
        }
    }

    #[test]
    fn lines_are_put_beside_those_of_the_others_and_nothing_else_is_touched() {
        let diff = diff_with_master(&site(), &"192.0.2.14".parse().unwrap()).unwrap();
        let added: Vec<&str> =
            diff.lines().filter(|line| line.starts_with('+') && !line.starts_with("+++")).collect();
        assert_eq!(
            added,
            [
                "+listen = [\"127.0.0.1:53\", \"192.0.2.13:53\", \"192.0.2.14:53\"]",
                "+    8   ; serial",
                "+@ IN NS  master-1.ocp4.example.com.",
                "+api      IN A    192.0.2.14",
                "+api-int  IN A    192.0.2.14",
                "+master-1 IN A    192.0.2.14",
            ]
        );
        assert!(!diff.contains("*.apps   IN A    192.0.2.14"), "{diff}");
    }

    #[test]
    fn the_serial_alone_is_raised_wherever_it_stands_and_whatever_else_has_its_digits() {
        for (soa, raised) in [
            ("@ IN SOA ns1 hostmaster1 1 3h 1m 2w 10", "@ IN SOA ns1 hostmaster1 2 3h 1m 2w 10"),
            ("@ 4 IN SOA 4 ocp4 (4 4 4 4 4) ; 4", "@ 4 IN SOA 4 ocp4 (5 4 4 4 4) ; 4"),
            ("@ IN SOA ocp4. (\n\thost.ocp4. ; 4\n\t4294967295 4 4 4 4 )", "\t0 4 4 4 4 )"),
        ] {
            let text = ZONE.replacen("7   ; serial", "", 1);
            let (before, after) = text.split_once("@ IN SOA").unwrap();
            let after = after.split_once("10 )\n").unwrap().1;
            let zone = ExistingFile { path: "a.zone".to_owned(), text: format!("{before}{soa}\n{after}") };
            let diff =
                diff_with_master(&ExistingSite { zone, ..site() }, &"192.0.2.14".parse().unwrap()).unwrap();
            assert!(diff.lines().any(|line| line == format!("+{raised}")), "{diff}");
        }
    }

    #[test]
    fn a_network_without_a_reverse_zone_gets_one() {
        let site = ExistingSite { reverse: BTreeMap::new(), ..site() };
        let diff = diff_with_master(&site, &"m=198.51.100.14".parse().unwrap()).unwrap();
        assert!(
            diff.contains("+name = \"100.51.198.in-addr.arpa\"\n+reverse-of = \"ocp4.example.com\"\n"),
            "{diff}"
        );
    }

    #[test]
    fn what_is_there_already_or_cannot_be_is_refused() {
        let refused = |node: &str| diff_with_master(&site(), &node.parse().unwrap()).unwrap_err();
        assert_eq!(refused("192.0.2.13"), GrowthError::AddressThere("192.0.2.13".parse().unwrap()));
        assert_eq!(refused("registry=192.0.2.14"), GrowthError::NameThere("registry".to_owned()));
        assert_eq!(refused("2001:db8::1"), GrowthError::OtherFamily("2001:db8::1".parse().unwrap()));
    }
}
