//! Rules: whom they mean, which one holds, and when they end.

use proptest::prelude::*;

use super::*;

const NOW: BootTime = BootTime(Duration::from_secs(100));
const MINUTE: Duration = Duration::from_secs(60);

fn rule(pattern: &str, order: Order) -> Rule {
    Rule { pattern: pattern.parse().unwrap(), order, since: SystemTime::UNIX_EPOCH, term: None, remark: None }
}

fn rules(said: &[(&str, Order)]) -> Rules {
    let mut rules = Rules::default();
    said.iter().for_each(|(pattern, order)| rules.add(rule(pattern, *order)).unwrap());
    rules
}

fn forced(rules: &Rules, name: &str) -> Option<Order> {
    rules.forcing(name).map(|rule| rule.order)
}

#[test]
fn a_pattern_means_the_names_it_fits_and_no_others() {
    let names = ["127.0.1.14:6443", "127.0.1.14:443", "127.0.1.1:6443", "[::1]:6443", "[2001:DB8::a]:443"];
    for (pattern, meant) in [
        ("*", vec![0, 1, 2, 3, 4]),
        ("127.0.1.14:6443", vec![0]),
        ("127.0.1.14:*", vec![0, 1]),
        ("*:6443", vec![0, 2, 3]),
        ("127.0.1.?:6443", vec![2]),
        ("127.0.1.1*", vec![0, 1, 2]),
        ("*1*4*", vec![0, 1, 2, 3, 4]),
        ("[::1]:*", vec![3]),
        ("[2001:db8::A]:443", vec![4]),
        ("127.0.1.14", vec![]),
        ("27.0.1.14:*", vec![]),
    ] {
        let pattern: Pattern = pattern.parse().unwrap();
        let found: Vec<usize> = (0..names.len()).filter(|&at| pattern.matches(names[at])).collect();
        assert_eq!(found, meant, "{pattern}");
    }
}

#[test]
fn the_last_rule_that_means_a_target_holds() {
    let rules = rules(&[("*", Order::Down), ("127.0.1.14:*", Order::Up), ("*:443", Order::Auto)]);
    assert_eq!(forced(&rules, "127.0.1.13:6443"), Some(Order::Down));
    assert_eq!(forced(&rules, "127.0.1.14:6443"), Some(Order::Up));
    assert_eq!(forced(&rules, "127.0.1.14:443"), None);
}

#[test]
fn auto_for_all_ends_every_rule() {
    let rules = rules(&[("127.0.1.14:6443", Order::Down), ("*:443", Order::Up), ("*", Order::Auto)]);
    assert_eq!(rules, Rules::default());
}

#[test]
fn a_rule_that_was_overtaken_does_not_come_back() {
    let mut rules = rules(&[("127.0.1.14:6443", Order::Down)]);
    rules.add(Rule { term: Term::of(MINUTE, NOW), ..rule("127.0.1.14:*", Order::Up) }).unwrap();
    assert_eq!(rules.expire(BootTime(NOW.0 + MINUTE)).len(), 1);
    assert_eq!(rules, Rules::default());
}

#[test]
fn a_rule_ends_at_its_time_and_not_before() {
    let mut rules = rules(&[("*:443", Order::Down)]);
    rules.add(Rule { term: Term::of(MINUTE, NOW), ..rule("*:6443", Order::Down) }).unwrap();
    assert!(rules.expire(BootTime(NOW.0 + MINUTE - Duration::from_millis(1))).is_empty());
    assert_eq!(forced(&rules, "127.0.1.13:6443"), Some(Order::Down));
    assert_eq!(rules.expire(BootTime(NOW.0 + MINUTE)).len(), 1);
    assert_eq!(forced(&rules, "127.0.1.13:6443"), None);
    assert_eq!(forced(&rules, "127.0.1.13:443"), Some(Order::Down));
}

#[test]
fn an_exception_goes_with_the_rule_it_excepts_from() {
    let mut rules = Rules::default();
    rules.add(Rule { term: Term::of(MINUTE, NOW), ..rule("*", Order::Down) }).unwrap();
    rules.add(rule("127.0.1.14:*", Order::Auto)).unwrap();
    assert_eq!(rules.iter().count(), 2);
    rules.expire(BootTime(NOW.0 + MINUTE));
    assert_eq!(rules, Rules::default());
}

#[test]
fn a_rule_too_many_changes_nothing() {
    let mut rules = Rules::default();
    (0..RULES_MAX).for_each(|port| rules.add(rule(&format!("127.0.1.1:{port}"), Order::Up)).unwrap());
    let before = rules.clone();
    assert_eq!(rules.add(rule("127.0.1.2:1", Order::Up)), Err(RuleError::TooMany));
    assert_eq!(rules, before);
    rules.add(rule("127.0.1.1:1*", Order::Down)).unwrap();
}

#[test]
fn a_rule_reads_as_a_log_line() {
    let remark = Some("kernel update".parse().unwrap());
    let half_an_hour = Rule { term: Term::of(30 * MINUTE, NOW), remark, ..rule("*", Order::Down) };
    assert_eq!(half_an_hour.to_string(), "forced down by operator for 30m: kernel update");
    assert_eq!(rule("*", Order::Up).to_string(), "forced up by operator");
    assert_eq!(rule("*", Order::Auto).to_string(), "left to its probes by operator");
    assert_eq!(Brief(Duration::from_secs(5405)).to_string(), "1h30m5s");
}

#[test]
fn text_that_would_garble_the_log_is_refused() {
    assert_eq!("a\nb".parse::<Remark>(), Err(RuleError::Control('\n')));
    assert_eq!("".parse::<Pattern>(), Err(RuleError::Empty));
    assert_eq!("x".repeat(TEXT_BYTES_MAX + 1).parse::<Pattern>(), Err(RuleError::TooLong));
    assert_eq!("off".parse::<Order>(), Err(RuleError::UnknownOrder("off".to_owned())));
}

/// The same by plain recursion.
fn reference(pattern: &[u8], text: &[u8]) -> bool {
    match (pattern, text) {
        ([], []) => true,
        ([b'*', rest @ ..], text) => (0..=text.len()).any(|taken| reference(rest, &text[taken..])),
        ([b'?', rest @ ..], [_, text @ ..]) => reference(rest, text),
        ([wanted, rest @ ..], [byte, text @ ..]) => wanted == byte && reference(rest, text),
        ([], _) | (_, []) => false,
    }
}

proptest! {
    #[test]
    fn patterns_fit_as_the_reference_model_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
        prop_assert_eq!(glob(pattern.as_bytes(), text.as_bytes()), reference(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn what_a_covered_pattern_means_the_covering_one_means_too(
        wide in "[ab*?]{1,6}", narrow in "[ab*?]{1,6}", text in "[ab]{0,6}",
    ) {
        let (wide, narrow): (Pattern, Pattern) = (wide.parse().unwrap(), narrow.parse().unwrap());
        if wide.covers(&narrow) && narrow.matches(&text) {
            prop_assert!(wide.matches(&text), "{} covers {}", wide, narrow);
        }
    }
}
