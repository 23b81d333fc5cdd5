//! The parts of a request.

use std::fmt;

use hyper::Uri;
use hyper::header::{self, HeaderName, HeaderValue};

/// What is done at the path. Both are safe (RFC 9110, section 9.2.1): a probe changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Method {
    /// GET
    Get,
    /// HEAD: the response has no body.
    Head,
}

impl From<Method> for hyper::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => hyper::Method::GET,
            Method::Head => hyper::Method::HEAD,
        }
    }
}

/// A path with its query, as `/healthz?verbose`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Path(Box<str>);

impl Path {
    /// `/`
    pub fn root() -> Self {
        Path("/".into())
    }

    /// A path; none for a text that does not begin with `/` or cannot stand in a request.
    pub fn new(text: &str) -> Option<Self> {
        let uri: Uri = text.parse().ok()?;
        (text.starts_with('/') && uri.path_and_query()?.as_str() == text).then(|| Path(text.into()))
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A name or an address, perhaps with a port, as in the Host header.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Host {
    written: Box<str>,
    name_len: usize,
}

impl Host {
    /// A host; none for a text that is none.
    pub fn new(text: &str) -> Option<Self> {
        let uri = Uri::builder().scheme("http").authority(text).path_and_query("/").build().ok()?;
        let authority = uri.authority()?;
        let port = text.strip_prefix(authority.host())?;
        let has_sound_port = port.is_empty() || authority.port_u16().is_some_and(|port| port > 0);
        let is_host = !authority.host().is_empty() && has_sound_port && !text.contains('@');
        is_host.then(|| Host { written: text.into(), name_len: authority.host().len() })
    }

    /// As it is sent.
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Without a port, and an IPv6 address without its brackets.
    pub fn name(&self) -> &str {
        self.written.get(..self.name_len).unwrap_or_default().trim_matches(['[', ']'])
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// A header of a request.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Header {
    pub(super) name: HeaderName,
    pub(super) value: HeaderValue,
}

/// Why a header cannot be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeaderError {
    /// The name has a character that no header's name has.
    Name,
    /// The value has a character that no header's value has.
    Value,
    /// The Host header is written in another way.
    Host,
    /// It belongs to the connection, which is not the operator's.
    OfConnection,
}

impl Header {
    /// Whether the value of a header of this name is to prove who asks: no report, archive or file that others read has it.
    pub fn proves_client(name: &str) -> bool {
        const WORDS: [&str; 8] = ["auth", "cookie", "credential", "key", "pass", "secret", "sign", "token"];
        let name = name.to_ascii_lowercase();
        WORDS.iter().any(|word| name.contains(word))
    }

    /// A header.
    ///
    /// # Errors
    ///
    /// When it cannot be sent, or not by the operator.
    pub fn new(name: &str, value: &str) -> Result<Self, HeaderError> {
        const OF_CONNECTION: &[HeaderName] = &[
            header::CONNECTION,
            header::CONTENT_LENGTH,
            header::EXPECT,
            header::TE,
            header::TRAILER,
            header::TRANSFER_ENCODING,
            header::UPGRADE,
        ];
        let name: HeaderName = name.parse().map_err(|_| HeaderError::Name)?;
        if name == header::HOST {
            return Err(HeaderError::Host);
        }
        if OF_CONNECTION.contains(&name) || ["keep-alive", "proxy-connection"].contains(&name.as_str()) {
            return Err(HeaderError::OfConnection);
        }
        let mut value = HeaderValue::from_str(value).map_err(|_| HeaderError::Value)?;
        value.set_sensitive(name == header::AUTHORIZATION || name == header::COOKIE);
        Ok(Header { name, value })
    }

    /// Its name, in lower case.
    pub fn name(&self) -> &str {
        self.name.as_str()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_begins_with_a_slash_and_can_be_sent() {
        for good in ["/", "/readyz", "/healthz?verbose&exclude=etcd", "/a%20b"] {
            assert_eq!(Path::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "readyz", "*", "http://lab.example/", "/a b", "/a\r\nb", "/a#b"] {
            assert_eq!(Path::new(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_host_is_a_name_or_an_address_with_or_without_port() {
        for (good, name) in [
            ("console.apps.lab.example", "console.apps.lab.example"),
            ("api.lab.example:6443", "api.lab.example"),
            ("192.0.2.1", "192.0.2.1"),
            ("[2001:db8::1]:6443", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
        ] {
            assert_eq!(Host::new(good).unwrap().name(), name);
            assert_eq!(Host::new(good).unwrap().as_str(), good);
        }
        for bad in
            ["", "a b", "a/b", "user@host", ":80", "host:", "host:0", "host:99999", "2001:db8::1", "a\nb"]
        {
            assert_eq!(Host::new(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn headers_of_the_connection_are_not_the_operators() {
        assert_eq!(Header::new("X-Probe", "1").unwrap().name(), "x-probe");
        assert_eq!(Header::new("Host", "a"), Err(HeaderError::Host));
        assert_eq!(Header::new("Connection", "close"), Err(HeaderError::OfConnection));
        assert_eq!(Header::new("keep-alive", "1"), Err(HeaderError::OfConnection));
        assert_eq!(Header::new("a b", "1"), Err(HeaderError::Name));
        assert_eq!(Header::new("a", "1\r\nb: 2"), Err(HeaderError::Value));
    }
}
