//! The zones that can be transferred, and which of them a request means.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Instant;

use super::contents::Contents;
use crate::answer::{Access, Allowed, Requester};
use crate::dns::Name;
use crate::sync::lock;
use crate::transfer::history::Differences;

/// A zone, or one of several versions of it.
pub struct OutgoingZone {
    /// Its apex.
    pub apex: Name,
    /// What it is called in messages.
    pub called: Arc<str>,
    /// The clients that see it; none: all.
    pub access: Option<Box<Access>>,
    /// Who may transfer it (`allow-transfer`).
    pub allow: Arc<[Allowed]>,
    /// What led to what is sent.
    pub history: Arc<Differences>,
    /// What is sent; none: there is no version that may be served.
    offered: Mutex<Option<Contents>>,
    /// When the zone expires unless it is confirmed; none: it needs nobody for that.
    expires: Mutex<Option<Instant>>,
}

/// All zones that somebody may have. Of one name they stand in the order of the config file.
#[derive(Default)]
pub struct OutgoingZones(HashMap<Name, Vec<Arc<OutgoingZone>>>);

impl OutgoingZones {
    /// These zones, in the order of the config file.
    pub fn new(zones: impl IntoIterator<Item = Arc<OutgoingZone>>) -> Self {
        let mut by_name: HashMap<Name, Vec<Arc<OutgoingZone>>> = HashMap::new();
        for zone in zones {
            by_name.entry(zone.apex.clone()).or_default().push(zone);
        }
        Self(by_name)
    }

    /// Whether there is none.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The zone of this name that a client sees.
    pub(super) fn find(&self, name: &Name, client: IpAddr) -> Option<&OutgoingZone> {
        let mut named = self.0.get(name)?.iter();
        named
            .find(|zone| zone.access.as_ref().is_none_or(|access| access.is_seen_by(client)))
            .map(Arc::as_ref)
    }
}

/// What a client would get of a zone.
pub struct Permission {
    /// What the zone is called.
    pub called: Arc<str>,
    /// The entry that allows the client to have it; none: no entry does.
    pub by: Option<Allowed>,
    /// The others that were looked at before, each with why it does not mean the client.
    pub others: Vec<(Allowed, String)>,
    /// The serial that is sent; none: no version of it is served.
    pub serial: Option<u32>,
}

impl OutgoingZone {
    /// Whether a client may have it, and why.
    pub(super) fn permission(&self, requester: &Requester) -> Permission {
        let mut others = Vec::new();
        let mut by = None;
        for entry in &*self.allow {
            match entry.mismatch(requester) {
                Some(why) => others.push((entry.clone(), why)),
                None => {
                    by = Some(entry.clone());
                    break;
                }
            }
        }
        let serial = self.offered().map(|contents| contents.serial());
        Permission { called: Arc::clone(&self.called), by, others, serial }
    }

    /// A zone of which nothing is sent yet.
    pub fn new(
        apex: Name,
        called: Arc<str>,
        access: Option<Box<Access>>,
        allow: Arc<[Allowed]>,
        history: Arc<Differences>,
    ) -> Self {
        Self { apex, called, access, allow, history, offered: Mutex::default(), expires: Mutex::default() }
    }

    /// Sends this from now on; none: nothing. Transfers that are under way keep what they began with.
    pub fn offer(&self, contents: Option<Contents>) {
        *lock(&self.offered) = contents;
    }

    /// Takes note of when the zone expires unless it is confirmed; none: it needs nobody for that.
    pub fn hold(&self, expires: Option<Instant>) {
        *lock(&self.expires) = expires;
    }

    /// For how many seconds the zone holds at `now`, which says `expire` in its SOA record (RFC 7314, section 3).
    pub(super) fn holds(&self, expire: u32, now: Instant) -> u32 {
        let Some(at) = *lock(&self.expires) else { return expire };
        // What is more than fits is more than `expire`.
        u32::try_from(at.saturating_duration_since(now).as_secs()).map_or(expire, |left| left.min(expire))
    }

    /// What is sent now.
    pub(super) fn offered(&self) -> Option<Contents> {
        lock(&self.offered).clone()
    }

    /// What is wrong with the certificate of a client that may have it but for that; none: that is not it.
    pub(super) fn lacking_certificate(&self, requester: &Requester) -> Option<String> {
        self.allow.iter().find_map(|allowed| allowed.lacking_certificate(requester))
    }

    pub(super) fn allows(&self, requester: &Requester) -> bool {
        self.allow.iter().any(|allowed| allowed.is(requester))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_copy_holds_for_what_it_has_left_and_any_other_zone_for_its_expire() {
        let apex: Name = "example.net.".parse().unwrap();
        let zone = OutgoingZone::new(apex, "example.net.".into(), None, Arc::default(), Arc::default());
        let now = Instant::now();
        let holds = |expires: Option<Duration>| {
            zone.hold(expires.map(|left| now + left));
            zone.holds(3600, now + Duration::from_secs(10))
        };
        assert_eq!(holds(None), 3600);
        assert_eq!(holds(Some(Duration::from_secs(70))), 60);
        assert_eq!(holds(Some(Duration::from_secs(9))), 0, "it has expired");
        assert_eq!(holds(Some(Duration::from_secs(1 << 34))), 3600, "never more than `expire`");
    }
}
