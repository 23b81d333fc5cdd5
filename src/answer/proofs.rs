//! Writes the records that prove what an answer says there is not (RFC 4035, section 3.1.3; RFC 5155, section 7.2).
//!
//! On the way of answers with signatures only. Allocates nothing.

use super::chain::{Chain, ChainEntry};
use super::compiled_zone::CompiledZone;
use super::denial::{Denial, order_key, parts_of, split_record};
use super::hashed_name::HashedName;
use super::lookup::closest;
use super::pointer::OWN;
use super::response_writer::ResponseWriter;
use super::signed_template::Proof;
use crate::dns::compression::{POINTER_BITS, POINTER_MAX};
use crate::dns::message::{HEADER_BYTES, Section};
use crate::dns::{OrderKey, Rtype};
use crate::dnssec::{HASH_BYTES, Nsec3Hash};

/// Most records of one answer that are remembered, so that each is there once: three for a name, and a few names on the way
/// of aliases. One that is not remembered is there twice.
const REMEMBERED_MAX: usize = 12;

/// Proofs that are written into one answer.
pub(super) struct Proofs<'z> {
    compiled: &'z CompiledZone,
    denial: &'z Denial,
    /// The QNAME is so many bytes longer than the apex.
    beyond_apex: usize,
    /// What is there already, by address.
    written: [usize; REMEMBERED_MAX],
    count: usize,
    /// What is written in place of the record of the same owner.
    substitute: Option<&'z [u8]>,
}

impl<'z> Proofs<'z> {
    pub(super) fn new(compiled: &'z CompiledZone, denial: &'z Denial, beyond_apex: usize) -> Self {
        Self { compiled, denial, beyond_apex, written: [0; REMEMBERED_MAX], count: 0, substitute: None }
    }

    /// Has the owner of this be denied by it from now on, and not by its record in the zone.
    pub(super) fn substitute(&mut self, value: &'z [u8]) {
        self.substitute = Some(value);
    }

    /// Proves something of a name that lies in the zone.
    pub(super) fn prove(&mut self, proof: Proof, name: &HashedName, response: &mut ResponseWriter<'_>) {
        match self.denial {
            Denial::Nothing => {}
            Denial::Nsec(chain) => self.by_nsec(chain, proof, name, response),
            Denial::Nsec3(chain, hash) => self.by_nsec3(chain, hash, proof, name, response),
        }
    }

    /// The record before a name denies it, or says what types it has; it is its own where it has one.
    fn by_nsec(
        &mut self,
        chain: &'z Chain,
        proof: Proof,
        name: &HashedName,
        response: &mut ResponseWriter<'_>,
    ) {
        let apex_labels = self.compiled.apex_labels();
        let own = order_key(name, name.labels(), apex_labels);
        self.put(chain.at_or_before(own.as_bytes()), response);
        match proof {
            Proof::NoData | Proof::Expansion => {}
            Proof::NxDomain | Proof::WildcardNoData => {
                let wildcard = order_key(name, self.encloser(name), apex_labels).below(b"*");
                self.put(chain.at_or_before(wildcard.as_bytes()), response);
            }
        }
    }

    fn by_nsec3(
        &mut self,
        chain: &'z Chain,
        hash: &Nsec3Hash,
        proof: Proof,
        name: &HashedName,
        response: &mut ResponseWriter<'_>,
    ) {
        let labels = name.labels();
        match proof {
            Proof::NoData => match chain.get(&hash_of(hash, name, labels)) {
                Some(own) => self.put(Some(own), response),
                // A delegation that opts out, or a name that only leads to such (RFC 5155, section 7.2.4).
                None => {
                    self.put_enclosing(chain, hash, name, labels.saturating_sub(1), response);
                }
            },
            Proof::Expansion => {
                let next = hash_of(hash, name, self.encloser(name).saturating_add(1));
                self.put(chain.at_or_before(&next), response);
            }
            Proof::NxDomain | Proof::WildcardNoData => {
                let encloser = self.put_enclosing(chain, hash, name, self.encloser(name), response);
                let wildcard = hash.of(&[b"\x01*", name.suffix(encloser)]);
                self.put(chain.at_or_before(&wildcard), response);
            }
        }
    }

    /// Proves that a name of at most `labels` labels encloses a name, and that the one below it does not exist (RFC 5155,
    /// section 7.2.1). Returns how many labels it has: where names opt out, fewer than the closest that exists.
    fn put_enclosing(
        &mut self,
        chain: &'z Chain,
        hash: &Nsec3Hash,
        name: &HashedName,
        labels: usize,
        response: &mut ResponseWriter<'_>,
    ) -> usize {
        let mut labels = labels;
        let found = loop {
            match chain.get(&hash_of(hash, name, labels)) {
                None if labels > self.compiled.apex_labels() => labels = labels.wrapping_sub(1),
                found => break found,
            }
        };
        self.put(found, response);
        self.put(chain.at_or_before(&hash_of(hash, name, labels.saturating_add(1))), response);
        labels
    }

    /// Labels of the closest name above that exists.
    fn encloser(&self, name: &HashedName) -> usize {
        closest(self.compiled, name).map_or(self.compiled.apex_labels(), |(_, labels)| labels)
    }

    /// Writes the records of an entry, unless they are there already.
    fn put(&mut self, entry: Option<ChainEntry<'z>>, response: &mut ResponseWriter<'_>) {
        let Some(entry) = entry else { return };
        let other = self.substitute.map(|value| ChainEntry { value, ..entry });
        let is_of_owner =
            |other: &ChainEntry<'z>| owner_of(other).is_some_and(|owner| Some(owner) == owner_of(&entry));
        let entry = other.filter(is_of_owner).unwrap_or(entry);
        let address = entry.value.as_ptr().addr();
        if self.written.iter().take(self.count).any(|own| *own == address) {
            return;
        }
        if let Some(place) = self.written.get_mut(self.count) {
            *place = address;
            self.count = self.count.wrapping_add(1);
        }
        self.put_entry(entry, response);
    }

    /// Writes all records of an entry under their own name.
    fn put_entry(&self, entry: ChainEntry<'_>, response: &mut ResponseWriter<'_>) {
        let Some((labels, mut rest)) = parts_of(&entry) else { return };
        let mut owner_at: Option<u16> = None;
        while let Some((record, after)) = split_record(rest) {
            match owner_at.filter(|at| *at <= POINTER_MAX) {
                Some(at) => response.message.put(&(POINTER_BITS | at).to_be_bytes()),
                None => {
                    owner_at = u16::try_from(response.message.position()).ok();
                    self.put_owner(labels, response);
                }
            }
            response.message.put(record);
            response.message.count(Section::Authority, 1);
            rest = after;
        }
    }

    /// Writes labels in front of the apex, which stands in the question.
    fn put_owner(&self, labels: &[u8], response: &mut ResponseWriter<'_>) {
        response.message.put(labels);
        if self.compiled.apex_labels() == 0 {
            response.message.put(&[0]);
        } else {
            // A name has 255 bytes at most.
            let at = u16::try_from(HEADER_BYTES.saturating_add(self.beyond_apex)).unwrap_or(0);
            response.message.put(&(POINTER_BITS | at).to_be_bytes());
        }
    }

    /// By what the record of a suffix of a name is found.
    pub(super) fn key_of(&self, name: &HashedName, labels: usize) -> OrderKey {
        order_key(name, labels, self.compiled.apex_labels())
    }

    /// Answers the QNAME with the NSEC record of a name, and that with its signatures where they are wanted. How many
    /// records that is.
    pub(super) fn answer_nsec(
        &self,
        key: &OrderKey,
        parts: NsecParts,
        response: &mut ResponseWriter<'_>,
    ) -> u16 {
        let Denial::Nsec(chain) = self.denial else { return 0 };
        let Some((_, mut rest)) = chain.get(key.as_bytes()).as_ref().and_then(parts_of) else { return 0 };
        let mut count = 0_u16;
        while let Some((record, after)) = split_record(rest) {
            let is_signature = record.starts_with(&Rtype::RRSIG.0.to_be_bytes());
            if matches!(
                (parts, is_signature),
                (NsecParts::All, _) | (NsecParts::Record, false) | (NsecParts::Signatures, true)
            ) {
                response.message.put(&OWN);
                response.message.put(record);
                count = count.wrapping_add(1);
            }
            rest = after;
        }
        response.message.count(Section::Answer, count);
        count
    }
}

/// What of a NSEC record and its signatures.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum NsecParts {
    All,
    Record,
    Signatures,
}

/// The labels of the owner of an entry before the apex.
fn owner_of<'c>(entry: &ChainEntry<'c>) -> Option<&'c [u8]> {
    parts_of(entry).map(|(labels, _)| labels)
}

fn hash_of(hash: &Nsec3Hash, name: &HashedName, labels: usize) -> [u8; HASH_BYTES] {
    hash.of(&[name.suffix(labels)])
}
