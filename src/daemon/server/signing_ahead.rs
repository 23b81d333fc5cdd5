//! Signs ahead what pools may answer after the next change of a verdict, on a thread of its own.
//!
//! Responsible for when that is done, and for whose turn it is. A set that is signed here is found by the publication that
//! first answers it, so that the loop signs nothing. Not responsible for which sets that are (`answer`), and nothing waits
//! for it: what is missing is signed when it is published.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, yield_now};

use tracing::debug;

use super::super::served::{BoundPools, SignedPools};
use crate::dnssec::PoolSigner;
use crate::health::Board;

/// Publications that wait at most. Those above it are signed when they are needed.
const WAITING_MAX: usize = 64;

/// The niceness of the thread: beside a worker that never rests it gets a tenth of the core. It also yields behind each
/// signature, as the scheduler lets whoever runs go on for up to three milliseconds, however nice.
const NICENESS: i32 = 10;

/// Where a pool stands: the address of the pools of its version, and its place among them.
type Place = (usize, usize);

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
    let mut waiting: BTreeMap<Place, (BoundPools, Arc<PoolSigner>)> = BTreeMap::new();
    let mut newest = Board::default();
    loop {
        let next = match waiting.is_empty() {
            true => match receiver.recv() {
                Ok(work) => Some(work),
                Err(_) => return,
            },
            false => None,
        };
        for Work { board, pools } in next.into_iter().chain(receiver.try_iter()) {
            newest = board;
            for SignedPools { pools, places, signer } in pools {
                let entry =
                    |place| ((pools.as_ptr().addr(), place), (Arc::clone(&pools), Arc::clone(&signer)));
                waiting.extend(places.into_iter().map(entry));
            }
        }
        let Some(((_, place), (pools, signer))) = waiting.pop_first() else { continue };
        if let Some(Err(error)) = pools.get(place).map(|pool| pool.sign_ahead(&newest, &signer, yield_now)) {
            // The publication that needs it tells it as an error.
            debug!("nothing is signed ahead: {error}");
        }
    }
}
