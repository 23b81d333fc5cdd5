//! What a zone is signed with (DNSSEC): its keys at a time, the period of its signatures, and the signatures that were made.
//!
//! Reads the folder of keys, and makes a signed zone of one that is not. Not responsible for how records are signed
//! (`dnssec`), or for when that is looked at again (`daemon`).

mod clock;
mod served;
mod kept;

use std::fmt;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::SystemTime;

pub use clock::signing_time;
pub(super) use clock::warn_of_clock;
pub(super) use kept::{files as kept_files, forget, path as kept_at};
pub(super) use served::ServedContents;

use tracing::warn;

use crate::dns::Rtype;
use crate::dnssec::{
    self, Chain, DenialKind, Key, KeyFile, KeyFolders, Period, PoolDenial, PoolSigner, Shelf, SignError,
    Signing, Time, ZoneKeys, check_pools, check_pools_of, read_leaving, shift, sign,
};
use crate::source::Diagnostics;
use crate::sync::lock;
use crate::zone::{Changeset, Guarding, NodeId, Record, Zone};
use crate::zones::host_name::host_name;
use crate::zones::zone_id::ZoneId;

/// Threads that sign a zone at most: signing 100,000 names takes 4 s on one core.
const THREADS_MAX: usize = 8;

/// How a zone is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnssecSettings {
    /// The folder with its keys.
    pub keys: PathBuf,
    /// How names and types are denied.
    pub denial: DenialKind,
}

/// What a version is signed with.
#[derive(Clone)]
pub struct ZoneSigning {
    settings: DnssecSettings,
    signing: Signing,
    shelf: Arc<Mutex<Shelf>>,
    folders: Arc<KeyFolders>,
    pools: Arc<PoolSigner>,
    /// With what its shelf began of before the start; none: with nothing.
    restored: Option<Restored>,
}

/// What was kept of before the start, besides signatures.
#[derive(Clone, Copy)]
struct Restored {
    served: Option<ServedContents>,
}

/// Why a zone is not signed anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningFault(String);

impl fmt::Display for SigningFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the zone cannot be signed: {}", self.0)
    }
}

impl std::error::Error for SigningFault {}

/// The same where the same signatures come of it.
impl PartialEq for ZoneSigning {
    fn eq(&self, other: &Self) -> bool {
        self.settings == other.settings && self.signing == other.signing
    }
}

impl fmt::Debug for ZoneSigning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ZoneSigning({}, until {})", self.settings.keys.display(), self.signing.validity.expiration)
    }
}

impl ZoneSigning {
    /// What a zone is signed with at a time. Signatures that were made for `before` are found again. `folders` are what is
    /// known of folders. Without `before`, signatures that were kept in the state directory are found again.
    ///
    /// # Errors
    ///
    /// When its keys cannot be used.
    pub fn read(
        settings: &DnssecSettings,
        zone: &ZoneId,
        now: Time,
        (before, folders): (Option<&ZoneSigning>, &Arc<KeyFolders>),
        state: Option<&Path>,
    ) -> Result<ZoneSigning, SigningFault> {
        let name = zone.name.as_ref();
        let fault = |error: &dyn fmt::Display| SigningFault(error.to_string());
        let files = folders.read(&settings.keys, name).map_err(|error| fault(&error))?;
        if files.is_empty() {
            let folder = settings.keys.display();
            let help = format!("`edgedns dnssec generate {} --keys {folder}` makes one", zone.name);
            return Err(SigningFault(format!("there is no key of it in {folder}; {help}")));
        }
        let keys: Vec<Key> = files.into_iter().map(|KeyFile { key, .. }| key).collect();
        let leaving = read_leaving(&settings.keys, name).map_err(|error| fault(&error))?;
        let keys = ZoneKeys::new(keys).and_then(|keys| keys.leaving(leaving).in_effect(now));
        let keys = keys.map_err(|error| fault(&error))?;
        // The name of the node shifts the periods of its zones. Where it has none, they are signed when those of others are.
        let validity = Period::at(now, shift(name, host_name().as_bytes())).validity();
        let shelf = before.map_or_else(Arc::default, |before| Arc::clone(&before.shelf));
        let (settings, folders, signing) =
            (settings.clone(), Arc::clone(folders), Signing { keys, validity, denial: settings.denial });
        let same = before.filter(|before| before.signing == signing);
        let pools =
            same.map_or_else(|| PoolSigner::new(signing.clone()).into(), |same| Arc::clone(&same.pools));
        let restored = before.and_then(|before| before.restored);
        let mut signing = ZoneSigning { settings, signing, shelf, folders, pools, restored };
        if let (None, Some(state)) = (before, state) {
            signing.restore(state, zone);
        }
        Ok(signing)
    }

    /// Takes in what was kept of the zone, if that is of the same period. What cannot be used is told, and signed anew.
    fn restore(&mut self, state: &Path, zone: &ZoneId) {
        match kept::read(state, zone, self.signing.validity.expiration) {
            Ok(None) => {}
            Ok(Some(kept)) => {
                lock(&self.shelf).restore(kept.of_zone);
                self.pools.restore(kept.of_pools);
                self.restored = Some(Restored { served: kept.served });
            }
            Err(error) => warn!(
                zone = %zone.name,
                "the signatures of zone {zone} that were kept in {} cannot be used: {error}; it is signed anew",
                kept::path(state, zone).display()
            ),
        }
    }

    /// How many signatures were made since the start, for the zone and its pools.
    pub(super) fn made(&self) -> (u64, u64) {
        (lock(&self.shelf).made(), self.pools.made())
    }

    /// When its signatures end.
    pub(super) fn end(&self) -> Time {
        self.signing.validity.expiration
    }

    /// Whether all its signatures are those that were kept.
    pub(super) fn is_as_kept(&self) -> bool {
        self.restored.is_some() && self.made() == (0, 0)
    }

    /// Keeps its signatures in the state directory, and what is served with them. Blocks.
    pub(super) fn keep(&self, state: &Path, zone: &ZoneId, served: Option<ServedContents>) -> io::Result<()> {
        let shelf = lock(&self.shelf);
        // Before they are put together, which takes as much memory as they have.
        kept::are_few_enough(shelf.len())?;
        let of_zone = shelf.signatures().collect();
        drop(shelf);
        let of_pools = self.pools.signatures();
        kept::write(state, zone, self.end(), &kept::Kept { of_zone, of_pools, served })
    }

    /// Whether its zone has the signatures of before the start, all of them: none was made since.
    pub fn is_as_before(&self) -> bool {
        self.restored.is_some() && lock(&self.shelf).made() == 0
    }

    /// Whether this serial was served before the start, and was signed of the same records.
    pub(super) fn has_served(&self, serial: u32, unsigned: &Zone) -> bool {
        let served = self.restored.and_then(|restored| restored.served);
        served.is_some_and(|served| served.serial == serial && served == ServedContents::of(serial, unsigned))
    }

    /// Whether a zone could be signed now, with the time that is seen in this state directory. Reads the folder of keys.
    pub fn is_possible(settings: &DnssecSettings, zone: &ZoneId, state: Option<&Path>) -> bool {
        ZoneSigning::read(settings, zone, signing_time(state), (None, &Arc::default()), None).is_ok()
    }

    /// Whether it is what a zone is signed with by these settings.
    pub(super) fn is_by(&self, settings: &DnssecSettings) -> bool {
        self.settings == *settings
    }

    /// Whether zones with these are signed here in the same way. Other keys and periods come by themselves.
    pub(super) fn are_alike(one: Option<&ZoneSigning>, other: Option<&ZoneSigning>) -> bool {
        one.map(|one| &one.settings) == other.map(|other| &other.settings)
    }

    /// The same at another time; none: the same signatures would come of it.
    ///
    /// # Errors
    ///
    /// When the keys cannot be used.
    pub fn renewed(&self, zone: &ZoneId, now: Time) -> Result<Option<ZoneSigning>, SigningFault> {
        let renewed = ZoneSigning::read(&self.settings, zone, now, (Some(self), &self.folders), None)?;
        Ok((renewed != *self).then_some(renewed))
    }

    /// What it knows of folders of keys.
    pub(super) fn folders(&self) -> &Arc<KeyFolders> {
        &self.folders
    }

    /// Until when its signatures are valid.
    pub fn until(&self) -> SystemTime {
        self.signing.validity.expiration.to_system()
    }

    /// The chain of a zone that it has signed.
    pub(super) fn chain(&self, zone: &Zone) -> Chain {
        Chain::of(zone, self.signing.denial)
    }

    /// What signs the answers of its pools.
    pub fn pools(&self) -> &Arc<PoolSigner> {
        &self.pools
    }

    /// What denies the types of pools of a signed zone, with their places.
    pub(super) fn pool_denials(&self, zone: &Zone) -> Vec<(usize, PoolDenial)> {
        self.pools.denials(zone)
    }

    /// Signs a zone. What `before` has brought into it goes.
    pub(super) fn sign(
        &self,
        mut zone: Zone,
        before: Option<&ZoneSigning>,
        guards: &[Guarding],
    ) -> Result<Zone, SignedFault> {
        let mut found = Diagnostics::default();
        check_pools(&zone, &mut found);
        if found.errors() > 0 {
            return Err(SignedFault::Unsound(found));
        }
        if is_marked(&zone) {
            let brought = before.map_or_else(Vec::new, |before| before.signing.records_of_keys(zone.apex()));
            let stays = |id: NodeId, rtype: Rtype, rdata: &[u8]| {
                let is_brought = |(of, data): &(Rtype, Vec<u8>)| *of == rtype && data == rdata;
                !(rtype.is_of_signing() || id == NodeId::APEX && brought.iter().any(is_brought))
            };
            zone = rebuilt(&zone, guards, stays, &[])?;
        }
        let threads = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(THREADS_MAX);
        let threads = NonZeroUsize::new(threads).unwrap_or(NonZeroUsize::MIN);
        let made = sign(&zone, &self.signing, &mut lock(&self.shelf), threads);
        let made = made.map_err(SignedFault::Signing)?;
        let zone = rebuilt(&zone, guards, |_, _, _| true, &made)?;
        let prepared = self.pools.prepare(zone.pools(), threads);
        prepared.map_err(|error| SignedFault::Signing(SignError::Pair(error)))?;
        Ok(zone)
    }

    /// What is to be changed of a signed zone after changes to these nodes, so that it is signed again.
    pub(super) fn resign(
        &self,
        zone: &Zone,
        touched: impl IntoIterator<Item = NodeId> + Clone,
        chain: &Chain,
    ) -> Result<(Changeset, Chain), SignedFault> {
        let mut found = Diagnostics::default();
        check_pools_of(zone, touched.clone(), &mut found);
        if found.errors() > 0 {
            return Err(SignedFault::Unsound(found));
        }
        let made = dnssec::resign(zone, touched, chain, &self.signing, &mut lock(&self.shelf));
        made.map_err(SignedFault::Signing)
    }
}

/// Why a signed zone does not come about.
pub(super) enum SignedFault {
    /// No signatures.
    Signing(SignError),
    /// The zone is unsound with them.
    Unsound(Diagnostics),
}

/// Whether there are signatures in a zone, or keys.
fn is_marked(zone: &Zone) -> bool {
    let apex = zone.node(NodeId::APEX);
    apex.all_rrsets().any(|rrset| rrset.rtype().is_of_signing() || rrset.rtype() == Rtype::DNSKEY)
}

/// A zone with some of its records, and with others.
fn rebuilt(
    zone: &Zone,
    guards: &[Guarding],
    stays: impl Fn(NodeId, Rtype, &[u8]) -> bool,
    added: &[Record],
) -> Result<Zone, SignedFault> {
    let mut found = Diagnostics::default();
    let origin = zone.node(NodeId::APEX).first_origin().ok_or(SignedFault::Signing(SignError::NoSoa))?;
    let mut builder = zone.to_builder(guards, &origin, stays, &mut found);
    builder.sign_here();
    for Record { owner, rtype, ttl, rdata } in added {
        found.extend(builder.add(owner.as_ref(), *rtype, *ttl, rdata, &origin).err());
    }
    builder.finish(&mut found).ok_or(SignedFault::Unsound(found))
}
