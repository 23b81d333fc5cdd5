//! Where the store stands, asked again and again beside a watch: one that says nothing may be cut off.

use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::etcd::{Access, Client, Error, Mark};
use crate::http_client;

/// How often the store is asked where it stands: so a member that is dead or cut off is noticed.
const BEAT: Duration = Duration::from_secs(5);

/// Asks the store again and again where it stands, beside the watch.
pub(super) struct Beats {
    heard: mpsc::Receiver<Result<Mark, Error>>,
    task: JoinHandle<()>,
}

impl Beats {
    /// Asks for this key from now on.
    pub(super) fn start(access: Access, key: Vec<u8>) -> Beats {
        let (tell, heard) = mpsc::channel(1);
        let task = tokio::spawn(async move {
            let mut client = Client::new(access);
            loop {
                sleep(BEAT).await;
                if tell.send(client.mark(&key).await).await.is_err() {
                    return;
                }
            }
        });
        Beats { heard, task }
    }

    /// What was said next; an error where nothing is.
    pub(super) async fn next(&mut self) -> Result<Mark, Error> {
        self.heard.recv().await.unwrap_or(Err(Error::Link(http_client::Error::TimedOut)))
    }
}

impl Drop for Beats {
    fn drop(&mut self) {
        self.task.abort();
    }
}
