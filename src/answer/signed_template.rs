//! What an answer to one type has more where signatures are wanted. HOT where it is read.
//!
//! ```text
//! signed | proofs_len | shared | signatures_len | template with its own bytes | proofs …
//! proof  | kind | name …
//! ```
//!
//! It begins with `shared` bytes of the template that is answered without signatures, and goes on with its own. So the
//! records themselves are there once. The counts are those of the whole. Its own bytes begin with the signatures of the
//! answer section; those that may be left out are addresses, or glue.
//!
//! Denials are not in it: they are found at the query, since the record that denies a name changes with names beside it.

use super::template::{ANY_OTHER, DNAME_BELOW, ResponseTemplate, TemplateBuilder, TooLarge};
use crate::dns::{Name, NameRef};

/// What is to be proven of a name (RFC 4035, section 3.1.3; RFC 5155, section 7.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proof {
    /// It exists, and the type does not.
    NoData,
    /// It does not exist, and no wildcard makes it.
    NxDomain,
    /// It does not exist, so that a wildcard makes it.
    Expansion,
    /// It does not exist, and the wildcard that makes it does not have the type.
    WildcardNoData,
}

impl Proof {
    fn number(self) -> u8 {
        match self {
            Proof::NoData => 0,
            Proof::NxDomain => 1,
            Proof::Expansion => 2,
            Proof::WildcardNoData => 3,
        }
    }

    fn of(number: u8) -> Proof {
        match number {
            0 => Proof::NoData,
            1 => Proof::NxDomain,
            2 => Proof::Expansion,
            _ => Proof::WildcardNoData,
        }
    }
}

const HEAD_BYTES: usize = 6;

/// What a template has more where signatures are wanted. A view.
#[derive(Clone, Copy)]
pub(super) struct SignedTemplate<'b> {
    /// Its own bytes, with the counts of the whole.
    pub(super) own: ResponseTemplate<'b>,
    /// So many bytes of the other template come first.
    pub(super) shared: usize,
    /// So many of its own bytes sign the answer section.
    signatures: usize,
    proofs: &'b [u8],
}

impl<'b> SignedTemplate<'b> {
    /// Nothing more.
    pub(super) const NONE: SignedTemplate<'static> =
        SignedTemplate { own: ResponseTemplate::NONE, shared: 0, signatures: 0, proofs: &[] };

    /// The one at the front of `bytes`, and what follows it.
    pub(super) fn read(bytes: &'b [u8]) -> Option<(SignedTemplate<'b>, &'b [u8])> {
        let (head, rest) = bytes.split_first_chunk::<HEAD_BYTES>()?;
        let [p0, p1, s0, s1, g0, g1] = *head;
        let (own, rest) = ResponseTemplate::read(rest)?;
        let (proofs, after) = rest.split_at_checked(usize::from(u16::from_le_bytes([p0, p1])))?;
        let shared = usize::from(u16::from_le_bytes([s0, s1]));
        let signatures = usize::from(u16::from_le_bytes([g0, g1]));
        Some((SignedTemplate { own, shared, signatures, proofs }, after))
    }

    /// The records that sign its answer section, whose owners are pointers to the QNAME unless it is an alias.
    pub(super) fn signatures(&self) -> &'b [u8] {
        self.own.bytes().get(..self.signatures).unwrap_or_default()
    }

    /// How many these are.
    pub(super) fn signature_count(&self) -> u16 {
        let mut rest = self.signatures();
        let mut count = 0_u16;
        // Owner, type, class and TTL, then the length of the data.
        while let Some((&[.., high, low], behind)) = rest.split_first_chunk::<12>() {
            rest = behind.get(usize::from(u16::from_be_bytes([high, low]))..).unwrap_or_default();
            count = count.wrapping_add(1);
        }
        count
    }

    /// Whether it answers with an RRset of its own node.
    pub(super) fn is_of_rrset(&self) -> bool {
        !matches!(self.own.qtype(), ANY_OTHER | DNAME_BELOW)
    }

    /// What is to be proven of names that its aliases lead to, or of a zone cut.
    pub(super) fn proofs(&self) -> impl Iterator<Item = (Proof, NameRef<'b>)> + use<'b> {
        let mut rest = self.proofs;
        std::iter::from_fn(move || {
            let (kind, behind) = rest.split_first()?;
            let (name, after) = NameRef::split_from(behind).ok()?;
            rest = after;
            Some((Proof::of(*kind), name))
        })
    }
}

/// One that is being made, at load.
#[derive(Debug, Default)]
pub(super) struct SignedTemplateBuilder {
    pub(super) own: TemplateBuilder,
    pub(super) shared: usize,
    pub(super) signatures: usize,
    pub(super) proofs: Vec<(Proof, Name)>,
}

impl SignedTemplateBuilder {
    /// Appends it to `out`, which is left as it was on an error.
    pub(super) fn write(&self, out: &mut Vec<u8>) -> Result<(), TooLarge> {
        let short = |length: usize| u16::try_from(length).map_err(|_| TooLarge::Answer);
        let mut proofs = Vec::new();
        for (proof, name) in &self.proofs {
            proofs.push(proof.number());
            proofs.extend_from_slice(name.as_ref().wire());
        }
        let head = [short(proofs.len())?, short(self.shared)?, short(self.signatures)?];
        let before = out.len();
        head.iter().for_each(|field| out.extend_from_slice(&field.to_le_bytes()));
        if let Err(cause) = self.own.write(out) {
            out.truncate(before);
            return Err(cause);
        }
        out.extend_from_slice(&proofs);
        Ok(())
    }
}
