//! What a MAC is made over (RFC 8945, section 4.3).

use subtle::ConstantTimeEq;

use super::key::Key;
use super::record::{Fields, Mac};
use crate::crypto::hmac;
use crate::dns::message::{HEADER_BYTES, class};

/// A MAC that is being made.
#[derive(Clone)]
pub(super) struct Digest {
    context: hmac::Context,
    mac_bytes: usize,
}

impl Digest {
    /// Of a request: nothing comes first.
    pub(super) fn new(key: &Key) -> Self {
        Self { context: hmac::Context::with_key(key.hmac()), mac_bytes: key.algorithm().mac_bytes() }
    }

    /// Of a response: the MAC before it comes first (section 5.3).
    pub(super) fn after(key: &Key, prior: &Mac) -> Self {
        let mut digest = Self::new(key);
        digest.sized(prior.as_bytes());
        digest
    }

    fn sized(&mut self, bytes: &[u8]) {
        // MACs and other data have 16-bit lengths where they come from.
        self.context.update(&u16::try_from(bytes.len()).unwrap_or(0).to_be_bytes());
        self.context.update(bytes);
    }

    /// A message as it is: one without a TSIG, in the midst of a transfer.
    pub(super) fn unsigned_message(&mut self, message: &[u8]) {
        self.context.update(message);
    }

    /// A message with its TSIG taken off, under the id it was signed with: `message` is all that comes before
    /// the record, which its header still counts.
    pub(super) fn signed_message(&mut self, message: &[u8], original_id: u16) {
        let Some((&header, rest)) = message.split_first_chunk::<HEADER_BYTES>() else { return };
        let [_, _, fields @ .., high, low] = header;
        self.context.update(&original_id.to_be_bytes());
        self.context.update(&fields);
        self.context.update(&u16::from_be_bytes([high, low]).saturating_sub(1).to_be_bytes());
        self.context.update(rest);
    }

    /// A message before its TSIG is appended.
    pub(super) fn message(&mut self, message: &[u8]) {
        self.context.update(message);
    }

    /// The fields of the record (section 4.3.3).
    pub(super) fn variables(&mut self, key: &Key, fields: &Fields<'_>) {
        self.context.update(key.name().as_ref().wire());
        self.context.update(&class::ANY.to_be_bytes());
        self.context.update(&[0; 4]);
        self.context.update(key.algorithm().wire());
        self.timers(fields);
        self.context.update(&fields.error.0.to_be_bytes());
        self.sized(fields.other);
    }

    /// Those of the messages of a transfer behind the first (section 5.3.1).
    pub(super) fn timers(&mut self, fields: &Fields<'_>) {
        self.context.update(&fields.signed.bytes());
        self.context.update(&fields.fudge.to_be_bytes());
    }

    /// The MAC that is sent.
    pub(super) fn finish(self) -> Mac {
        Mac::cut(self.context.sign().as_ref(), self.mac_bytes)
    }

    /// Whether `mac`, which may be cut, is the one: in a time that says nothing of where they differ.
    pub(super) fn is(self, mac: &[u8]) -> bool {
        let whole = self.context.sign();
        let cut = whole.as_ref().get(..mac.len());
        cut.is_some_and(|ours| !ours.is_empty() && bool::from(ours.ct_eq(mac)))
    }
}
