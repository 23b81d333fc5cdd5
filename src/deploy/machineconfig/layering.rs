//! The unit that layers the RPM onto a node, once, while a cluster is installed.
//!
//! It can neither hold up a boot for ever nor make a node reboot again and again.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::ignition::{Enablement, Unit};
use crate::source::{Diagnostic, Severity};

/// Longest URL, in bytes: more than any that is typed.
const URL_BYTES_MAX: usize = 1000;

const NAME: &str = "edgedns-layering.service";

/// The unit. Its first start is skipped: then the node still runs the system it was installed from, and
/// machine-config-daemon-firstboot is about to replace that and to reboot.
const TEXT: &str = "\
[Unit]
Description=Layer edgedns, once
ConditionPathExists=!/usr/bin/edgedns
# There until the first boot is over, which ends in another system.
ConditionPathExists=!/etc/ignition-machine-config-encapsulated.json
Wants=network-online.target
After=network-online.target
Before=kubelet.service crio.service

[Service]
Type=oneshot
# A boot goes on without it then, and the next one tries again.
TimeoutStartSec=15min
RuntimeDirectory=edgedns-layering
ExecStart=/usr/bin/curl --fail --location --silent --show-error --retry 60 --retry-delay 5 --retry-connrefused \
--retry-max-time 300 --output /run/edgedns-layering/edgedns.rpm \"{url}\"
# Live, and not by a reboot: a wrong package must not make a node reboot at every start.
ExecStart=/usr/bin/rpm-ostree install --idempotent --apply-live /run/edgedns-layering/edgedns.rpm
ExecStart=/usr/bin/systemctl daemon-reload
ExecStart=/usr/bin/systemctl --no-block start edgedns.service

[Install]
WantedBy=multi-user.target
";

/// Where an RPM can be had over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(String);

/// This is not the URL of an RPM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError(String);

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not the URL of an RPM: http:// or https://, a host, and a path without blanks",
            self.0
        )
    }
}

impl std::error::Error for UrlError {}

impl Url {
    /// The host, with a port perhaps.
    fn authority(&self) -> &str {
        let behind = self.0.split_once("://").map_or("", |(_, behind)| behind);
        behind.split('/').next().unwrap_or_default()
    }

    /// Whether the host is found without asking a name server.
    fn is_at_an_address(&self) -> bool {
        let authority = self.authority();
        let host = match authority.strip_prefix('[') {
            Some(bracketed) => bracketed.split(']').next(),
            None => authority.split(':').next(),
        };
        host.is_some_and(|host| host.parse::<IpAddr>().is_ok())
    }
}

impl FromStr for Url {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        let is_fit = |byte: u8| byte.is_ascii_graphic() && !b"\"'\\`<>{}|^".contains(&byte);
        let behind = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let (host, path) = behind.and_then(|behind| behind.split_once('/')).unwrap_or_default();
        let holds =
            text.len() <= URL_BYTES_MAX && text.bytes().all(is_fit) && !host.is_empty() && !path.is_empty();
        if holds { Ok(Url(text.to_owned())) } else { Err(UrlError(text.to_owned())) }
    }
}

/// The unit that layers what is at `url`.
pub(super) fn unit(url: &Url) -> Unit {
    // systemd reads specifiers and variables in a command.
    let url = url.0.replace('%', "%%").replace('$', "$$");
    Unit { name: NAME, does: Enablement::Enabled { text: TEXT.replace("{url}", &url) } }
}

/// What is odd about the place.
pub(super) fn remarks(url: &Url) -> Vec<Diagnostic> {
    let mut remarks = Vec::new();
    if !url.is_at_an_address() {
        let message = format!("`{}` must be found before edgedns is there to find it", url.authority());
        let help = "name an address, or a host that another name server of the node knows";
        remarks.push(Diagnostic::placeless(Severity::Warning, message).help(help));
    }
    if url.0.starts_with("http:") {
        let message = "over plain HTTP any server that answers decides what is installed on the nodes";
        remarks.push(Diagnostic::placeless(Severity::Warning, message).help("offer the RPM over https://"));
    }
    remarks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_written_so_that_systemd_leaves_it_alone() {
        let url: Url = "https://192.0.2.1:8443/a%20b/$x.rpm".parse().unwrap();
        let Enablement::Enabled { text } = unit(&url).does else { panic!("it is to start") };
        assert!(text.contains("edgedns.rpm \"https://192.0.2.1:8443/a%%20b/$$x.rpm\"\n"), "{text}");
        assert_eq!(remarks(&url), []);
    }

    #[test]
    fn what_is_no_place_of_an_rpm_is_refused() {
        for bad in [
            "",
            "edgedns.rpm",
            "ftp://h/x.rpm",
            "http://",
            "http:///x",
            "https://h",
            "https://h/a b",
            "https://h/\"x",
        ] {
            assert!(bad.parse::<Url>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_name_that_edgedns_would_have_to_answer_is_told() {
        let count = |url: &str| remarks(&url.parse().unwrap()).len();
        assert_eq!(count("https://mirror.example/x.rpm"), 1);
        assert_eq!(count("http://mirror.example/x.rpm"), 2);
        assert_eq!(count("http://[2001:db8::1]:8080/x.rpm"), 1);
    }
}
