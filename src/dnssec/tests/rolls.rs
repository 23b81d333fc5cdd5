//! Rolls of keys, by a clock that is turned: at every moment of it a validator with old records finds a way.

use super::*;

const TIMES: RollTimes = RollTimes { dnskey_ttl: 3600, zone_ttl_max: 7200, ds_ttl: 86_400, propagation: 300 };

type Keys = Vec<(PublicKey, Timing)>;

fn key(flags: u16, timing: Timing) -> (PublicKey, Timing) {
    (Pair::generate(Algorithm::Ed25519, flags).unwrap().0, timing)
}

fn begun(seconds: u64) -> Timing {
    let at = now().before(seconds);
    Timing::default().with(Event::Created, at).with(Event::Publish, at).with(Event::Activate, at)
}

fn set(keys: &mut Keys, tag: u16, timing: Timing) {
    keys.iter_mut().find(|(key, _)| key.tag() == tag).unwrap().1 = timing;
}

/// Carries a step out, and gives the moment at which the next may be due.
fn carry_out(step: RollStep, keys: &mut Keys, flags: u16, at: Time) -> Time {
    match step {
        RollStep::Begin { old, timing, old_timing } => {
            keys.push(key(flags, timing));
            if let Some(times) = old_timing {
                set(keys, old.tag(), times);
            }
            at
        }
        RollStep::Retire { old, timing } => {
            set(keys, old, timing);
            at
        }
        RollStep::Wait { until, .. } => until,
        RollStep::TellParent { .. } => at.after(3600),
    }
}

#[test]
fn a_roll_of_a_key_with_ds_waits_for_each_ttl_and_for_the_parent() {
    let flags = ZONE_KEY | SEP;
    let mut keys = vec![key(flags, begun(1_000_000).with(Event::SyncPublish, now().before(900_000)))];
    let old = keys[0].0.tag();
    let (mut at, mut parent, mut told) = (now(), Parent::Has(vec![old]), Vec::new());
    for _ in 0..12 {
        let step = plan(&keys, flags, &TIMES, &parent, at).unwrap();
        told.push((at.seconds() - now().seconds(), step.clone()));
        if let RollStep::TellParent { new, .. } = step {
            assert_eq!(
                plan(&keys, flags, &TIMES, &Parent::Unknown, at).unwrap(),
                step,
                "who has not asked waits"
            );
            parent = Parent::Has(vec![new]);
        }
        let over = matches!(&step, RollStep::Wait { then: Waits::OldIsGone, .. });
        at = carry_out(step, &mut keys, flags, at);
        if over {
            break;
        }
    }
    let new = keys[1].0.tag();
    let when: Vec<u64> = told.iter().map(|(seconds, _)| *seconds).collect();
    // Begin; wait for the DNSKEY; wait for signatures; tell; retire; wait until it is gone.
    assert_eq!(when, [0, 0, 3900, 11_400, 15_000, 15_000]);
    assert_eq!(told[1].1, RollStep::Wait { new, until: now().after(3900), then: Waits::ItSigns });
    assert_eq!(told[2].1, RollStep::Wait { new, until: now().after(11_400), then: Waits::ParentIsTold });
    assert_eq!(told[3].1, RollStep::TellParent { new, old });
    let gone = now().after(15_000 + 86_400 + 300);
    assert_eq!(told[5].1, RollStep::Wait { new, until: gone, then: Waits::OldIsGone });
    let timing = |tag: u16| &keys.iter().find(|(key, _)| key.tag() == tag).unwrap().1;
    assert!(timing(old).is_active(gone.before(1)) && !timing(old).is_published(gone));
    // The parent is told of one of them at each moment.
    for seconds in (0..200_000).step_by(100) {
        let at = now().after(seconds);
        let of: Vec<bool> = [old, new].iter().map(|tag| timing(*tag).is_for_parent(at)).collect();
        assert_eq!(of, [seconds < 11_400, seconds >= 11_400], "{seconds}");
    }
    // And the next roll begins with the new one.
    let next = plan(&keys, flags, &TIMES, &parent, gone).unwrap();
    assert!(matches!(&next, RollStep::Begin { old, .. } if old.tag() == new), "{next:?}");
}

#[test]
fn the_parent_that_still_has_the_old_key_keeps_it_in_the_zone() {
    let flags = ZONE_KEY | SEP;
    let keys = vec![key(flags, begun(1_000_000)), key(flags, begun(100_000))];
    let [old, new] = [0, 1].map(|at: usize| keys[at].0.tag());
    let at = |tags: &[u16]| plan(&keys, flags, &TIMES, &Parent::Has(tags.to_vec()), now()).unwrap();
    for has in [&[][..], &[old], &[old, new], &[new.wrapping_add(1)]] {
        assert_eq!(at(has), RollStep::TellParent { new, old }, "{has:?}");
    }
    assert!(matches!(at(&[new]), RollStep::Retire { .. }));
}

#[test]
fn a_roll_of_a_zone_signing_key_asks_nobody() {
    let (ksk, zsk) = (ZONE_KEY | SEP, ZONE_KEY);
    let mut keys = vec![key(ksk, begun(1_000_000)), key(zsk, begun(1_000_000))];
    let old = keys[1].0.tag();
    let step = plan(&keys, zsk, &TIMES, &Parent::Unknown, now()).unwrap();
    carry_out(step, &mut keys, zsk, now());
    let timing = |tag: u16| keys.iter().find(|(key, _)| key.tag() == tag).unwrap().1.clone();
    let (old_times, new_times) = (timing(old), keys[2].1.clone());
    for seconds in 0..20_000 {
        let at = now().after(seconds);
        assert!(old_times.is_active(at) != new_times.is_active(at), "one of them signs: {seconds}");
    }
    // Who has signatures of the old one finds it for as long as they may be kept.
    let last = now().after(3900);
    assert!(old_times.is_active(last.before(1)) && !old_times.is_active(last));
    assert!(old_times.is_published(last.after(7499)) && !old_times.is_published(last.after(7500)));
    let waits = |at| plan(&keys, zsk, &TIMES, &Parent::Unknown, at).unwrap();
    let new = keys[2].0.tag();
    assert_eq!(waits(now().after(1)), RollStep::Wait { new, until: last, then: Waits::ItSigns });
    assert_eq!(waits(last), RollStep::Wait { new, until: last.after(7500), then: Waits::OldIsGone });
    assert!(matches!(waits(last.after(7500)), RollStep::Begin { .. }));
}

#[test]
fn a_key_of_files_without_times_is_rolled_as_well() {
    let flags = ZONE_KEY | SEP;
    let mut keys = vec![key(flags, Timing::ALWAYS)];
    let old = keys[0].0.tag();
    let step = plan(&keys, flags, &TIMES, &Parent::Unknown, now()).unwrap();
    carry_out(step, &mut keys, flags, now());
    let parent = Parent::Has(vec![keys[1].0.tag()]);
    let later = now().after(100_000);
    let step = plan(&keys, flags, &TIMES, &parent, later).unwrap();
    carry_out(step, &mut keys, flags, later);
    let timing = &keys.iter().find(|(key, _)| key.tag() == old).unwrap().1;
    assert!(timing.is_active(later) && timing.get(Event::Delete).is_some());
}

#[test]
fn a_key_that_was_made_in_the_second_of_its_successor_is_still_the_old_one() {
    let flags = ZONE_KEY | SEP;
    for _ in 0..16 {
        let mut keys = vec![key(flags, begun(0))];
        let step = plan(&keys, flags, &TIMES, &Parent::Unknown, now()).unwrap();
        carry_out(step, &mut keys, flags, now());
        let step = plan(&keys, flags, &TIMES, &Parent::Unknown, now()).unwrap();
        let until = now().after(3900);
        assert_eq!(step, RollStep::Wait { new: keys[1].0.tag(), until, then: Waits::ItSigns });
    }
}

#[test]
fn more_than_two_keys_are_nothing_that_a_roll_makes() {
    let flags = ZONE_KEY | SEP;
    let keys: Keys = (1..4).map(|count| key(flags, begun(count * 1000))).collect();
    assert_eq!(plan(&keys, flags, &TIMES, &Parent::Unknown, now()), Err(RollError::Unclear));
    assert_eq!(plan(&[], flags, &TIMES, &Parent::Unknown, now()), Err(RollError::NoKey));
    let dormant = key(flags, Timing::default().with(Event::Created, now()));
    let step = plan(&[keys[0].clone(), dormant], flags, &TIMES, &Parent::Unknown, now());
    assert!(matches!(step, Ok(RollStep::Begin { .. })), "a key that was only made does not count");
}
