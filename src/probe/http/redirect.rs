//! Where a redirect leads.
//!
//! Reads a Location header (RFC 9110, section 10.2.2), and keeps to the target: a probe that followed a
//! redirect elsewhere would test another one. `exchange` limits how often one is followed.

use std::net::IpAddr;

use hyper::Uri;

use super::request::{Host, Path};
use crate::probe::Port;

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resource {
    /// None: the address.
    pub(super) host: Option<Host>,
    pub(super) path: Path,
}

/// Where it is asked: a redirect must not lead elsewhere.
#[derive(Clone, Copy, Debug)]
pub(super) struct Endpoint {
    pub(super) scheme: Scheme,
    pub(super) address: IpAddr,
    pub(super) port: Port,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scheme {
    Http,
    Https,
}

impl Scheme {
    pub(super) fn name(self) -> &'static str {
        match self {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The port that need not be written.
    pub(super) fn port(self) -> u16 {
        match self {
            Scheme::Http => 80,
            Scheme::Https => 443,
        }
    }
}

impl Resource {
    /// What `location` means, which was given in answer to this; none if it is elsewhere. A name counts as
    /// this endpoint: the probe's address decides which host is asked.
    pub(super) fn redirected(&self, location: &str, endpoint: Endpoint) -> Option<Resource> {
        let location = location.split('#').next().unwrap_or_default();
        if let Some(rest) = location.strip_prefix("//") {
            return self.redirected(&format!("{}://{rest}", endpoint.scheme.name()), endpoint);
        }
        if location.starts_with('/') {
            return self.at(location);
        }
        // RFC 3986, section 4.2: no colon stands in the first segment of a relative path.
        if location.split(['/', '?']).next().is_some_and(|segment| segment.contains(':')) {
            return absolute(&location.parse().ok()?, endpoint);
        }
        let (path, _) = self.path.as_str().split_once('?').unwrap_or((self.path.as_str(), ""));
        if location.is_empty() || location.starts_with('?') {
            return self.at(&format!("{path}{location}"));
        }
        let folder = path.rfind('/').and_then(|slash| path.get(..=slash)).unwrap_or("/");
        self.at(&format!("{folder}{location}"))
    }

    fn at(&self, path: &str) -> Option<Resource> {
        Some(Resource { host: self.host.clone(), path: Path::new(path)? })
    }
}

fn absolute(uri: &Uri, endpoint: Endpoint) -> Option<Resource> {
    let authority = uri.authority()?;
    let host = Host::new(authority.as_str())?;
    let is_other = host.name().parse().is_ok_and(|address: IpAddr| address != endpoint.address);
    let is_here = uri.scheme_str() == Some(endpoint.scheme.name())
        && authority.port_u16().unwrap_or(endpoint.scheme.port()) == endpoint.port.get()
        && !is_other;
    let path = uri.path_and_query().map_or(Some(Path::root()), |path| Path::new(path.as_str()))?;
    is_here.then_some(Resource { host: Some(host), path })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where a Location leads from `http://127.0.4.1:8080/a/b?c`.
    fn redirected(location: &str) -> Option<String> {
        let endpoint = Endpoint {
            scheme: Scheme::Http,
            address: "127.0.4.1".parse().unwrap(),
            port: Port::new(8080).unwrap(),
        };
        let from = Resource { host: None, path: Path::new("/a/b?c").unwrap() };
        let to = from.redirected(location, endpoint)?;
        Some(format!("{}{}", to.host.map_or(String::new(), |host| host.to_string()), to.path))
    }

    #[test]
    fn a_location_in_the_same_place_is_followed_in_every_form() {
        for (location, expected) in [
            ("/d", "/d"),
            ("/d?e#f", "/d?e"),
            ("d", "/a/d"),
            ("?e", "/a/b?e"),
            ("", "/a/b"),
            ("http://127.0.4.1:8080/d", "127.0.4.1:8080/d"),
            ("http://lab.example:8080", "lab.example:8080/"),
            ("//lab.example:8080/d", "lab.example:8080/d"),
        ] {
            assert_eq!(redirected(location).as_deref(), Some(expected), "{location}");
        }
    }

    #[test]
    fn a_location_elsewhere_is_not_followed() {
        for location in [
            "https://127.0.4.1:8080/d",
            "http://127.0.4.2:8080/d",
            "http://[::1]:8080/d",
            "http://lab.example/d",
            "http://lab.example:8081/d",
            "ftp://lab.example:8080/d",
            "http://",
            "/a b",
        ] {
            assert_eq!(redirected(location), None, "{location}");
        }
    }
}
