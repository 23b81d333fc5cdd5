//! The webhook: who is told of changes of verdict now.
//!
//! Not responsible for telling: that is the room `webhook`.

use std::sync::Arc;
use std::time::SystemTime;

use tracing::error;

use crate::control::{ChangeStatus, UtcTime, WebhookStatus};
use crate::webhook::{Outbox, OutboxStatus, Sender, WebhookSettings};
use crate::zones::host_name;

/// Who is told, if somebody is.
pub(super) struct Webhook {
    /// Who tells, whoever is told.
    sender: Arc<Sender>,
    outbox: Option<Outbox>,
}

impl Default for Webhook {
    fn default() -> Self {
        let sender = Sender::new(host_name(), UtcTime(SystemTime::now()).to_string());
        Webhook { sender: Arc::new(sender), outbox: None }
    }
}

impl Webhook {
    /// Tells whom the config names now. Who is told as before goes on being told.
    pub(super) fn follow(&mut self, settings: Option<&WebhookSettings>) {
        if self.outbox.as_ref().map(Outbox::settings) == settings {
            return;
        }
        if let Some(before) = self.outbox.take() {
            tokio::spawn(before.stop());
        }
        self.outbox = settings.map(|settings| Outbox::start(settings.clone(), Arc::clone(&self.sender)));
    }

    /// Tells of a change; waits for nobody.
    pub(super) fn tell(&self, change: &ChangeStatus) {
        let Some(outbox) = &self.outbox else { return };
        match serde_json::to_value(change) {
            Ok(change) => outbox.put(change),
            Err(fault) => error!("a change cannot be told: {fault}"),
        }
    }

    /// How it stands; none: nobody is told.
    pub(super) fn status(&self) -> Option<WebhookStatus> {
        let outbox = self.outbox.as_ref()?;
        let OutboxStatus { told, dropped, failures, waiting, fault } = outbox.status();
        let url = outbox.settings().url.to_string();
        Some(WebhookStatus { url, told, dropped, failures, waiting, error: fault })
    }

    /// Tells what waits, as far as that goes at once.
    pub(super) async fn stop(self) {
        if let Some(outbox) = self.outbox {
            outbox.stop().await;
        }
    }
}
