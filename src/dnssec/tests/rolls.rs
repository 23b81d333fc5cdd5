//! Rolls of keys, by a clock that is turned: at every moment of it a validator with old records finds a way.

use std::collections::BTreeSet;

use super::*;

const TIMES: RollTimes = RollTimes { dnskey_ttl: 3600, zone_ttl_max: 7200, ds_ttl: 86_400, propagation: 300 };

type Keys = Vec<DatedKey>;

fn key(flags: u16, timing: Timing) -> DatedKey {
    key_of(Algorithm::Ed25519, flags, timing)
}

fn key_of(algorithm: Algorithm, flags: u16, timing: Timing) -> DatedKey {
    (Pair::generate(algorithm, flags).unwrap().0, timing)
}

fn begun(seconds: u64) -> Timing {
    let at = now().before(seconds);
    Timing::default().with(Event::Created, at).with(Event::Publish, at).with(Event::Activate, at)
}

fn set(keys: &mut Keys, tag: u16, timing: Timing) {
    keys.iter_mut().find(|(key, _)| key.tag() == tag).unwrap().1 = timing;
}

/// Carries a step out, and gives the moment at which the next may be due.
fn carry_out(step: RollStep, keys: &mut Keys, at: Time) -> Time {
    let (successors, changed) = match step {
        RollStep::Begin { successors, changed } => (successors, changed),
        RollStep::Retire { changed, .. } => (Vec::new(), changed),
        RollStep::Wait { until, .. } => return until,
        RollStep::TellParent { .. } => return at.after(3600),
        RollStep::Nothing(_) => return at,
    };
    for Retimed { tag, timing } in changed {
        set(keys, tag, timing);
    }
    for Successor { of, algorithm, timing } in successors {
        keys.push(key_of(algorithm, of.flags(), timing));
    }
    at
}

#[test]
fn a_roll_of_a_key_with_ds_waits_for_each_ttl_and_for_the_parent() {
    let flags = ZONE_KEY | SEP;
    let mut keys = vec![key(flags, begun(1_000_000).with(Event::SyncPublish, now().before(900_000)))];
    let old = keys[0].0.tag();
    let (mut at, mut parent, mut told) = (now(), Parent::Has(vec![old]), Vec::new());
    for _ in 0..12 {
        let step = plan(&keys, Rolled::Key(flags), &TIMES, &parent, at).unwrap();
        told.push((at.seconds() - now().seconds(), step.clone()));
        if let RollStep::TellParent { new, .. } = step {
            assert_eq!(
                plan(&keys, Rolled::Key(flags), &TIMES, &Parent::Unknown, at).unwrap(),
                step,
                "who has not asked waits"
            );
            parent = Parent::Has(vec![new]);
        }
        let over = matches!(&step, RollStep::Wait { then: Waits::OldIsGone, .. });
        at = carry_out(step, &mut keys, at);
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
    let next = plan(&keys, Rolled::Key(flags), &TIMES, &parent, gone).unwrap();
    assert!(matches!(&next, RollStep::Begin { successors, .. } if successors[0].of.tag() == new), "{next:?}");
}

#[test]
fn the_parent_that_still_has_the_old_key_keeps_it_in_the_zone() {
    let flags = ZONE_KEY | SEP;
    let keys = vec![key(flags, begun(1_000_000)), key(flags, begun(100_000))];
    let [old, new] = [0, 1].map(|at: usize| keys[at].0.tag());
    let at =
        |tags: &[u16]| plan(&keys, Rolled::Key(flags), &TIMES, &Parent::Has(tags.to_vec()), now()).unwrap();
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
    let step = plan(&keys, Rolled::Key(zsk), &TIMES, &Parent::Unknown, now()).unwrap();
    carry_out(step, &mut keys, now());
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
    let waits = |at| plan(&keys, Rolled::Key(zsk), &TIMES, &Parent::Unknown, at).unwrap();
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
    let step = plan(&keys, Rolled::Key(flags), &TIMES, &Parent::Unknown, now()).unwrap();
    carry_out(step, &mut keys, now());
    let parent = Parent::Has(vec![keys[1].0.tag()]);
    let later = now().after(100_000);
    let step = plan(&keys, Rolled::Key(flags), &TIMES, &parent, later).unwrap();
    carry_out(step, &mut keys, later);
    let timing = &keys.iter().find(|(key, _)| key.tag() == old).unwrap().1;
    assert!(timing.is_active(later) && timing.get(Event::Delete).is_some());
}

#[test]
fn a_key_that_was_made_in_the_second_of_its_successor_is_still_the_old_one() {
    let flags = ZONE_KEY | SEP;
    for _ in 0..16 {
        let mut keys = vec![key(flags, begun(0))];
        let step = plan(&keys, Rolled::Key(flags), &TIMES, &Parent::Unknown, now()).unwrap();
        carry_out(step, &mut keys, now());
        let step = plan(&keys, Rolled::Key(flags), &TIMES, &Parent::Unknown, now()).unwrap();
        let until = now().after(3900);
        assert_eq!(step, RollStep::Wait { new: keys[1].0.tag(), until, then: Waits::ItSigns });
    }
}

#[test]
fn more_than_two_keys_are_nothing_that_a_roll_makes() {
    let flags = ZONE_KEY | SEP;
    let keys: Keys = (1..4).map(|count| key(flags, begun(count * 1000))).collect();
    assert_eq!(plan(&keys, Rolled::Key(flags), &TIMES, &Parent::Unknown, now()), Err(RollError::Unclear));
    assert_eq!(plan(&[], Rolled::Key(flags), &TIMES, &Parent::Unknown, now()), Err(RollError::NoKey));
    let dormant = key(flags, Timing::default().with(Event::Created, now()));
    let step = plan(&[keys[0].clone(), dormant], Rolled::Key(flags), &TIMES, &Parent::Unknown, now());
    assert!(matches!(step, Ok(RollStep::Begin { .. })), "a key that was only made does not count");
}

/// All that a validator may have of a zone at a time: which keys DNSKEY records name, and which sign.
fn in_zone(keys: &Keys, at: Time) -> KeysInEffect {
    let dated = |(public, timing): &DatedKey| {
        // Who signs and who is named is told by flags and times; the secret is another one.
        let secret = Pair::generate(public.algorithm(), public.flags()).unwrap();
        let pair = Pair::new(&secret.0, &secret.1).unwrap();
        Key::new("example.org.".parse().unwrap(), public.clone(), pair, timing.clone())
    };
    ZoneKeys::new(keys.iter().map(dated)).unwrap().in_effect(at).unwrap()
}

fn algorithms(keys: &[std::sync::Arc<Key>]) -> BTreeSet<Algorithm> {
    keys.iter().map(|key| key.public().algorithm()).collect()
}

/// Rolls all keys to another algorithm, by a parent that follows; the moment when it is over.
fn roll_algorithm(keys: &mut Keys, to: Algorithm, begin: Time) -> (Vec<RollStep>, Time) {
    let old = keys.iter().find(|(key, _)| key.is_sep()).unwrap().0.tag();
    let (mut at, mut parent, mut told) = (begin, Parent::Has(vec![old]), Vec::new());
    for _ in 0..16 {
        let step = plan(keys, Rolled::Algorithm(to), &TIMES, &parent, at).unwrap();
        told.push(step.clone());
        match step {
            RollStep::Nothing(algorithm) => {
                assert_eq!(algorithm, to);
                return (told, at);
            }
            RollStep::TellParent { new, .. } => parent = Parent::Has(vec![new]),
            _ => {}
        }
        at = carry_out(step, keys, at);
    }
    panic!("{told:?}");
}

#[test]
fn in_an_algorithm_roll_whatever_a_cache_has_is_signed_by_each_algorithm_of_the_keys_that_it_has() {
    let [ecdsa, ed25519] = Algorithm::ALL;
    for (from, to) in [(ecdsa, ed25519), (ed25519, ecdsa)] {
        for flags in [&[ZONE_KEY | SEP][..], &[ZONE_KEY | SEP, ZONE_KEY]] {
            let known = now().before(900_000);
            let timing = begun(1_000_000).with(Event::SyncPublish, known);
            let mut keys: Keys = flags.iter().map(|flags| key_of(from, *flags, timing.clone())).collect();
            let (told, over) = roll_algorithm(&mut keys, to, now());
            let waits: Vec<Waits> = told
                .iter()
                .filter_map(|step| match step {
                    RollStep::Wait { then, .. } => Some(*then),
                    _ => None,
                })
                .collect();
            let expected = [Waits::ItIsPublished, Waits::ParentIsTold, Waits::OldLeaves, Waits::OldIsGone];
            assert_eq!(waits, expected, "{told:?}");
            // Records and DNSKEY records that were served at two moments, as far apart as caches keep the older ones.
            let moments: Vec<Time> = (now().seconds()..over.after(10_000).seconds())
                .step_by(300)
                .map(Time::from_seconds)
                .collect();
            let served: Vec<_> = moments.iter().map(|at| in_zone(&keys, *at)).collect();
            for (at, own) in moments.iter().zip(&served) {
                let kept = at.before(TIMES.zone_ttl_max)..=at.after(TIMES.dnskey_ttl);
                let others = moments.iter().zip(&served).filter(|(other, _)| kept.contains(other));
                for (other, theirs) in others {
                    let (named, sign) = (algorithms(&own.published), algorithms(&theirs.of_zone));
                    assert!(named.is_subset(&sign), "{at} {other}: {named:?} {sign:?}");
                }
                assert!(algorithms(&own.published).is_subset(&algorithms(&own.of_keys)), "{at}");
                let ForParent::Keys(for_parent) = &own.for_parent else { panic!("{at}") };
                assert_eq!(for_parent.len(), 1, "the parent is told of one key at each moment: {at}");
            }
            let left: Vec<Algorithm> = algorithms(&in_zone(&keys, over).of_zone).into_iter().collect();
            assert_eq!(left, [to]);
            // And back.
            keys.retain(|(_, timing)| !timing.is_over(over));
            roll_algorithm(&mut keys, from, over);
        }
    }
}

#[test]
fn an_algorithm_roll_is_not_mixed_up_with_others() {
    let [ecdsa, ed25519] = Algorithm::ALL;
    let pair = |algorithm| [ZONE_KEY | SEP, ZONE_KEY].map(|flags| key_of(algorithm, flags, begun(1_000_000)));
    let mut keys: Keys = pair(ecdsa).into();
    let to = |keys: &Keys, rolled| plan(keys, rolled, &TIMES, &Parent::Unknown, now());
    assert_eq!(to(&keys, Rolled::Algorithm(ecdsa)), Ok(RollStep::Nothing(ecdsa)));
    let step = to(&keys, Rolled::Algorithm(ed25519)).unwrap();
    carry_out(step, &mut keys, now());
    assert_eq!(keys.len(), 4, "a successor of each");
    assert_eq!(to(&keys, Rolled::Algorithm(ecdsa)), Err(RollError::OtherRoll(ed25519)));
    assert_eq!(to(&keys, Rolled::Key(ZONE_KEY)), Err(RollError::OtherRoll(ed25519)));
    let goes_on = to(&keys, Rolled::Key(ZONE_KEY | SEP)).unwrap();
    assert!(matches!(goes_on, RollStep::Wait { then: Waits::ItIsPublished, .. }), "{goes_on:?}");
    // A roll of one key is finished first.
    let mut keys: Keys = pair(ecdsa).into();
    let step = to(&keys, Rolled::Key(ZONE_KEY | SEP)).unwrap();
    carry_out(step, &mut keys, now());
    assert_eq!(to(&keys, Rolled::Algorithm(ed25519)), Err(RollError::Unclear));
    let zone_signing = vec![key_of(ecdsa, ZONE_KEY, begun(1_000_000))];
    assert_eq!(to(&zone_signing, Rolled::Algorithm(ed25519)), Err(RollError::NoEntryPoint));
}

#[test]
fn a_zone_leaves_when_its_parent_has_no_ds_and_no_cache_has_one() {
    let step = |leaving, parent: &[u16], at| plan_leaving(leaving, &TIMES, &Parent::Has(parent.to_vec()), at);
    let unasked = |leaving, at| plan_leaving(leaving, &TIMES, &Parent::Unknown, at);
    let begun = Leaving { since: now(), ends: None };
    for parent in [&[][..], &[7]] {
        assert_eq!(
            step(None, parent, now()),
            LeaveStep::Begin(begun),
            "it is said before the parent is asked"
        );
    }
    let later = now().after(5000);
    assert_eq!(step(Some(begun), &[7], later), LeaveStep::TellParent);
    assert_eq!(unasked(Some(begun), later), LeaveStep::TellParent, "who has not asked waits");
    let ends = later.after(86_400 + 300);
    let gone = Leaving { ends: Some(ends), ..begun };
    assert_eq!(step(Some(begun), &[], later), LeaveStep::DsGone(gone));
    assert_eq!(step(Some(gone), &[], ends.before(1)), LeaveStep::Wait(ends));
    assert_eq!(unasked(Some(gone), ends.before(1)), LeaveStep::Wait(ends));
    assert_eq!(step(Some(gone), &[7], ends), LeaveStep::DsIsBack(begun));
    for step in [step(Some(gone), &[], ends), unasked(Some(gone), ends)] {
        assert_eq!(step, LeaveStep::MayEnd);
    }
}
