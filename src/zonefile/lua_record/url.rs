//! URLs as functions that probe them take them: `https://api.lab.example:6443/readyz`.
//!
//! Reads the parts of a URL, and gives the place of a fault in one. What else is sent is in `request`.

use std::net::Ipv6Addr;
use std::ops::Range;

use super::address::{At, read_port};
use super::shown::shown;
use crate::probe::{Host, Path, Port};
use crate::source::{Diagnostic, Span};
use crate::tls::ServerName;
use crate::zone::TestedName;

/// Where a request goes, and what is said there. Most functions ask at the addresses they answer, whatever
/// the host's would be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Url {
    pub(super) scheme: Scheme,
    /// As the Host header has it: with the port, unless that is the scheme's own.
    pub(super) host: Host,
    /// The host without its port.
    pub(super) server_name: ServerName,
    pub(super) port: Port,
    pub(super) path: Path,
    /// Where the host is: its address, or the name to look up.
    pub(super) at: At,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

const SCHEMES: &[(&str, Scheme)] = &[("http", Scheme::Http), ("https", Scheme::Https)];

impl Scheme {
    /// The port that need not be written.
    fn port(self) -> Option<Port> {
        Port::new(match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        })
    }
}

const FORM: &str = "write it as 'https://api.lab.example:6443/readyz'";

impl Url {
    /// Reads a URL. `place` leads from some of its bytes to where they stand; from none, to all of it.
    pub(super) fn read(text: &str, place: impl Fn(Range<usize>) -> Span) -> Result<Url, Diagnostic> {
        let Some((scheme, behind)) = text.split_once("://") else {
            let message = format!("`{}` is not a URL", shown(text.as_bytes()));
            return Err(Diagnostic::error(place(0..text.len()), message).help(FORM));
        };
        let known = SCHEMES.iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name));
        let Some(&(_, scheme)) = known else {
            let message = format!("expected `http` or `https`, found `{}`", shown(scheme.as_bytes()));
            return Err(Diagnostic::error(place(0..scheme.len()), message).help(FORM));
        };
        let start = text.len() - behind.len();
        let (authority, path) = behind.split_at(behind.find(['/', '?', '#']).unwrap_or(behind.len()));
        let from = |offset: usize| {
            let place = &place;
            move |range: Range<usize>| place(range.start + offset..range.end + offset)
        };
        let (name, port) = read_authority(authority, from(start))?;
        let bad_host = || {
            let message = format!("`{}` is neither a host name nor an address", shown(name.as_bytes()));
            Diagnostic::error(place(start..start + name.len()), message)
        };
        let bare = name.trim_matches(['[', ']']);
        let name_len = name.len();
        let usual_port = scheme.port();
        let port = port.or(usual_port).ok_or_else(bad_host)?;
        let written = match Some(port) == usual_port {
            true => name.to_owned(),
            false => format!("{name}:{}", port.get()),
        };
        let host = Host::new(&written).ok_or_else(bad_host)?;
        let server_name = ServerName::new(bare).ok_or_else(bad_host)?;
        let path = read_path(path, from(start + authority.len()))?;
        let at = match bare.parse() {
            Ok(address) => At::Address(address),
            // A host in a URL is a name in full, with a final dot or without (RFC 3986, section 3.2.2).
            Err(_) => match format!("{}.", bare.trim_end_matches('.')).parse() {
                Ok(name) => At::Name(TestedName { name, origin: place(start..start + name_len).into() }),
                Err(_) => return Err(bad_host()),
            },
        };
        Ok(Url { scheme, host, server_name, port, path, at })
    }
}

/// The host, an IPv6 address with its brackets, and the port where one is given.
fn read_authority(
    authority: &str,
    place: impl Fn(Range<usize>) -> Span,
) -> Result<(&str, Option<Port>), Diagnostic> {
    if let Some(at) = authority.rfind('@') {
        let fault = Diagnostic::error(place(0..at + 1), "a user in a URL is not supported");
        return Err(fault.help("write headers={Authorization='Basic …'}"));
    }
    let whole = || place(0..authority.len());
    let host_len = match authority.strip_prefix('[').map(|rest| rest.split_once(']')) {
        Some(Some((address, _))) if address.parse::<Ipv6Addr>().is_ok() => address.len() + 2,
        Some(_) => {
            let message = format!("`{}` is not an IPv6 address in brackets", shown(authority.as_bytes()));
            return Err(Diagnostic::error(whole(), message));
        }
        None if authority.parse::<Ipv6Addr>().is_ok() => {
            let message = "an IPv6 address in a URL is written in brackets";
            return Err(Diagnostic::error(whole(), message).help(format!("write it as `[{authority}]`")));
        }
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, behind) = authority.split_at(host_len);
    if host.is_empty() {
        return Err(Diagnostic::error(whole(), "this URL names no host").help(FORM));
    }
    if behind.is_empty() {
        return Ok((host, None));
    }
    let port = behind.strip_prefix(':').unwrap_or(behind);
    let sound = behind.starts_with(':').then(|| read_port(port)).flatten();
    sound.map(|port| (host, Some(port))).ok_or_else(|| {
        let message = format!("expected a port from 1 to 65535, found `{}`", shown(port.as_bytes()));
        // The colon alone where nothing stands behind it.
        let wrong_len = if port.is_empty() { behind.len() } else { port.len() };
        Diagnostic::error(place(authority.len() - wrong_len..authority.len()), message)
    })
}

/// What stands behind host and port: a path, a query, or nothing.
fn read_path(text: &str, place: impl Fn(Range<usize>) -> Span) -> Result<Path, Diagnostic> {
    if let Some(at) = text.find('#') {
        let fault = Diagnostic::error(place(at..text.len()), "what is behind `#` is never sent");
        return Err(fault.help("leave it out"));
    }
    // Only a query, or nothing, can begin with anything else.
    let path = if text.starts_with('/') { text.to_owned() } else { format!("/{text}") };
    Path::new(&path).ok_or_else(|| {
        let odd = text.char_indices().find(|(_, character)| Path::new(&format!("/?{character}")).is_none());
        let Some((at, character)) = odd else {
            return Diagnostic::error(place(0..text.len()), "this path cannot be sent");
        };
        let end = at + character.len_utf8();
        let encoded: String = text[at..end].bytes().map(|byte| format!("%{byte:02X}")).collect();
        let message = format!("`{}` cannot be part of a URL", character.escape_debug());
        Diagnostic::error(place(at..end), message).help(format!("write it as `{encoded}`"))
    })
}
