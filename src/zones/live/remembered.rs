//! Answers to updates of the last minutes: a request that comes again is answered as before, and made once.
//!
//! Responsible for what tells requests apart, and for how many answers are held. Time is passed in. Not responsible for
//! making updates.

use std::collections::hash_map::RandomState;
use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use super::batch::Outcome;
use crate::answer::Requester;
use crate::source::Digest;
use crate::tsig::KeyName;
use crate::update::{Reason, Rejection};

/// How long an answer is remembered. A client that has not got it asks again (RFC 2136, section 4), soon; and who has
/// seen a signed message can send it again for as long as its signature is taken: 300 s before and after the time in it
/// (RFC 8945, section 10).
const REMEMBERED: Duration = Duration::from_secs(600);

/// Answers that are remembered of a zone; then the oldest are forgotten. They take some 7 MB.
pub const REMEMBERED_MAX: usize = 65_536;

/// A request by what tells it from others. The digest is of the message and its MAC, which is over key and time as well:
/// whoever sends a signed one again, from wherever, sends the same. One that is not signed is told apart by its client.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct RequestKey {
    sender: Sender,
    digest: [u8; 16],
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Sender {
    Key(KeyName),
    Address(IpAddr),
}

impl RequestKey {
    /// Of a message from this client, with the digest of all of it and of its signature's MAC.
    pub fn new(requester: &Requester, digest: Digest) -> RequestKey {
        let sender = match &requester.key {
            Some(key) => Sender::Key(key.clone()),
            None => Sender::Address(requester.address),
        };
        RequestKey { sender, digest: digest.bytes() }
    }
}

/// Answers of the last minutes.
#[derive(Default)]
pub struct Remembered {
    /// The oldest first. Each holds its request once; the table below finds it.
    answers: VecDeque<RememberedAnswer>,
    /// How many were forgotten: the number of the oldest.
    forgotten: u64,
    /// The number of the newest answer, by the hash of its request. Of two requests with one hash, by chance, the older
    /// one is forgotten earlier.
    numbers: HashMap<u64, u64>,
    hasher: RandomState,
}

struct RememberedAnswer {
    key: RequestKey,
    result: Result<Outcome, Box<Rejection>>,
    at: Instant,
}

impl Remembered {
    /// What became of a request, if it was made not long ago.
    pub fn get(&self, key: &RequestKey, now: Instant) -> Option<Result<Outcome, Rejection>> {
        let place = self.numbers.get(&self.hasher.hash_one(key))?.checked_sub(self.forgotten)?;
        let answer = self.answers.get(usize::try_from(place).ok()?)?;
        let is_it = answer.key == *key && now.duration_since(answer.at) < REMEMBERED;
        is_it.then(|| answer.result.clone().map_err(|rejection| *rejection))
    }

    /// Remembers what became of a request. One that failed here may do better the next time.
    pub fn keep(&mut self, key: &RequestKey, result: &Result<Outcome, Rejection>, now: Instant) {
        if matches!(result, Err(Rejection { reason: Reason::Failed(_) | Reason::Busy, .. })) {
            return;
        }
        while let Some(oldest) = self.answers.front()
            && (self.answers.len() >= REMEMBERED_MAX || now.duration_since(oldest.at) >= REMEMBERED)
        {
            let hash = self.hasher.hash_one(&oldest.key);
            // What was kept again since then stays.
            if self.numbers.get(&hash) == Some(&self.forgotten) {
                self.numbers.remove(&hash);
            }
            self.answers.pop_front();
            self.forgotten += 1;
        }
        // A length in memory is one in 64 bits.
        let number = self.forgotten + self.answers.len() as u64;
        self.numbers.insert(self.hasher.hash_one(key), number);
        let result = result.clone().map_err(Box::new);
        self.answers.push_back(RememberedAnswer { key: key.clone(), result, at: now });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::ClientProof;

    type Made = Result<Outcome, Rejection>;

    fn key(number: u32) -> RequestKey {
        let requester = Requester { address: [192, 0, 2, 1].into(), key: None, proof: ClientProof::Nothing };
        RequestKey::new(&requester, Digest::of(&number.to_be_bytes()))
    }

    const MADE: Made = Ok(Outcome::Made { from: 7, to: 8 });

    #[test]
    fn an_answer_is_remembered_for_as_long_as_a_signature_is_taken() {
        let start = Instant::now();
        let mut remembered = Remembered::default();
        remembered.keep(&key(1), &MADE, start);
        let at = |seconds| start + Duration::from_secs(seconds);
        assert_eq!(remembered.get(&key(1), at(599)), Some(MADE));
        assert_eq!((remembered.get(&key(1), at(600)), remembered.get(&key(2), at(1))), (None, None));
        remembered.keep(&key(1), &MADE, at(601));
        assert_eq!(remembered.get(&key(1), at(602)), Some(MADE), "kept again");
        assert_eq!((remembered.numbers.len(), remembered.answers.len()), (1, 1));
        let refused = Err(Reason::NobodyAllowed.into());
        remembered.keep(&key(2), &refused, at(602));
        assert_eq!(remembered.get(&key(2), at(603)), Some(refused));
        let failed = Err(Reason::Failed("no space".to_owned()).into());
        remembered.keep(&key(3), &failed, start);
        assert_eq!(remembered.get(&key(3), start), None, "what failed may do better the next time");
    }

    #[test]
    fn a_signed_request_is_the_same_from_wherever_it_comes_and_one_that_is_not_is_its_clients() {
        let of = |address: &str, key: Option<&str>| {
            let key = key.map(|key| key.parse().unwrap());
            RequestKey::new(
                &Requester { address: address.parse().unwrap(), key, proof: ClientProof::Nothing },
                Digest::of(b"message"),
            )
        };
        assert_eq!(of("192.0.2.1", Some("k")), of("192.0.2.2", Some("k")));
        assert_ne!(of("192.0.2.1", Some("k")), of("192.0.2.1", Some("other")));
        assert_ne!(of("192.0.2.1", None), of("192.0.2.2", None));
    }

    #[test]
    fn of_too_many_answers_the_oldest_are_forgotten() {
        let now = Instant::now();
        let mut remembered = Remembered::default();
        let max = u32::try_from(REMEMBERED_MAX).unwrap();
        (0..=max).for_each(|number| remembered.keep(&key(number), &MADE, now));
        assert_eq!((remembered.answers.len(), remembered.numbers.len()), (REMEMBERED_MAX, REMEMBERED_MAX));
        assert_eq!((remembered.get(&key(0), now), remembered.get(&key(max), now)), (None, Some(MADE)));
    }
}
