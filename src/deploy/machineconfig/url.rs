//! Where a node fetches something.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use crate::source::{Diagnostic, Severity};

/// Longest URL, in bytes: more than any that is typed.
const URL_BYTES_MAX: usize = 1000;

/// Where a file can be had over HTTP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Url(String);

/// This is not the URL of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError(String);

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not the URL of a file: http:// or https://, a host, and a path without blanks",
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

    /// Whether nobody proves who answers there.
    fn is_plain(&self) -> bool {
        self.0.starts_with("http:")
    }

    /// Its text.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// As it stands in a command of a unit: systemd reads specifiers and variables there.
    pub(super) fn in_unit(&self) -> String {
        self.0.replace('%', "%%").replace('$', "$$")
    }

    /// What is odd about an RPM that anybody on the way could replace.
    pub(super) fn remark_on_plain(&self) -> Option<Diagnostic> {
        self.is_plain().then(|| {
            let message = "over plain HTTP any server that answers decides what is installed on the nodes";
            Diagnostic::placeless(Severity::Warning, message).help("offer the RPM over https://")
        })
    }

    /// What is odd about a host that edgedns would have to be asked for.
    pub(super) fn remark_on_name(&self) -> Option<Diagnostic> {
        (!self.is_at_an_address()).then(|| {
            let message = format!("`{}` must be found before edgedns is there to find it", self.authority());
            let help = "name an address, or a host that another name server of the node knows";
            Diagnostic::placeless(Severity::Warning, message).help(help)
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_place_of_a_file_is_refused() {
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
}
