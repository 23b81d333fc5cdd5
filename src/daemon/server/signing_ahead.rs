//! Signs ahead what pools may answer after the next change of a verdict, on a thread of its own.
//!
//! Responsible for when that is done, and for whose turn it is. A set that is signed here is found by the publication that
//! first answers it, so that the loop signs nothing. Not responsible for which sets that are (`answer`), and nothing waits
//! for it: what is missing is signed when it is published.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, yield_now};

use tracing::debug;

use super::super::served::{BoundPools, SignedPools};
use crate::dnssec::PoolSigner;
use crate::health::Board;
use crate::zones::ZoneId;

/// Publications that wait at most. Those above it are signed when they are needed.
const WAITING_MAX: usize = 64;

/// The niceness of the thread: beside a worker that never rests it gets a tenth of the core. It also yields behind each
/// signature, as the scheduler lets whoever runs go on for up to three milliseconds, however nice.
const NICENESS: i32 = 10;

/// The way to the thread; it is started when there is something for it to do.
#[derive(Default)]
pub(super) struct SigningAhead(Option<SyncSender<Work>>);

/// Pools that were published, and the verdicts then.
struct Work {
    board: Board,
    pools: Vec<SignedPools>,
}

impl SigningAhead {
    /// Has signed what these pools may answer after `board`.
    pub(super) fn begin(&mut self, board: &Board, pools: Vec<SignedPools>) {
        if pools.is_empty() {
            return;
        }
        if self.0.is_none() {
            self.0 = start();
        }
        if let Some(sender) = &self.0 {
            // Full: the flips of these pools are signed as they come.
            drop(sender.try_send(Work { board: board.clone(), pools }));
        }
    }
}

/// Starts the thread; none where the system refuses it.
fn start() -> Option<SyncSender<Work>> {
    let (sender, receiver) = sync_channel(WAITING_MAX);
    let started = Builder::new().name("edgedns-ahead".to_owned()).spawn(move || {
        // On Linux that is the calling thread alone. Without it the thread takes its share like any other.
        if let Err(error) = rustix::process::setpriority_process(None, NICENESS) {
            debug!("the thread that signs ahead stays as nice as the others: {error}");
        }
        sign(&receiver);
    });
    started.inspect_err(|error| debug!("nothing is signed ahead: {error}")).ok().map(|_| sender)
}

/// Signs pool by pool, each for the newest board, until there is no server any more.
fn sign(receiver: &Receiver<Work>) {
    let mut backlog = Backlog::default();
    let mut newest = Board::default();
    loop {
        let next = match backlog.is_empty() {
            true => match receiver.recv() {
                Ok(work) => Some(work),
                Err(_) => return,
            },
            false => None,
        };
        for Work { board, pools } in next.into_iter().chain(receiver.try_iter()) {
            newest = board;
            pools.into_iter().for_each(|pools| backlog.add(pools));
        }
        let Some((pools, place, signer)) = backlog.take() else { continue };
        if let Some(Err(error)) = pools.get(place).map(|pool| pool.sign_ahead(&newest, &signer, yield_now)) {
            // The publication that needs it tells it as an error.
            debug!("nothing is signed ahead: {error}");
        }
    }
}

/// The pools that wait to be signed: of each zone those of its newest version alone, each once, however often it changes
/// meanwhile.
#[derive(Default)]
struct Backlog(BTreeMap<ZoneId, Waiting>);

/// Pools of one zone.
struct Waiting {
    pools: BoundPools,
    signer: Arc<PoolSigner>,
    /// The places of those that wait.
    places: BTreeSet<usize>,
}

impl Backlog {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn add(&mut self, SignedPools { zone, pools, places, signer }: SignedPools) {
        let places = BTreeSet::from_iter(places);
        match self.0.get_mut(&zone) {
            Some(waiting) if Arc::ptr_eq(&waiting.pools, &pools) => {
                waiting.places.extend(places);
                waiting.signer = signer;
            }
            Some(_) | None => {
                self.0.insert(zone, Waiting { pools, signer, places });
            }
        }
    }

    /// The next pool that is to be signed, by its place, and by whom; a zone leaves with its last.
    fn take(&mut self) -> Option<(BoundPools, usize, Arc<PoolSigner>)> {
        let mut zone = self.0.first_entry()?;
        let waiting = zone.get_mut();
        let (pools, signer) = (Arc::clone(&waiting.pools), Arc::clone(&waiting.signer));
        let place = waiting.places.pop_first();
        if waiting.places.is_empty() {
            zone.remove();
        }
        Some((pools, place?, signer))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;
    use crate::dnssec::{
        Algorithm, DenialKind, Key, Pair, Period, SEP, Signing, Time, Timing, ZONE_KEY, ZoneKeys,
    };

    fn signer() -> Arc<PoolSigner> {
        let (public, secret) = Pair::generate(Algorithm::Ed25519, ZONE_KEY | SEP).unwrap();
        let pair = Pair::new(&public, &secret).unwrap();
        let key = Key::new("lab.example.".parse().unwrap(), public, pair, Timing::ALWAYS);
        let now = Time::parse("20261201120000").unwrap();
        let keys = ZoneKeys::new([key]).unwrap().in_effect(now).unwrap();
        let validity = Period::at(now, 0).validity();
        PoolSigner::new(Signing { keys, validity, denial: DenialKind::Nsec }).into()
    }

    fn work(zone: &str, pools: &BoundPools, places: &[usize], signer: &Arc<PoolSigner>) -> SignedPools {
        let zone = zone.parse::<Name>().unwrap().into();
        SignedPools { zone, pools: Arc::clone(pools), places: places.to_vec(), signer: Arc::clone(signer) }
    }

    #[test]
    fn of_each_zone_the_pools_of_the_newest_version_wait_each_once() {
        let (signer, next_signer) = (signer(), signer());
        let [first, second, other]: [BoundPools; 3] = std::array::from_fn(|_| Arc::from([]));
        let mut backlog = Backlog::default();
        for _ in 0..1_000 {
            backlog.add(work("lab.example.", &first, &[0, 1, 2], &signer));
            backlog.add(work("other.example.", &other, &[7], &signer));
        }
        backlog.add(work("lab.example.", &second, &[0, 1], &signer));
        // They flip meanwhile, and a key is rolled.
        backlog.add(work("lab.example.", &second, &[1, 3], &next_signer));
        let mut taken = Vec::new();
        while let Some((pools, place, signer)) = backlog.take() {
            taken.push((pools.as_ptr(), place, Arc::as_ptr(&signer)));
        }
        let of_lab = |place| (second.as_ptr(), place, Arc::as_ptr(&next_signer));
        let of_other = (other.as_ptr(), 7, Arc::as_ptr(&signer));
        assert_eq!(taken, [of_lab(0), of_lab(1), of_lab(3), of_other]);
        assert!(backlog.is_empty());
        assert_eq!(Arc::strong_count(&first), 1, "nothing keeps what was replaced");
    }
}
