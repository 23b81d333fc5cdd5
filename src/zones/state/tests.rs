//! A zone's life, with a clock that is turned by hand.

use std::time::SystemTime;

use super::*;
use crate::dns::{Name, Rtype, Ttl};
use crate::source::{Diagnostics, Sources, Span};
use crate::zone::Builder;
use crate::zones::version::VersionOrigin;
use crate::zones::zone_id::ZoneId;

/// A clock that only moves when it is told to.
struct Clock(Instant);

impl Clock {
    fn after(&mut self, seconds: u64) -> Instant {
        self.0 += Duration::from_secs(seconds);
        self.0
    }
}

fn version(serial: u32, origin: VersionOrigin) -> Arc<ZoneVersion> {
    let apex: Name = "example.".parse().unwrap();
    let span = Span::new(Sources::default().add("edgedns.toml", b"example".to_vec()), 0, 7);
    let mut builder = Builder::new(apex.clone(), span);
    let soa = [&[0, 0][..], &serial.to_be_bytes(), &[0, 0, 0, 60].repeat(4)].concat();
    let ttl = Ttl::from_seconds(60).unwrap();
    builder.add(apex.as_ref(), Rtype::SOA, ttl, &soa, span).unwrap();
    builder.add(apex.as_ref(), Rtype::NS, ttl, b"\x02ns\x04test\x00", span).unwrap();
    let zone = builder.finish(&mut Diagnostics::default()).unwrap();
    Arc::new(ZoneVersion::of(ZoneId::from(apex), zone, Arc::default(), origin).unwrap())
}

fn accepted(serial: u32) -> Event {
    Event::Accepted { version: version(serial, VersionOrigin::Sources), holds: None }
}

fn holding(serial: u32, seconds: u64) -> Event {
    let holds = Some(Duration::from_secs(seconds));
    Event::Accepted { version: version(serial, VersionOrigin::Sources), holds }
}

/// What a state serves, made anew; none is served: something else is.
fn remade(state: &ZoneState, serial: u32) -> Event {
    let from = state.version().cloned().unwrap_or_else(|| version(1, VersionOrigin::Sources));
    Event::Remade { from, version: version(serial, VersionOrigin::Sources) }
}

fn copied(serial: u32, seconds: u64) -> Event {
    Event::Copied { version: version(serial, VersionOrigin::Sources), holds: Duration::from_secs(seconds) }
}

fn refused(why: &str) -> Event {
    Event::Refused { fault: fault(why), last_good: None }
}

fn fallen_back(why: &str, serial: u32) -> Event {
    let origin = VersionOrigin::LastGood { read_at: SystemTime::UNIX_EPOCH };
    Event::Refused { fault: fault(why), last_good: Some(version(serial, origin)) }
}

fn fault(why: &str) -> Fault {
    Fault::of(why)
}

/// A state in words: its name, the serial that is served, and what is wrong.
fn told(state: &ZoneState) -> String {
    let name = match state {
        ZoneState::Empty { .. } => "empty",
        ZoneState::Current { .. } => "current",
        ZoneState::Stale { .. } => "stale",
        ZoneState::LastGood { .. } => "last good",
        ZoneState::Expired { .. } => "expired",
    };
    let serial = state.version().map(|version| format!(" {}", version.serial)).unwrap_or_default();
    let fault = state.fault().map(|fault| format!(": {}", fault.sentence)).unwrap_or_default();
    format!("{name}{serial}{fault}")
}

/// The state of each kind, from which every event is tried.
fn begun(clock: &Clock) -> [ZoneState; 5] {
    let from = |events: Vec<Event>| {
        events.into_iter().fold(ZoneState::default(), |state, event| state.after(event, clock.0))
    };
    [
        from(vec![]),
        from(vec![accepted(1)]),
        from(vec![accepted(1), refused("old")]),
        from(vec![fallen_back("old", 1)]),
        from(vec![holding(1, 0)]).at(clock.0),
    ]
}

#[test]
fn every_event_leads_somewhere_from_every_state() {
    let clock = Clock(Instant::now());
    let all = |event: fn() -> Event| begun(&clock).map(|state| told(&state.after(event(), clock.0)));
    assert_eq!(
        begun(&clock).map(|state| told(&state)),
        ["empty", "current 1", "stale 1: old", "last good 1: old", "expired"]
    );
    assert_eq!(all(|| accepted(2)), ["current 2"; 5]);
    assert_eq!(
        all(|| refused("new")),
        ["empty: new", "stale 1: new", "stale 1: new", "last good 1: new", "expired: new"]
    );
    assert_eq!(
        all(|| fallen_back("new", 3)),
        ["last good 3: new", "stale 1: new", "stale 1: new", "last good 3: new", "expired: new"]
    );
    assert_eq!(
        all(|| Event::Unchanged),
        ["empty", "current 1", "current 1", "last good 1: old", "expired"],
        "what was wrong since is mended"
    );
    let remade = begun(&clock).map(|state| {
        let event = remade(&state, 2);
        told(&state.after(event, clock.0))
    });
    assert_eq!(remade, ["empty", "current 2", "stale 2: old", "last good 2: old", "expired"]);
    assert_eq!(
        all(|| copied(2, 60)),
        ["current 2", "current 1", "stale 1: old", "last good 1: old", "expired"],
        "a copy of before is for a start"
    );
    assert_eq!(
        all(|| Event::HeldBack),
        ["empty", "current 1", "stale 1: old", "last good 1: old", "expired"]
    );
}

#[test]
fn a_version_that_nothing_confirms_in_time_expires_and_one_that_is_confirmed_does_not() {
    let mut clock = Clock(Instant::now());
    let state = ZoneState::default().after(holding(1, 60), clock.0);
    assert_eq!(state.next_due(), Some(clock.0 + Duration::from_secs(60)));
    let state = state.at(clock.after(59));
    assert_eq!(told(&state), "current 1");
    let state = state.after(holding(1, 60), clock.0).at(clock.after(59));
    assert_eq!(told(&state), "current 1", "it was confirmed");
    // What is refused confirms nothing.
    let state = state.after(refused("no answer"), clock.0);
    assert_eq!(told(&state), "stale 1: no answer");
    let state = state.at(clock.after(1));
    assert_eq!((told(&state).as_str(), state.next_due()), ("expired: no answer", None));
    assert_eq!(told(&state.after(holding(2, 60), clock.after(1000))), "current 2");
}

#[test]
fn what_is_refused_after_the_end_finds_it_expired() {
    let mut clock = Clock(Instant::now());
    let state = ZoneState::default().after(holding(1, 60), clock.0);
    assert_eq!(told(&state.after(refused("no answer"), clock.after(60))), "expired: no answer");
}

#[test]
fn a_version_without_an_end_is_served_for_ever() {
    let mut clock = Clock(Instant::now());
    let state = ZoneState::default().after(accepted(1), clock.0);
    assert_eq!(state.next_due(), None);
    assert_eq!(told(&state.at(clock.after(1_000_000_000))), "current 1");
}

#[test]
fn what_is_made_anew_holds_for_as_long_as_before_and_what_holds_no_more_is_not_served_at_all() {
    let mut clock = Clock(Instant::now());
    let state = ZoneState::default().after(holding(1, 60), clock.0);
    let event = remade(&state, 1);
    let state = state.after(event, clock.after(30));
    assert_eq!(state.next_due(), Some(clock.0 + Duration::from_secs(30)));
    assert_eq!(told(&ZoneState::default().after(holding(1, 0), clock.0)), "expired");
    assert_eq!(told(&ZoneState::default().after(copied(1, 0), clock.0)), "expired");
}

#[test]
fn what_was_transferred_while_a_reading_made_the_version_of_before_anew_is_served_on() {
    let clock = Clock(Instant::now());
    let before = ZoneState::default().after(holding(1, 60), clock.0);
    let event = remade(&before, 1);
    let state = before.after(holding(2, 60), clock.0).after(event, clock.0);
    assert_eq!(told(&state), "current 2");
}
