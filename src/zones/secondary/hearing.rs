//! NOTIFY from primaries: who may send one, and the response (RFC 1996, section 3).
//!
//! Its signature was verified before.

use super::tasks::{NotifyEffect, Secondaries};
use crate::answer::Requester;
use crate::dns::message::Rcode;
use crate::transfer::incoming::Notify;

impl Secondaries {
    /// Takes a NOTIFY message of this sender. Returns the response; none: it is not answered.
    pub fn hear(&self, message: &[u8], sender: &Requester) -> Option<Vec<u8>> {
        let notify = Notify::read(message)?;
        let Some(apex) = notify.apex() else { return Some(notify.respond(Rcode::FORMERR)) };
        let rcode = match self.notify(apex, sender, notify.serial()) {
            NotifyEffect::Heeded => Rcode::NOERROR,
            NotifyEffect::Stranger => Rcode::REFUSED,
            NotifyEffect::NotOurs => Rcode::NOTAUTH,
        };
        Some(notify.respond(rcode))
    }
}
