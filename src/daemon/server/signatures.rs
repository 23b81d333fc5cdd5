//! Signatures of messages that come in (TSIG): the keys, verification, and why a message was refused.
//!
//! Responsible for verifying before anything else is done with a message, for counting, and for the log. Not
//! responsible for what a key allows.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing::warn;

use crate::config::TsigKey;
use crate::control::TsigStatus;
use crate::dns::message::{HEADER_BYTES, Header, Rcode};
use crate::dns::message_writer::owned;
use crate::sync::lock;
use crate::tsig::{KeyName, KeyRing, Received, Refused, Time, TsigError, Verified, receive};

/// How often each kind of failure is told at most: whoever fails does so with every message.
const TOLD_INTERVAL: Duration = Duration::from_secs(60);

/// The keys, and what has come of messages.
#[derive(Default)]
pub(super) struct Signatures {
    /// Changed by a reload; whoever verifies holds what there was.
    keys: Mutex<Arc<KeyRing>>,
    counts: [AtomicU64; SignatureOutcome::ALL.len()],
    told: Mutex<[Option<LastLogged>; SignatureOutcome::ALL.len()]>,
}

/// What came of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SignatureOutcome {
    Verified,
    UnknownKey,
    Md5,
    WrongMac,
    WrongTime,
    ShortMac,
    Malformed,
}

impl SignatureOutcome {
    /// All of them, with the names that status and metrics show.
    const ALL: [(SignatureOutcome, &'static str); 7] = [
        (SignatureOutcome::Verified, "verified"),
        (SignatureOutcome::UnknownKey, "badkey"),
        (SignatureOutcome::Md5, "md5"),
        (SignatureOutcome::WrongMac, "badsig"),
        (SignatureOutcome::WrongTime, "badtime"),
        (SignatureOutcome::ShortMac, "badtrunc"),
        (SignatureOutcome::Malformed, "malformed"),
    ];

    fn of(refused: &Refused) -> Self {
        match refused.error() {
            TsigError::BADSIG => SignatureOutcome::WrongMac,
            TsigError::BADTIME => SignatureOutcome::WrongTime,
            TsigError::BADTRUNC => SignatureOutcome::ShortMac,
            _ if refused.is_md5() => SignatureOutcome::Md5,
            _ => SignatureOutcome::UnknownKey,
        }
    }
}

/// When a kind of failure was told last, and how many were not since.
#[derive(Clone, Copy)]
struct LastLogged {
    at: Instant,
    untold: u64,
}

/// What becomes of a message.
pub(super) enum SignatureJudgement {
    /// It may be treated; signed or not.
    Taken(Option<Verified>),
    /// It is answered so, and that is all.
    Answered(Vec<u8>),
    /// It is not answered.
    Ignored,
}

impl Signatures {
    /// Verifies with these keys from now on.
    pub(super) fn set_keys(&self, keys: &[TsigKey]) {
        let ring = KeyRing::new(keys.iter().filter_map(TsigKey::key).map(Arc::new).collect());
        *lock(&self.keys) = Arc::new(ring);
    }

    /// Whether there are keys.
    pub(super) fn have_keys(&self) -> bool {
        !lock(&self.keys).is_empty()
    }

    /// The keys, for whoever signs requests of its own.
    pub(super) fn keys(&self) -> Arc<KeyRing> {
        Arc::clone(&lock(&self.keys))
    }

    /// Verifies a message of `peer`, and takes its signature off.
    pub(super) fn judge(&self, peer: &dyn Display, message: &mut Vec<u8>, now: Time) -> SignatureJudgement {
        let keys = self.keys();
        match receive(&keys, message, now) {
            Received::Unsigned => SignatureJudgement::Taken(None),
            Received::Verified(verified) => {
                self.count(SignatureOutcome::Verified);
                SignatureJudgement::Taken(Some(verified))
            }
            Received::Malformed => {
                self.count(SignatureOutcome::Malformed);
                malformed(message).map_or(SignatureJudgement::Ignored, SignatureJudgement::Answered)
            }
            Received::Refused(refused) => {
                let outcome = SignatureOutcome::of(&refused);
                self.count(outcome);
                if let Some(untold) = self.is_to_be_told(outcome, Instant::now()) {
                    tell(peer, &keys, &refused, untold);
                }
                refused.response(message).map_or(SignatureJudgement::Ignored, SignatureJudgement::Answered)
            }
        }
    }

    fn count(&self, outcome: SignatureOutcome) {
        if let Some(count) = self.counts.get(outcome as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Whether a failure is told now, and then how many were not since the last that was.
    fn is_to_be_told(&self, outcome: SignatureOutcome, now: Instant) -> Option<u64> {
        let mut told = lock(&self.told);
        let last = told.get_mut(outcome as usize)?;
        match last {
            Some(LastLogged { at, untold }) if now.saturating_duration_since(*at) < TOLD_INTERVAL => {
                *untold += 1;
                None
            }
            _ => {
                let untold = last.map_or(0, |last| last.untold);
                *last = Some(LastLogged { at: now, untold: 0 });
                Some(untold)
            }
        }
    }

    /// What has come of signatures since the start; none where there are no keys.
    pub(super) fn status(&self) -> Option<TsigStatus> {
        let keys: Vec<String> =
            self.keys().iter().map(|key| format!("{} {}", key.name(), key.algorithm())).collect();
        let counts = SignatureOutcome::ALL.iter().zip(&self.counts);
        let messages: BTreeMap<String, u64> =
            counts.map(|((_, name), count)| ((*name).to_owned(), count.load(Ordering::Relaxed))).collect();
        (!keys.is_empty()).then_some(TsigStatus { keys, messages })
    }
}

/// FORMERR, of a header alone; none for what is no request.
fn malformed(message: &[u8]) -> Option<Vec<u8>> {
    let header = Header::read(message).filter(|header| !header.is_response())?;
    let flags = Header::QR | header.flags & (0x7800 | Header::RD) | Rcode::FORMERR.0;
    Some(owned(HEADER_BYTES, header.id, flags, |_| {}))
}

/// Tells why a message was refused, and what to do.
fn tell(peer: &dyn Display, keys: &KeyRing, refused: &Refused, untold: u64) {
    let (error, named) = (refused.error(), refused.key());
    // As it is written in config files: without the final dot.
    let name = KeyName::from(&named.to_name());
    let why = match error {
        TsigError::BADSIG => {
            format!("the other end has another secret for key {name}, or the message was changed on its way")
        }
        TsigError::BADTIME => {
            let (signed, now) = (refused.signed(), refused.now());
            format!(
                "key {name} signed at {signed}, and here it is {now} (seconds since 1970): set both clocks"
            )
        }
        TsigError::BADTRUNC => {
            format!("the signature with key {name} is cut shorter than its algorithm here")
        }
        _ if refused.is_md5() => format!(
            "key {name} signs with HMAC-MD5, which is broken; set hmac-sha256 there, in cert-manager \
             `tsigAlgorithm: HMACSHA256`"
        ),
        _ => match keys.get(named) {
            Some(known) => {
                format!(
                    "key {name} is {} here, and signs with {} there",
                    known.algorithm(),
                    refused.algorithm()
                )
            }
            None => format!("there is no `[[key]]` of the name {name}"),
        },
    };
    let more = if untold == 0 { String::new() } else { format!("; and {untold} such since the last line") };
    warn!("a signed message of {peer} is refused ({error}): {why}{more}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::message::class;
    use crate::dns::{Name, Rtype};
    use crate::tsig::{Algorithm, ClientExchange, Key, Secret};

    const NOW: Time = Time::from_seconds(1_800_000_000);

    fn key(byte: u8) -> TsigKey {
        TsigKey {
            name: "k".parse().unwrap(),
            algorithm: Algorithm::DEFAULT,
            secret: Some(Secret::from_bytes(&[byte; 32])),
            file: None,
        }
    }

    fn request(key: &Key) -> Vec<u8> {
        let qname: Name = "www.example.".parse().unwrap();
        let mut request = owned(512, 7, 0, |message| message.question(qname.as_ref(), Rtype::A, class::IN));
        let key = Arc::new(Key::new(key.name().clone(), key.algorithm(), &Secret::from_bytes(&[1; 32])));
        ClientExchange::sign_request(key, &mut request, NOW).unwrap();
        request
    }

    #[test]
    fn what_came_of_signatures_is_counted() {
        let signatures = Signatures::default();
        assert_eq!(signatures.status(), None);
        let own = request(&key(1).key().unwrap());
        for (secret, judged) in [(1, 0), (2, 1)] {
            signatures.set_keys(&[key(secret)]);
            let outcome = signatures.judge(&"a test", &mut own.clone(), NOW);
            assert_eq!(matches!(outcome, SignatureJudgement::Answered(_)), judged == 1);
        }
        let mut garbled = own.clone();
        garbled.push(0);
        assert!(matches!(signatures.judge(&"a test", &mut garbled, NOW), SignatureJudgement::Answered(_)));
        let status = signatures.status().unwrap();
        assert_eq!(status.keys, ["k hmac-sha256"]);
        let counted: Vec<(&str, u64)> = status
            .messages
            .iter()
            .map(|(name, count)| (name.as_str(), *count))
            .filter(|(_, count)| *count > 0)
            .collect();
        assert_eq!(counted, [("badsig", 1), ("malformed", 1), ("verified", 1)]);
    }

    #[test]
    fn each_kind_of_failure_is_told_once_a_minute_with_the_number_of_those_that_were_not() {
        let signatures = Signatures::default();
        let start = Instant::now();
        let told = |outcome, seconds| signatures.is_to_be_told(outcome, start + Duration::from_secs(seconds));
        assert_eq!(told(SignatureOutcome::WrongMac, 0), Some(0));
        assert_eq!(told(SignatureOutcome::WrongTime, 1), Some(0));
        assert_eq!((told(SignatureOutcome::WrongMac, 2), told(SignatureOutcome::WrongMac, 59)), (None, None));
        assert_eq!(told(SignatureOutcome::WrongMac, 60), Some(2));
    }
}
