//! The task of one selector: lists, watches, keeps.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::time::{sleep, sleep_until, timeout};
use tracing::{info, warn};

use super::roster::Roster;
use super::status::SharedStatus;
use crate::http_client::Endpoint;
use crate::kubernetes::{Access, Client, Error, Listed, Selector, Watched};
use crate::tls::Random;
use crate::zones::kept_members;
use crate::zones::settings::ClusterSettings;

/// Longest silence of a watch. API servers end one after less, and send bookmarks before.
const SILENCE_MAX: Duration = Duration::from_secs(330);

/// A watch of which nothing comes is one that stands when it has not ended for so long.
const STANDING: Duration = Duration::from_secs(1);

/// How long a change waits for the next one: what comes together is read together.
const GATHERING: Duration = Duration::from_millis(100);

/// How soon a lost API server is asked again, at first and at most.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// When it is tried again to write what could not be written.
const SAVING_RETRY: Duration = Duration::from_secs(60);

/// What a task begins with.
pub(super) struct MembersTask {
    pub(super) settings: Arc<ClusterSettings>,
    pub(super) selector: Selector,
    /// Where members are kept.
    pub(super) folder: PathBuf,
    pub(super) status: SharedStatus,
    pub(super) random: Arc<Random>,
    /// Called when zones are to be read again.
    pub(super) members_changed: Arc<dyn Fn() + Send + Sync>,
}

/// The members as they are followed.
struct Following {
    task: MembersTask,
    client: Client,
    roster: Roster,
    /// From where they are watched; none: all are to be listed.
    version: Option<String>,
    /// The text that is kept.
    kept: Option<String>,
    /// When it is tried again to keep another one.
    not_before: Option<Instant>,
    /// Whether an API server has said something of use since it was asked last.
    was_heard: bool,
}

impl MembersTask {
    /// Turns until it is ended.
    pub(super) async fn run(self) {
        let client = Client::new(self.settings.access.clone());
        let roster = Roster::default();
        let mut following = Following {
            task: self,
            client,
            roster,
            version: None,
            kept: None,
            not_before: None,
            was_heard: false,
        };
        following.begin().await;
        following.follow().await;
    }
}

impl Following {
    /// Takes what was kept, with which zones were read.
    async fn begin(&mut self) {
        let (folder, selector) = (self.task.folder.clone(), self.task.selector.clone());
        let read = tokio::task::spawn_blocking(move || kept_members::read(&folder, &selector)).await;
        let text = match read {
            Ok(Ok(text)) => text.unwrap_or_default(),
            Ok(Err(error)) => {
                warn!("the last known members of {} cannot be read: {error}", self.task.selector);
                Vec::new()
            }
            Err(_) => Vec::new(),
        };
        self.roster = Roster::kept(kept_members::members(&text));
        self.kept = String::from_utf8(text).ok().filter(|text| !text.is_empty());
        self.tell();
        self.name_servers();
    }

    /// Follows the cluster, whatever becomes of it.
    async fn follow(&mut self) {
        let mut retry = RETRY_MIN;
        loop {
            self.was_heard = false;
            match self.follow_once().await {
                // As watches do: it goes on from where it was.
                Error::Ended => {}
                // Listed after a pause: a server that says nothing else is not asked over and over.
                Error::Gone => self.version = None,
                error => {
                    if matches!(error, Error::Malformed(_)) {
                        self.version = None;
                    }
                    // One after the other, and then a pause.
                    if !self.client.turn() {
                        continue;
                    }
                    self.tell_ill(&error.to_string());
                }
            }
            if self.was_heard {
                retry = RETRY_MIN;
            }
            // Servers that have lost one API server do not come back at once; a number below 64 fits.
            let part = u32::try_from(self.task.random.next() % 64).unwrap_or_default();
            sleep(retry.saturating_mul(64 + part) / 64).await;
            retry = retry.saturating_mul(2).min(RETRY_MAX);
        }
    }

    async fn follow_once(&mut self) -> Error {
        let selector = self.task.selector.clone();
        if self.version.is_none() {
            match self.client.list(&selector).await {
                Ok(Listed { members, version }) => {
                    self.roster.restate(members, Instant::now());
                    self.version = Some(version);
                    self.heard();
                    self.keep().await;
                }
                Err(error) => return error,
            }
        }
        let from = self.version.clone().unwrap_or_default();
        let mut watch = match self.client.watch(&selector, &from).await {
            Ok(watch) => watch,
            Err(error) => return error,
        };
        let mut due: Option<Instant> = None;
        let mut standing = Instant::now().checked_add(STANDING);
        loop {
            let forget = self.task.settings.forget;
            let at = [due, standing, self.roster.next_forgotten(forget), self.not_before];
            let at = at.into_iter().flatten().min();
            tokio::select! {
                biased;
                () = sleep_until(at.unwrap_or_else(Instant::now).into()), if at.is_some() => {
                    due = None;
                    if standing.take_if(|standing| *standing <= Instant::now()).is_some() {
                        self.heard();
                    }
                    for name in self.roster.forget(forget, Instant::now()) {
                        info!("{name} is no member of {selector} any more");
                    }
                    self.keep().await;
                }
                watched = timeout(SILENCE_MAX, watch.next()) => {
                    let version = match watched {
                        Ok(Ok(Watched::There(member, version))) => {
                            self.roster.there(member);
                            version
                        }
                        Ok(Ok(Watched::Gone(member, version))) => {
                            self.roster.gone(&member.name, Instant::now());
                            version
                        }
                        Ok(Ok(Watched::Bookmark(version))) => version,
                        Ok(Err(error)) => {
                            if due.is_some() {
                                self.keep().await;
                            }
                            return error;
                        }
                        Err(_) => return Error::Ended,
                    };
                    self.version = Some(version);
                    standing = None;
                    self.heard();
                    due = due.or_else(|| Instant::now().checked_add(GATHERING));
                }
            }
        }
    }

    /// Has zones read with the members, where others were kept.
    async fn keep(&mut self) {
        self.tell();
        let text = kept_members::text(&self.task.selector, self.roster.members());
        let now = Instant::now();
        if self.kept.as_ref() == Some(&text) {
            self.not_before = None;
            return;
        }
        if self.not_before.is_some_and(|not_before| not_before > now) {
            return;
        }
        let (folder, selector, written) =
            (self.task.folder.clone(), self.task.selector.clone(), text.clone());
        let done =
            tokio::task::spawn_blocking(move || kept_members::write(&folder, &selector, &written)).await;
        match done {
            Ok(Ok(())) => {
                info!("{} has {} members", self.task.selector, self.roster.len());
                self.kept = Some(text);
                self.not_before = None;
                self.name_servers();
                (self.task.members_changed)();
            }
            Ok(Err(error)) => {
                warn!(
                    "cannot store the members of {}: {error}; zones keep those of before",
                    self.task.selector
                );
                self.not_before = now.checked_add(SAVING_RETRY);
            }
            Err(_) => {}
        }
    }

    /// Masters are API servers, too: whoever was configured may be gone.
    fn name_servers(&mut self) {
        if !self.task.selector.is_of_masters() {
            return;
        }
        let Access { endpoints, .. } = &self.task.settings.access;
        let Some(first) = endpoints.first() else { return };
        let (scheme, port) = (first.scheme, first.address.port());
        let of = |ip| Endpoint { scheme, address: SocketAddr::new(ip, port) };
        let mut all = endpoints.clone();
        all.extend(self.roster.addresses().map(of).filter(|one| !endpoints.contains(one)));
        self.client.know(all);
    }

    /// An API server says something.
    fn heard(&mut self) {
        self.was_heard = true;
        let server = self.client.endpoint().map(|endpoint| endpoint.to_string());
        self.task.status.change(|status| {
            if status.fault.take().is_some() {
                info!(
                    "members of {} are heard of again, {}",
                    self.task.selector,
                    server.as_deref().unwrap_or_default()
                );
            }
            status.connected = true;
            status.server = server;
            status.heard_at = Some(SystemTime::now());
        });
    }

    fn tell(&self) {
        let (members, missed) = (self.roster.len(), self.roster.missed());
        self.task.status.change(|status| (status.members, status.missed) = (members, missed));
    }

    /// No API server is heard. It is said once, and stands in the status while it is so.
    fn tell_ill(&self, why: &str) {
        let mut is_news = false;
        self.task.status.change(|status| {
            is_news = status.fault.is_none();
            status.lost = status.lost.saturating_add(u64::from(is_news));
            status.connected = false;
            status.fault = Some(why.to_owned());
        });
        if is_news {
            let (selector, count) = (&self.task.selector, self.roster.len());
            warn!("no API server is heard about {selector}, which stays with {count} members: {why}");
        }
    }
}
