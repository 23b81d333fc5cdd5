//! NOTIFY messages: what zones that are copied make of them is the response.

use std::pin::Pin;

use tracing::debug;

use super::dispatcher::Treatment;
use crate::transport::HandedOver;
use crate::zones::Secondaries;

/// Has zones that are copied hear of what has changed.
pub(super) struct NotifyTreatment {
    secondaries: Secondaries,
}

impl NotifyTreatment {
    /// For the zones of `secondaries`.
    pub(super) fn new(secondaries: Secondaries) -> NotifyTreatment {
        NotifyTreatment { secondaries }
    }
}

impl Treatment for NotifyTreatment {
    fn treat(&self, message: HandedOver) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let secondaries = self.secondaries.clone();
        Box::pin(async move {
            let from = message.peer.address;
            let response = secondaries.hear(&message.message, &message.requester());
            let Some(response) = response else { return };
            if let Err(error) = message.answer(&response) {
                debug!("cannot answer a NOTIFY from {from}: {error}");
            }
        })
    }
}
