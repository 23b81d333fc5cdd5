//! Publishes what a feed makes: as it came, or signed where the zone is signed here.
//!
//! A signed zone has two that make versions of it: its feed, and the writer that looks at keys and weeks. The lock of the zone
//! is kept by either until what it made is served.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tracing::warn;

use super::settings::FeedSettings;
use crate::zones::last_fault::LastFault;
use crate::zones::live::{LiveZones, SigningKeys, sign_feed};
use crate::zones::publication::{NotPublished, Publications};
use crate::zones::signing::DnssecSettings;
use crate::zones::state::{Event, Fault};
use crate::zones::version::ZoneVersion;
use crate::zones::zone_id::ZoneId;

/// Publishes versions of one zone.
#[derive(Clone)]
pub(in crate::zones) struct FeedPublisher {
    id: ZoneId,
    publications: Publications,
    live: Arc<LiveZones>,
    /// How the zone is signed here; none: it is not.
    dnssec: Option<DnssecSettings>,
    folder: Option<PathBuf>,
    /// Why it cannot be signed, so that it is said once.
    fault: LastFault,
}

/// What becomes of what a feed has made.
enum Way {
    /// It is accepted, and holds for so long.
    Accepted(Option<Duration>),
    /// It takes the place of what is served, and holds as that.
    Changed,
}

impl FeedPublisher {
    pub(in crate::zones) fn new<S>(
        settings: &FeedSettings<S>,
        publications: Publications,
        live: Arc<LiveZones>,
    ) -> FeedPublisher {
        let (id, dnssec) = (settings.zone.id.clone(), settings.zone.dnssec.clone());
        FeedPublisher {
            id,
            publications,
            live,
            dnssec,
            folder: settings.folder.clone(),
            fault: LastFault::default(),
        }
    }

    /// Has something happen to the zone; as [`Publications::apply`].
    pub(in crate::zones) async fn apply(&self, event: Event) -> Result<(), NotPublished> {
        match (event, &self.dnssec) {
            (Event::Accepted { version, holds }, Some(dnssec)) => {
                self.sign(version, dnssec.clone(), Way::Accepted(holds)).await
            }
            (event, _) => self.publications.apply(self.id.clone(), event).await,
        }
    }

    /// Has `version` served, which was made from `base`; as [`Publications::replace`].
    pub(in crate::zones) async fn replace(
        &self,
        base: Arc<ZoneVersion>,
        version: Arc<ZoneVersion>,
    ) -> Result<(), NotPublished> {
        match &self.dnssec {
            None => self.publications.replace(base, version).await,
            Some(dnssec) => self.sign(version, dnssec.clone(), Way::Changed).await,
        }
    }

    /// Whether what was published last could not be signed: it is to be published again.
    pub(in crate::zones) fn is_behind(&self) -> bool {
        self.fault.get().is_some()
    }

    async fn sign(
        &self,
        unsigned: Arc<ZoneVersion>,
        dnssec: DnssecSettings,
        way: Way,
    ) -> Result<(), NotPublished> {
        let (zone, folder) = (self.live.zone(&self.id), self.folder.clone());
        let live = Arc::clone(&zone);
        let opened = tokio::task::spawn_blocking(move || live.open_blocking(folder.as_deref())).await;
        let mut state = opened.map_err(|_| NotPublished::Ending)?;
        let current = self.publications.current(self.id.clone()).await;
        let base = current.clone();
        let signed = tokio::task::spawn_blocking(move || {
            let keys = SigningKeys::Served(&dnssec);
            let signed = sign_feed(&zone, &mut state, base.as_deref(), &unsigned, keys);
            zone.show(&state);
            (signed, state)
        });
        // The lock is kept until what was made is served.
        let (signed, _state) = signed.await.map_err(|_| NotPublished::Ending)?;
        let version = match signed {
            Ok(version) => version.map(Arc::new),
            Err(why) => return self.refuse(why).await,
        };
        self.fault.set(None);
        match (version.or_else(|| current.clone()), way, current) {
            (Some(version), Way::Accepted(holds), _) => {
                self.publications.apply(self.id.clone(), Event::Accepted { version, holds }).await
            }
            (Some(version), Way::Changed, Some(current)) if !Arc::ptr_eq(&version, &current) => {
                self.publications.replace(current, version).await
            }
            (_, Way::Changed, Some(_)) => Ok(()),
            // It has expired meanwhile: its feed brings what is newer.
            (_, Way::Changed, None) => Err(NotPublished::OtherBase(None)),
            (None, Way::Accepted(_), _) => Ok(()),
        }
    }

    /// It cannot be signed: what is served stays, and it is never served unsigned.
    async fn refuse(&self, why: String) -> Result<(), NotPublished> {
        if self.fault.get().as_ref() != Some(&why) {
            warn!(zone = %self.id.name, "zone {} stays as it is: {why}", self.id);
        }
        self.fault.set(Some(why.clone()));
        let event = Event::Refused { fault: Fault::of(why), last_good: None };
        self.publications.apply(self.id.clone(), event).await
    }
}
