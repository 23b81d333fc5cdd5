//! The Host header of requests: the name by which a request means this server.
//!
//! A foreign page can point its own name at our address (DNS rebinding), and then ask us from a browser that
//! can reach us. It cannot hide that name: the browser sends it in `Host`.
//!
//! Refuses such requests, and those that RFC 9112, section 3.2, forbids to answer.

use std::net::{IpAddr, SocketAddr};

use axum::extract::Request;
use axum::http::uri::Authority;
use axum::http::{StatusCode, Version, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// The name that programs on this host use for it.
const LOCALHOST: &str = "localhost";

/// By which names the admin listener may be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdminHosts {
    /// Where it listens; an unspecified address means every address.
    pub listen: SocketAddr,
    /// What it is called besides, in lower case and without a final dot.
    pub names: Vec<String>,
}

impl AdminHosts {
    /// Whether `host`, without its port, means us. The port is ignored: a tunnel may begin at another one,
    /// and a port alone leads no name to us.
    fn mean_us(&self, host: &str) -> bool {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            // An address cannot be made to lead elsewhere.
            let listen = self.listen.ip();
            return address.is_loopback() || listen.is_unspecified() || listen == address;
        }
        let name = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
        name == LOCALHOST || self.names.contains(&name)
    }
}

/// Why a request is not answered.
#[derive(Debug, PartialEq, Eq)]
enum HostRefusal {
    /// RFC 9112, section 3.2: no Host, two of them, or an invalid one.
    Malformed(&'static str),
    /// It means another server.
    Misdirected(String),
}

impl IntoResponse for HostRefusal {
    fn into_response(self) -> Response {
        let plain = [(header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
        match self {
            HostRefusal::Malformed(why) => {
                (StatusCode::BAD_REQUEST, plain, format!("{why}\n")).into_response()
            }
            HostRefusal::Misdirected(host) => {
                let text = format!(
                    "this server is not known as {host}: ask by its address, or write the name into `names` in \
                     `[admin]`\n"
                );
                (StatusCode::MISDIRECTED_REQUEST, plain, text).into_response()
            }
        }
    }
}

/// Answers only what RFC 9112 lets us answer.
pub(super) async fn need_one(request: Request, next: Next) -> Response {
    match asked_for(&request) {
        Ok(_) => next.run(request).await,
        Err(refusal) => refusal.into_response(),
    }
}

/// What is answered where a request does not mean this server.
pub(super) fn refusal(hosts: &AdminHosts, request: &Request) -> Option<Response> {
    let refusal = match asked_for(request) {
        Err(refusal) => Some(refusal),
        Ok(Some(host)) if !hosts.mean_us(&host) => Some(HostRefusal::Misdirected(host)),
        Ok(_) => None,
    };
    refusal.map(IntoResponse::into_response)
}

/// The host that a request is for; none in one of HTTP/1.0 that names none.
fn asked_for(request: &Request) -> Result<Option<String>, HostRefusal> {
    let mut named = request.headers().get_all(header::HOST).iter();
    let first = named.next();
    if named.next().is_some() {
        return Err(HostRefusal::Malformed("there are two Host headers"));
    }
    if first.is_none() && request.version() >= Version::HTTP_11 {
        return Err(HostRefusal::Malformed("there is no Host header"));
    }
    let of_header = first.map(|host| {
        let text = host.to_str().ok().filter(|text| !text.contains('@'));
        let authority = text.and_then(|text| text.parse::<Authority>().ok());
        authority.ok_or(HostRefusal::Malformed("the Host header names no host"))
    });
    let of_header = of_header.transpose()?;
    // RFC 9112, section 3.2.2: a target in absolute form counts, and not the header.
    let asked = request.uri().authority().or(of_header.as_ref());
    Ok(asked.map(|authority| authority.host().to_owned()))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;

    use super::*;

    fn hosts(listen: &str, names: &[&str]) -> AdminHosts {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        AdminHosts { listen: listen.parse().unwrap(), names }
    }

    #[test]
    fn the_listen_address_localhost_and_given_names_mean_us_and_nothing_else() {
        let one = hosts("192.0.2.1:9653", &["master-0.lab.example"]);
        for ours in ["192.0.2.1", "localhost", "LOCALHOST.", "127.0.0.1", "[::1]", "Master-0.lab.example."] {
            assert!(one.mean_us(ours), "{ours}");
        }
        for others in
            ["evil.example", "192.0.2.2", "[2001:db8::1]", "localhost.evil.example", "master-0", "."]
        {
            assert!(!one.mean_us(others), "{others}");
        }
        let all = hosts("0.0.0.0:9653", &[]);
        assert!(all.mean_us("192.0.2.2") && !all.mean_us("evil.example"));
    }

    fn request(version: Version, target: &str, named: &[&str]) -> Request {
        let mut request = axum::http::Request::builder().version(version).uri(target);
        for host in named {
            request = request.header(header::HOST, *host);
        }
        request.body(Body::empty()).unwrap()
    }

    #[test]
    fn a_request_names_one_host() {
        let asked = |version, target: &str, named: &[&str]| asked_for(&request(version, target, named));
        assert_eq!(asked(Version::HTTP_11, "/", &["lab.example:80"]), Ok(Some("lab.example".to_owned())));
        assert_eq!(
            asked(Version::HTTP_11, "http://other.example/", &["lab.example"]),
            Ok(Some("other.example".to_owned()))
        );
        assert_eq!(asked(Version::HTTP_10, "/", &[]), Ok(None));
        for named in [&[][..], &["a.example", "a.example"], &["user@a.example"], &["a b"], &[""]] {
            let refused = asked(Version::HTTP_11, "/", named);
            assert!(matches!(refused, Err(HostRefusal::Malformed(_))), "{named:?}: {refused:?}");
        }
    }
}
