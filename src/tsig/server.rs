//! The side that is asked: verifies requests, signs responses, and says why a request was not taken.

use std::sync::Arc;

use super::algorithm::is_md5;
use super::digest::Digest;
use super::key::{Key, KeyName, KeyRing};
use super::record::{Fields, Mac, TooLong, TsigError, TsigRecord, append, find, record_bytes, take_off};
use super::time::Time;
use crate::dns::edns::OptWriter;
use crate::dns::message::{HEADER_BYTES, Header, MESSAGE_BYTES_MAX, Question, Rcode};
use crate::dns::message_writer::owned;
use crate::dns::truncation::find_opt;
use crate::dns::{Name, NameRef};

/// Seconds by which the clocks of both ends may differ: what RFC 8945, section 10 recommends.
pub(super) const FUDGE: u16 = 300;

/// What became of a request.
#[derive(Debug)]
pub enum Received {
    /// It has no TSIG.
    Unsigned,
    /// It was made by somebody who has the key. Its TSIG has been taken off.
    Verified(Verified),
    /// It was not, and is answered with the reason.
    Refused(Box<Refused>),
    /// Its TSIG cannot be read, or does not stand where it must: FORMERR.
    Malformed,
}

/// Verifies a request (RFC 8945, section 5.2): key, MAC, time and length of the MAC, in this order. The TSIG
/// is taken off one that is verified, and off no other.
pub fn receive(keys: &KeyRing, request: &mut Vec<u8>, now: Time) -> Received {
    let judged = match find(request) {
        Ok(None) => return Received::Unsigned,
        Err(_) => return Received::Malformed,
        Ok(Some(record)) => judge(keys, request, &record, now).map(|verified| (verified, record.at)),
    };
    match judged {
        Ok((verified, at)) => {
            take_off(request, at);
            Received::Verified(verified)
        }
        Err(Judged::Malformed) => Received::Malformed,
        Err(Judged::Refused(refused)) => Received::Refused(refused),
    }
}

enum Judged {
    Malformed,
    Refused(Box<Refused>),
}

fn judge(keys: &KeyRing, request: &[u8], record: &TsigRecord<'_>, now: Time) -> Result<Verified, Judged> {
    let TsigRecord { at, algorithm, fields, .. } = record;
    let refuse = |error, verified| Err(Judged::Refused(Box::new(Refused::new(record, now, error, verified))));
    let known = keys.get(record.key()).filter(|key| key.algorithm().is_named(*algorithm));
    let Some(key) = known else { return refuse(TsigError::BADKEY, None) };
    if !key.algorithm().allows(fields.mac.len()) {
        return Err(Judged::Malformed);
    }
    let mut digest = Digest::new(key);
    digest.signed_message(request.get(..*at).unwrap_or_default(), fields.original_id);
    digest.variables(key, fields);
    if !digest.is(fields.mac) {
        return refuse(TsigError::BADSIG, None);
    }
    let mac = Mac::cut(fields.mac, fields.mac.len());
    let verified = Verified { key: Arc::clone(key), mac, prior: mac, stage: Stage::First };
    if !now.is_near(fields.signed, fields.fudge) {
        return refuse(TsigError::BADTIME, Some(verified));
    }
    if fields.mac.len() < key.algorithm().mac_bytes() {
        return refuse(TsigError::BADTRUNC, Some(verified));
    }
    Ok(verified)
}

/// A request that was verified: signs what is sent back, however many messages that are.
#[derive(Clone, Debug)]
pub struct Verified {
    key: Arc<Key>,
    /// Of the request.
    mac: Mac,
    /// Of the message before the next one.
    prior: Mac,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    First,
    Later,
}

impl Verified {
    /// The name of its key.
    pub fn key(&self) -> &KeyName {
        self.key.name()
    }

    /// Its MAC: with name of the key and message id, it tells a repeated request from another one.
    pub fn mac(&self) -> &Mac {
        &self.mac
    }

    /// Bytes that [`Verified::sign`] will add to a message.
    pub fn signature_bytes(&self) -> usize {
        let algorithm = self.key.algorithm();
        record_bytes(self.key.name().as_ref(), algorithm.wire(), algorithm.mac_bytes())
    }

    /// Signs a response, or the next message of a response of several (RFC 8945, sections 5.3 and 5.3.1).
    ///
    /// # Errors
    ///
    /// [`TooLong`]; the message is left as it was, and another one may be signed in its place.
    pub fn sign(&mut self, response: &mut Vec<u8>, now: Time) -> Result<(), TooLong> {
        self.sign_as(response, now, TsigError::NONE, &[])
    }

    /// As [`Verified::sign`], when the messages in `unsigned` went before without a signature.
    #[cfg(test)]
    pub(super) fn sign_behind(&mut self, unsigned: &[u8], response: &mut Vec<u8>, now: Time) {
        let header = Header::read(response).unwrap();
        let error = TsigError::NONE;
        let mut fields =
            Fields { signed: now, fudge: FUDGE, mac: &[], original_id: header.id, error, other: &[] };
        let mut digest = Digest::after(&self.key, &self.prior);
        digest.message(unsigned);
        digest.message(response);
        digest.timers(&fields);
        let mac = digest.finish();
        fields.mac = mac.as_bytes();
        append(response, self.key.name().as_ref(), self.key.algorithm().wire(), &fields).unwrap();
    }

    fn sign_as(
        &mut self,
        response: &mut Vec<u8>,
        signed: Time,
        error: TsigError,
        other: &[u8],
    ) -> Result<(), TooLong> {
        let header = Header::read(response).ok_or(TooLong)?;
        let mut fields = Fields { signed, fudge: FUDGE, mac: &[], original_id: header.id, error, other };
        let mut digest = Digest::after(&self.key, &self.prior);
        digest.message(response);
        match self.stage {
            Stage::First => digest.variables(&self.key, &fields),
            Stage::Later => digest.timers(&fields),
        }
        let mac = digest.finish();
        fields.mac = mac.as_bytes();
        append(response, self.key.name().as_ref(), self.key.algorithm().wire(), &fields)?;
        (self.prior, self.stage) = (mac, Stage::Later);
        Ok(())
    }
}

/// A request that was not verified.
#[derive(Debug)]
pub struct Refused {
    error: TsigError,
    key: Name,
    algorithm: Name,
    signed: Time,
    fudge: u16,
    now: Time,
    /// What signs the response: nothing when the MAC could not be trusted.
    verified: Option<Verified>,
}

impl Refused {
    fn new(record: &TsigRecord<'_>, now: Time, error: TsigError, verified: Option<Verified>) -> Self {
        let TsigRecord { algorithm, fields, .. } = record;
        Self {
            error,
            key: record.key().to_name(),
            algorithm: algorithm.to_name(),
            signed: fields.signed,
            fudge: fields.fudge,
            now,
            verified,
        }
    }

    /// What is wrong with it.
    pub fn error(&self) -> TsigError {
        self.error
    }

    /// The name of the key that it names, as a stranger wrote it.
    pub fn key(&self) -> NameRef<'_> {
        self.key.as_ref()
    }

    /// The algorithm that it names, likewise.
    pub fn algorithm(&self) -> NameRef<'_> {
        self.algorithm.as_ref()
    }

    /// Whether it is signed with HMAC-MD5, as cert-manager does unless it is told otherwise.
    pub fn is_md5(&self) -> bool {
        is_md5(self.algorithm())
    }

    /// When it says it was signed.
    pub fn signed(&self) -> Time {
        self.signed
    }

    /// When it came.
    pub fn now(&self) -> Time {
        self.now
    }

    /// The response to the request: NOTAUTH, with a TSIG that says why; signed where the MAC was right (RFC
    /// 8945, section 5.3.2). None for what is no request, or has more than one question or none.
    pub fn response(mut self, request: &[u8]) -> Option<Vec<u8>> {
        let header = Header::read(request).filter(|header| !header.is_response())?;
        if header.counts.first() != Some(&1) {
            return None;
        }
        let (question, _) = Question::read(request)?;
        // Opcode and RD come back as they were (RFC 1035, section 4.1.1).
        let flags = Header::QR | header.flags & (0x7800 | Header::RD) | Rcode::NOTAUTH.0;
        let mut response = owned(HEADER_BYTES.saturating_add(512), header.id, flags, |message| {
            message.put_question(question.wire);
            // RFC 6891, section 6.1.1: who sends one gets one.
            if find_opt(request).is_some() {
                OptWriter::new(message, Rcode::NOTAUTH, 0).finish();
            }
        });
        self.finish(&mut response, header.id).ok()?;
        debug_assert!(response.len() <= MESSAGE_BYTES_MAX);
        Some(response)
    }

    fn finish(&mut self, response: &mut Vec<u8>, original_id: u16) -> Result<(), TooLong> {
        let Self { error, signed, fudge, now, .. } = *self;
        match &mut self.verified {
            // The client's time, and ours behind it (section 5.2.3).
            Some(verified) if error == TsigError::BADTIME => {
                verified.sign_as(response, signed, error, &now.bytes())
            }
            Some(verified) => verified.sign_as(response, now, error, &[]),
            None => {
                let fields = Fields { signed, fudge, mac: &[], original_id, error, other: &[] };
                append(response, self.key.as_ref(), self.algorithm.as_ref().wire(), &fields)
            }
        }
    }
}
