//! The zones that may be asked for, and which of them a client means.

use std::net::IpAddr;
use std::sync::Arc;

use super::contents::Contents;
use crate::answer::{Access, Allowed, Requester};
use crate::dns::{Name, NameRef};
use crate::transfer::history::History;

/// A zone, or one of several versions of it.
#[derive(Clone)]
pub struct OutgoingZone {
    /// Its apex.
    pub apex: Name,
    /// What it is called in messages.
    pub called: Arc<str>,
    /// The clients that see it; none: all.
    pub access: Option<Box<Access>>,
    /// Who may have it.
    pub allow: Arc<[Allowed]>,
    /// What is sent; none: there is no version that may be served.
    pub contents: Option<Contents>,
    /// What led there.
    pub history: Arc<dyn History>,
}

/// All zones that somebody may have, in the order of the config file.
#[derive(Clone, Default)]
pub struct OutgoingZones(pub Vec<OutgoingZone>);

impl OutgoingZones {
    /// The zone of this name that a client sees.
    pub(super) fn find(&self, name: NameRef<'_>, client: IpAddr) -> Option<&OutgoingZone> {
        let mut named = self.0.iter().filter(|zone| zone.apex.as_ref() == name);
        named.find(|zone| zone.access.as_ref().is_none_or(|access| access.is_seen_by(client)))
    }
}

impl OutgoingZone {
    pub(super) fn allows(&self, requester: &Requester) -> bool {
        self.allow.iter().any(|allowed| allowed.is(requester))
    }
}
