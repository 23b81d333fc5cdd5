//! Signs what pools answer: each set of records once in a period, whoever asks for it again.
//!
//! A selector that answers one member has a signature for each of them, up or not: no verdict makes another one. What
//! answers several has one for each set that came about. Signatures are kept by the digest of what they sign, as those of a
//! zone are, so that a flip back makes none.

use std::collections::HashSet;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};

use tracing::error;

use super::canonical;
use super::denial_kind::DenialRecord;
use super::pair::PairError;
use super::pool_rules::{answers_one_and_several, is_signed};
use super::rrsig::{Made, SignedRrset, rrsig};
use super::shelf::{KeptSignature, Shelf, SignedDigest};
use super::sign::Signing;
use crate::dns::{Name, NameRef, Rtype, Ttl};
use crate::sync::{in_parallel, lock};
use crate::zone::{Pool, Zone};

/// Sets for each pool whose signatures are kept before the older half of them goes: with six members all that there are, at
/// some 150 bytes each.
const SETS_KEPT: usize = 64;

/// Pools that a thread signs at a time.
const POOLS_AT_A_TIME: usize = 64;

/// Signs what the pools of a zone answer, with its keys in one period.
pub struct PoolSigner {
    signing: Signing,
    signatures: Mutex<Signatures>,
}

/// Signatures that were made.
#[derive(Default)]
struct Signatures {
    /// Of what pools may answer whatever the verdicts are.
    standing: Shelf,
    /// Of sets that came about or may come about next: some thousands, or [`SETS_KEPT`] for each pool; then the older half
    /// goes.
    others: Shelf,
}

/// What says that the owner of a pool has no records of its type: its NSEC or NSEC3 record, signed,
/// without that type.
///
/// All other types of the owner are in it, those of pools that answer nothing either, so that it holds whatever the verdicts
/// on them are. Who has seen it asks again when its TTL is over, which is at most that of the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PoolDenial {
    /// Its owner: that of the pool, or a hash of it.
    pub owner: Name,
    /// Its type.
    pub rtype: Rtype,
    /// Its TTL.
    pub ttl: Ttl,
    /// Its RDATA.
    pub rdata: Vec<u8>,
    /// RDATA of the RRSIG records that cover it.
    pub signatures: Vec<Box<[u8]>>,
}

impl PoolSigner {
    /// Signs with these.
    pub fn new(signing: Signing) -> Self {
        Self { signing, signatures: Mutex::default() }
    }

    /// How many signatures were made and not found.
    pub fn made(&self) -> u64 {
        let signatures = lock(&self.signatures);
        signatures.standing.made() + signatures.others.made()
    }

    /// All signatures, in no order.
    pub fn signatures(&self) -> Vec<KeptSignature> {
        let signatures = lock(&self.signatures);
        signatures.standing.signatures().chain(signatures.others.signatures()).collect()
    }

    /// Takes in signatures that were made before the start, in the same period.
    pub fn restore(&self, signatures: impl IntoIterator<Item = KeptSignature>) {
        lock(&self.signatures).others.add(signatures, 0);
    }

    /// RDATA of the RRSIG records that cover records of one owner and type, each once.
    ///
    /// # Errors
    ///
    /// When no signature comes of a key.
    pub fn sign<'r>(
        &self,
        owner: NameRef<'_>,
        rtype: Rtype,
        ttl: Ttl,
        rdatas: impl Iterator<Item = &'r [u8]>,
    ) -> Result<Vec<Box<[u8]>>, PairError> {
        let made = self.make(owner, rtype, ttl, rdatas)?;
        let new: Vec<&Made> = made.iter().filter(|made| made.is_new).collect();
        if !new.is_empty() {
            let mut signatures = lock(&self.signatures);
            signatures.others.add(new.iter().map(|made| (made.digest, made.signature)), new.len() as u64);
        }
        Ok(made.into_iter().map(|made| made.rdata).collect())
    }

    fn make<'r>(
        &self,
        owner: NameRef<'_>,
        rtype: Rtype,
        ttl: Ttl,
        rdatas: impl Iterator<Item = &'r [u8]>,
    ) -> Result<Vec<Made>, PairError> {
        let set = SignedRrset { owner, rtype, ttl, rdatas: canonical::rdatas(rtype, rdatas) };
        let find = |digest: &SignedDigest| {
            let signatures = lock(&self.signatures);
            signatures.standing.get(digest).or_else(|| signatures.others.get(digest))
        };
        let keys = self.signing.keys.of_zone.iter();
        keys.map(|key| rrsig(&set, key, self.signing.validity, find)).collect()
    }

    /// Signs what pools may answer whatever the verdicts are, on several threads, so that it is found when they are
    /// published. What was signed so for other pools is forgotten.
    ///
    /// # Errors
    ///
    /// When no signature comes of a key.
    pub fn prepare(&self, pools: &[Arc<Pool>], threads: NonZeroUsize) -> Result<(), PairError> {
        let parts: Vec<&[Arc<Pool>]> = pools.chunks(POOLS_AT_A_TIME).collect();
        let made = in_parallel("edgedns-sign", threads.get(), &parts, |pools| {
            let made: Result<Vec<Vec<Made>>, PairError> =
                pools.iter().map(|pool| self.make_standing(pool)).collect();
            Ok(made?.into_iter().flatten().collect())
        });
        let made: Result<Vec<Vec<Made>>, PairError> = made.into_iter().collect();
        let made: Vec<Made> = made?.into_iter().flatten().collect();
        let new = made.iter().filter(|made| made.is_new).count() as u64;
        let mut signatures = lock(&self.signatures);
        signatures.standing.replace(made.into_iter().map(|made| (made.digest, made.signature)), new);
        signatures.others.keep(pools.len().saturating_mul(SETS_KEPT));
        Ok(())
    }

    /// The sets that do not come of verdicts: each member alone, or all of each group.
    fn make_standing(&self, pool: &Pool) -> Result<Vec<Made>, PairError> {
        let (owner, rtype, ttl) = (pool.owner.as_ref(), pool.rtype, pool.ttl);
        let (answers_one, answers_several) = answers_one_and_several(pool);
        let mut made = Vec::new();
        if answers_one {
            let mut seen = HashSet::new();
            for member in pool.groups.iter().flatten().filter(|member| seen.insert(&member.rdata)) {
                made.extend(self.make(owner, rtype, ttl, std::iter::once(&*member.rdata))?);
            }
        }
        if answers_several {
            for group in &pool.groups {
                made.extend(self.make(owner, rtype, ttl, group.iter().map(|member| &*member.rdata))?);
            }
        }
        Ok(made)
    }

    /// What denies the type of each pool that may be empty, with its place in the zone, which is signed.
    pub fn denials(&self, zone: &Zone) -> Vec<(usize, PoolDenial)> {
        let denial = |(place, pool): (usize, &Arc<Pool>)| Some((place, self.denial(zone, pool)?));
        zone.pools().iter().enumerate().filter_map(denial).collect()
    }

    fn denial(&self, zone: &Zone, pool: &Pool) -> Option<PoolDenial> {
        if !pool.may_be_empty() {
            return None;
        }
        let node = zone.node(zone.find(pool.owner.as_ref())?);
        if !is_signed(node) {
            return None;
        }
        let (denial, ttl) = self.signing.denial.record_without(zone, node, pool.rtype)?;
        let DenialRecord { owner, rtype, rdata } = denial;
        let ttl = ttl.min(pool.ttl);
        match self.sign(owner.as_ref(), rtype, ttl, std::iter::once(&rdata[..])) {
            Ok(signatures) => Some(PoolDenial { owner, rtype, ttl, rdata, signatures }),
            Err(error) => {
                error!(
                    "`{}` is answered SERVFAIL while it is empty: it cannot be signed: {error}",
                    pool.owner
                );
                None
            }
        }
    }
}

/// The same where the same signatures come of it.
impl PartialEq for PoolSigner {
    fn eq(&self, other: &Self) -> bool {
        self.signing == other.signing
    }
}

impl Eq for PoolSigner {}

impl fmt::Debug for PoolSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PoolSigner(until {})", self.signing.validity.expiration)
    }
}
