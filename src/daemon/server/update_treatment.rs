//! UPDATE messages on their way from a worker to the zone's writer, and back.

use std::pin::Pin;

use super::dispatcher::Treatment;
use super::updating::UpdateTaker;
use crate::answer::Requester;
use crate::transport::HandedOver;

impl Treatment for UpdateTaker {
    fn is_wanted(&self) -> bool {
        self.has_zones()
    }

    fn treat(&self, message: HandedOver) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let taker = self.clone();
        Box::pin(async move {
            let requester = Requester { address: message.peer.address, key: message.key().cloned() };
            let response = taker.treat(&message.message, message.mac(), requester).await;
            if let Some(response) = response {
                // Whoever asked may have gone, and asks again if not.
                let _ = message.answer(&response);
            }
        })
    }
}
