//! The OPT record of a response (RFC 6891). HOT.
//!
//! Responsible for how much room it takes and for writing it: payload size,
//! extended response code, cookie, extended error and name server identifier.
//! Not responsible for reading the client's: that is `extras`.

use super::Peer;
use super::cookie::COOKIE_BYTES;
use super::counters::Count;
use super::extras::Extras;
use super::respond::Scratch;
use super::snapshot::{Identity, Snapshot};
use super::write::Response;
use crate::dns::edns::{
    CLIENT_COOKIE_BYTES, DNSSEC_OK, Edns, OPT_BYTES, OPTION_HEAD_BYTES, OptWriter, extended_error, option,
};

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

/// Room to keep for the OPT record.
#[inline]
pub(super) fn opt_bytes(identity: &Identity, extras: &Extras<'_>) -> usize {
    let nsid = if extras.wants_nsid { nsid(identity).len().saturating_add(OPTION_HEAD_BYTES) } else { 0 };
    let cookie = if extras.cookie.is_some() { OPTION_HEAD_BYTES + COOKIE_BYTES } else { 0 };
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
    let mut opt = OptWriter::new(&mut response.message, response.rcode, edns.flags & DNSSEC_OK);
    if let (Some(cookie), Some(secret)) = (extras.cookie, &snapshot.identity.cookies)
        && let Some(client) = cookie.first_chunk::<CLIENT_COOKIE_BYTES>()
    {
        if extras.cookie_is_ours {
            scratch.counters.add(Count::Cookie);
        }
        opt.option(option::COOKIE, &secret.cookie(*client, scratch.now_seconds, peer.address));
    }
    if let Some(code) = because.extended_error() {
        opt.extended_error(code, "");
    }
    // Last, because a long one may not fit behind a long QNAME.
    if extras.wants_nsid && snapshot.identity.nsid.is_some() {
        opt.option(option::NSID, nsid(&snapshot.identity));
    }
    opt.finish();
}
