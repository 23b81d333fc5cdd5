//! The status in numbers, for Prometheus.
//!
//! Responsible for the names, labels and meaning of every metric: dashboards and alerts rely on them.
//! Not responsible for finding anything out: it is a pure function of the status.
//!
//! Both forms are written here, because a scraper that does not ask for OpenMetrics gets the older text
//! format, in which the names of counters are spelt out. All labels come from the configuration, so that
//! there are no more series than there are zones, pools and targets.

use std::collections::HashSet;
use std::fmt::{Display, Write};

use super::process::Usage;
use super::status::{PoolStatus, Status, TargetStatus, TransportStatus, ZoneStatus};

/// How the text is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Prometheus text format 0.0.4.
    Plain,
    /// OpenMetrics 1.0.
    OpenMetrics,
}

impl Form {
    /// The one to write for whoever sends this `Accept` header.
    pub(super) fn accepted(accept: &str) -> Self {
        if accept.contains("application/openmetrics-text") { Form::OpenMetrics } else { Form::Plain }
    }

    /// Its name in HTTP.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Form::Plain => "text/plain; version=0.0.4; charset=utf-8",
            Form::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }
}

/// Everything there is to measure.
pub(super) fn text(status: &Status, usage: Usage, form: Form) -> String {
    let mut text = Text { form, written: String::new() };
    server(&mut text, status);
    transports(&mut text, &status.transports);
    sockets(&mut text, status);
    zones(&mut text, &status.zones);
    pools(&mut text, &status.pools);
    targets(&mut text, &status.targets);
    process(&mut text, status, usage);
    if form == Form::OpenMetrics {
        text.written.push_str("# EOF\n");
    }
    text.written
}

fn server(text: &mut Text, status: &Status) {
    let version = vec![("version", status.version.clone())];
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
        "edgedns_local_trouble",
        "Whether trouble on this host keeps probes from saying anything.",
        [plain(u64::from(status.local_trouble.is_some()))],
    );
    text.gauge(
        "edgedns_forced_rules",
        "Rules of the operator that stand before probes.",
        [plain(status.forced.len())],
    );
}

fn transports(text: &mut Text, transports: &[TransportStatus]) {
    let each = |value: fn(&TransportStatus) -> u64| {
        transports.iter().map(move |one| (vec![("transport", one.transport.clone())], value(one)))
    };
    text.counter("edgedns_queries", "Messages received.", each(|one| one.queries));
    text.counter("edgedns_queries_dropped", "Messages received that are no query.", each(|one| one.dropped));
    text.counter("edgedns_queries_edns", "Queries with EDNS.", each(|one| one.edns));
    text.counter("edgedns_queries_cookie", "Queries with a valid server cookie.", each(|one| one.cookies));
    let responses = transports.iter().flat_map(|one| {
        one.responses
            .iter()
            .map(|(kind, count)| (vec![("transport", one.transport.clone()), ("kind", kind.clone())], *count))
    });
    text.counter("edgedns_responses", "Responses by kind, truncated ones by what did not fit.", responses);
    text.counter("edgedns_responses_truncated", "Responses sent with TC.", each(|one| one.truncated));
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
    text.gauge("edgedns_tcp_open_connections", "TCP connections that are open.", [plain(tcp.open)]);
    let admissions =
        [("served", tcp.accepted), ("too_many", tcp.refused), ("too_many_of_client", tcp.limited)]
            .map(|(admission, count)| (vec![("admission", admission.to_owned())], count));
    text.counter("edgedns_tcp_connections", "TCP connections by whether they were served.", admissions);
    text.counter("edgedns_tcp_cut", "TCP connections cut because the client did not read.", [plain(tcp.cut)]);
}

fn zones(text: &mut Text, zones: &[ZoneStatus]) {
    let labels = |zone: &ZoneStatus| vec![("zone", zone.name.clone())];
    let ok =
        zones.iter().map(|zone| (labels(zone), u64::from(zone.error.is_none() && zone.serial.is_some())));
    text.gauge("edgedns_zone_ok", "Whether the zone is served as its file stands.", ok);
    let serial = zones.iter().filter_map(|zone| Some((labels(zone), zone.serial?)));
    text.gauge("edgedns_zone_serial", "Serial of the version that is served.", serial);
    let records = zones.iter().filter_map(|zone| Some((labels(zone), zone.records?)));
    text.gauge("edgedns_zone_records", "Records of the version that is served.", records);
    let loaded = zones.iter().filter_map(|zone| Some((labels(zone), zone.loaded_at?.unix_seconds())));
    text.gauge("edgedns_zone_loaded_timestamp_seconds", "When the version that is served was read.", loaded);
}

fn pools(text: &mut Text, pools: &[PoolStatus]) {
    let each = |value: fn(&PoolStatus) -> usize| {
        pools
            .iter()
            .map(move |pool| (vec![("owner", pool.owner.clone()), ("type", pool.rtype.clone())], value(pool)))
    };
    let up = |pool: &PoolStatus| pool.members.iter().filter(|member| member.verdict == "up").count();
    text.gauge("edgedns_pool_members", "Members of the pool.", each(|pool| pool.members.len()));
    text.gauge("edgedns_pool_members_up", "Members that are up.", each(up));
    text.gauge("edgedns_pool_answering", "Addresses answered from now.", each(|pool| pool.answering.len()));
    text.gauge(
        "edgedns_pool_all_down",
        "Whether every member is down.",
        each(|pool| usize::from(pool.is_all_down())),
    );
}

fn targets(text: &mut Text, targets: &[TargetStatus]) {
    let targets = labelled(targets);
    let each = |value: fn(&TargetStatus) -> u64| {
        targets.iter().map(move |(labels, target)| (labels.clone(), value(target)))
    };
    let verdicts = |verdict: fn(&TargetStatus) -> &str| {
        targets.iter().flat_map(move |(labels, target)| {
            ["pending", "up", "down"]
                .map(|one| (with(labels, "verdict", one), u64::from(verdict(target) == one)))
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
        each(|one| u64::from(one.forced.is_some())),
    );
    text.gauge(
        "edgedns_target_held",
        "Whether it is held down for changing too often.",
        each(|one| u64::from(one.held)),
    );
    text.counter("edgedns_target_transitions", "Changes of the verdict.", each(|one| one.transitions));
    let outcomes = targets.iter().flat_map(|(labels, target)| {
        let outcomes = target.outcomes;
        [("passed", outcomes.passed), ("failed", outcomes.failed), ("local", outcomes.local)]
            .map(|(outcome, count)| (with(labels, "outcome", outcome), count))
    });
    text.counter(
        "edgedns_target_probes",
        "Probes by their outcome; local is trouble on this host.",
        outcomes,
    );
    let latency = targets.iter().filter_map(|(labels, one)| Some((labels.clone(), one.latency_ms? / 1e3)));
    text.gauge("edgedns_target_latency_seconds", "How long the last pass took.", latency);
    let age = targets.iter().map(|(labels, one)| (labels.clone(), Seconds(one.last_probe_age_ms)));
    text.gauge("edgedns_target_last_probe_age_seconds", "How long ago the last probe ended.", age);
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
fn labelled(targets: &[TargetStatus]) -> Vec<(Labels, &TargetStatus)> {
    let mut seen = HashSet::new();
    let labelled = targets.iter().map(|target| {
        let mut labels = vec![("target", target.name.clone()), ("probe", target.probe.clone())];
        if !seen.insert((&target.name, &target.probe)) {
            labels.push(("id", target.id.to_string()));
        }
        (labels, target)
    });
    labelled.collect()
}

type Labels = Vec<(&'static str, String)>;

fn with(labels: &Labels, name: &'static str, value: &str) -> Labels {
    labels.iter().cloned().chain([(name, value.to_owned())]).collect()
}

/// A value without labels.
fn plain<V>(value: V) -> (Labels, V) {
    (Labels::new(), value)
}

/// Milliseconds, written in seconds.
struct Seconds(u64);

impl Display for Seconds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

struct Text {
    form: Form,
    written: String,
}

impl Text {
    fn gauge<V: Display>(&mut self, name: &str, help: &str, samples: impl IntoIterator<Item = (Labels, V)>) {
        self.family(name, "gauge", help, name, samples);
    }

    /// The samples of a counter end in `_total`; whether its name does, too, depends on the form.
    fn counter<V: Display>(
        &mut self,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) {
        let total = format!("{name}_total");
        let family = if self.form == Form::OpenMetrics { name } else { &total };
        self.family(family, "counter", help, &total, samples);
    }

    fn family<V: Display>(
        &mut self,
        family: &str,
        kind: &str,
        help: &str,
        name: &str,
        samples: impl IntoIterator<Item = (Labels, V)>,
    ) {
        let mut lines = String::new();
        for (labels, value) in samples {
            let labels: Vec<String> =
                labels.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value))).collect();
            let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
            // Writing to a text never fails.
            let _ = writeln!(lines, "{name}{labels} {value}");
        }
        if !lines.is_empty() {
            let _ = write!(self.written, "# HELP {family} {help}\n# TYPE {family} {kind}\n{lines}");
        }
    }
}

/// A label's value between its quotes.
fn escaped(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests;
