//! Who may update what: `[[zone.update]]`.
//!
//! Nothing is allowed unless a rule says so, and some types never are.

use crate::answer::{Allowed, Requester};
use crate::dns::{NameRef, Rtype};
use crate::pattern::LabelsPattern;

/// The rules of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Each of them allows something.
    pub grants: Vec<Grant>,
}

/// A rule: who may change records of which names and types.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Who; one of them is enough.
    pub allow: Vec<Allowed>,
    /// Owners, relative to the apex.
    pub names: Vec<LabelsPattern>,
    /// Types.
    pub types: TypeGrant,
}

/// The types that a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TypeGrant {
    /// All that are ever updated, but those that hand names on to somebody else: NS below the apex, and DNAME.
    Any,
    /// These.
    Listed(Vec<Rtype>),
}

/// Why a type is never updated; none: it may be, where a rule allows it. NS and SOA are looked at by their owner.
pub fn is_never_updated(rtype: Rtype) -> Option<&'static str> {
    match rtype {
        // SIG and NXT were what RRSIG and NSEC are (RFC 3755).
        Rtype::RRSIG | Rtype::NSEC | Rtype::NSEC3 | Rtype(24 | 30) => {
            Some("updates do not change signatures and denials of existence")
        }
        // CDS and CDNSKEY (RFC 7344).
        Rtype::DNSKEY | Rtype::NSEC3PARAM | Rtype(59 | 60) => Some("keys of the zone come from its operator"),
        Rtype::LUA => Some("LUA records come from the zone file"),
        _ => None,
    }
}

impl Policy {
    /// Whether some rule is about this requester.
    pub fn knows(&self, requester: &Requester) -> bool {
        self.grants.iter().any(|grant| grant.allows(requester))
    }

    /// Whether a rule lets a requester change records of this owner and type; ANY stands for any type that a rule is
    /// about. `apex` is the zone's.
    pub fn permits(
        &self,
        requester: &Requester,
        apex: NameRef<'_>,
        owner: NameRef<'_>,
        rtype: Rtype,
    ) -> bool {
        let relative = owner.label_count().saturating_sub(apex.label_count());
        let labels: Vec<&[u8]> = owner.labels().take(relative).collect();
        let mut grants = self.grants.iter();
        grants
            .any(|grant| grant.types.holds(&labels, rtype) && grant.names(&labels) && grant.allows(requester))
    }
}

impl Grant {
    fn allows(&self, requester: &Requester) -> bool {
        self.allow.iter().any(|allowed| allowed.is(requester))
    }

    fn names(&self, labels: &[&[u8]]) -> bool {
        self.names.iter().any(|pattern| pattern.matches(labels))
    }
}

impl TypeGrant {
    /// Whether it is about this type at a name with these labels before the apex.
    fn holds(&self, labels: &[&[u8]], rtype: Rtype) -> bool {
        match self {
            TypeGrant::Any => rtype != Rtype::DNAME && (rtype != Rtype::NS || labels.is_empty()),
            TypeGrant::Listed(types) => rtype == Rtype::ANY || types.contains(&rtype),
        }
    }
}
