//! The status in numbers, for Prometheus.
//!
//! A pure function of the status. Dashboards and alerts rely on the name, labels and meaning of every metric.
//!
//! Both forms are written here, because a scraper that does not ask for OpenMetrics gets the older text
//! format, in which the names of counters are spelt out. All labels come from the configuration, from catalogs or from
//! lists of our own, so that nobody can make more series by asking; the one exception is the error of a zone.

mod text;

mod forward;

use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;

use super::UtcTime;
use super::process::Usage;
use super::status::{
    CatalogStatus, HandshakesStatus, HistogramStatus, JournalStatus, PoolStatus, ProbesStatus,
    QueryLogStatus, SelectorStatus, Status, TargetStatus, TransfersStatus, TransportStatus, TsigStatus,
    VantageStatus, WebhookStatus, ZoneStatus,
};
pub(super) use text::Form;
use text::{Distribution, Labels, Text, plain};

/// Everything there is to measure.
pub(super) fn text(status: &Status, usage: Usage, form: Form) -> String {
    let mut text = Text::new(form);
    server(&mut text, status);
    transports(&mut text, &status.transports);
    spreads(&mut text, &status.transports);
    sockets(&mut text, status);
    if status.certificate.is_some() {
        encryption(&mut text, status);
    }
    if let Some(status) = &status.transfers {
        transfers(&mut text, status);
    }
    text.counter(
        "edgedns_messages_turned_away",
        "Transfers, NOTIFY, updates and signed queries answered SERVFAIL: too many others were being treated.",
        [plain(status.turned_away)],
    );
    if let Some(status) = &status.tsig {
        signatures(&mut text, status);
    }
    zones(&mut text, &status.zones);
    catalogs(&mut text, &status.catalogs);
    clusters(&mut text, &status.kubernetes);
    updates(&mut text, &status.updates);
    pools(&mut text, &status.pools);
    probes(&mut text, &status.probes);
    let labelled = labelled(&status.targets);
    beliefs(&mut text, &labelled);
    if let Some(status) = &status.vantage {
        vantages(&mut text, status, &labelled);
    }
    if let Some(status) = &status.query_log {
        query_log(&mut text, status);
    }
    if let Some(status) = &status.webhook {
        webhook(&mut text, status);
    }
    outcomes(&mut text, &labelled, &status.probes);
    if let Some(status) = &status.forward {
        forward::write(&mut text, status);
    }
    process(&mut text, status, usage);
    text.finish()
}

fn server(text: &mut Text, status: &Status) {
    let version = Labels::of("version", &status.version);
    text.gauge("edgedns_build_info", "The version, as a label.", [(version, 1)]);
    text.gauge(
        "edgedns_ready",
        "Whether all that is configured is served.",
        [plain(u64::from(status.not_ready.is_empty()))],
    );
    text.gauge(
        "edgedns_snapshot_generation",
        "Snapshots published since the start.",
        [plain(status.generation)],
    );
    text.gauge(
        "edgedns_snapshot_published_timestamp_seconds",
        "When the newest snapshot was published.",
        [plain(status.published_at.unix_seconds())],
    );
    text.gauge(
        "edgedns_local_trouble",
        "Whether trouble on this host keeps probes from saying anything.",
        [plain(u64::from(status.local_trouble.is_some()))],
    );
    text.gauge(
        "edgedns_suspects_itself",
        "Whether this host hears nobody beyond it any more, and answers clients elsewhere as before.",
        [plain(u64::from(status.suspects_itself))],
    );
    text.gauge(
        "edgedns_watch_trouble",
        "Whether changes of files are not noticed, though they should be.",
        [plain(u64::from(status.watch_trouble.is_some()))],
    );
    text.gauge(
        "edgedns_state_trouble",
        "Whether what is to outlive a restart cannot be written.",
        [plain(u64::from(status.state_trouble.is_some()))],
    );
    text.gauge(
        "edgedns_forced_rules",
        "Rules of the operator that override probes.",
        [plain(status.forced.len())],
    );
}

/// What became of updates.
fn updates(text: &mut Text, updates: &BTreeMap<String, u64>) {
    let samples = updates.iter().map(|(result, count)| (Labels::of("result", result), *count));
    text.counter(
        "edgedns_updates",
        "Updates by what became of them; those that came again once more by that.",
        samples,
    );
}

/// The query log.
fn query_log(text: &mut Text, log: &QueryLogStatus) {
    text.gauge(
        "edgedns_query_log_connected",
        "Whether somebody reads the query log.",
        [plain(u64::from(log.error.is_none()))],
    );
    text.counter("edgedns_query_log_written", "Queries that were logged.", [plain(log.written)]);
    text.counter(
        "edgedns_query_log_dropped",
        "Queries that were not, though they were to be: they came too fast, or nobody read.",
        [plain(log.dropped)],
    );
}

/// Who is told of changes of verdict.
fn webhook(text: &mut Text, webhook: &WebhookStatus) {
    text.counter("edgedns_webhook_told", "Changes of verdict that the webhook took.", [plain(webhook.told)]);
    text.counter(
        "edgedns_webhook_dropped",
        "Changes of verdict that the server gave up: too many waited, the webhook took none for half an hour, or a stop or a reload ended it.",
        [plain(webhook.dropped)],
    );
    text.counter("edgedns_webhook_failures", "Tries to tell it that failed.", [plain(webhook.failures)]);
    text.gauge(
        "edgedns_webhook_failing",
        "Whether the last try to tell it failed.",
        [plain(u64::from(webhook.error.is_some()))],
    );
    text.gauge(
        "edgedns_webhook_waiting",
        "Changes of verdict that wait to be told.",
        [plain(webhook.waiting)],
    );
}

fn transports(text: &mut Text, transports: &[TransportStatus]) {
    let each = |value: fn(&TransportStatus) -> u64| {
        transports.iter().map(move |one| (Labels::of("transport", &one.transport), value(one)))
    };
    text.counter("edgedns_queries", "Messages received.", each(|one| one.queries));
    text.counter("edgedns_queries_dropped", "Messages received that are no query.", each(|one| one.dropped));
    text.counter("edgedns_queries_edns", "Queries with EDNS.", each(|one| one.edns));
    text.counter("edgedns_queries_cookie", "Queries with a valid server cookie.", each(|one| one.cookies));
    let responses = transports.iter().flat_map(|one| {
        one.responses
            .iter()
            .map(|(kind, count)| (Labels::of("transport", &one.transport).and("kind", kind), *count))
    });
    text.counter("edgedns_responses", "Responses by kind, truncated ones by what did not fit.", responses);
    text.counter("edgedns_responses_truncated", "Responses sent with TC.", each(|one| one.truncated));
    text.counter(
        "edgedns_responses_limited",
        "Responses over the rate limit, not sent and not among the kinds.",
        each(|one| one.limited),
    );
    text.counter(
        "edgedns_responses_slipped",
        "Responses over the rate limit, sent with TC or as an error.",
        each(|one| one.slipped),
    );
}

/// What is asked for, and how the responses look.
fn spreads(text: &mut Text, transports: &[TransportStatus]) {
    let each = |label: &'static str, counts: fn(&TransportStatus) -> &BTreeMap<String, u64>| {
        transports.iter().flat_map(move |one| {
            let labels = Labels::of("transport", &one.transport);
            counts(one).iter().map(move |(name, count)| (labels.clone().and(label, name), *count))
        })
    };
    text.counter("edgedns_questions", "Questions by type.", each("type", |one| &one.qtypes));
    text.counter("edgedns_rcodes", "Responses sent, by response code.", each("rcode", |one| &one.rcodes));
    let sizes = transports.iter().map(|one| (Labels::of("transport", &one.transport), &one.sizes));
    histogram(text, "edgedns_response_size_bytes", "Sizes of responses sent.", sizes);
}

/// A histogram that brings its bounds along; they are the same for all of `samples`.
fn histogram<'s>(
    text: &mut Text,
    name: &str,
    help: &str,
    samples: impl Iterator<Item = (Labels, &'s HistogramStatus)>,
) {
    let samples: Vec<_> = samples.filter(|(_, one)| !one.counts.is_empty()).collect();
    let bounds = samples.first().map_or(&[][..], |(_, one)| &one.bounds);
    let distribution = |one: &'s HistogramStatus| Distribution { counts: &one.counts, sum: one.sum };
    let samples = samples.iter().map(|(labels, one)| (labels.clone(), distribution(one)));
    text.histogram(name, help, bounds, samples);
}

fn sockets(text: &mut Text, status: &Status) {
    let Status { udp, tcp, .. } = status;
    text.counter(
        "edgedns_udp_oversized",
        "Datagrams dropped as longer than any query.",
        [plain(udp.oversized)],
    );
    text.counter("edgedns_udp_unsent", "Responses that the kernel did not take.", [plain(udp.unsent)]);
    text.counter("edgedns_udp_refused", "Calls to receive that the kernel refused.", [plain(udp.refused)]);
    let durations = [(Labels::default(), &udp.durations)].into_iter();
    histogram(
        text,
        "edgedns_udp_duration_seconds",
        "From a query being received to its response being with the kernel; one batch in 16 is timed.",
        durations,
    );
    text.gauge("edgedns_tcp_open_connections", "TCP connections that are open.", [plain(tcp.open)]);
    let admissions =
        [("served", tcp.accepted), ("too_many", tcp.refused), ("too_many_of_client", tcp.limited)]
            .map(|(admission, count)| (Labels::of("admission", admission), count));
    text.counter("edgedns_tcp_connections", "TCP connections by whether they were served.", admissions);
    text.counter(
        "edgedns_tcp_evicted",
        "TCP connections closed while idle, to make room for another client.",
        [plain(tcp.evicted)],
    );
    text.counter("edgedns_tcp_cut", "TCP connections cut because the client did not read.", [plain(tcp.cut)]);
}

/// What encrypted transports show, and how far clients come.
fn encryption(text: &mut Text, status: &Status) {
    let HandshakesStatus { under_way, completed, failed, late, evicted, limited, retried } =
        status.tcp.handshakes;
    let results = [
        ("completed", completed),
        ("failed", failed),
        ("late", late),
        ("evicted", evicted),
        ("too_many_of_client", limited),
        ("retried", retried),
    ];
    text.counter(
        "edgedns_tls_handshakes",
        "Handshakes of encrypted transports by what became of them.",
        results.map(|(result, count)| (Labels::of("result", result), count)),
    );
    text.gauge(
        "edgedns_tls_handshakes_under_way",
        "Handshakes of encrypted transports that are under way.",
        [plain(under_way)],
    );
    let certificate = status.certificate.as_ref();
    text.gauge(
        "edgedns_tls_certificate_expiry_timestamp_seconds",
        "When the certificate ends that encrypted transports show.",
        certificate.and_then(|one| one.expires_at).map(|end| plain(end.unix_seconds())),
    );
    text.gauge(
        "edgedns_tls_certificate_trouble",
        "Whether the files of the certificate cannot be used as they are; one that was read before is still shown.",
        certificate.map(|one| plain(u64::from(one.error.is_some()))),
    );
}

fn transfers(text: &mut Text, status: &TransfersStatus) {
    text.counter(
        "edgedns_transfers",
        "Questions for transfers of zones (AXFR, IXFR) by what became of them.",
        status.results.iter().map(|(result, count)| (Labels::of("result", result), *count)),
    );
    text.gauge(
        "edgedns_transfers_under_way",
        "Transfers of zones to other servers that are under way.",
        [plain(status.under_way)],
    );
    text.counter(
        "edgedns_notify_messages",
        "NOTIFY messages to other servers by what became of them.",
        status.notify_messages.iter().map(|(result, count)| (Labels::of("result", result), *count)),
    );
    text.gauge(
        "edgedns_notify_failing",
        "Pairs of a zone and a server that did not answer the NOTIFY of its newest serial.",
        [plain(status.notify_failing)],
    );
}

fn signatures(text: &mut Text, status: &TsigStatus) {
    text.counter(
        "edgedns_tsig_messages",
        "Signed messages by what came of their signature (TSIG).",
        status.messages.iter().map(|(outcome, count)| (Labels::of("outcome", outcome), *count)),
    );
}

/// Zones whose records are keys of etcd.
fn stores(text: &mut Text, zones: &[ZoneStatus]) {
    let labels = |zone: &ZoneStatus| of_view(Labels::of("zone", &zone.name), zone.view.as_deref());
    let stores = || zones.iter().filter_map(|zone| Some((labels(zone), zone.etcd.as_ref()?)));
    let connected = stores().map(|(labels, store)| (labels, u64::from(store.feed_connected)));
    text.gauge("edgedns_feed_connected", "Whether the etcd that has the zone is heard.", connected);
    let revision = stores().filter_map(|(labels, store)| Some((labels, store.revision?)));
    text.gauge("edgedns_feed_revision", "Up to which revision of etcd the zone is known.", revision);
    let stale = zones.iter().filter(|zone| zone.etcd.is_some());
    let stale = stale.filter_map(|zone| Some((labels(zone), zone.stale_seconds?)));
    let about = "Seconds since etcd has said that what is served of the zone is what it has.";
    text.gauge("edgedns_feed_stale_seconds", about, stale);
    let keys = stores().map(|(labels, store)| (labels, store.keys));
    text.gauge("edgedns_feed_keys", "Keys of etcd that say something of the zone.", keys);
    let faulty = stores().map(|(labels, store)| (labels, store.faulty));
    text.gauge("edgedns_feed_faulty_keys", "Keys of the zone whose value is not served.", faulty);
    let held = stores().map(|(labels, store)| (labels, u64::from(store.held.is_some())));
    let about = "Whether so many keys of the zone have gone at once that somebody must accept it.";
    text.gauge("edgedns_feed_held", about, held);
    let changes = stores().map(|(labels, store)| (labels, store.changes));
    text.counter("edgedns_feed_changes", "Versions of the zone that came of etcd.", changes);
    let lost = stores().map(|(labels, store)| (labels, store.lost));
    text.counter("edgedns_feed_lost", "How often the etcd that has the zone was lost.", lost);
}

fn zones(text: &mut Text, zones: &[ZoneStatus]) {
    let labels = |zone: &ZoneStatus| of_view(Labels::of("zone", &zone.name), zone.view.as_deref());
    let ok =
        zones.iter().map(|zone| (labels(zone), u64::from(zone.error.is_none() && zone.serial.is_some())));
    text.gauge("edgedns_zone_ok", "Whether the zone is served as its file has it.", ok);
    let kept = zones.iter().map(|zone| (labels(zone), u64::from(zone.kept_at.is_some())));
    text.gauge(
        "edgedns_zone_kept",
        "Whether the last good text is served, kept from before the start.",
        kept,
    );
    let stale = zones.iter().filter_map(|zone| Some((labels(zone), zone.stale_seconds?)));
    text.gauge(
        "edgedns_zone_stale_seconds",
        "Seconds since a primary or etcd has said that what is served of the zone holds.",
        stale,
    );
    let copied = || zones.iter().filter_map(|zone| Some((labels(zone), zone.copied.as_ref()?)));
    text.gauge(
        "edgedns_zone_expire_seconds",
        "How long a copy of the zone holds that no primary confirms.",
        copied().filter_map(|(labels, copied)| Some((labels, copied.expire_seconds?))),
    );
    text.gauge(
        "edgedns_zone_expires_in_seconds",
        "How long the copy of the zone is served still, unless a primary confirms it.",
        copied().filter_map(|(labels, copied)| Some((labels, copied.expires_in_seconds?))),
    );
    let transfers = copied().flat_map(|(labels, copied)| {
        [("axfr", copied.axfr), ("ixfr", copied.ixfr)]
            .map(|(form, count)| (labels.clone().and("form", form), count))
    });
    text.counter(
        "edgedns_zone_transfers",
        "Transfers of the zone from a primary that were taken.",
        transfers,
    );
    let bytes = copied().map(|(labels, copied)| (labels, copied.bytes));
    text.counter("edgedns_zone_transfer_bytes", "Bytes of these transfers.", bytes);
    let failed = copied().map(|(labels, copied)| (labels, copied.failed));
    text.counter(
        "edgedns_zone_refreshes_failed",
        "Rounds of questions to the primaries of the zone of which nothing came.",
        failed,
    );
    let notified = copied().map(|(labels, copied)| (labels, copied.notify_messages));
    text.counter("edgedns_zone_notify_messages", "NOTIFY messages for the zone that were heeded.", notified);
    stores(text, zones);
    let serial = zones.iter().filter_map(|zone| Some((labels(zone), zone.serial?)));
    text.gauge("edgedns_zone_serial", "Serial of the version that is served.", serial);
    let records = zones.iter().filter_map(|zone| Some((labels(zone), zone.records?)));
    text.gauge("edgedns_zone_records", "Records of the version that is served.", records);
    let loaded = zones.iter().filter_map(|zone| Some((labels(zone), zone.loaded_at?.unix_seconds())));
    text.gauge("edgedns_zone_loaded_timestamp_seconds", "When the version that is served was read.", loaded);
    let signed = zones.iter().filter_map(|zone| Some((labels(zone), zone.signed_until?.unix_seconds())));
    text.gauge(
        "edgedns_zone_signed_until_timestamp_seconds",
        "When the first of the signatures of the zone ends.",
        signed,
    );
    let errors = zones.iter().filter_map(|zone| Some((labels(zone).and("error", zone.error.as_deref()?), 1)));
    text.gauge("edgedns_zone_error_info", "Why the file of the zone is not served, as a label.", errors);
    // A count in memory is one in 64 bits.
    let unknown =
        zones.iter().filter_map(|zone| Some((labels(zone), zone.hosts_unknown.as_ref()?.len() as u64)));
    text.gauge(
        "edgedns_zone_hosts_unknown",
        "Members of pools of the zone that are hosts of other zones, and have no address there.",
        unknown,
    );
    journals(text, zones);
}

/// Members of pools that a cluster says.
fn clusters(text: &mut Text, selectors: &[SelectorStatus]) {
    let each = |value: fn(&SelectorStatus) -> Option<u64>| {
        selectors.iter().filter_map(move |one| Some((Labels::of("selector", &one.selector), value(one)?)))
    };
    let connected = each(|one| Some(u64::from(one.connected)));
    text.gauge("edgedns_kubernetes_connected", "Whether an API server is watched.", connected);
    // A count in memory is one in 64 bits.
    let members = each(|one| Some(one.members as u64));
    text.gauge("edgedns_kubernetes_members", "Members that the cluster says, or said.", members);
    let missed = each(|one| Some(one.missed as u64));
    let about = "Members that the cluster has no more, and that are not forgotten yet.";
    text.gauge("edgedns_kubernetes_members_missed", about, missed);
    let left_out = each(|one| Some(one.left_out as u64));
    let about = "Members that a pool has no room for; there may be more.";
    text.gauge("edgedns_kubernetes_members_left_out", about, left_out);
    let stale = each(|one| one.stale_seconds);
    let about = "Seconds since an API server has said something.";
    text.gauge("edgedns_kubernetes_stale_seconds", about, stale);
    text.counter("edgedns_kubernetes_lost", "How often the API server was lost.", each(|one| Some(one.lost)));
}

/// What other servers see, as far as they are heard.
fn vantages(text: &mut Text, status: &VantageStatus, targets: &[Labelled<'_>]) {
    let connected = u64::from(status.connected);
    let about = "Whether the etcd that carries verdicts between servers is heard.";
    text.gauge("edgedns_vantage_connected", about, [plain(connected)]);
    let heard = u64::from(status.standing == "heard");
    let about = "Whether what other servers see counts; otherwise this one goes by itself.";
    text.gauge("edgedns_vantage_heard", about, [plain(heard)]);
    text.gauge("edgedns_vantage_others", "Other servers that are heard.", [plain(status.others.len())]);
    let verdicts = status.others.iter().flat_map(|other| {
        let labels = Labels::of("vantage", &other.name);
        [("up", other.up), ("down", other.down)]
            .map(|(verdict, count)| (labels.clone().and("verdict", verdict), count))
    });
    text.gauge("edgedns_vantage_verdicts", "Targets by what other servers see.", verdicts);
    let ages = status.others.iter().map(|other| (Labels::of("vantage", &other.name), other.age_seconds));
    let about = "Seconds since another server has said something.";
    text.gauge("edgedns_vantage_age_seconds", about, ages);
    let about = "Keys of other servers that say nothing of use.";
    text.gauge("edgedns_vantage_faulty_keys", about, [plain(status.faulty)]);
    let about = "How often the etcd that carries verdicts was lost.";
    text.counter("edgedns_vantage_lost", about, [plain(status.lost)]);
    text.gauge(
        "edgedns_target_seen_up",
        "How many other servers see it up.",
        each(targets, |one| Some(one.seen.iter().filter(|seen| seen.verdict == "up").count())),
    );
}

fn catalogs(text: &mut Text, catalogs: &[CatalogStatus]) {
    let each = |value: fn(&CatalogStatus) -> u64| {
        catalogs.iter().map(move |catalog| (Labels::of("catalog", &catalog.name), value(catalog)))
    };
    // A count in memory is one in 64 bits.
    text.gauge(
        "edgedns_catalog_members",
        "Zones that are served because the catalog names them.",
        each(|catalog| catalog.members as u64),
    );
    text.gauge(
        "edgedns_catalog_broken",
        "Whether the newest version of the catalog is broken, and changes nothing.",
        each(|catalog| u64::from(catalog.broken.is_some())),
    );
    text.gauge(
        "edgedns_catalog_members_held",
        "Members that the catalog does not name any more, and that are served on because they are so many.",
        each(|catalog| catalog.held as u64),
    );
    text.gauge(
        "edgedns_catalog_clashes",
        "Zones that the catalog names and that are the config file's, or members of another catalog.",
        each(|catalog| catalog.clashes.len() as u64),
    );
    let serials =
        catalogs.iter().filter_map(|catalog| Some((Labels::of("catalog", &catalog.name), catalog.serial?)));
    text.gauge("edgedns_catalog_serial", "Serial of the version that the members are from.", serials);
}

/// What updates have made of zones.
fn journals(text: &mut Text, zones: &[ZoneStatus]) {
    let each = |value: fn(&JournalStatus) -> Option<u64>| {
        zones.iter().filter_map(move |zone| {
            let labels = of_view(Labels::of("zone", &zone.name), zone.view.as_deref());
            Some((labels, value(zone.journal.as_ref()?)?))
        })
    };
    text.gauge(
        "edgedns_zone_journal_bytes",
        "Bytes of the journal of the zone.",
        each(|journal| journal.bytes),
    );
    text.gauge(
        "edgedns_zone_journal_oldest_timestamp_seconds",
        "When the oldest step was made that the journal of the zone has.",
        each(|journal| journal.oldest_at.map(UtcTime::unix_seconds)),
    );
    // A count in memory is one in 64 bits.
    text.gauge(
        "edgedns_zone_updated_records",
        "Records by which the zone differs from its file.",
        each(|journal| Some(journal.records as u64)),
    );
    text.gauge(
        "edgedns_zone_updates_aside",
        "Records of updates that do not fit the file of the zone, and are not served.",
        each(|journal| Some(journal.aside as u64)),
    );
    text.gauge(
        "edgedns_zone_journal_ok",
        "Whether the journal of the zone can be used.",
        each(|journal| Some(u64::from(journal.error.is_none()))),
    );
}

/// Two versions of one zone must not be one series.
fn of_view(labels: Labels, view: Option<&str>) -> Labels {
    match view {
        Some(view) => labels.and("view", view),
        None => labels,
    }
}

fn pools(text: &mut Text, pools: &[PoolStatus]) {
    let each = |value: fn(&PoolStatus) -> usize| {
        pools.iter().map(move |pool| {
            let labels = Labels::of("owner", &pool.owner).and("type", &pool.rtype);
            (of_view(labels, pool.view.as_deref()), value(pool))
        })
    };
    let up = |pool: &PoolStatus| pool.members.iter().filter(|member| member.verdict == "up").count();
    text.gauge("edgedns_pool_members", "Members of the pool.", each(|pool| pool.members.len()));
    text.gauge("edgedns_pool_members_up", "Members that are up.", each(up));
    text.gauge("edgedns_pool_answering", "Addresses answered from now.", each(|pool| pool.answering.len()));
    text.gauge(
        "edgedns_pool_other_elsewhere",
        "Whether clients elsewhere get other addresses than those on this host.",
        each(|pool| usize::from(pool.elsewhere.is_some())),
    );
    text.gauge(
        "edgedns_pool_all_down",
        "Whether every member is down.",
        each(|pool| usize::from(pool.is_all_down())),
    );
}

fn probes(text: &mut Text, probes: &ProbesStatus) {
    let lateness = Distribution { counts: &probes.late, sum: probes.late_sum_seconds };
    text.histogram(
        "edgedns_probe_lateness_seconds",
        "How long after their time probes have started.",
        &probes.late_bounds_seconds,
        [(Labels::default(), lateness)].into_iter().filter(|(_, one)| !one.counts.is_empty()),
    );
    text.gauge(
        "edgedns_probe_lateness_max_seconds",
        "How late the latest probe since the start was.",
        [plain(probes.late_max_ms / 1e3)],
    );
}

/// What is believed of each target.
fn beliefs(text: &mut Text, targets: &[Labelled<'_>]) {
    let verdicts = |verdict: fn(&TargetStatus) -> &str| {
        targets.iter().flat_map(move |(labels, target)| {
            ["pending", "up", "down"]
                .map(|one| (labels.clone().and("verdict", one), u64::from(verdict(target) == one)))
        })
    };
    text.gauge("edgedns_target_verdict", "What probes say: 1 for one of them.", verdicts(|one| &one.verdict));
    text.gauge(
        "edgedns_target_believed",
        "What answers are made from: 1 for one of them.",
        verdicts(|one| &one.believed),
    );
    text.gauge(
        "edgedns_target_forced",
        "Whether the operator has said what is believed.",
        each(targets, |one| Some(u64::from(one.forced.is_some()))),
    );
    text.gauge(
        "edgedns_target_held",
        "Whether it is held down for changing too often.",
        each(targets, |one| Some(u64::from(one.held))),
    );
    text.gauge(
        "edgedns_target_share_ratio",
        "The part of its share of the answers that it gets: less than 1 after it has come back, 0 while it is drained.",
        each(targets, |one| Some(f64::from(one.share.unwrap_or(100)) / 100.0)),
    );
    text.gauge(
        "edgedns_target_weight",
        "What it says of its share, where its probe asks.",
        each(targets, |one| one.weight),
    );
    text.counter(
        "edgedns_target_transitions",
        "Changes of the verdict.",
        each(targets, |one| Some(one.transitions)),
    );
}

/// What probes of each target have seen.
fn outcomes(text: &mut Text, targets: &[Labelled<'_>], probes: &ProbesStatus) {
    let outcomes = targets.iter().flat_map(|(labels, target)| {
        let outcomes = target.outcomes;
        [("passed", outcomes.passed), ("failed", outcomes.failed), ("local", outcomes.local)]
            .map(|(outcome, count)| (labels.clone().and("outcome", outcome), count))
    });
    text.counter(
        "edgedns_target_probes",
        "Probes by their outcome; local is trouble on this host.",
        outcomes,
    );
    let failures = targets.iter().flat_map(|(labels, target)| {
        let reasons = target.failures.iter().map(|(reason, count)| (reason.as_str(), *count));
        let local = Some(("local", target.outcomes.local)).filter(|(_, count)| *count > 0);
        reasons.chain(local).map(|(reason, count)| (labels.clone().and("reason", reason), count))
    });
    text.counter(
        "edgedns_target_failures",
        "Probes that did not pass, by reason; local is trouble on this host.",
        failures,
    );
    text.gauge(
        "edgedns_target_last_latency_seconds",
        "How long the last pass took.",
        each(targets, |one| one.latency_ms.map(|latency| latency / 1e3)),
    );
    let passed = targets.iter().filter(|(_, target)| target.outcomes.passed > 0);
    let latencies = passed.map(|(labels, target)| {
        (labels.clone(), Distribution { counts: &target.latencies, sum: target.latency_sum_seconds })
    });
    text.histogram(
        "edgedns_target_latency_seconds",
        "How long passes took.",
        &probes.latency_bounds_seconds,
        latencies,
    );
    text.gauge(
        "edgedns_target_last_probe_age_seconds",
        "How long ago the last probe ended.",
        each(targets, |one| Some(Seconds(one.last_probe_age_ms))),
    );
    text.gauge(
        "edgedns_target_certificate_expiry_timestamp_seconds",
        "When the certificate ends that it has shown.",
        each(targets, |one| one.certificate_not_after.map(UtcTime::unix_seconds)),
    );
}

/// One sample for each target that has one.
fn each<V>(
    targets: &[Labelled<'_>],
    value: fn(&TargetStatus) -> Option<V>,
) -> impl Iterator<Item = (Labels, V)> {
    targets.iter().filter_map(move |(labels, target)| Some((labels.clone(), value(target)?)))
}

fn process(text: &mut Text, status: &Status, usage: Usage) {
    let Usage { resident_bytes, cpu_seconds, open_files, open_files_max, threads } = usage;
    let started = status.started_at.unix_seconds();
    text.gauge("process_start_time_seconds", "When the process was started.", [plain(started)]);
    text.gauge("process_resident_memory_bytes", "Memory that is really there.", resident_bytes.map(plain));
    text.counter("process_cpu_seconds", "Time on all cores together.", cpu_seconds.map(plain));
    text.gauge("process_open_fds", "File descriptors.", open_files.map(plain));
    text.gauge("process_max_fds", "How many file descriptors there may be.", open_files_max.map(plain));
    text.gauge("process_threads", "Threads.", threads.map(plain));
}

/// The targets with labels that no two share. Two have one name where the same is probed with different
/// patience; then the later ones have their id besides.
fn labelled(targets: &[TargetStatus]) -> Vec<Labelled<'_>> {
    let mut seen = HashSet::new();
    let labelled = targets.iter().map(|target| {
        let labels = Labels::of("target", &target.name).and("probe", &target.probe);
        let is_first = seen.insert((&target.name, &target.probe));
        (if is_first { labels } else { labels.and("id", &target.id.to_string()) }, target)
    });
    labelled.collect()
}

/// A target with labels of its own.
type Labelled<'t> = (Labels, &'t TargetStatus);

/// Milliseconds, written in seconds.
struct Seconds(u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests;
