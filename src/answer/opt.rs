//! The OPT record of a response (RFC 6891). HOT.
//!
//! Responsible for how much room it takes and for writing it: payload size,
//! extended response code, cookie, extended error and name server identifier.
//! Not responsible for reading the client's: that is `extras`.

use super::Peer;
use super::cookie::{CLIENT_COOKIE_BYTES, COOKIE_BYTES};
use super::counters::Count;
use super::extras::Extras;
use super::plan::Section;
use super::respond::Scratch;
use super::snapshot::{Identity, Snapshot};
use super::write::Response;
use crate::dns::edns::{Edns, option};

/// Why a response is what it is, for its extended error.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Because {
    Nothing,
    NotOurs,
    /// Ours or forwarded, but not for this client.
    Prohibited,
}

impl Because {
    /// Its extended error; none where the response code says it all.
    #[inline]
    fn extended_error(self) -> Option<u16> {
        match self {
            Because::Nothing => None,
            Because::NotOurs => Some(extended_error::NOT_AUTHORITATIVE),
            Because::Prohibited => Some(extended_error::PROHIBITED),
        }
    }
}

/// Extended DNS errors (RFC 8914, section 4).
mod extended_error {
    /// The client is not among those who may ask.
    pub(super) const PROHIBITED: u16 = 18;
    /// The server is not authoritative for the name, and asks nobody else.
    pub(super) const NOT_AUTHORITATIVE: u16 = 20;
}

/// Bytes of an OPT record without options (RFC 6891, section 6.1.2).
const OPT_BYTES: usize = 11;
/// The DO bit, which is copied (RFC 3225, section 3).
const DNSSEC_OK: u8 = 0x80;

/// Room to keep for the OPT record.
#[inline]
pub(super) fn opt_bytes(identity: &Identity, extras: &Extras<'_>) -> usize {
    let nsid = if extras.wants_nsid { nsid(identity).len().saturating_add(4) } else { 0 };
    let cookie = if extras.cookie.is_some() { 4 + COOKIE_BYTES } else { 0 };
    // An extended error stands beside no records, where there is room.
    OPT_BYTES.saturating_add(nsid).saturating_add(cookie)
}

fn nsid(identity: &Identity) -> &[u8] {
    let nsid = identity.nsid.as_deref().unwrap_or_default().as_bytes();
    nsid.get(..nsid.len().min(255)).unwrap_or_default()
}

#[inline]
pub(super) fn write_opt(
    snapshot: &Snapshot,
    scratch: &Scratch,
    peer: Peer,
    extras: &Extras<'_>,
    edns: Edns<'_>,
    because: Because,
    response: &mut Response<'_>,
) {
    let start = response.position();
    let [size_high, size_low] = SIZE_TOLD.to_be_bytes();
    let [rcode_high, rcode_low] = response.rcode.0.to_be_bytes();
    let extended = rcode_high << 4 | rcode_low >> 4;
    let dnssec_ok = edns.flags & DNSSEC_OK;
    response.put(&[0, 0, 41, size_high, size_low, extended, 0, dnssec_ok, 0, 0, 0]);
    let options = response.position();
    if let (Some(cookie), Some(secret)) = (extras.cookie, &snapshot.identity.cookies)
        && let Some(client) = cookie.first_chunk::<CLIENT_COOKIE_BYTES>()
    {
        if extras.cookie_is_ours {
            scratch.counters.add(Count::Cookie);
        }
        put_option(response, option::COOKIE, &secret.cookie(*client, scratch.now_seconds, peer.address));
    }
    if let Some(code) = because.extended_error() {
        put_option(response, option::EXTENDED_ERROR, &code.to_be_bytes());
    }
    // Last, because a long one may not fit behind a long QNAME.
    if extras.wants_nsid && snapshot.identity.nsid.is_some() {
        put_option(response, option::NSID, nsid(&snapshot.identity));
    }
    let length = response.position().saturating_sub(options);
    if length != 0 {
        let rdlength_at = start.saturating_add(OPT_BYTES).saturating_sub(2);
        // Three options, of which the longest holds 255 bytes.
        response.patch(rdlength_at, u16::try_from(length).unwrap_or(0));
    }
    response.count(Section::Additional, 1);
}

/// The UDP payload told to clients.
const SIZE_TOLD: u16 = 1232;

/// Appends an option where there is room for it.
fn put_option(response: &mut Response<'_>, code: u16, value: &[u8]) {
    if response.room() < value.len().saturating_add(4) {
        return;
    }
    response.put(&code.to_be_bytes());
    // 255 bytes at most: a name server identifier is cut to that.
    response.put(&u16::try_from(value.len()).unwrap_or(0).to_be_bytes());
    response.put(value);
}
