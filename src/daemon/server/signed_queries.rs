//! Plain queries that are signed: answered from the zones as any other, and signed.
//!
//! They are answered off the workers: whoever signs asks seldom, and a signature costs more than an answer. Names
//! outside our zones are refused to them: what an upstream says cannot be signed for.

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::answer::{
    Counters, MessageKinds, Peer, Readers, Reply, Snapshot, Transport, WorkerContext, respond,
};
use crate::dns::message::MESSAGE_BYTES_MAX;
use crate::sync::lock;

/// Answers plain queries off the workers.
pub(super) struct SignedQueries {
    readers: Readers,
    context: Mutex<Context>,
}

struct Context {
    worker: WorkerContext,
    out: Box<[u8]>,
}

impl SignedQueries {
    /// Answers what `readers` show; `seed` starts random numbers.
    pub(super) fn new(readers: Readers, seed: u64) -> Self {
        // These queries were counted when they were handed over.
        let worker = WorkerContext::new(Arc::new(Counters::default()), seed);
        let out = vec![0; MESSAGE_BYTES_MAX].into_boxed_slice();
        Self { readers, context: Mutex::new(Context { worker, out }) }
    }

    /// The response to a query, as long as it is.
    pub(super) fn answer(&self, peer: Peer, query: &[u8]) -> Option<Vec<u8>> {
        let reader = self.readers.reader();
        let snapshot = Snapshot {
            limit: None,
            forward: None,
            handed_over: MessageKinds::default(),
            ..reader.held().clone()
        };
        // As over a stream: what is too long is cut where the signature is known.
        let unbounded = Peer { transport: Transport::Tcp, ..peer };
        let mut context = lock(&self.context);
        let Context { worker, out } = &mut *context;
        worker.set_now(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO));
        match respond(&snapshot, worker, unbounded, query, out) {
            Reply::Send { len } | Reply::ForwardTail { len } => out.get(..len).map(<[u8]>::to_vec),
            Reply::Drop | Reply::Forward | Reply::HandOver(_) => None,
        }
    }
}
