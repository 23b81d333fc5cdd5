//! `server` lines: an address, and how it is checked.

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::super::word::Word;
use super::lines::ConfigLine;

/// Words of a `server` line that stand alone; all others have a value behind them.
const ALONE: &[&str] = &[
    "agent-check",
    "allow-0rtt",
    "backup",
    "check",
    "check-send-proxy",
    "check-ssl",
    "check-via-socks4",
    "disabled",
    "enabled",
    "force-sslv3",
    "force-tlsv10",
    "force-tlsv11",
    "force-tlsv12",
    "force-tlsv13",
    "no-agent-check",
    "no-backup",
    "no-check",
    "no-check-ssl",
    "no-send-proxy",
    "no-send-proxy-v2",
    "no-send-proxy-v2-ssl",
    "no-send-proxy-v2-ssl-cn",
    "no-ssl",
    "no-ssl-reuse",
    "no-sslv3",
    "no-tlsv10",
    "no-tlsv11",
    "no-tlsv12",
    "no-tlsv13",
    "no-tls-tickets",
    "no-verifyhost",
    "non-stick",
    "send-proxy",
    "send-proxy-v2",
    "send-proxy-v2-ssl",
    "send-proxy-v2-ssl-cn",
    "ssl",
    "ssl-reuse",
    "stick",
    "tfo",
    "tls-tickets",
];

/// When a server is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Role {
    #[default]
    Main,
    /// While no other is up.
    Backup,
}

/// What a `server` or `default-server` line says.
#[derive(Clone, Debug, Default)]
pub(super) struct Server {
    pub(super) is_checked: bool,
    pub(super) role: Role,
    pub(super) is_disabled: bool,
    pub(super) uses_tls: bool,
    /// Whether checks use TLS, if that is said.
    pub(super) checks_by_tls: Option<bool>,
    pub(super) verify: Option<String>,
    pub(super) ca: Option<String>,
    /// The name that checks ask for.
    pub(super) check_sni: Option<String>,
    pub(super) check_alpn: Option<String>,
    pub(super) check_port: Option<u16>,
    pub(super) check_address: Option<String>,
    pub(super) inter: Option<Duration>,
    pub(super) fastinter: Option<Duration>,
    pub(super) downinter: Option<Duration>,
    pub(super) slowstart: Option<Duration>,
    pub(super) rise: Option<u32>,
    pub(super) fall: Option<u32>,
    pub(super) weight: Option<u32>,
    pub(super) source: Option<IpAddr>,
    /// Words that change verdicts in a way that cannot be had here.
    pub(super) refused: Vec<String>,
    /// Words whose values cannot be read.
    pub(super) faulty: Vec<Word>,
}

impl Server {
    /// It, with what the words of a line from `first` on say otherwise.
    pub(super) fn with(mut self, line: &ConfigLine, first: usize) -> Self {
        let mut at = first;
        while let Some(word) = line.words.get(at) {
            let value = line.words.get(at + 1).filter(|_| !ALONE.contains(&word.text.as_str()));
            at += if value.is_some() { 2 } else { 1 };
            self.take(word, value);
        }
        self
    }

    /// The address that is tested in place of its own, where one is said.
    pub(super) fn tested_at(&self) -> Option<IpAddr> {
        self.check_address.as_ref()?.parse().ok().filter(|address: &IpAddr| !address.is_unspecified())
    }

    fn take(&mut self, word: &Word, value: Option<&Word>) {
        let text = value.map_or("", |value| value.text.as_str());
        let mut is_sound = true;
        let mut keep_time = |place: &mut Option<Duration>| {
            *place = duration(text);
            is_sound = place.is_some();
        };
        match word.text.as_str() {
            "check" => self.is_checked = true,
            "no-check" => self.is_checked = false,
            "backup" => self.role = Role::Backup,
            "no-backup" => self.role = Role::Main,
            "disabled" => self.is_disabled = true,
            "enabled" => self.is_disabled = false,
            "ssl" => self.uses_tls = true,
            "no-ssl" => self.uses_tls = false,
            "check-ssl" => self.checks_by_tls = Some(true),
            "no-check-ssl" => self.checks_by_tls = Some(false),
            "verify" => self.verify = Some(text.to_owned()),
            "ca-file" => self.ca = Some(text.to_owned()),
            "check-sni" => self.check_sni = Some(text.to_owned()),
            "check-alpn" => self.check_alpn = Some(text.to_owned()),
            "addr" => self.check_address = Some(text.to_owned()),
            "inter" => keep_time(&mut self.inter),
            "fastinter" => keep_time(&mut self.fastinter),
            "downinter" => keep_time(&mut self.downinter),
            "slowstart" => keep_time(&mut self.slowstart),
            "port" => {
                self.check_port = text.parse().ok().filter(|port| *port != 0);
                is_sound = self.check_port.is_some();
            }
            "rise" | "fall" | "weight" => {
                let number = text.parse().ok();
                is_sound = number.is_some();
                match word.text.as_str() {
                    "rise" => self.rise = number,
                    "fall" => self.fall = number,
                    _ => self.weight = number,
                }
            }
            "source" => {
                self.source = text.parse().ok();
                is_sound = self.source.is_some();
            }
            "agent-check" | "check-send-proxy" | "check-via-socks4" | "observe" | "track" | "check-proto" => {
                self.refused.push(word.text.clone());
            }
            _ => {}
        }
        if !is_sound {
            self.faulty.push(value.unwrap_or(word).clone());
        }
    }
}

/// A time as HAProxy writes it: `2s`, `500ms`; without a unit it is milliseconds.
pub(super) fn duration(text: &str) -> Option<Duration> {
    let digits = text.len() - text.trim_start_matches(|it: char| it.is_ascii_digit()).len();
    let (number, unit) = text.split_at_checked(digits)?;
    let number: u64 = number.parse().ok()?;
    let micros = match unit {
        "us" => 1,
        "" | "ms" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return None,
    };
    Some(Duration::from_micros(number.checked_mul(micros)?)).filter(|time| !time.is_zero())
}

/// Where a server is: a host, which may be a name, and a port if one is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) host: String,
    pub(super) port: Option<u16>,
}

impl Place {
    /// `192.0.2.1:443`, `[2001:db8::1]:443`, `2001:db8::1:443`, `host.example.com:443`, `ipv4@…`; none for
    /// sockets of other families.
    pub(super) fn parse(text: &str) -> Option<Place> {
        let text = ["ipv4@", "ipv6@", "tcp4@", "tcp6@", "tcp@"]
            .iter()
            .find_map(|family| text.strip_prefix(family))
            .unwrap_or(text);
        if text.contains(['@', '/']) {
            return None;
        }
        if let Some((host, port)) = text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
            let port = port.strip_prefix(':').map(str::parse).transpose().ok()?;
            return Some(Place { host: host.to_owned(), port });
        }
        // The last colon is that of the port, unless there is none (the manual, "server").
        match text.rsplit_once(':') {
            Some((host, "")) => Some(Place { host: host.to_owned(), port: None }),
            Some((host, port)) if !host.ends_with(':') || host.parse::<Ipv6Addr>().is_ok() => {
                let port = port.parse().ok().filter(|port| *port != 0);
                Some(Place { host: host.to_owned(), port: Some(port?) })
            }
            Some(_) => None,
            None => Some(Place { host: text.to_owned(), port: None }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_has_its_port_behind_the_last_colon() {
        for (text, host, port) in [
            ("192.0.2.1:443", "192.0.2.1", Some(443)),
            ("192.0.2.1", "192.0.2.1", None),
            ("[2001:db8::1]:443", "2001:db8::1", Some(443)),
            ("2001:db8::1:443", "2001:db8::1", Some(443)),
            ("ipv4@master-0.example.com:6443", "master-0.example.com", Some(6443)),
        ] {
            let place = Place { host: host.to_owned(), port };
            assert_eq!(Place::parse(text), Some(place), "{text}");
        }
        for text in ["unix@/run/x", "/run/x.sock", "192.0.2.1:0", "192.0.2.1:x"] {
            assert_eq!(Place::parse(text), None, "{text}");
        }
    }

    #[test]
    fn times_without_a_unit_are_milliseconds() {
        let read = |text| duration(text).map(|time| time.as_millis());
        assert_eq!(
            [read("2000"), read("2s"), read("1m"), read("500ms")],
            [2000, 2000, 60_000, 500].map(Some)
        );
        assert_eq!([read("0"), read("x"), read("2w")], [None; 3]);
    }
}
