//! What is said by HTTP where there is no DNS response.

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

/// Why there is no DNS response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// Another path.
    NoSuchPath,
    /// Neither GET nor POST.
    Method,
    /// GET with a target that is longer than any query.
    TargetTooLong,
    /// GET without the parameter `dns`, or with two.
    NoParameter,
    /// The parameter is not base64url without padding.
    NotBase64,
    /// GET with a message that is no query. A page of the web may have a browser send that from anywhere.
    NotSafe,
    /// POST of another type.
    MediaType,
    /// POST of a message that is longer than what is taken.
    BodyTooLong,
    /// The body has not come in time, or not to its end.
    BodyMissing,
    /// It is not DNS, or a response.
    NotDns,
    /// Nobody answers.
    NoAnswer,
}

impl Refusal {
    fn status(self) -> StatusCode {
        match self {
            Refusal::NoSuchPath => StatusCode::NOT_FOUND,
            Refusal::Method => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::TargetTooLong => StatusCode::URI_TOO_LONG,
            Refusal::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Refusal::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Refusal::BodyMissing => StatusCode::REQUEST_TIMEOUT,
            Refusal::NoParameter | Refusal::NotBase64 | Refusal::NotSafe | Refusal::NotDns => {
                StatusCode::BAD_REQUEST
            }
            Refusal::NoAnswer => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Refusal::NoSuchPath => "DNS is at /dns-query\n",
            Refusal::Method => "a DNS query comes with GET or POST (RFC 8484, section 4.1)\n",
            Refusal::TargetTooLong => "the target is longer than any query; send it with POST\n",
            Refusal::NoParameter => "there is no parameter `dns`, or more than one\n",
            Refusal::NotBase64 => "the parameter `dns` is not base64url without padding\n",
            Refusal::NotSafe => "GET is for queries; send another message with POST\n",
            Refusal::MediaType => "the body is to be of the type application/dns-message\n",
            Refusal::BodyTooLong => {
                "the message is longer than any query, or an update that did not say its length\n"
            }
            Refusal::BodyMissing => "the body does not come\n",
            Refusal::NotDns => "this is no DNS query\n",
            Refusal::NoAnswer => "the query is not answered\n",
        }
    }

    pub(super) fn response(self) -> Response<Full<Bytes>> {
        let mut response = Response::new(Full::new(Bytes::from_static(self.text().as_bytes())));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        // Some of these are kept by caches unless they are told not to (RFC 9110, section 15.1).
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if self == Refusal::Method {
            headers.insert(ALLOW, HeaderValue::from_static("GET, POST"));
        }
        response
    }
}
