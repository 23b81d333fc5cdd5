//! The metrics of forwarding.

use std::collections::BTreeMap;

use super::text::{Labels, Text, plain};
use crate::forward::{ForwardStatus, UpstreamStatus};

/// Everything there is to measure about forwarding.
pub(super) fn write(text: &mut Text, status: &ForwardStatus) {
    queries(text, status);
    cache(text, status);
    upstreams(text, &by_address(&status.upstreams));
}

/// One upstream for each address. An address is two upstreams where two zones believe different authorities or probe it
/// otherwise: a metric has one value for both. It is up if both are, and looping if one is; what is counted is added up, and
/// the larger latency is shown.
fn by_address(upstreams: &[UpstreamStatus]) -> Vec<UpstreamStatus> {
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    let mut merged: Vec<UpstreamStatus> = Vec::new();
    for one in upstreams {
        let place = *places.entry(&one.address).or_insert(merged.len());
        match merged.get_mut(place) {
            Some(first) => add(first, one),
            None => merged.push(one.clone()),
        }
    }
    merged
}

fn add(first: &mut UpstreamStatus, other: &UpstreamStatus) {
    let badness = |one: &UpstreamStatus| match one.standing.as_str() {
        "up" => 0,
        "looping" => 2,
        _ => 1,
    };
    if badness(other) > badness(first) {
        first.standing.clone_from(&other.standing);
    }
    first.latency_ms = match (first.latency_ms, other.latency_ms) {
        (Some(one), Some(other)) => Some(one.max(other)),
        (one, other) => one.or(other),
    };
    first.queries += other.queries;
    first.answers += other.answers;
    first.failures += other.failures;
    first.mismatched += other.mismatched;
    first.over_tcp += other.over_tcp;
    first.answer_seconds += other.answer_seconds;
    let new = other.quirks.iter().filter(|quirk| !first.quirks.contains(quirk)).cloned();
    let new: Vec<String> = new.collect();
    first.quirks.extend(new);
}

fn queries(text: &mut Text, status: &ForwardStatus) {
    let cache = &status.cache;
    let found = [("hit", cache.hits), ("miss", cache.misses), ("stale", cache.stale)]
        .map(|(found, count)| (Labels::of("cache", found), count));
    text.counter(
        "edgedns_forward_queries",
        "Forwarded queries by what the cache had; stale ones were answered with what was over.",
        found,
    );
    text.counter("edgedns_forward_questions", "Questions asked of upstreams.", [plain(status.questions)]);
    text.counter(
        "edgedns_forward_joined",
        "Queries that joined a question under way.",
        [plain(status.joined)],
    );
    text.counter("edgedns_forward_prefetches", "Questions asked ahead.", [plain(status.prefetches)]);
    text.counter("edgedns_forward_failed", "Questions that no upstream answered.", [plain(status.failed)]);
    let limits = [
        ("rate", status.rate_limited),
        ("queue", status.dropped),
        ("under_way", status.full),
        ("client", status.client_full),
    ];
    text.counter(
        "edgedns_forward_limited",
        "Queries not forwarded, by the limit they were over: the rate limit of responses, or one of what waits.",
        limits.map(|(limit, count)| (Labels::of("limit", limit), count)),
    );
    text.counter(
        "edgedns_forward_rebinding",
        "Answers with private addresses that were refused.",
        [plain(status.rebinding)],
    );
    text.counter("edgedns_forward_looped", "Queries of ours that came back.", [plain(status.looped)]);
    text.counter("edgedns_forward_unsent", "Responses that the kernel did not take.", [plain(status.unsent)]);
    text.gauge("edgedns_forward_under_way", "Questions under way.", [plain(status.under_way)]);
    text.gauge("edgedns_forward_waiting", "Queries that wait for them.", [plain(status.waiting)]);
}

fn cache(text: &mut Text, status: &ForwardStatus) {
    let cache = &status.cache;
    text.gauge("edgedns_forward_cache_entries", "Answers that are kept.", [plain(cache.entries)]);
    text.gauge("edgedns_forward_cache_bytes", "The memory they take.", [plain(cache.bytes)]);
    text.counter("edgedns_forward_cache_evicted", "Answers that made room.", [plain(cache.evicted)]);
}

fn upstreams(text: &mut Text, upstreams: &[UpstreamStatus]) {
    let labels = |upstream: &UpstreamStatus| Labels::of("upstream", &upstream.address);
    let each = |value: fn(&UpstreamStatus) -> u64| {
        upstreams.iter().map(move |upstream| (labels(upstream), value(upstream)))
    };
    text.gauge(
        "edgedns_forward_upstream_up",
        "Whether the upstream answers, and passes its probe if it has one; of several entries with its address: all of them.",
        each(|one| u64::from(one.standing == "up")),
    );
    text.gauge(
        "edgedns_forward_upstream_looping",
        "Whether the upstream sends our queries back to us; of several entries with its address: any of them.",
        each(|one| u64::from(one.standing == "looping")),
    );
    for (name, what, quirk) in [
        (
            "edgedns_forward_upstream_no_edns",
            "Whether the upstream is asked without EDNS, which it cannot read.",
            "no-edns",
        ),
        (
            "edgedns_forward_upstream_loses_case",
            "Whether the upstream is asked in lower case, as it loses the case of names.",
            "loses-case",
        ),
    ] {
        let has = |one: &UpstreamStatus| u64::from(one.quirks.iter().any(|word| word == quirk));
        text.gauge(name, what, upstreams.iter().map(|one| (labels(one), has(one))));
    }
    let latency = upstreams.iter().filter_map(|one| Some((labels(one), one.latency_ms? / 1e3)));
    text.gauge("edgedns_forward_upstream_latency_seconds", "How long it usually takes.", latency);
    text.counter("edgedns_forward_upstream_queries", "How often it was asked.", each(|one| one.queries));
    text.counter("edgedns_forward_upstream_answers", "How often it answered.", each(|one| one.answers));
    let seconds = upstreams.iter().map(|one| (labels(one), one.answer_seconds));
    text.counter("edgedns_forward_upstream_answer_seconds", "What all answers took together.", seconds);
    text.counter(
        "edgedns_forward_upstream_failures",
        "How often it did not answer.",
        each(|one| one.failures),
    );
    text.counter(
        "edgedns_forward_upstream_mismatched",
        "Datagrams that were no response to what it was asked: forged, or too late.",
        each(|one| one.mismatched),
    );
    text.counter("edgedns_forward_upstream_tcp", "Asked again over TCP.", each(|one| one.over_tcp));
}
