//! UPDATE messages on their way from a worker to the zone's writer or its primaries, and back.

use std::pin::Pin;

use tracing::debug;

use super::dispatcher::Treatment;
use super::updating::UpdateTaker;
use crate::transport::HandedOver;
use crate::update::respond;

impl Treatment for UpdateTaker {
    fn is_wanted(&self) -> bool {
        self.has_zones()
    }

    /// Where a client is known by its address, the key of its message is the primary's business alone.
    fn takes_unverified(&self, message: &HandedOver) -> bool {
        self.primaries_for(&message.message, &message.requester()).is_some()
    }

    fn treat(&self, message: HandedOver) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let taker = self.clone();
        Box::pin(async move {
            let requester = message.requester();
            let client = requester.address;
            let Some(primaries) = taker.primaries_for(&message.message, &requester) else {
                let replied = taker.treat(&message.message, message.mac(), &requester).await;
                let update = message.message.clone();
                let response = respond(&update, replied.result.as_ref().err());
                send(client, response, |response| message.answer(response));
                return taker.tell_replied(&update, &requester, &replied);
            };
            let from = (&requester, message.peer.transport);
            match taker.pass_on(message.as_received(), from, &primaries).await {
                Ok(response) => send(client, Some(response), |response| message.pass_back(response)),
                Err(response) => send(client, response, |response| message.answer(response)),
            }
        })
    }
}

/// Sends a response, if there is one. Whoever asked may have gone, and asks again if not.
fn send(
    client: std::net::IpAddr,
    response: Option<Vec<u8>>,
    send: impl FnOnce(&[u8]) -> std::io::Result<()>,
) {
    if let Some(Err(error)) = response.map(|response| send(&response)) {
        debug!("a response to {client} was not sent: {error}");
    }
}
