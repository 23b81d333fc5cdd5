//! The task of one zone whose records are keys of etcd: follows the store, whatever becomes of it.
//!
//! Responsible for knowing what the store says, and for when that is served and kept. Not responsible for what is served of it
//! (`serving`), or for which member is asked (`crate::etcd`).

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::time::sleep_until;
use tracing::{debug, info};

use super::beats::Beats;
use super::gathering::Gathering;
use super::leases::learn_leases;
use super::serving::{Begins, EtcdZone, Serving};
use super::settings::BYTES_MAX;
use crate::etcd::{Access, Client, Error, Mark, Watch, read_all};
use crate::tls::Random;
use crate::zones::publication::NotPublished;

/// How often a watch is made anew of which nothing has come though the store has moved on.
const WATCH_AGE_MAX: Duration = Duration::from_secs(60);

/// How soon a lost store is asked again, at first and at most.
const RETRY_MIN: Duration = Duration::from_millis(200);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// How often it is noted that what is kept holds.
const CONFIRMING: Duration = Duration::from_secs(60);

/// What a task is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// What waits to be accepted is.
    Accept,
}

/// What a task begins with.
pub(super) struct EtcdTask {
    pub(super) zone: EtcdZone,
    pub(super) begins: Begins,
    pub(super) random: Arc<Random>,
}

/// Why the store is followed no more.
enum Ended {
    /// It is lost.
    Lost(Error),
    /// What has happened since is not known: all keys must be read.
    Missed,
    /// Nobody wants the zone any more.
    Over,
}

impl From<Error> for Ended {
    fn from(error: Error) -> Ended {
        match error {
            Error::Compacted => Ended::Missed,
            error if error.is_too_long() => Ended::Missed,
            error => Ended::Lost(error),
        }
    }
}

impl From<NotPublished> for Ended {
    fn from(_: NotPublished) -> Ended {
        Ended::Over
    }
}

/// The zone as it is followed.
struct Following {
    serving: Serving,
    random: Arc<Random>,
    orders: mpsc::Receiver<Order>,
    client: Client,
    /// When it was noted last that what is kept holds.
    noted: Option<Instant>,
}

impl EtcdTask {
    /// Turns until nobody can give orders any more: that is the end of the server, or of the zone.
    pub(super) async fn run(self, orders: mpsc::Receiver<Order>) {
        let EtcdTask { zone, begins, random } = self;
        let client = Client::new(zone.settings.source.access.clone());
        let mut following = Following { serving: Serving::new(zone), random, orders, client, noted: None };
        following.serving.begin(&begins).await;
        following.follow().await;
        following.serving.finish().await;
    }
}

impl Following {
    /// Follows the store, whatever becomes of it.
    async fn follow(&mut self) {
        let mut retry = RETRY_MIN;
        loop {
            let begun = Instant::now();
            let ended = self.follow_once().await;
            self.serving.disconnected();
            match ended {
                Ended::Over => return,
                Ended::Missed => {
                    // Read after a pause: a store whose watch says nothing else is not read over and over.
                    debug!("zone {}: etcd has compacted what was not heard", self.serving.id());
                    self.serving.forget_mark();
                }
                Ended::Lost(error) => {
                    self.client.turn();
                    if self.serving.tell_ill(error.to_string()).await.is_err() {
                        return;
                    }
                }
            }
            if begun.elapsed() > RETRY_MAX {
                retry = RETRY_MIN;
            }
            // Servers that have lost one store at once do not come back at once; a number below 64 fits.
            let part = u32::try_from(self.random.next() % 64).unwrap_or_default();
            let pause = retry.saturating_mul(64 + part) / 64;
            retry = retry.saturating_mul(2).min(RETRY_MAX);
            if self.pause(pause).await.is_err() {
                return;
            }
        }
    }

    /// Waits, and hears orders meanwhile.
    async fn pause(&mut self, pause: Duration) -> Result<(), NotPublished> {
        let end = Instant::now() + pause;
        loop {
            self.serving.keep();
            let saving_due = self.serving.saving_due();
            tokio::select! {
                order = self.orders.recv() => match order {
                    Some(Order::Accept) => self.serving.publish_accepted().await?,
                    None => return Err(NotPublished::Ending),
                },
                () = self.serving.kept() => {}
                () = until(saving_due) => {}
                () = sleep_until(end.into()) => return Ok(()),
            }
        }
    }

    /// Reads what is to be read, and follows what changes from there.
    async fn follow_once(&mut self) -> Ended {
        let watch = match self.catch_up().await {
            Ok(watch) => watch,
            Err(ended) => return ended,
        };
        if let Err(ended) = self.confirm().await {
            return ended;
        }
        self.serving.keep();
        self.turn(watch).await
    }

    /// Knows the keys at a revision, and watches from there.
    async fn catch_up(&mut self) -> Result<Watch, Ended> {
        let prefix = self.prefix();
        let now = self.client.mark(&prefix).await?;
        let (mark, id) = (self.serving.mark(), self.serving.id());
        if let Some(known) = mark
            && known.cluster == now.cluster
            && known.term <= now.term
            && known.revision <= now.revision
        {
            let watch = self.client.watch(&prefix, known.revision.saturating_add(1)).await?;
            // The first that comes may be that it is not known any more; nothing is confirmed before that.
            self.serving.note(Mark { term: now.term, ..known }, self.member());
            return Ok(watch);
        }
        if let Some(known) =
            mark.filter(|known| known.cluster != now.cluster || known.revision > now.revision)
        {
            info!(
                "zone {id}: etcd is another store than it was, or was restored: from revision {} to {}",
                known.revision, now.revision
            );
        }
        let (mark, all) = read_all(&mut self.client, &prefix, BYTES_MAX).await?;
        let count = all.len();
        self.serving.restate(all).await?;
        self.serving.note(mark, self.member());
        debug!("zone {id}: {count} keys at revision {} of etcd", mark.revision);
        Ok(self.client.watch(&prefix, mark.revision.saturating_add(1)).await?)
    }

    /// Follows the store from where the keys are known.
    async fn turn(&mut self, mut watch: Watch) -> Ended {
        // The member that is watched is asked, and no other: it is the one that may be cut off or dead.
        let endpoints = self.client.endpoint().into_iter().collect();
        let access = Access { endpoints, ..self.serving.settings().source.access.clone() };
        let mut beats = Beats::start(access, self.prefix());
        let mut gathering = Gathering::default();
        let mut watched_since = Instant::now();
        loop {
            let due = gathering.due();
            let saving_due = self.serving.saving_due();
            let ended = tokio::select! {
                biased;
                order = self.orders.recv() => match order {
                    Some(Order::Accept) => self.serving.publish_accepted().await.err().map(Ended::from),
                    None => Some(Ended::Over),
                },
                () = until(due) => {
                    let begun = Instant::now();
                    let ended = self.publish_changes().await.err();
                    gathering.published(begun, Instant::now());
                    ended
                }
                watched = watch.next() => match watched {
                    Ok(watched) => {
                        let now = Instant::now();
                        if !watched.changes.is_empty() {
                            gathering.heard(now);
                        }
                        self.serving.take(watched, self.member());
                        watched_since = now;
                        None
                    }
                    Err(error) => Some(error.into()),
                },
                beat = beats.next() => match beat {
                    Ok(mark) if watched_since.elapsed() > WATCH_AGE_MAX && self.is_behind(mark) => {
                        watched_since = Instant::now();
                        self.watch_anew(&mut watch).await.err()
                    }
                    Ok(mark) => self.heard(mark).await.err(),
                    Err(error) => Some(Ended::Lost(error)),
                },
                () = self.serving.kept() => None,
                () = until(saving_due) => None,
            };
            if let Some(ended) = ended {
                // What a lease bounds waits until that can be asked for.
                let is_known = self.serving.keys().is_some_and(|keys| !keys.has_unknown_leases());
                if gathering.due().is_some() && is_known && self.serving.publish().await.is_err() {
                    return Ended::Over;
                }
                return ended;
            }
            self.serving.keep();
        }
    }

    /// The store says where it stands.
    async fn heard(&mut self, now: Mark) -> Result<(), Ended> {
        let Some(known) = self.serving.mark() else { return Err(Ended::Missed) };
        if known.cluster != now.cluster || now.term < known.term || now.revision < known.revision {
            info!("zone {}: etcd is another store than it was, or was restored", self.serving.id());
            return Err(Ended::Missed);
        }
        self.serving.note(Mark { term: now.term, ..known }, self.member());
        self.confirm_again().await
    }

    /// Watches from where the keys are known, in place of a watch that has said nothing for long though the store has
    /// moved on.
    async fn watch_anew(&mut self, watch: &mut Watch) -> Result<(), Ended> {
        let from = self.serving.mark().map_or(0, |mark| mark.revision);
        match self.client.watch(&self.prefix(), from.saturating_add(1)).await {
            Ok(anew) => *watch = anew,
            // The one that stands goes on: nothing is known to be wrong with it.
            Err(Error::Compacted) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    /// Whether the store has gone on while nothing was heard of it.
    fn is_behind(&self, now: Mark) -> bool {
        self.serving.mark().is_some_and(|known| known.revision < now.revision)
    }

    /// What is known is what the store says.
    async fn confirm(&mut self) -> Result<(), Ended> {
        self.publish_changes().await?;
        self.confirm_again().await
    }

    /// Has served what the store says, with what leases say of it.
    async fn publish_changes(&mut self) -> Result<(), Ended> {
        if let Some(keys) = self.serving.keys() {
            learn_leases(&mut self.client, keys).await?;
        }
        Ok(self.serving.publish().await?)
    }

    async fn confirm_again(&mut self) -> Result<(), Ended> {
        let is_served = self.serving.connected(&self.member().unwrap_or_default());
        if is_served && self.noted.is_none_or(|noted| noted.elapsed() >= CONFIRMING) {
            self.noted = Some(Instant::now());
            self.serving.note_kept();
        }
        Ok(self.serving.accept_again().await?)
    }

    /// The member that is asked.
    fn member(&self) -> Option<String> {
        self.client.endpoint().map(|endpoint| endpoint.to_string())
    }

    fn prefix(&self) -> Vec<u8> {
        self.serving.settings().source.prefix().into_bytes()
    }
}

/// Waits until then; for ever, where there is no such moment.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment.into()).await,
        None => pending().await,
    }
}
