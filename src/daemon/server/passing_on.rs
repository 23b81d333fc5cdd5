//! Passing updates on: a zone that is copied is changed where it comes from (RFC 2136, section 6).
//!
//! Responsible for which primary is asked when, for how many messages are under way, and for how long. Not responsible
//! for whose messages these are, or for what they ask for: the primary judges both.

use std::collections::HashSet;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::answer::Transport;
use crate::dns::message::{Header, Rcode};
use crate::source::Digest;
use crate::sync::lock;
use crate::transfer::incoming::{Primary, PrimaryClient};
use crate::update::{Reason, Rejection};
use crate::zones::source::Primaries;

/// Messages under way at once; further ones are told that the server is busy. Each of them holds a connection.
const UNDER_WAY_MAX: usize = 64;

/// How long one primary is waited for.
const PRIMARY_WAIT: Duration = Duration::from_secs(4);

/// How long all of them are.
const WAIT_MAX: Duration = Duration::from_secs(10);

/// What a primary made of a message.
pub(super) struct PassedOn {
    /// Its response, for whoever sent the message.
    pub(super) response: Vec<u8>,
    /// What it says.
    pub(super) rcode: Rcode,
    /// Which one it is, in words.
    pub(super) primary: String,
}

/// Why a message is not passed on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NotPassedOn {
    /// Its client sent it once more, and gets the response to the first one.
    Again,
    /// For this reason.
    Rejected(Rejection),
}

impl From<Reason> for NotPassedOn {
    fn from(reason: Reason) -> NotPassedOn {
        NotPassedOn::Rejected(reason.into())
    }
}

/// Passes messages on.
#[derive(Clone, Default)]
pub(super) struct PassingOn {
    under_way: Arc<Mutex<HashSet<Digest>>>,
}

/// A message under way. Dropped, it is so no more.
struct UnderWay<'p> {
    all: &'p Mutex<HashSet<Digest>>,
    digest: Digest,
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        lock(self.all).remove(&self.digest);
    }
}

impl PassingOn {
    /// What is passed on goes over a connection. So one that comes over a connection while it is under way comes from a
    /// primary: servers that copy a zone from each other would send it round and round.
    fn begin(&self, message: &[u8], over: Transport) -> Result<UnderWay<'_>, NotPassedOn> {
        let digest = Digest::of(message);
        let mut all = lock(&self.under_way);
        if all.contains(&digest) {
            let again = Reason::NoPrimary("they pass it on to this server again".to_owned());
            return Err(if over.is_stream() { again.into() } else { NotPassedOn::Again });
        }
        if all.len() >= UNDER_WAY_MAX {
            return Err(Reason::Busy.into());
        }
        all.insert(digest);
        Ok(UnderWay { all: &self.under_way, digest })
    }

    /// Passes a message on that has come so: to the first of these primaries that makes something of it.
    ///
    /// # Errors
    ///
    /// When none answers, or too many messages are under way.
    pub(super) async fn pass_on(
        &self,
        message: &[u8],
        over: Transport,
        primaries: &Primaries,
    ) -> Result<PassedOn, NotPassedOn> {
        let _under_way = self.begin(message, over)?;
        let begun = Instant::now();
        let (mut failures, mut last) = (String::new(), None);
        for primary in &primaries.list {
            let limit = PRIMARY_WAIT.min(WAIT_MAX.saturating_sub(begun.elapsed()));
            if limit.is_zero() {
                fail(&mut failures, primary, &"there was no time left for it");
                continue;
            }
            let client = PrimaryClient::new(primary.clone(), primaries.credentials.clone());
            match client.pass_on(message, limit).await {
                Ok(response) => {
                    let rcode = rcode_of(&response);
                    let passed_on = PassedOn { response, rcode, primary: primary.remote.to_string() };
                    if is_final(rcode) {
                        return Ok(passed_on);
                    }
                    last = Some(passed_on);
                }
                Err(failure) => fail(&mut failures, primary, &failure),
            }
        }
        last.ok_or_else(|| Reason::NoPrimary(failures).into())
    }
}

fn fail(failures: &mut String, primary: &Primary, why: &dyn std::fmt::Display) {
    let between = if failures.is_empty() { "" } else { "; " };
    // A text takes what is written.
    let _ = write!(failures, "{between}{}: {why}", primary.remote);
}

fn rcode_of(response: &[u8]) -> Rcode {
    Header::read(response).map_or(Rcode::SERVFAIL, |header| Rcode(header.flags & 0x000f))
}

/// Whether the next primary would say the same. One that has not the zone or the key, or cannot write, may stand beside
/// one that has.
fn is_final(rcode: Rcode) -> bool {
    !matches!(rcode, Rcode::SERVFAIL | Rcode::NOTIMP | Rcode::NOTAUTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_under_way_once_and_so_many_at_most() {
        let passing_on = PassingOn::default();
        let first = passing_on.begin(b"one", Transport::Udp).ok().unwrap();
        assert_eq!(passing_on.begin(b"one", Transport::Udp).err(), Some(NotPassedOn::Again));
        let looped = passing_on.begin(b"one", Transport::Tcp).err();
        assert!(matches!(
            looped,
            Some(NotPassedOn::Rejected(Rejection { reason: Reason::NoPrimary(_), .. }))
        ));
        let begin = |at: usize| passing_on.begin(&at.to_be_bytes(), Transport::Tcp);
        let others: Vec<UnderWay<'_>> = (1..UNDER_WAY_MAX).map(|at| begin(at).ok().unwrap()).collect();
        assert_eq!(begin(UNDER_WAY_MAX).err(), Some(Reason::Busy.into()));
        drop(first);
        assert!(begin(UNDER_WAY_MAX).is_ok());
        drop(others);
        assert!(lock(&passing_on.under_way).is_empty());
    }
}
