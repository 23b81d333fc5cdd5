//! The side that asks: signs a request, and verifies what comes back for it.

use std::fmt;
use std::sync::Arc;

use super::digest::Digest;
use super::key::{Key, KeyName};
use super::record::{Fields, Mac, TooLong, TsigError, TsigRecord, append, find, record_bytes, take_off};
use super::server::FUDGE;
use super::time::Time;
use crate::dns::message::Header;

/// Most messages without a TSIG between two that have one (RFC 8945, section 5.3.1).
const UNSIGNED_MAX: u8 = 99;

/// Why what came back is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// It has no TSIG, where it must have one.
    Unsigned,
    /// Its TSIG is not well formed, or does not stand where it must.
    Malformed,
    /// It is signed with another key or algorithm than the request.
    OtherKey,
    /// Its MAC is wrong: somebody changed it, or the secrets differ.
    WrongMac,
    /// More of its MAC is cut off than the key allows.
    ShortMac,
    /// It was signed at another time; or it answers an earlier request.
    WrongTime {
        /// When it says it was signed.
        signed: Time,
    },
    /// The other end says that it did not verify our request. Nobody may have signed that: it can be forged.
    Refused(TsigError),
    /// The other end's clock differs from ours; it signed that.
    ClocksDiffer {
        /// The time there.
        theirs: Time,
    },
}

impl fmt::Display for Unverified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unverified::Unsigned => f.write_str("the response is not signed"),
            Unverified::Malformed => f.write_str("the signature of the response cannot be read"),
            Unverified::OtherKey => f.write_str("the response is signed with another key"),
            Unverified::WrongMac => f.write_str("the response's signature is wrong: the secrets differ?"),
            Unverified::ShortMac => f.write_str("the response's signature is cut too short"),
            Unverified::WrongTime { signed } => {
                write!(f, "the response was signed at {signed}, too far from the time here")
            }
            Unverified::Refused(TsigError::BADKEY) => {
                f.write_str("the server does not know the key, or with another algorithm (BADKEY)")
            }
            Unverified::Refused(TsigError::BADSIG) => {
                f.write_str("the server has another secret for the key (BADSIG)")
            }
            Unverified::Refused(error) => write!(f, "the server refuses the signature: {error}"),
            Unverified::ClocksDiffer { theirs } => {
                write!(f, "the server's clock is at {theirs} (BADTIME)")
            }
        }
    }
}

impl std::error::Error for Unverified {}

/// A request that was signed, for which responses are awaited.
#[derive(Clone)]
pub struct ClientExchange {
    key: Arc<Key>,
    /// Begun with the MAC before the next message, and what came unsigned since.
    digest: Digest,
    stage: Stage,
    unsigned: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    First,
    Later,
}

impl ClientExchange {
    /// Signs a request (RFC 8945, section 5.1).
    ///
    /// # Errors
    ///
    /// [`TooLong`]; the request is left as it was.
    pub fn sign_request(key: Arc<Key>, request: &mut Vec<u8>, now: Time) -> Result<Self, TooLong> {
        let header = Header::read(request).ok_or(TooLong)?;
        let error = TsigError::NONE;
        let mut fields =
            Fields { signed: now, fudge: FUDGE, mac: &[], original_id: header.id, error, other: &[] };
        let mut digest = Digest::new(&key);
        digest.message(request);
        digest.variables(&key, &fields);
        let mac = digest.finish();
        fields.mac = mac.as_bytes();
        append(request, key.name().as_ref(), key.algorithm().wire(), &fields)?;
        let digest = Digest::after(&key, &mac);
        Ok(Self { key, digest, stage: Stage::First, unsigned: 0 })
    }

    /// Bytes that [`ClientExchange::sign_request`] adds to a request.
    pub fn signature_bytes(key: &Key) -> usize {
        let algorithm = key.algorithm();
        record_bytes(key.name().as_ref(), algorithm.wire(), algorithm.mac_bytes())
    }

    /// The name of the key.
    pub fn key(&self) -> &KeyName {
        self.key.name()
    }

    /// Verifies a response, or the next message of a response of several, and takes its TSIG off (RFC 8945,
    /// section 5.4).
    ///
    /// The messages of a transfer may come without one in between: what they bring must not count before
    /// [`ClientExchange::finish`] says so.
    ///
    /// # Errors
    ///
    /// Why it is not to be believed; this is then as it was, so that the right response may still come.
    pub fn verify(&mut self, response: &mut Vec<u8>, now: Time) -> Result<(), Unverified> {
        let Some(record) = find(response).map_err(|_| Unverified::Malformed)? else {
            return self.take_unsigned(response);
        };
        let mac = self.judge(response, &record, now)?;
        let at = record.at;
        self.digest = Digest::after(&self.key, &mac);
        (self.stage, self.unsigned) = (Stage::Later, 0);
        take_off(response, at);
        Ok(())
    }

    /// A message in the midst of a transfer.
    fn take_unsigned(&mut self, response: &[u8]) -> Result<(), Unverified> {
        if self.stage == Stage::First || self.unsigned >= UNSIGNED_MAX {
            return Err(Unverified::Unsigned);
        }
        self.digest.unsigned_message(response);
        self.unsigned = self.unsigned.saturating_add(1);
        Ok(())
    }

    fn judge(&self, response: &[u8], record: &TsigRecord<'_>, now: Time) -> Result<Mac, Unverified> {
        let TsigRecord { at, algorithm, fields, .. } = record;
        let ours = self.key.algorithm();
        if record.key() != self.key.name().as_ref() || !ours.is_named(*algorithm) {
            return Err(Unverified::OtherKey);
        }
        if fields.mac.is_empty() && fields.error != TsigError::NONE {
            return Err(Unverified::Refused(fields.error));
        }
        if !ours.allows(fields.mac.len()) {
            return Err(Unverified::Malformed);
        }
        let mut digest = self.digest.clone();
        digest.signed_message(response.get(..*at).unwrap_or_default(), fields.original_id);
        match self.stage {
            Stage::First => digest.variables(&self.key, fields),
            Stage::Later => digest.timers(fields),
        }
        if !digest.is(fields.mac) {
            return Err(Unverified::WrongMac);
        }
        match fields.error {
            TsigError::NONE => {}
            TsigError::BADTIME => {
                let theirs = fields.other.first_chunk().copied().map(Time::read);
                return Err(
                    theirs.map_or(Unverified::Malformed, |theirs| Unverified::ClocksDiffer { theirs })
                );
            }
            error => return Err(Unverified::Refused(error)),
        }
        if !now.is_near(fields.signed, fields.fudge) {
            return Err(Unverified::WrongTime { signed: fields.signed });
        }
        if fields.mac.len() < ours.mac_bytes() {
            return Err(Unverified::ShortMac);
        }
        Ok(Mac::cut(fields.mac, fields.mac.len()))
    }

    /// Whether the last message that came was signed, as it must be (RFC 8945, section 5.3.1): only then
    /// everything that came is what the other end sent.
    ///
    /// # Errors
    ///
    /// [`Unverified::Unsigned`] when it was not, or when nothing came.
    pub fn finish(&self) -> Result<(), Unverified> {
        match (self.stage, self.unsigned) {
            (Stage::Later, 0) => Ok(()),
            _ => Err(Unverified::Unsigned),
        }
    }
}

/// Without digests.
impl fmt::Debug for ClientExchange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientExchange")
            .field("key", &self.key)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
