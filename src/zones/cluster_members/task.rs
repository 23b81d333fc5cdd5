//! The task of one selector: lists, watches, keeps.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::time::{sleep, sleep_until, timeout_at};
use tracing::{info, warn};

use super::roster::Roster;
use super::status::ClusterMembersStatus;
use crate::http_client::{ENDPOINTS_MAX, Endpoint};
use crate::kubernetes::{Access, Client, Error, Listed, Selector, Watched};
use crate::sync::Shared;
use crate::tls::Random;
use crate::zones::kept_members;
use crate::zones::settings::ClusterSettings;

/// Longest silence of a watch. API servers end one after less, and send bookmarks before.
const SILENCE_MAX: Duration = Duration::from_secs(330);

/// A watch that has not ended for so long is one that stands; and one of which nothing has come for so long has said all
/// that has happened before it began.
const STANDING: Duration = Duration::from_secs(1);

/// So long after it began, a watch that goes on and on has said that as well.
const CATCHING_UP_MAX: Duration = Duration::from_secs(30);

/// How long a change waits for the next one: what comes together is read together.
const GATHERING: Duration = Duration::from_millis(100);

/// How soon a lost API server is asked again, at first and at most.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(10);

/// Once a lost API server was told, the next one that is lost is told after so long at the earliest. Servers that say
/// something of use and nonsense by turns are told no more often.
const TOLD_INTERVAL: Duration = Duration::from_secs(60);

/// When it is tried again to write what could not be written.
const SAVING_RETRY: Duration = Duration::from_secs(60);

/// What a task begins with.
pub(super) struct MembersTask {
    pub(super) settings: Arc<ClusterSettings>,
    pub(super) selector: Selector,
    /// Where members are kept.
    pub(super) folder: PathBuf,
    pub(super) status: Shared<ClusterMembersStatus>,
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
    /// The addresses that are kept, with which zones were read; none: nothing is kept.
    kept: Option<BTreeSet<IpAddr>>,
    /// When it is tried again to keep others.
    not_before: Option<Instant>,
    /// Why they could not be kept, as it was told.
    fault: Option<String>,
    /// Whether a watch has stood since an API server was asked last.
    has_stood: bool,
    /// Whether it was told that no API server is heard, and not yet that one is again; and when it was told last.
    is_told: bool,
    told_at: Option<Instant>,
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
            fault: None,
            has_stood: false,
            is_told: false,
            told_at: None,
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
        let members = kept_members::members(&text);
        let kept = members.iter().flat_map(|member| member.addresses.iter().copied()).collect();
        self.kept = (!text.is_empty()).then_some(kept);
        self.roster = Roster::kept(members, Instant::now());
        self.tell();
        self.name_servers();
    }

    /// Follows the cluster, whatever becomes of it.
    async fn follow(&mut self) {
        let (mut retry, mut failed) = (RETRY_MIN, 0_usize);
        let mut why: Option<Error> = None;
        loop {
            self.has_stood = false;
            let ended = self.follow_once().await;
            if self.has_stood {
                (retry, failed, why) = (RETRY_MIN, 0, None);
            }
            match ended {
                // As watches do: it goes on from where it was.
                Error::Ended => {}
                // Listed after a pause: a server that says nothing else is not asked over and over.
                Error::Gone => self.version = None,
                error => {
                    if matches!(error, Error::Malformed(_)) {
                        self.version = None;
                    }
                    // What a server says counts more than that one is not there.
                    if why.as_ref().is_none_or(|why| matches!(why, Error::Link(_))) {
                        why = Some(error);
                    }
                    // One after the other, and then a pause.
                    self.client.turn();
                    failed += 1;
                    if failed < self.client.servers() {
                        continue;
                    }
                    failed = 0;
                    self.tell_ill(&why.take().map(|why| why.to_string()).unwrap_or_default());
                }
            }
            // Servers that have lost one API server do not come back at once; a number below 64 fits.
            let part = u32::try_from(self.task.random.next() % 64).unwrap_or_default();
            sleep(retry.saturating_mul(64 + part) / 64).await;
            retry = retry.saturating_mul(2).min(RETRY_MAX);
        }
    }

    async fn follow_once(&mut self) -> Error {
        let selector = self.task.selector.clone();
        // What has happened while nobody listened is said first: who is gone by then may be back.
        let mut is_caught_up = self.version.is_none();
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
        self.heard();
        let began = Instant::now();
        let mut due: Option<Instant> = None;
        let mut standing = Some(began + STANDING);
        let mut silent = began + SILENCE_MAX;
        loop {
            let forget = self.task.settings.forget;
            let forgotten = self.roster.next_forgotten(forget).filter(|_| is_caught_up);
            let at = [due, standing, forgotten, self.not_before].into_iter().flatten().min();
            tokio::select! {
                biased;
                () = sleep_until(at.unwrap_or(began).into()), if at.is_some() => {
                    let now = Instant::now();
                    due = due.filter(|due| *due > now);
                    if standing.take_if(|standing| *standing <= now).is_some() {
                        is_caught_up = true;
                        self.stands();
                    }
                    let over = if is_caught_up { self.roster.forget(forget, now) } else { Vec::new() };
                    over.iter().for_each(|name| info!("{name} is no member of {selector} any more"));
                    self.keep().await;
                    if !over.is_empty() && self.roster.left_out() > 0 {
                        // There is room for others now.
                        return Error::Gone;
                    }
                }
                watched = timeout_at(silent.into(), watch.next()) => {
                    let now = Instant::now();
                    let version = match watched {
                        Ok(Ok(watched)) => self.take(watched, now),
                        Ok(Err(error)) => {
                            if due.is_some() {
                                self.keep().await;
                            }
                            return error;
                        }
                        Err(_) => return Error::Ended,
                    };
                    self.version = Some(version);
                    self.heard();
                    silent = now + SILENCE_MAX;
                    standing = standing.map(|_| (now + STANDING).min(began + CATCHING_UP_MAX));
                    due = due.or(Some(now + GATHERING));
                }
            }
        }
    }

    /// Takes in what a watch says; up to where that is known now.
    fn take(&mut self, watched: Watched, now: Instant) -> String {
        match watched {
            Watched::There(member, version) => {
                self.roster.there(member, now);
                version
            }
            Watched::Gone(member, version) => {
                self.roster.gone(&member.name, now);
                version
            }
            Watched::Bookmark(version) => version,
        }
    }

    /// Has zones read with the members, where others were kept. The files that are read again are those that have
    /// changed, and each zone that is made of one of them.
    async fn keep(&mut self) {
        self.tell();
        let now = Instant::now();
        let addresses = self.roster.addresses();
        if self.kept.as_ref() == Some(&addresses) {
            (self.not_before, self.fault) = (None, None);
            return;
        }
        if self.not_before.is_some_and(|not_before| not_before > now) {
            return;
        }
        self.name_servers();
        let text = kept_members::text(&self.task.selector, self.roster.members());
        let (folder, selector) = (self.task.folder.clone(), self.task.selector.clone());
        let done = tokio::task::spawn_blocking(move || kept_members::write(&folder, &selector, &text)).await;
        match done {
            Ok(Ok(())) => {
                info!("{} has {} members", self.task.selector, self.roster.len());
                self.kept = Some(addresses);
                (self.not_before, self.fault) = (None, None);
                (self.task.members_changed)();
            }
            Ok(Err(error)) => {
                self.not_before = now.checked_add(SAVING_RETRY);
                let fault = Some(error.to_string());
                if self.fault != fault {
                    warn!(
                        "cannot store the members of {}: {error}; zones keep those of before",
                        self.task.selector
                    );
                    self.fault = fault;
                }
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
        all.extend(self.roster.addresses().into_iter().map(of).filter(|one| !endpoints.contains(one)));
        all.truncate(ENDPOINTS_MAX);
        self.client.know(all);
    }

    /// An API server says something of use. Whether it goes on doing so is not known yet.
    fn heard(&mut self) {
        let server = self.client.endpoint().map(|endpoint| endpoint.to_string());
        self.task.status.change(|status| {
            status.connected = status.fault.is_none();
            status.server = server;
            status.heard_at = Some(SystemTime::now());
        });
    }

    /// A watch stands.
    fn stands(&mut self) {
        self.has_stood = true;
        self.task.status.change(|status| (status.fault, status.connected) = (None, true));
        if std::mem::take(&mut self.is_told) {
            let server = self.client.endpoint().map(|endpoint| endpoint.to_string()).unwrap_or_default();
            info!("members of {} are heard of again, {server}", self.task.selector);
        }
    }

    fn tell(&self) {
        let (members, missed) = (self.roster.len(), self.roster.missed());
        let left_out = self.roster.left_out();
        let mut are_news = false;
        self.task.status.change(|status| {
            are_news = left_out > 0 && status.left_out == 0;
            (status.members, status.missed, status.left_out) = (members, missed, left_out);
        });
        if are_news {
            let selector = &self.task.selector;
            warn!(
                "{selector} are more than a pool holds: {members} are members, and at least {left_out} are left out"
            );
        }
    }

    /// No API server is heard. It is said once, and stands in the status while it is so.
    fn tell_ill(&mut self, why: &str) {
        self.task.status.change(|status| {
            status.lost = status.lost.saturating_add(u64::from(status.fault.is_none()));
            status.connected = false;
            status.fault = Some(why.to_owned());
        });
        let now = Instant::now();
        let is_soon = self.told_at.is_some_and(|at| now.saturating_duration_since(at) < TOLD_INTERVAL);
        if !self.is_told && !is_soon {
            let (selector, count) = (&self.task.selector, self.roster.len());
            warn!("no API server is heard about {selector}, which stays with {count} members: {why}");
            (self.is_told, self.told_at) = (true, Some(now));
        }
    }
}
