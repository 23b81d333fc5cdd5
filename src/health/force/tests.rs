//! Rules: whom they mean, which one holds, and when they end.

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
fn the_last_rule_that_means_a_target_holds() {
    let rules = rules(&[("*", Order::Down), ("127.0.1.14:*", Order::Up), ("*:443", Order::Auto)]);
    assert_eq!(forced(&rules, "127.0.1.13:6443"), Some(Order::Down));
    assert_eq!(forced(&rules, "127.0.1.14:6443"), Some(Order::Up));
    assert_eq!(forced(&rules, "127.0.1.14:443"), None);
}

#[test]
fn a_machine_is_meant_by_its_address_whatever_is_asked_for_there() {
    let of_machine = rules(&[("192.0.2.14:*", Order::Down), ("[2001:db8::14]:*", Order::Down)]);
    for name in [
        "192.0.2.14:443",
        "https://192.0.2.14:6443/readyz",
        "dns://192.0.2.14:53/lab.example.?SOA",
        "tls://[2001:db8::14]:636",
    ] {
        assert_eq!(forced(&of_machine, name), Some(Order::Down), "{name}");
    }
    for name in
        ["192.0.2.140:443", "https://192.0.2.1:6443/192.0.2.14:443", "https://192.0.2.144:6443/readyz"]
    {
        assert_eq!(forced(&of_machine, name), None, "{name}");
    }
    let of_one = rules(&[("https://*/readyz", Order::Down)]);
    assert_eq!(forced(&of_one, "https://192.0.2.14:6443/readyz"), Some(Order::Down));
    assert_eq!(forced(&of_one, "192.0.2.14:443"), None);
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
    assert_eq!("a\nb".parse::<Remark>(), Err(RuleError::Text(TextError::Control('\n'))));
    assert_eq!("off".parse::<Order>(), Err(RuleError::UnknownOrder("off".to_owned())));
}
