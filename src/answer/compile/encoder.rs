//! Encodes records into templates: owners and RDATA in wire form with compressed names, at load.
//!
//! Decides which pointers of a template move with the QNAME. Which records it has is worked out by
//! `sections`.

#![allow(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "runs at load, on checked zones"
)]

use super::super::signed_template::SignedTemplateBuilder;
use super::super::template::{PoolRef, TemplateBuilder, TemplateFlags, TooLarge};
use super::sections::{Ending, Owner, Records, SectionEntry, Sections};
use std::sync::Arc;

use crate::dns::compression::{POINTER_BITS, POINTER_MAX, QNAME_POINTER};
use crate::dns::message::{HEADER_BYTES, Section};
use crate::dns::name::NAME_BYTES_MAX;
use crate::dns::{NameRef, Rtype, Ttl, rdata};
use crate::zone::{ANSWER_BYTES_MAX, NodeKind, POOLS_MAX, Pool, Rrset};

/// Most bytes of a template with additional addresses: those that would make it longer are left out. They are
/// optional, and a client that needs them can ask for them.
const ADDITIONAL_BYTES_MAX: usize = 48 * 1024;

/// Bytes of a record before its RDATA, its owner in a pointer.
const RECORD_BYTES: usize = 12;

/// A name can be pointed to up to here, however much longer the QNAME is (RFC 1035, section 4.1.4: 14 bits).
const POINTED_MAX: usize = POINTER_MAX as usize - NAME_BYTES_MAX;

/// Whether the QNAME may be longer than the name a template is made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum QnameLength {
    /// It is that name.
    Exact,
    /// It is that name or one below it.
    Longer,
}

/// What is added at the query.
pub(super) struct AtQuery<'z> {
    /// The zone's pools.
    pub(super) pools: &'z [Arc<Pool>],
    /// Length of the SOA record of negative answers.
    pub(super) negative_bytes: usize,
}

/// The state of a template, to go back to.
struct Mark {
    bytes: usize,
    fixups: usize,
    pools: usize,
    pool_bytes: usize,
    names: usize,
    counts: [u16; 3],
}

/// Writes templates made for one name.
pub(super) struct Encoder<'b> {
    base: NameRef<'b>,
    length: QnameLength,
    template: TemplateBuilder,
    /// Names that can be pointed to: lower-case wire form and offset in the message.
    names: Vec<(Vec<u8>, u16)>,
}

impl<'b> Encoder<'b> {
    pub(super) fn new(base: NameRef<'b>, length: QnameLength) -> Self {
        Self { base, length, template: TemplateBuilder::default(), names: Vec::new() }
    }

    /// The template of a type.
    pub(super) fn template(
        mut self,
        qtype: u16,
        sections: &Sections<'_>,
        at_query: &AtQuery<'_>,
    ) -> Result<TemplateBuilder, TooLarge> {
        self.question();
        self.template.qtype = qtype;
        let mut pooled = false;
        let mut plain = false;
        for entry in &sections.answer {
            pooled |= matches!(entry.records, Records::Pool(_));
            plain |= matches!(entry.records, Records::Rrset(set) if is_final(set.rtype(), qtype));
            self.entry(Section::Answer, entry, at_query)?;
        }
        self.mark_alias(sections);
        sections.authority.iter().try_for_each(|entry| self.entry(Section::Authority, entry, at_query))?;
        let negative = pooled || sections.ending == Ending::Negative;
        let behind = self.template.pool_bytes.max(if negative { at_query.negative_bytes } else { 0 });
        if self.template.bytes.len() + behind > ANSWER_BYTES_MAX {
            return Err(TooLarge::Answer);
        }
        self.template.additional_at = sections.authority.is_empty().then_some(self.template.bytes.len());
        self.additional(sections, at_query);
        let mut flags = TemplateFlags::new(sections.rcode);
        if sections.authoritative {
            flags = flags.authoritative();
        }
        if sections.ending == Ending::Negative {
            flags = flags.negative();
        }
        if pooled && !plain {
            flags = flags.pooled();
        }
        if sections.repeats {
            flags = flags.repeating();
        }
        self.template.set_flags(flags);
        Ok(self.template)
    }

    /// Has the alias that a pool gives followed, where the answer ends with it.
    fn mark_alias(&mut self, sections: &Sections<'_>) {
        if sections.ending == Ending::PoolAlias
            && let Some(alias) = self.template.pools.last_mut()
        {
            alias.is_followed = true;
        }
    }

    /// What the template of a type, made of the same sections, has more where signatures are wanted.
    pub(super) fn signed(
        mut self,
        template: &TemplateBuilder,
        sections: &Sections<'_>,
        at_query: &AtQuery<'_>,
    ) -> Result<SignedTemplateBuilder, TooLarge> {
        self.question();
        self.template.qtype = template.qtype;
        sections.answer.iter().try_for_each(|entry| self.entry(Section::Answer, entry, at_query))?;
        self.mark_alias(sections);
        let from = self.template.bytes.len();
        let of_pools = self.template.pool_bytes + pool_signature_bytes(&sections.answer);
        sections.answer.iter().try_for_each(|entry| self.signatures(Section::Answer, entry))?;
        let signatures = self.template.bytes.len() - from;
        for entry in sections.authority.iter().chain(&sections.delegation) {
            self.entry(Section::Authority, entry, at_query)?;
            self.signatures(Section::Authority, entry)?;
        }
        let negative = if sections.ending == Ending::Negative { at_query.negative_bytes } else { 0 };
        if self.template.bytes.len() + negative.max(of_pools) > ANSWER_BYTES_MAX {
            return Err(TooLarge::Answer);
        }
        let required = self.template.bytes.len();
        self.signed_additional(sections, at_query);
        let alike = |(one, other): &(&u8, &u8)| one == other;
        let shared = template.bytes.iter().zip(&self.template.bytes).take_while(alike).count().min(from);
        // What is not shared is behind it.
        self.template.additional_at = Some(required - shared);
        self.template.bytes.drain(..shared);
        let own = self.template;
        Ok(SignedTemplateBuilder { own, shared, signatures, proofs: sections.proofs.clone() })
    }

    /// Adds addresses with their signatures, where they fit. What proves something is written in front of them at the
    /// query, so that their pointers lead to what is in front of that: all their owners are names of records there.
    fn signed_additional(&mut self, sections: &Sections<'_>, at_query: &AtQuery<'_>) {
        let known = self.names.len();
        let is_referral = !sections.authority.is_empty();
        let most = if is_referral { ANSWER_BYTES_MAX } else { ADDITIONAL_BYTES_MAX };
        for entry in &sections.additional {
            let before = self.mark();
            let mut added = self.entry(Section::Additional, entry, at_query);
            added = added.and_then(|()| self.signatures(Section::Additional, entry));
            self.names.truncate(known);
            if added.is_err() || self.template.bytes.len() > most {
                self.take_back(&before);
            }
        }
    }

    /// The signatures of an entry, if it has some.
    fn signatures(&mut self, section: Section, entry: &SectionEntry<'_>) -> Result<(), TooLarge> {
        let Records::Rrset(rrset) = entry.records else { return Ok(()) };
        let signatures = entry.node.signatures(rrset.rtype());
        for rdata in signatures.into_iter().flat_map(|signatures| signatures.rdatas()) {
            self.owner(&entry.owner)?;
            self.fixed(Rtype::RRSIG, rrset.ttl());
            self.whole(rdata)?;
            self.count(section)?;
        }
        Ok(())
    }

    /// RDATA as it is, with its length: names in signatures are not compressed (RFC 4034, section 3.1.7).
    fn whole(&mut self, rdata: &[u8]) -> Result<(), TooLarge> {
        let length = u16::try_from(rdata.len()).map_err(|_| TooLarge::Answer)?;
        self.template.bytes.extend_from_slice(&length.to_be_bytes());
        self.template.bytes.extend_from_slice(rdata);
        Ok(())
    }

    /// Adds the addresses that fit. Those of a referral are glue, which is sent whole (RFC 9471, section 3).
    fn additional(&mut self, sections: &Sections<'_>, at_query: &AtQuery<'_>) {
        let is_referral = !sections.authority.is_empty();
        let most = if is_referral { ANSWER_BYTES_MAX } else { ADDITIONAL_BYTES_MAX };
        for entry in &sections.additional {
            let before = self.mark();
            let added = self.entry(Section::Additional, entry, at_query);
            if added.is_err() || self.template.bytes.len() + self.template.pool_bytes > most {
                self.take_back(&before);
            }
        }
    }

    fn mark(&self) -> Mark {
        let TemplateBuilder { bytes, fixups, pools, pool_bytes, counts, .. } = &self.template;
        Mark {
            bytes: bytes.len(),
            fixups: fixups.len(),
            pools: pools.len(),
            pool_bytes: *pool_bytes,
            names: self.names.len(),
            counts: *counts,
        }
    }

    /// Takes back what was written since.
    fn take_back(&mut self, mark: &Mark) {
        self.template.bytes.truncate(mark.bytes);
        self.template.fixups.truncate(mark.fixups);
        self.template.pools.truncate(mark.pools);
        self.template.pool_bytes = mark.pool_bytes;
        self.template.counts = mark.counts;
        self.names.truncate(mark.names);
    }

    /// A template of one record whose RDATA stays in full, as DNAME's must (RFC 6672, section 2.5).
    pub(super) fn record(
        mut self,
        qtype: u16,
        rtype: Rtype,
        ttl: Ttl,
        rdata: &[u8],
    ) -> Result<TemplateBuilder, TooLarge> {
        self.question();
        self.template.qtype = qtype;
        self.name(self.base, Compress::Yes)?;
        self.fixed(rtype, ttl);
        let length = u16::try_from(rdata.len()).map_err(|_| TooLarge::Answer)?;
        self.template.bytes.extend_from_slice(&length.to_be_bytes());
        self.template.bytes.extend_from_slice(rdata);
        self.template.counts[0] = 1;
        Ok(self.template)
    }

    /// What a template of one record has more where signatures are wanted.
    pub(super) fn signed_record(
        mut self,
        template: &TemplateBuilder,
        ttl: Ttl,
        signatures: Option<Rrset<'_>>,
    ) -> Result<SignedTemplateBuilder, TooLarge> {
        self.question();
        self.template.qtype = template.qtype;
        let shared = template.bytes.len();
        self.template.fixups = template.fixups.clone();
        self.template.counts = template.counts;
        // As if the record stood there, for the places of pointers.
        self.template.bytes = template.bytes.clone();
        for rdata in signatures.into_iter().flat_map(|signatures| signatures.rdatas()) {
            self.name(self.base, Compress::Yes)?;
            self.fixed(Rtype::RRSIG, ttl);
            self.whole(rdata)?;
            self.count(Section::Answer)?;
        }
        self.template.bytes.drain(..shared);
        let signatures = self.template.bytes.len();
        Ok(SignedTemplateBuilder { own: self.template, shared, signatures, proofs: Vec::new() })
    }

    /// The SOA record of negative answers with its signatures, counted; as [`Encoder::negative`].
    pub(super) fn signed_negative(
        self,
        ttl: Ttl,
        rdata: &[u8],
        signatures: Option<Rrset<'_>>,
    ) -> Result<TemplateBuilder, TooLarge> {
        let base = self.base;
        let mut encoder = Encoder::new(base, self.length);
        encoder.question();
        encoder.template = self.negative(ttl, rdata)?;
        encoder.count(Section::Authority)?;
        for rdata in signatures.into_iter().flat_map(|signatures| signatures.rdatas()) {
            encoder.name(base, Compress::Yes)?;
            encoder.fixed(Rtype::RRSIG, ttl);
            encoder.whole(rdata)?;
            encoder.count(Section::Authority)?;
        }
        Ok(encoder.template)
    }

    /// The SOA record of negative answers: it may follow anything in a message, so its pointers lead into the
    /// question only.
    pub(super) fn negative(mut self, ttl: Ttl, rdata: &[u8]) -> Result<TemplateBuilder, TooLarge> {
        self.question();
        let known = self.names.len();
        self.name(self.base, Compress::Yes)?;
        self.fixed(Rtype::SOA, ttl);
        self.rdata(Rtype::SOA, rdata, |encoder| encoder.names.truncate(known))?;
        Ok(self.template)
    }

    /// The question's name can be pointed to, with all its suffixes.
    fn question(&mut self) {
        let mut name = Some(self.base);
        let whole = self.base.wire().len();
        while let Some(suffix) = name.filter(|name| !name.is_root()) {
            let at = HEADER_BYTES + whole - suffix.wire().len();
            self.remember(suffix.to_lowercase(), at);
            name = suffix.parent();
        }
    }

    /// Remembers that a name begins at `at`, if a pointer reaches that far.
    fn remember(&mut self, lower: Vec<u8>, at: usize) {
        if let Ok(at) = u16::try_from(at)
            && usize::from(at) <= POINTED_MAX
        {
            self.names.push((lower, at));
        }
    }

    fn entry(
        &mut self,
        section: Section,
        entry: &SectionEntry<'_>,
        at_query: &AtQuery<'_>,
    ) -> Result<(), TooLarge> {
        match &entry.records {
            Records::Pool(pool) => {
                let (owner, is_moved) = self.pointer_to(&entry.owner).ok_or(TooLarge::Owner)?;
                if self.template.pools.len() >= POOLS_MAX {
                    return Err(TooLarge::Pools);
                }
                let records = at_query.pools.get(pool.index()).map_or(0, |pool| pool.answer_bytes_max());
                self.template.pool_bytes += records;
                let pool = pool.number();
                let is_delegated = matches!(entry.node.kind(), NodeKind::ZoneCut | NodeKind::Occluded);
                let pool = PoolRef { pool, owner, section, is_moved, is_followed: false, is_delegated };
                self.template.pools.push(pool);
            }
            Records::Cname(ttl, target) => {
                self.owner(&entry.owner)?;
                self.fixed(Rtype::CNAME, *ttl);
                self.rdata(Rtype::CNAME, target.as_ref().wire(), |_| {})?;
                self.count(section)?;
            }
            Records::Rrset(rrset) => {
                for rdata in rrset.rdatas() {
                    self.owner(&entry.owner)?;
                    self.fixed(rrset.rtype(), rrset.ttl());
                    self.rdata(rrset.rtype(), rdata, |_| {})?;
                    self.count(section)?;
                }
            }
        }
        Ok(())
    }

    fn count(&mut self, section: Section) -> Result<(), TooLarge> {
        let count = &mut self.template.counts[section as usize];
        *count = count.checked_add(1).ok_or(TooLarge::Answer)?;
        Ok(())
    }

    fn owner(&mut self, owner: &Owner<'_>) -> Result<(), TooLarge> {
        match owner.name() {
            None => self.template.bytes.extend_from_slice(&QNAME_POINTER.to_be_bytes()),
            Some(name) => self.name(name, Compress::Yes)?,
        }
        Ok(())
    }

    /// A pointer for an owner whose records are added at the query. Such an owner was always written before:
    /// it is the question's or the target of a record above. None when that is too far behind to be pointed
    /// to.
    fn pointer_to(&self, owner: &Owner<'_>) -> Option<(u16, bool)> {
        let Some(name) = owner.name() else { return Some((QNAME_POINTER, false)) };
        let lower = name.to_lowercase();
        let (_, at) = self.names.iter().find(|(known, _)| *known == lower)?;
        Some((POINTER_BITS | at, self.length == QnameLength::Longer))
    }

    fn fixed(&mut self, rtype: Rtype, ttl: Ttl) {
        self.template.bytes.extend_from_slice(&rtype.0.to_be_bytes());
        self.template.bytes.extend_from_slice(&[0, 1]);
        self.template.bytes.extend_from_slice(&ttl.seconds().to_be_bytes());
    }

    /// RDATA with its length; `after_name` is called after each name.
    fn rdata(&mut self, rtype: Rtype, rdata: &[u8], after_name: impl Fn(&mut Self)) -> Result<(), TooLarge> {
        let length_at = self.template.bytes.len();
        self.template.bytes.extend_from_slice(&[0, 0]);
        let mut copied = 0;
        for inner in rdata::names(rtype, rdata) {
            self.template.bytes.extend_from_slice(&rdata[copied..inner.at]);
            self.name(inner.name, if inner.compressible { Compress::Yes } else { Compress::No })?;
            after_name(self);
            copied = inner.at + inner.name.wire().len();
        }
        self.template.bytes.extend_from_slice(&rdata[copied..]);
        let length =
            u16::try_from(self.template.bytes.len() - length_at - 2).map_err(|_| TooLarge::Answer)?;
        self.template.bytes[length_at..length_at + 2].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// A name, with a pointer to its longest suffix that is in the message already; what is written can be
    /// pointed to from then on.
    fn name(&mut self, name: NameRef<'_>, compress: Compress) -> Result<(), TooLarge> {
        let start = HEADER_BYTES + self.base.wire().len() + 4;
        let mut rest = Some(name);
        while let Some(suffix) = rest.filter(|suffix| !suffix.is_root()) {
            let lower = suffix.to_lowercase();
            let known = self.names.iter().find(|(known, _)| *known == lower).map(|&(_, at)| at);
            match (known, compress) {
                (Some(at), Compress::Yes) => return self.pointer(at),
                (Some(_), Compress::No) => {}
                (None, Compress::Yes | Compress::No) => {
                    self.remember(lower, start + self.template.bytes.len());
                }
            }
            let label = usize::from(suffix.wire()[0]) + 1;
            self.template.bytes.extend_from_slice(&suffix.wire()[..label]);
            rest = suffix.parent();
        }
        self.template.bytes.push(0);
        Ok(())
    }

    fn pointer(&mut self, at: u16) -> Result<(), TooLarge> {
        if self.length == QnameLength::Longer {
            self.template
                .fixups
                .push(u16::try_from(self.template.bytes.len()).map_err(|_| TooLarge::Answer)?);
        }
        self.template.bytes.extend_from_slice(&(POINTER_BITS | at).to_be_bytes());
        Ok(())
    }
}

/// Whether a name may be compressed in its record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Compress {
    Yes,
    No,
}

/// Bytes of the signatures of pools: as many, and as long, as those of the NSEC record beside them.
fn pool_signature_bytes(entries: &[SectionEntry<'_>]) -> usize {
    let pooled = entries.iter().filter(|entry| matches!(entry.records, Records::Pool(_)));
    let signatures = pooled.filter_map(|entry| entry.node.signatures(Rtype::NSEC));
    signatures.flat_map(|set| set.rdatas()).map(|rdata| RECORD_BYTES + rdata.len()).sum()
}

/// Whether records of a type end a chain for a QTYPE.
fn is_final(rtype: Rtype, qtype: u16) -> bool {
    rtype.0 == qtype || (qtype == Rtype::ANY.0 && rtype != Rtype::CNAME)
}
