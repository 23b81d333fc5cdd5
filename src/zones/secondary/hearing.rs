//! NOTIFY from primaries: who may send one, and the response (RFC 1996, section 3).
//!
//! Its signature was verified before.

use std::net::IpAddr;

use super::tasks::{NotifyEffect, Secondaries};
use crate::dns::message::Rcode;
use crate::transfer::incoming::Notify;
use crate::tsig::KeyName;

impl Secondaries {
    /// Takes a NOTIFY message that has come from this address, signed with this key or with none. Returns the
    /// response; none: it is not answered.
    pub fn hear(&self, message: &[u8], from: IpAddr, key: Option<&KeyName>) -> Option<Vec<u8>> {
        let notify = Notify::read(message)?;
        let Some(apex) = notify.apex() else { return Some(notify.respond(Rcode::FORMERR)) };
        let rcode = match self.notify(apex, from, key, notify.serial()) {
            NotifyEffect::Heeded => Rcode::NOERROR,
            NotifyEffect::Stranger => Rcode::REFUSED,
            NotifyEffect::NotOurs => Rcode::NOTAUTH,
        };
        Some(notify.respond(rcode))
    }
}
