//! dnstap: queries and responses as messages of <https://dnstap.info>, and the frames that carry them (Frame Streams).
//!
//! Encoded here, as the dozen fields that we have are less than a crate that generates code from a schema. Not responsible for
//! who reads.

use std::net::IpAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::answer::{Peer, Transport};
use crate::protobuf::{put_bytes, put_fixed_32, put_number};
use crate::transport::TraceEvent;

/// What is in the frames.
const CONTENT_TYPE: &[u8] = b"protobuf:dnstap.Dnstap";

/// The field of a control frame that names the content.
const CONTENT_TYPE_FIELD: u32 = 1;

/// Longest control frame (Frame Streams).
pub(super) const CONTROL_BYTES_MAX: usize = 512;

/// The kinds of control frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub(super) enum Control {
    /// The reader takes our content.
    Accept = 1,
    /// Data follow.
    Start = 2,
    /// There are no more.
    Stop = 3,
    /// We would send this content.
    Ready = 4,
}

/// `Message.Type` of `dnstap.proto`.
#[derive(Clone, Copy)]
enum MessageType {
    AuthQuery = 1,
    AuthResponse = 2,
}

impl Control {
    /// The frame, which names the content where some follows.
    pub(super) fn frame(self) -> Vec<u8> {
        let mut body = (self as u32).to_be_bytes().to_vec();
        if self != Control::Stop {
            body.extend_from_slice(&CONTENT_TYPE_FIELD.to_be_bytes());
            body.extend_from_slice(&length_of(CONTENT_TYPE));
            body.extend_from_slice(CONTENT_TYPE);
        }
        [&[0; 4], &length_of(&body)[..], &body].concat()
    }

    /// Whether the body of a control frame is of this kind, and names our content if it names any.
    pub(super) fn is(self, body: &[u8]) -> bool {
        let Some((kind, mut fields)) = body.split_first_chunk::<4>() else { return false };
        let mut named = Vec::new();
        while let Some((&[a, b, c, d, e, f, g, h], rest)) = fields.split_first_chunk::<8>() {
            let (field, length) = (u32::from_be_bytes([a, b, c, d]), u32::from_be_bytes([e, f, g, h]));
            let Some((value, rest)) = rest.split_at_checked(length as usize) else { return false };
            if field == CONTENT_TYPE_FIELD {
                named.push(value);
            }
            fields = rest;
        }
        u32::from_be_bytes(*kind) == self as u32 && (named.is_empty() || named.contains(&CONTENT_TYPE))
    }
}

/// The frames of a query, and of its response if it has one.
pub(super) fn frames(seen: &TraceEvent, identity: &[u8], out: &mut Vec<u8>) {
    for kind in [MessageType::AuthQuery, MessageType::AuthResponse] {
        let Some(message) = message(seen, kind) else { continue };
        let mut frame = Vec::with_capacity(message.len() + identity.len() + 64);
        put_bytes(1, identity, &mut frame);
        put_bytes(2, concat!("edgedns ", env!("CARGO_PKG_VERSION")).as_bytes(), &mut frame);
        put_bytes(14, &message, &mut frame);
        // Type MESSAGE, the only one there is.
        put_number(15, 1, &mut frame);
        out.extend_from_slice(&length_of(&frame));
        out.extend_from_slice(&frame);
    }
}

/// `Message` of `dnstap.proto`; none where nothing was sent.
fn message(seen: &TraceEvent, kind: MessageType) -> Option<Vec<u8>> {
    let TraceEvent { when, peer: Peer { address, transport, .. }, query, response } = seen;
    let mut out = Vec::new();
    put_number(1, kind as u64, &mut out);
    put_number(2, if address.is_ipv4() { 1 } else { 2 }, &mut out);
    put_number(3, protocol(*transport), &mut out);
    match address {
        IpAddr::V4(address) => put_bytes(4, &address.octets(), &mut out),
        IpAddr::V6(address) => put_bytes(4, &address.octets(), &mut out),
    }
    let (seconds, nanoseconds) = since_1970(*when);
    match kind {
        MessageType::AuthQuery => {
            put_number(8, seconds, &mut out);
            put_fixed_32(9, nanoseconds, &mut out);
            put_bytes(10, query, &mut out);
        }
        MessageType::AuthResponse => {
            put_number(12, seconds, &mut out);
            put_fixed_32(13, nanoseconds, &mut out);
            put_bytes(14, response.as_ref()?, &mut out);
        }
    }
    Some(out)
}

/// `SocketProtocol` of `dnstap.proto`.
fn protocol(transport: Transport) -> u64 {
    match transport {
        Transport::Udp => 1,
        Transport::Tcp => 2,
        Transport::Tls => 3,
        Transport::Https => 4,
        Transport::Quic => 7,
    }
}

fn since_1970(when: SystemTime) -> (u64, u32) {
    let since = when.duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs(), since.subsec_nanos())
}

/// A length as frames have it.
fn length_of(bytes: &[u8]) -> [u8; 4] {
    // A query and its response have 128 KiB at most.
    u32::try_from(bytes.len()).unwrap_or(0).to_be_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_frames_are_those_of_frame_streams() {
        assert_eq!(
            Control::Ready.frame(),
            b"\0\0\0\0\0\0\0\x22\0\0\0\x04\0\0\0\x01\0\0\0\x16protobuf:dnstap.Dnstap"
        );
        assert_eq!(Control::Stop.frame(), b"\0\0\0\0\0\0\0\x04\0\0\0\x03");
        let accept = Control::Accept.frame();
        assert!(Control::Accept.is(&accept[8..]));
        assert!(Control::Accept.is(b"\0\0\0\x01"), "a reader of any content");
        for other in [
            &b"\0\0\0\x01\0\0\0\x01\0\0\0\x01x"[..],
            b"\0\0\0\x05",
            b"\0\0",
            b"\0\0\0\x01\0\0\0\x01\0\0\0\x09x",
        ] {
            assert!(!Control::Accept.is(other), "{other:?}");
        }
    }

    #[test]
    fn a_query_without_a_response_is_one_frame_and_another_two() {
        let frames_of = |response: Option<&[u8]>| {
            let peer = Peer { address: [192, 0, 2, 7].into(), transport: Transport::Tls };
            let response = response.map(Into::into);
            let seen = TraceEvent { when: UNIX_EPOCH, peer, query: (*b"query").into(), response };
            let mut out = Vec::new();
            frames(&seen, b"master-0", &mut out);
            let mut rest = out.as_slice();
            let mut count = 0;
            while let Some((length, frame)) = rest.split_first_chunk::<4>() {
                rest = &frame[u32::from_be_bytes(*length) as usize..];
                count += 1;
            }
            assert!(rest.is_empty());
            (count, out)
        };
        assert_eq!(frames_of(None).0, 1);
        let (count, bytes) = frames_of(Some(b"response"));
        assert_eq!(count, 2);
        let query = b"\x08\x01\x10\x01\x18\x03\x22\x04\xc0\0\x02\x07\x40\0\x4d\0\0\0\0\x52\x05query";
        assert!(bytes.windows(query.len()).any(|window| window == query), "{bytes:?}");
    }
}
