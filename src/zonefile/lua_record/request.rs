//! The options of functions that probe a URL: what is sent with the request, and what passes.
//!
//! Reads their values, and makes the probe of a URL. Their names are in `options`.

use std::borrow::Cow;
use std::sync::Arc;

use super::reader::Reader;
use super::url::{Scheme, Url};
use crate::lua::Expr;
use crate::probe::{
    BODY_LIMIT_BYTES, BODY_LIMIT_BYTES_MAX, Header, HeaderError, Host, Http, Https, Method, ProbeKind,
    REDIRECTS_MAX, Statuses, Tells,
};
use crate::source::{Diagnostic, Span};
use crate::tls::{AlpnProtocol, Handshake, Verify};

/// What the options say of a request and its response.
#[derive(Clone, Debug, Default)]
pub(super) struct Request {
    user_agent: Option<Header>,
    headers: Vec<Header>,
    /// Instead of the URL's.
    host: Option<Host>,
    /// None: 200.
    status: Option<Statuses>,
    /// What must be in the body, and where that is written.
    body: Option<(Box<str>, Span)>,
    body_limit_bytes: Option<usize>,
    /// Whether the body begins with the target's weight.
    pub(super) tells_weight: bool,
}

/// Versions of HTTP that are spoken over TLS, the best first.
const VERSIONS: [&str; 2] = ["h2", "http/1.1"];

/// What passes without `httpcode`, as in PowerDNS: no other success.
const STATUS: u16 = 200;

impl Request {
    /// The probe of a URL.
    pub(super) fn probe(&self, url: &Url) -> ProbeKind {
        let http = Http {
            port: url.port,
            method: Method::Get,
            path: url.path.clone(),
            host: Some(self.host.as_ref().unwrap_or(&url.host).clone()),
            // The last one of a name is sent, as in PowerDNS.
            headers: self.user_agent.iter().chain(&self.headers).cloned().collect(),
            statuses: self.status.clone().or_else(|| Statuses::one(STATUS)).unwrap_or_default(),
            body: self.body.as_ref().map(|(text, _)| text.clone()),
            body_limit_bytes: self.body_limit_bytes(),
            redirects: REDIRECTS_MAX,
            tells: if self.tells_weight { Tells::Weight } else { Tells::Nothing },
        };
        match url.scheme {
            Scheme::Http => ProbeKind::Http(Arc::new(http)),
            Scheme::Https => {
                ProbeKind::Https(Arc::new(Https { http, handshake: handshake(url), token: None }))
            }
        }
    }

    /// PowerDNS reads all of a body. Where text is looked for, that comes as close as it may.
    fn body_limit_bytes(&self) -> usize {
        let usual = if self.body.is_some() { BODY_LIMIT_BYTES_MAX } else { BODY_LIMIT_BYTES };
        self.body_limit_bytes.unwrap_or(usual)
    }
}

/// PowerDNS believes every certificate: zones that work there have targets whose certificates prove nothing.
fn handshake(url: &Url) -> Handshake {
    Handshake {
        server_name: Some(url.server_name.clone()),
        verify: Verify::Off,
        protocols: VERSIONS.into_iter().filter_map(AlpnProtocol::new).collect(),
        client: None,
    }
}

impl<'r> Reader<'r, '_> {
    /// `useragent`
    pub(super) fn user_agent(&mut self, value: &'r Expr, request: &mut Request) -> Option<()> {
        request.user_agent = Some(self.header("User-Agent", value.span, value)?);
        Some(())
    }

    /// `stringmatch`
    pub(super) fn string_match(&mut self, value: &'r Expr, request: &mut Request) -> Option<()> {
        let (text, span) = self.line(value)?;
        if text.is_empty() {
            let fault = Diagnostic::error(span, "every body holds an empty text");
            self.found.push(fault.help("leave `stringmatch` out"));
            return None;
        }
        request.body = Some((text, span));
        Some(())
    }

    /// `httpcode`
    pub(super) fn http_code(&mut self, value: &'r Expr, request: &mut Request) -> Option<()> {
        let status = self.integer(value, 200, 599, "a status from 200 to 599")?;
        request.status = u16::try_from(status).ok().and_then(Statuses::one);
        Some(())
    }

    /// `byteslimit`; 0 is none.
    pub(super) fn bytes_limit(&mut self, value: &'r Expr, request: &mut Request) -> Option<()> {
        let bytes = self.integer(value, 0, u32::MAX, "a whole number of bytes")? as usize;
        if bytes > BODY_LIMIT_BYTES_MAX {
            let message = format!("at most {BODY_LIMIT_BYTES_MAX} bytes of a body are read");
            let span = self.scope.resolve(value).span;
            self.found.push(Diagnostic::warning(span, message));
        }
        request.body_limit_bytes = (bytes > 0).then_some(bytes.min(BODY_LIMIT_BYTES_MAX));
        Some(())
    }

    /// `headers`; `_` in a name stands for `-`, which names in Lua cannot have.
    pub(super) fn headers(&mut self, value: &'r Expr, request: &mut Request) -> Option<()> {
        let (fields, _) = self.table(value, "headers in braces: {X_Probe='edge'}")?;
        let mut sound = Some(());
        let mut seen: Vec<(String, Span)> = Vec::new();
        for field in fields {
            let read = match &field.key {
                Some(key) => self.named_header(key, &field.value, &mut seen, request),
                None => self.mismatch(self.scope.resolve(&field.value), "a header: `name=value`"),
            };
            sound = read.and(sound);
        }
        sound
    }

    fn named_header(
        &mut self,
        key: &'r Expr,
        value: &'r Expr,
        seen: &mut Vec<(String, Span)>,
        request: &mut Request,
    ) -> Option<()> {
        let name = self.text(key, "the name of a header")?.replace('_', "-").to_ascii_lowercase();
        if let Some((_, first)) = seen.iter().find(|(earlier, _)| *earlier == name) {
            let fault = Diagnostic::error(key.span, format!("header `{name}` is given twice"));
            self.found.push(fault.and_at(*first, "first here"));
            return None;
        }
        if name == "host" {
            request.host = Some(self.host(value)?);
        } else {
            let header = self.header(&name, key.span, value)?;
            request.headers.push(header);
        }
        seen.push((name, key.span));
        Some(())
    }

    fn host(&mut self, value: &'r Expr) -> Option<Host> {
        let (text, span) = self.line(value)?;
        let host = Host::new(&text);
        if host.is_none() {
            self.error(span, "a host is a name or an address, perhaps with a port");
        }
        host
    }

    /// A header; `named` is where its name stands.
    fn header(&mut self, name: &str, named: Span, value: &'r Expr) -> Option<Header> {
        let (text, span) = self.line(value)?;
        let error = match Header::new(name, &text) {
            Ok(header) => return Some(header),
            Err(error) => error,
        };
        match error {
            HeaderError::Name => self.error(named, format!("`{name}` is not the name of a header")),
            HeaderError::Value => self.error(span, format!("this cannot be the value of `{name}`")),
            HeaderError::Host => self.error(named, "`host` is not a header like others"),
            HeaderError::OfConnection => {
                self.error(named, format!("`{name}` belongs to the connection, which is made here"));
            }
        }
        None
    }

    /// A string, or a number in its place, and where it stands.
    fn line(&mut self, value: &'r Expr) -> Option<(Box<str>, Span)> {
        let written = self.constant(value)?;
        match String::from_utf8_lossy(&written.text) {
            Cow::Borrowed(text) => Some((text.into(), written.span)),
            Cow::Owned(_) => {
                self.error(written.span, "this is not UTF-8");
                None
            }
        }
    }

    /// Says so where no response can pass.
    pub(super) fn request_can_pass(&mut self, request: &Request) -> Option<()> {
        let limit = request.body_limit_bytes();
        match &request.body {
            Some((text, span)) if text.len() > limit => {
                self.error(*span, format!("longer than what is read of a body, which is {limit} bytes"));
                None
            }
            _ => Some(()),
        }
    }
}
