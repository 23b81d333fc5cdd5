//! One letter: some changes in one signed request.

use std::fmt::Write as _;

use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{self, HeaderValue};
use hyper::{Method, Request};

use super::settings::WebhookSettings;
use crate::crypto::hmac;
use crate::http_client::{Connection, Error, read};
use crate::source::words;

/// Where the signature stands: `sha256=`, and HMAC-SHA256 (RFC 2104) of the body in hexadecimal digits.
pub const SIGNATURE_HEADER: &str = "X-Edgedns-Signature";

const USER_AGENT: HeaderValue = HeaderValue::from_static(concat!("edgedns/", env!("CARGO_PKG_VERSION")));

/// How much of a refusal is read, to tell why.
const REFUSAL_BYTES_MAX: usize = 4096;

/// What became of a letter.
#[derive(Debug)]
pub(super) enum Sent {
    /// It was taken.
    Taken,
    /// It was not, and may be the next time.
    NotNow(String),
    /// It was not, and never will be.
    Never(String),
}

/// Sends a body once.
pub(super) async fn send(settings: &WebhookSettings, body: &str) -> Sent {
    match try_send(settings, body).await {
        Ok(sent) => sent,
        Err(error) => Sent::NotNow(error.to_string()),
    }
}

async fn try_send(settings: &WebhookSettings, body: &str) -> Result<Sent, Error> {
    let signature = signature(&settings.secret()?, body.as_bytes());
    let request = Request::builder()
        .method(Method::POST)
        .uri(&settings.url.path)
        .header(header::HOST, settings.host())
        .header(header::USER_AGENT, USER_AGENT)
        .header(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))
        .header(header::CONNECTION, HeaderValue::from_static("close"))
        .header(SIGNATURE_HEADER, signature)
        .body(Full::new(Bytes::copy_from_slice(body.as_bytes())))
        .map_err(|error| Error::Http(error.to_string()))?;
    let mut connection = Connection::open(settings.url.endpoint, &settings.handshake()).await?;
    let response = connection.send(request).await?;
    let status = response.status();
    if status.is_success() {
        return Ok(Sent::Taken);
    }
    // What it says besides is of use if it comes, and nothing is missing if not.
    let said = read(response.into_body(), REFUSAL_BYTES_MAX).await.unwrap_or_default();
    let said = words(String::from_utf8_lossy(&said).trim());
    let why = if said.is_empty() {
        format!("status {}", status.as_u16())
    } else {
        format!("status {}: {said}", status.as_u16())
    };
    // RFC 9110, section 15.5: the request is wrong, but for these two, which say "later".
    let is_later = matches!(status.as_u16(), 408 | 429);
    Ok(if status.is_client_error() && !is_later { Sent::Never(why) } else { Sent::NotNow(why) })
}

/// The value of the header.
fn signature(secret: &[u8], body: &[u8]) -> String {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), body);
    let mut text = "sha256=".to_owned();
    for byte in tag.as_ref() {
        // A String takes whatever is written to it.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_others_make_of_the_same_secret() {
        // RFC 4231, section 4.3.
        assert_eq!(
            signature(b"Jefe", b"what do ya want for nothing?"),
            "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        );
    }
}
