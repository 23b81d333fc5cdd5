//! From an HTTP request to a DNS query, and back from its response (RFC 8484, section 4).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, Uri};
use tokio::time::timeout;

use super::freshness::seconds_fresh;
use super::refusal::Refusal;
use crate::answer::Peer;
use crate::dns::message::{Header, Opcode};
use crate::transport::responder::Responder;
use crate::transport::stream::{
    ConcurrentQueries, HeldResponse, IncomingMessage, LINGER_MAX, TcpSettings, TooLong,
};

/// Where queries are taken.
const PATH: &str = "/dns-query";

/// Longest target of a GET request, in bytes. The longest query as base64url has 5.5 kB.
const TARGET_BYTES_MAX: usize = 8 << 10;

/// What is taken of a body that is of no use, in bytes.
const DISCARDED_BYTES_MAX: usize = 256 << 10;

/// What queries and responses are (RFC 8484, section 6).
const MEDIA_TYPE: &str = "application/dns-message";

/// Where a query is.
#[derive(Debug, PartialEq, Eq)]
enum Placed {
    /// In the target, and this is it.
    Target(Vec<u8>),
    /// In the body.
    Body,
}

/// Answers one request.
pub(super) async fn respond<R: Responder>(
    request: Request<Incoming>,
    queries: &ConcurrentQueries<R>,
    peer: Peer,
    settings: &TcpSettings,
) -> Response<Full<Bytes>> {
    let (head, mut body) = request.into_parts();
    match answer(&head, &mut body, queries, peer, settings).await {
        Ok(response) => dns_response(response),
        Err(refusal) => {
            if refusal != Refusal::BodyMissing {
                // Apart, like the body of POST below: each stream's task moves what it may ever hold, most of which a
                // query in the target never needs.
                let _ = Box::pin(timeout(LINGER_MAX, discard(&mut body))).await;
            }
            refusal.response()
        }
    }
}

async fn answer<R: Responder>(
    head: &Parts,
    body: &mut Incoming,
    queries: &ConcurrentQueries<R>,
    peer: Peer,
    settings: &TcpSettings,
) -> Result<HeldResponse, Refusal> {
    let message = match placed(head)? {
        Placed::Target(query) => {
            let too_long = |TooLong| Refusal::TargetTooLong;
            let mut message = queries.receive(query.len()).await.map_err(too_long)?;
            queries.add(&mut message, &query).map_err(too_long)?;
            message
        }
        Placed::Body => {
            let whole = Box::pin(timeout(settings.idle, receive(body, queries))).await;
            whole.map_err(|_| Refusal::BodyMissing)??
        }
    };
    let header = Header::read(message.bytes()).filter(|header| !header.is_response());
    let header = header.ok_or(Refusal::NotDns)?;
    if head.method == Method::GET && header.opcode() != Opcode::QUERY {
        return Err(Refusal::NotSafe);
    }
    // HTTP has room for one response: what would be several is not offered (`Transport::carries_transfers`).
    let mut responses = queries.answer(peer, message.bytes()).await;
    drop(message);
    responses.next().await.ok_or(Refusal::NoAnswer)
}

/// Where the query of a request is.
fn placed(head: &Parts) -> Result<Placed, Refusal> {
    if head.uri.path() != PATH {
        return Err(Refusal::NoSuchPath);
    }
    match head.method {
        Method::GET => in_target(&head.uri).map(Placed::Target),
        Method::POST if is_dns(&head.headers) => Ok(Placed::Body),
        Method::POST => Err(Refusal::MediaType),
        _ => Err(Refusal::Method),
    }
}

/// The query that is the parameter `dns` of a target.
fn in_target(target: &Uri) -> Result<Vec<u8>, Refusal> {
    let parameters = target.query().unwrap_or_default();
    if parameters.len().saturating_add(PATH.len()) > TARGET_BYTES_MAX {
        return Err(Refusal::TargetTooLong);
    }
    let mut given = parameters.split('&').filter_map(|parameter| parameter.strip_prefix("dns="));
    let (Some(text), None) = (given.next(), given.next()) else { return Err(Refusal::NoParameter) };
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Refusal::NotBase64)
}

/// Whether the body is a DNS message, whatever parameters its type has.
fn is_dns(headers: &HeaderMap) -> bool {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = given.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(MEDIA_TYPE))
}

/// Receives the message that a body is.
async fn receive<R: Responder>(
    body: &mut Incoming,
    queries: &ConcurrentQueries<R>,
) -> Result<IncomingMessage, Refusal> {
    let too_long = |TooLong| Refusal::BodyTooLong;
    // What it says beforehand; more than any number can say is too long as well.
    let length = usize::try_from(body.size_hint().lower()).map_err(|_| Refusal::BodyTooLong)?;
    let mut message = queries.receive(length).await.map_err(too_long)?;
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|_| Refusal::BodyMissing)?;
        if let Some(bytes) = frame.data_ref() {
            queries.add(&mut message, bytes).map_err(too_long)?;
        }
    }
    Ok(message)
}

/// Takes the rest of a body that is of no use, up to a limit: some clients look at a response only when they have sent
/// all.
async fn discard(body: &mut Incoming) {
    let mut left = DISCARDED_BYTES_MAX;
    // What is too much is not even asked for. 64 bits hold a length.
    if body.size_hint().lower() > DISCARDED_BYTES_MAX as u64 {
        return;
    }
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(less) = left.checked_sub(length) else { return };
        left = less;
    }
}

/// A DNS response; whatever it says, HTTP has succeeded (RFC 8484, section 4.2.1).
fn dns_response(response: HeldResponse) -> Response<Full<Bytes>> {
    let fresh = match seconds_fresh(response.as_ref()) {
        0 => HeaderValue::from_static("max-age=0"),
        seconds => {
            let value = HeaderValue::try_from(format!("max-age={seconds}"));
            value.unwrap_or(HeaderValue::from_static("max-age=0"))
        }
    };
    // The connection holds it until the last of its bytes is written.
    let mut response = Response::new(Full::new(Bytes::from_owner(response)));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    headers.insert(CACHE_CONTROL, fresh);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(method: &str, target: &str, media_type: Option<&str>) -> Result<Placed, Refusal> {
        let mut request = Request::builder().method(method).uri(target);
        if let Some(media_type) = media_type {
            request = request.header(CONTENT_TYPE, media_type);
        }
        placed(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn a_query_is_in_the_target_or_in_the_body() {
        let get = |target| asked("GET", target, None);
        assert_eq!(get("/dns-query?dns=_-8"), Ok(Placed::Target(vec![0xff, 0xef])));
        assert_eq!(get("/dns-query?ct=x&dns=AAAA&other"), Ok(Placed::Target(vec![0; 3])));
        let post = |media_type| asked("POST", "/dns-query", media_type);
        for media_type in ["application/dns-message", "Application/DNS-Message; charset=utf-8"] {
            assert_eq!(post(Some(media_type)), Ok(Placed::Body), "{media_type}");
        }
    }

    #[test]
    fn what_is_no_query_is_told_why() {
        let get = |target: &str| asked("GET", target, None).unwrap_err();
        assert_eq!(get("/"), Refusal::NoSuchPath);
        assert_eq!(get("/dns-query/?dns=AAAA"), Refusal::NoSuchPath);
        for target in ["/dns-query", "/dns-query?DNS=AAAA", "/dns-query?dns", "/dns-query?dns=AAAA&dns=AAAA"]
        {
            assert_eq!(get(target), Refusal::NoParameter, "{target}");
        }
        for text in ["AAA=", "AA+/", "A", "A%41AA"] {
            assert_eq!(get(&format!("/dns-query?dns={text}")), Refusal::NotBase64, "{text}");
        }
        let longest = TARGET_BYTES_MAX - "/dns-query".len() - "dns=".len();
        assert!(asked("GET", &format!("/dns-query?dns={}", "A".repeat(longest)), None).is_ok());
        assert_eq!(get(&format!("/dns-query?dns={}", "A".repeat(longest + 1))), Refusal::TargetTooLong);
        let post = |media_type| asked("POST", "/dns-query?dns=AAAA", media_type).unwrap_err();
        assert_eq!(post(None), Refusal::MediaType);
        assert_eq!(post(Some("application/dns-json")), Refusal::MediaType);
        for method in ["PUT", "HEAD", "OPTIONS", "DELETE", "BREW"] {
            assert_eq!(asked(method, "/dns-query?dns=AAAA", None).unwrap_err(), Refusal::Method, "{method}");
        }
    }
}
