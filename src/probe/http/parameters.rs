//! What is asked over HTTP, and which responses pass.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::request::{Header, Host, Method, Path};
use super::status::Statuses;
use crate::probe::port::Port;
use crate::probe::weight::Tells;

/// How much of a body is read, unless told otherwise: what a target says of its health is short.
pub const BODY_LIMIT_BYTES: usize = 64 << 10;

/// Most of a body that can be asked to be read, for each probe that runs.
pub const BODY_LIMIT_BYTES_MAX: usize = 1 << 20;

/// Most redirects that can be followed. More are a loop.
pub const REDIRECTS_MAX: u8 = 10;

/// A request over plain TCP is answered as wanted.
///
/// A response passes when its status does and its body is complete, or longer than the limit, and
/// has the wanted text within the limit.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Http {
    /// The port.
    pub port: Port,
    /// GET or HEAD.
    pub method: Method,
    /// What is asked for.
    pub path: Path,
    /// The Host header; none: the address.
    pub host: Option<Host>,
    /// More headers.
    pub headers: Vec<Header>,
    /// Which status passes.
    pub statuses: Statuses,
    /// What must be in the body.
    pub body: Option<Box<str>>,
    /// How much of the body is read, in bytes.
    pub body_limit_bytes: usize,
    /// How many redirects are followed: always to the same address, port and scheme.
    pub redirects: u8,
    /// Whether the body begins with the weight of the target.
    pub tells: Tells,
}

impl Http {
    pub(in crate::probe) fn port(&self) -> Port {
        self.port
    }

    /// GET of a path, passed by any status from 200 to 299.
    pub fn get(port: Port, path: Path) -> Self {
        Self {
            port,
            method: Method::Get,
            path,
            host: None,
            headers: Vec::new(),
            statuses: Statuses::default(),
            body: None,
            body_limit_bytes: BODY_LIMIT_BYTES,
            redirects: 0,
            tells: Tells::Nothing,
        }
    }

    pub(in crate::probe) fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://")?;
        self.fmt_behind_scheme(address, f)
    }

    pub(in crate::probe) fn fmt_behind_scheme(
        &self,
        address: IpAddr,
        f: &mut fmt::Formatter<'_>,
    ) -> fmt::Result {
        write!(f, "{}{}", SocketAddr::new(address, self.port.get()), self.path)?;
        self.host.as_ref().map_or(Ok(()), |host| write!(f, " as {host}"))
    }
}
