//! What becomes of messages that are no plain queries: each kind has its treatment.
//!
//! Responsible for taking them from the workers and for how many are treated at once.
//! Not responsible for what any of them asks for.

use std::pin::Pin;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::answer::{MessageKind, MessageKinds};
use crate::transport::{HandedOver, MessageTaker};

/// Messages treated at once; further ones get no answer, as if they were lost on the way. Each of them is at
/// most 4 KiB, and what a treatment holds besides is bounded by itself.
const TREATED_MAX: usize = 4096;

/// Treats the messages of one kind, each to its end: answers it, or lets it go unanswered.
pub(super) trait Treatment: Send + Sync {
    /// Treats one. Called on a worker: what waits belongs into the future.
    fn treat(&self, message: HandedOver) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Who treats which kind of message. What nobody treats is refused by the workers.
#[derive(Default)]
pub(super) struct Treatments(Vec<(MessageKind, Box<dyn Treatment>)>);

/// Takes messages from the workers, and has them treated on a runtime.
pub(super) struct Dispatcher {
    handle: Handle,
    treatments: Treatments,
    room: Arc<Semaphore>,
}

impl Dispatcher {
    /// Has messages treated on the runtime of `handle`.
    pub(super) fn new(handle: Handle, treatments: Treatments) -> Self {
        Self { handle, treatments, room: Arc::new(Semaphore::new(TREATED_MAX)) }
    }

    /// The kinds that are treated, for the snapshot.
    pub(super) fn kinds(&self) -> MessageKinds {
        self.treatments.0.iter().map(|(kind, _)| *kind).collect()
    }
}

impl MessageTaker for Dispatcher {
    fn take(&self, message: HandedOver) {
        let Some((_, treatment)) = self.treatments.0.iter().find(|(kind, _)| *kind == message.kind) else {
            return;
        };
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else { return };
        let treated = treatment.treat(message);
        self.handle.spawn(async move {
            treated.await;
            drop(room);
        });
    }
}
