//! Pools in answers with signatures: their records with what signs them, and what says that one is empty.
//!
//! On the way of answers with signatures only. Allocates nothing.

use super::authority::Authority;
use super::client::Client;
use super::compiled_zone::{CompiledZone, SignedZone};
use super::denial::ttl_of;
use super::hashed_name::HashedName;
use super::lookup::{Found, search_again};
use super::proofs::Proofs;
use super::response_writer::ResponseWriter;
use super::signed_template::{Proof, SignedTemplate};
use super::template::PoolRef;
use crate::dns::NameRef;
use crate::dns::message::{Rcode, Section};

/// What the pools of one section came to.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SignedPooled {
    /// What there is to write is written.
    Records,
    /// The last record from a pool is an alias that is to be followed.
    Alias,
    /// This one gives nothing: NODATA. A type exists by one pool at most in a zone that is signed here.
    Empty(PoolRef),
    /// One wants SERVFAIL.
    Fails,
}

impl<'z> Authority<'z> {
    /// Writes the records of pools in one section with their signatures, each under the owner that `owner` gives for it.
    pub(super) fn put_signed_pools<O: AsRef<[u8]>>(
        &self,
        section: Section,
        (rng, client): (&mut u64, &Client<'_>),
        signed: &SignedTemplate<'_>,
        response: &mut ResponseWriter<'_>,
        owner: impl Fn(PoolRef, &ResponseWriter<'_>) -> O,
    ) -> SignedPooled {
        for at in signed.own.pools().filter(|at| at.section == section) {
            let Some(pool) = self.zone.pools.get(at.pool) else { continue };
            let pool = pool.for_client(client.peer(), self.host);
            let owner = owner(at, response);
            let is_optional = section == Section::Additional && !signed.own.is_referral();
            if is_optional && pool.signed_bytes_max(owner.as_ref().len()) > response.message.room() {
                continue;
            }
            match (section, response.put_signed_pool(at, owner.as_ref(), pool, rng, client)) {
                (Section::Answer, Some(0)) => return SignedPooled::Empty(at),
                (Section::Answer, Some(_)) if at.is_followed => return SignedPooled::Alias,
                (Section::Answer, None) => {
                    fail(response);
                    return SignedPooled::Fails;
                }
                (Section::Answer | Section::Authority | Section::Additional, _) => {}
            }
        }
        SignedPooled::Records
    }
}

/// What says that a pool is empty.
pub(super) struct EmptyPool<'z> {
    compiled: &'z CompiledZone,
    ttl: u32,
}

impl<'z> EmptyPool<'z> {
    /// Of the pool at a place. None where nothing denies its type, which is a fault: then the answer is SERVFAIL.
    pub(super) fn new(
        compiled: &'z CompiledZone,
        at: PoolRef,
        proofs: &mut Proofs<'z>,
        response: &mut ResponseWriter<'_>,
    ) -> Option<Self> {
        let denial = compiled.pool_denial(at.pool);
        let Some((denial, ttl)) = denial.and_then(|denial| Some((denial, ttl_of(denial)?))) else {
            fail(response);
            return None;
        };
        proofs.substitute(denial);
        Some(Self { compiled, ttl })
    }

    /// Writes the SOA record with its signatures, for as short a time as what denies the type.
    pub(super) fn put_soa(&self, signed: &SignedZone, beyond_apex: usize, response: &mut ResponseWriter<'_>) {
        let from = response.message.position();
        Authority::put_signed_negative(signed, beyond_apex, response);
        response.lower_ttls(from, self.ttl);
    }

    /// Proves that the owner of the pool, an existing name or one that a wildcard makes, has no records of its type.
    pub(super) fn prove(
        &self,
        owner: NameRef<'_>,
        name: &mut HashedName,
        proofs: &mut Proofs<'z>,
        response: &mut ResponseWriter<'_>,
    ) {
        name.set(owner);
        let proof = match search_again(self.compiled, name) {
            Found::Wildcard(..) => Proof::WildcardNoData,
            Found::Exact(_) | Found::Cut(..) | Found::Dname(..) | Found::NxDomain => Proof::NoData,
        };
        proofs.prove(proof, name, response);
    }
}

/// Takes back all that was written: SERVFAIL.
pub(super) fn fail(response: &mut ResponseWriter<'_>) {
    response.message.clear();
    response.rcode = Rcode::SERVFAIL;
    response.authoritative = false;
}
