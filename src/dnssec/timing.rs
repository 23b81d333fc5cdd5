//! When a key is in the zone, when it signs, and when the parent shall know it: BIND's timing metadata.

use std::fmt;

use super::time::Time;

/// Something that happens to a key at a time of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// It was made.
    Created,
    /// It comes into the zone.
    Publish,
    /// It begins to sign.
    Activate,
    /// It signs no more.
    Inactive,
    /// It leaves the zone.
    Delete,
    /// CDS and CDNSKEY records of it come into the zone (RFC 7344).
    SyncPublish,
    /// They leave it.
    SyncDelete,
}

impl Event {
    /// Every event, in the order in which they are written.
    pub const ALL: [Event; 7] = [
        Event::Created,
        Event::Publish,
        Event::Activate,
        Event::Inactive,
        Event::Delete,
        Event::SyncPublish,
        Event::SyncDelete,
    ];

    /// As BIND writes it.
    pub const fn word(self) -> &'static str {
        match self {
            Event::Created => "Created",
            Event::Publish => "Publish",
            Event::Activate => "Activate",
            Event::Inactive => "Inactive",
            Event::Delete => "Delete",
            Event::SyncPublish => "SyncPublish",
            Event::SyncDelete => "SyncDelete",
        }
    }

    const fn place(self) -> usize {
        match self {
            Event::Created => 0,
            Event::Publish => 1,
            Event::Activate => 2,
            Event::Inactive => 3,
            Event::Delete => 4,
            Event::SyncPublish => 5,
            Event::SyncDelete => 6,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// The times of a key.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timing {
    times: [Option<Time>; Event::ALL.len()],
}

impl Timing {
    /// Of keys without times: always there, always signing.
    pub const ALWAYS: Timing = Timing { times: [None; Event::ALL.len()] };

    /// When an event is; none: it never happens.
    pub fn get(&self, event: Event) -> Option<Time> {
        self.times.get(event.place()).copied().flatten()
    }

    /// Has an event happen at a time, or never.
    pub fn set(&mut self, event: Event, time: Option<Time>) {
        if let Some(place) = self.times.get_mut(event.place()) {
            *place = time;
        }
    }

    /// The same with an event.
    #[must_use]
    pub fn with(mut self, event: Event, time: Time) -> Self {
        self.set(event, Some(time));
        self
    }

    /// Whether the key is in the zone.
    pub fn is_published(&self, now: Time) -> bool {
        self.is_always() || self.is_between(Event::Publish, Event::Delete, now)
    }

    /// Whether it signs, be it in the zone or not: signatures of an algorithm may come before its keys, and stay after them
    /// (RFC 6781, section 4.1.4).
    pub fn is_active(&self, now: Time) -> bool {
        self.is_always() || self.is_between(Event::Activate, Event::Inactive, now)
    }

    /// Whether the parent shall be told of it.
    pub fn is_for_parent(&self, now: Time) -> bool {
        self.is_between(Event::SyncPublish, Event::SyncDelete, now) && self.is_published(now)
    }

    /// Whether it has left the zone for good.
    pub fn is_deleted(&self, now: Time) -> bool {
        self.get(Event::Delete).is_some_and(|time| time <= now)
    }

    /// Whether nothing of it is left: it has left the zone, and signs no more.
    pub fn is_over(&self, now: Time) -> bool {
        self.is_deleted(now) && !self.is_active(now)
    }

    /// The times of a key that has none, as times: it is there from the beginning.
    #[must_use]
    pub fn as_dated(&self) -> Timing {
        if !self.is_always() {
            return self.clone();
        }
        let ever = Time::from_seconds(0);
        self.clone().with(Event::Created, ever).with(Event::Publish, ever).with(Event::Activate, ever)
    }

    /// The first event after a time that changes what is in the zone.
    pub fn next(&self, now: Time) -> Option<(Time, Event)> {
        let ahead = Event::ALL.into_iter().skip(1).filter_map(|event| Some((self.get(event)?, event)));
        ahead.filter(|(time, _)| *time > now).min()
    }

    /// Files of BIND's first format have no times: their key is always there, and always signs.
    fn is_always(&self) -> bool {
        self.times.iter().all(Option::is_none)
    }

    fn is_between(&self, from: Event, to: Event, now: Time) -> bool {
        self.get(from).is_some_and(|time| time <= now) && self.get(to).is_none_or(|time| time > now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_seconds(seconds)
    }

    #[test]
    fn a_key_is_over_when_it_has_left_the_zone_and_signs_no_more() {
        let timing = Timing::default().with(Event::Publish, at(20)).with(Event::Activate, at(10));
        let timing = timing.with(Event::Delete, at(40)).with(Event::Inactive, at(50));
        let told = |now| (timing.is_published(at(now)), timing.is_active(at(now)), timing.is_over(at(now)));
        let (signs, both, over) = ((false, true, false), (true, true, false), (false, false, true));
        assert_eq!([15, 20, 39, 40, 50].map(told), [signs, both, both, signs, over]);
        assert_eq!(timing.next(at(10)), Some((at(20), Event::Publish)));
        assert_eq!(timing.next(at(50)), None);
    }

    #[test]
    fn a_key_without_times_is_always_there_and_one_that_was_only_made_never() {
        let always = Timing::default();
        assert!(always.is_active(at(0)) && !always.is_for_parent(at(0)));
        let made = Timing::default().with(Event::Created, at(1));
        assert!(!made.is_published(at(2)) && !made.is_active(at(2)));
    }
}
