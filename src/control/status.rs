//! The status, as JSON: scripts rely on its names and forms.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::UtcTime;
use crate::forward::ForwardStatus;

/// The state of the server at one moment. What a server of another version leaves out is as if there were
/// none of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// Of the program.
    pub version: String,
    /// When it was started.
    pub started_at: UtcTime,
    /// Since its start.
    pub uptime_seconds: u64,
    /// Why not everything that is configured is served, one line each; empty: it is.
    pub not_ready: Vec<String>,
    /// How many snapshots have been published.
    pub generation: u64,
    /// When the newest one was.
    pub published_at: UtcTime,
    /// Where queries are answered.
    pub listening: Vec<ListeningStatus>,
    /// What was asked and answered, by transport.
    pub transports: Vec<TransportStatus>,
    /// What went wrong with datagrams.
    pub udp: UdpStatus,
    /// What has happened to connections.
    pub tcp: TcpStatus,
    /// The certificate of encrypted transports; none: no file is named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate: Option<CertificateStatus>,
    /// How punctual probes are.
    pub probes: ProbesStatus,
    /// In the order of the config file; behind them those that catalogs name.
    pub zones: Vec<ZoneStatus>,
    /// Catalogs, in the order of the config file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub catalogs: Vec<CatalogStatus>,
    /// How a cluster is heard about members of pools, by whom it is asked for.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub kubernetes: Vec<SelectorStatus>,
    /// In the order of the zones.
    pub pools: Vec<PoolStatus>,
    /// Every target once.
    pub targets: Vec<TargetStatus>,
    /// The last changes of verdict, the newest first; also those from before the start, where there is a state directory.
    pub changes: Vec<ChangeStatus>,
    /// The last hour in numbers.
    pub last_hour: HourStatus,
    /// Trouble on this host that keeps probes from saying anything.
    pub local_trouble: Option<String>,
    /// Whether this host suspects itself: clients elsewhere get what it believed before it heard nobody any more.
    pub suspects_itself: bool,
    /// How other servers are heard; none: nobody is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vantage: Option<VantageStatus>,
    /// Who is told of changes of verdict; none: nobody is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<WebhookStatus>,
    /// Where queries are logged; none: nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query_log: Option<QueryLogStatus>,
    /// Why changes of files are not noticed; only a request makes the server reload then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub watch_trouble: Option<String>,
    /// Why state for the next start is not written: forced verdicts, the last good text of zones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state_trouble: Option<String>,
    /// What the operator has said of targets and still holds, oldest first; the last one that means a target
    /// counts.
    pub forced: Vec<RuleStatus>,
    /// What became of questions for transfers; none: nobody may have any zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfers: Option<TransfersStatus>,
    /// Messages that are no plain queries and were answered SERVFAIL, because too many others were being treated.
    pub turned_away: u64,
    /// What came of signed messages; none: there are no keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tsig: Option<TsigStatus>,
    /// Updates since the start by what became of them; empty: no zone can be updated.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub updates: BTreeMap<String, u64>,
    /// How forwarding is doing; none: nothing is forwarded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forward: Option<ForwardStatus>,
}

impl Status {
    /// What is not as it should be though all that is configured is served, one line each.
    pub fn remarks(&self) -> impl Iterator<Item = String> {
        let watch = self.watch_trouble.as_ref().map(|why| format!("changes of files are not noticed: {why}"));
        let state = self.state_trouble.as_ref();
        let state = state.map(|why| format!("state for the next start is not written: {why}"));
        let certificate = self.certificate.as_ref().and_then(CertificateStatus::remark);
        let zones = self.zones.iter().filter_map(ZoneStatus::remark);
        let catalogs = self.catalogs.iter().filter_map(CatalogStatus::remark);
        let clusters = self.kubernetes.iter().filter_map(SelectorStatus::remark);
        let vantage = self.vantage.iter().flat_map(VantageStatus::remarks);
        let log = self.query_log.as_ref().and_then(|log| Some((log, log.error.as_ref()?)));
        let log = log.map(|(QueryLogStatus { socket, .. }, error)| {
            format!("queries are not logged to {socket}: {error}")
        });
        let webhook = self.webhook.as_ref().and_then(|webhook| Some((webhook, webhook.error.as_ref()?)));
        let webhook = webhook.map(|(WebhookStatus { url, .. }, error)| format!("webhook {url}: {error}"));
        watch
            .into_iter()
            .chain(state)
            .chain(certificate)
            .chain(zones)
            .chain(catalogs)
            .chain(clusters)
            .chain(vantage)
            .chain(webhook)
            .chain(log)
    }

    /// The same for every client that can connect: faults with their places, but without the text there. A
    /// file that cannot be read as a zone may be a secret that was named as one.
    #[must_use]
    pub fn without_source_text(mut self) -> Status {
        self.not_ready.iter_mut().for_each(hide_words);
        for zone in &mut self.zones {
            zone.error.iter_mut().for_each(hide_words);
            zone.drawn = None;
            zone.etcd.iter_mut().flat_map(|etcd| &mut etcd.faults).for_each(hide_words);
        }
        self
    }
}

/// Words of a text are in backquotes, and may have some themselves.
fn hide_words(sentence: &mut String) {
    if let (Some(first), Some(last)) = (sentence.find('`'), sentence.rfind('`'))
        && first < last
    {
        sentence.replace_range(first + 1..last, "…");
    }
}

/// An address that is listened at.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ListeningStatus {
    /// Address and port.
    pub address: String,
    /// What is served there: `UDP and TCP`.
    pub protocols: String,
    /// Bytes the kernel reserves for queries that wait at one of its UDP sockets, as it counts them: twice
    /// what was granted. None: there are no such sockets.
    pub receive_buffer_bytes: Option<usize>,
    /// The same of responses.
    pub send_buffer_bytes: Option<usize>,
    /// Bytes that were granted for queries, if those are fewer than were asked for: `net.core.rmem_max` is in
    /// the way.
    pub short_receive_bytes: Option<usize>,
}

/// What came over one transport since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TransportStatus {
    /// `udp` or `tcp`.
    pub transport: String,
    /// Messages received: `dropped`, `limited` and all `responses` together.
    pub queries: u64,
    /// Messages that are no query.
    pub dropped: u64,
    /// Responses by kind, truncated ones by what did not fit.
    pub responses: BTreeMap<String, u64>,
    /// Responses that were sent with TC.
    pub truncated: u64,
    /// Queries with EDNS.
    pub edns: u64,
    /// Queries with a valid server cookie.
    pub cookies: u64,
    /// Responses over the rate limit, and therefore not sent: neither among `dropped` nor `responses`.
    pub limited: u64,
    /// Responses over the rate limit that were sent, with TC or as an error without records.
    pub slipped: u64,
    /// Questions by type; `other` for all that are not counted by themselves. A query whose question cannot
    /// be read has none.
    pub qtypes: BTreeMap<String, u64>,
    /// Responses that were sent, by response code.
    pub rcodes: BTreeMap<String, u64>,
    /// Sizes of responses that were sent, in bytes.
    pub sizes: HistogramStatus,
}

/// A change of the verdict on a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ChangeStatus {
    /// When.
    pub at: UtcTime,
    /// The target's name.
    pub target: String,
    /// What was believed: `pending`, `up` or `down`.
    pub from: String,
    /// What is believed since.
    pub to: String,
    /// Why: `down after 2 failures: connection refused`.
    pub why: String,
    /// Owner and type of pools that it matters to; 16 at most.
    pub pools: Vec<String>,
}

/// Who is told of changes of verdict.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct WebhookStatus {
    /// Where.
    pub url: String,
    /// Changes that it took.
    pub told: u64,
    /// Changes that the server gave up: the help of the metric says why.
    pub dropped: u64,
    /// Tries that failed.
    pub failures: u64,
    /// Changes that wait.
    pub waiting: usize,
    /// Why the last try failed; none: it did not.
    pub error: Option<String>,
}

/// The query log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct QueryLogStatus {
    /// The socket at which somebody reads.
    pub socket: String,
    /// Queries that were written.
    pub written: u64,
    /// Queries that were not: they came too fast, or nobody read.
    pub dropped: u64,
    /// Why nobody reads; none: somebody does.
    pub error: Option<String>,
}

/// The last hour, step by step: the oldest first, and the last one is over.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HourStatus {
    /// How long a step is.
    pub step_seconds: u64,
    /// Messages received.
    pub queries: Vec<u64>,
    /// Mean time of those over UDP from being received to being answered, in microseconds; none: there were none.
    pub micros: Vec<Option<f64>>,
    /// The upstreams of forwarding, 16 at most.
    pub upstreams: Vec<UpstreamHour>,
}

/// The last hour of one upstream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpstreamHour {
    /// As it is written in the configuration.
    pub address: String,
    /// How often it was asked.
    pub queries: Vec<u64>,
    /// How often it did not answer.
    pub failures: Vec<u64>,
    /// How long its answers took; none: there were none.
    pub latency_ms: Vec<Option<f64>>,
}

/// How often something was how large.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct HistogramStatus {
    /// The largest of each step, ascending.
    pub bounds: Vec<f64>,
    /// How many were within each of `bounds` and above the one before; last, how many were above all.
    pub counts: Vec<u64>,
    /// All of them added up.
    pub sum: f64,
}

/// What went wrong with datagrams, and how long they took.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct UdpStatus {
    /// Dropped, because longer than any query.
    pub oversized: u64,
    /// Responses that the kernel did not take.
    pub unsent: u64,
    /// Calls to receive or to wait that the kernel refused.
    pub refused: u64,
    /// Seconds from queries being received to their responses being with the kernel; of one batch in 16.
    pub durations: HistogramStatus,
}

/// What became of questions for transfers of zones since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TransfersStatus {
    /// Under way now.
    pub under_way: usize,
    /// Questions by what became of them: `axfr` (the whole zone), `ixfr` (changes) and `soa` were sent, `refused` were not allowed, `limited` were
    /// too many at once, `broken` did not come to their end.
    pub results: BTreeMap<String, u64>,
    /// NOTIFY messages by what became of them: `heard` or `failed`.
    pub notify_messages: BTreeMap<String, u64>,
    /// Zones, each with one server, of whose newest serial that was told in vain.
    pub notify_failing: usize,
}

/// What came of signed messages since the start.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TsigStatus {
    /// The keys by name, each with its algorithm and without its secret.
    pub keys: Vec<String>,
    /// Messages by what came of their signature: `verified`, `badkey`, `md5`, `badsig`, `badtime`, `badtrunc` or
    /// `malformed`.
    pub messages: BTreeMap<String, u64>,
}

/// How punctual probes are: the sign that a machine is too small for its targets.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ProbesStatus {
    /// Probes since the start.
    pub started: u64,
    /// How late half of them started at most, in milliseconds; a quarter too much at worst.
    pub late_p50_ms: f64,
    /// How late 99 of a hundred started at most; likewise.
    pub late_p99_ms: f64,
    /// How late the latest one started.
    pub late_max_ms: f64,
    /// How late all of them started together.
    pub late_sum_seconds: f64,
    /// How many were late by less than each of `late_bounds_seconds` but not than the one before; last, how
    /// many were later.
    pub late: Vec<u64>,
    /// Bounds of `late`.
    pub late_bounds_seconds: Vec<f64>,
    /// Bounds of the `latencies` of every target.
    pub latency_bounds_seconds: Vec<f64>,
}

/// What has happened to connections.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TcpStatus {
    /// Open now.
    pub open: usize,
    /// Served.
    pub accepted: u64,
    /// Closed while idle: all places were taken, and another client came.
    pub evicted: u64,
    /// Closed at once: there were too many in all, and none could go.
    pub refused: u64,
    /// Closed at once: the client had too many.
    pub limited: u64,
    /// Cut: the client did not read.
    pub cut: u64,
    /// Handshakes of encrypted transports.
    pub handshakes: HandshakesStatus,
}

/// Handshakes of encrypted transports since the start, each counted once when it is over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct HandshakesStatus {
    /// Under way now.
    pub under_way: usize,
    /// Those that led to a connection.
    pub completed: u64,
    /// Ended by the client, or by what it said.
    pub failed: u64,
    /// Ended by us: their time was over.
    pub late: u64,
    /// Ended by us: another one took the place.
    pub evicted: u64,
    /// Not begun: the client had too many under way.
    pub limited: u64,
    /// Not begun: many were under way, and the client, over QUIC, had to prove first that it is there.
    pub retried: u64,
}

/// The certificate that encrypted transports show.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CertificateStatus {
    /// Its file.
    pub certificate: String,
    /// When what is served ends; none: nothing is served, or nobody knows.
    pub expires_at: Option<UtcTime>,
    /// Whole days until then; negative: it has ended.
    pub days_left: Option<i64>,
    /// Whether there is one that is served.
    pub served: bool,
    /// Why the files as they are now are not served.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// Fewer days than this are told: whoever renews a certificate by itself has done so long before. Half the days that the
/// shortest one of a public authority has, which renews it with a third of its time left.
pub const CERTIFICATE_DAYS_SHORT: i64 = 14;

impl CertificateStatus {
    /// What is not as it should be though it is served.
    fn remark(&self) -> Option<String> {
        let file = &self.certificate;
        match (&self.error, self.days_left) {
            _ if !self.served => None,
            (Some(error), _) => Some(format!("certificate: {error}; what was read before is served")),
            (None, Some(left)) if left < 0 => {
                Some(format!("certificate {file} has expired: clients refuse it"))
            }
            (None, Some(left)) if left < CERTIFICATE_DAYS_SHORT => {
                Some(format!("certificate {file} expires in {left} days"))
            }
            (None, Some(_) | None) => None,
        }
    }
}

/// A zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct ZoneStatus {
    /// Its apex.
    pub name: String,
    /// What this version of it is called, where there are others for other clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// Of the version that is served; none: SERVFAIL is answered.
    pub serial: Option<u32>,
    /// Records of that version.
    pub records: Option<usize>,
    /// Its file, or what else it is made from.
    pub file: String,
    /// The same: where its records come from.
    pub source: String,
    /// Seconds since a primary or etcd has said that this version holds, where the zone comes from one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stale_seconds: Option<u64>,
    /// What has come of its primaries, where the zone is copied.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copied: Option<CopiedStatus>,
    /// How etcd is heard, where its keys are the zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub etcd: Option<StoreStatus>,
    /// When that version was read.
    pub loaded_at: Option<UtcTime>,
    /// Why a newer version is not served.
    pub error: Option<String>,
    /// When the text of that version was read from the file, where the file could not be read at the start
    /// and the last good text is served instead; none: the version comes from the file.
    pub kept_at: Option<UtcTime>,
    /// The same, drawn as in the terminal.
    pub drawn: Option<String>,
    /// The catalog that names it; none: the config file does.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
    /// The group of that catalog whose settings are its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// What updates have made of it; none: nobody may update it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<JournalStatus>,
    /// Until when all its signatures are valid, made here or where it comes from; none: it is not signed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signed_until: Option<UtcTime>,
    /// Why which hosts of other zones have no address that its pools could have, in a sentence each; none: no pool has hosts of
    /// other zones as members.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hosts_unknown: Option<Vec<String>>,
}

/// A catalog: a zone that says which other zones are served.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CatalogStatus {
    /// Its apex.
    pub name: String,
    /// Of the version that its members are from; none: none was taken since the start.
    pub serial: Option<u32>,
    /// Its members that are served.
    pub members: usize,
    /// Why a newer version changes nothing.
    pub broken: Option<String>,
    /// Members that it does not name any more, and that are served on because they are so many.
    pub held: usize,
    /// Zones that it names and that are none of its members here, each with the reason.
    pub clashes: BTreeMap<String, String>,
}

impl CatalogStatus {
    /// What is not as it should be.
    fn remark(&self) -> Option<String> {
        let CatalogStatus { name, members, broken, held, .. } = self;
        match (broken, held) {
            (Some(why), _) => {
                Some(format!("catalog {name} is broken, its {members} members stay as they are: {why}"))
            }
            (None, 0) => None,
            (None, held) => Some(format!(
                "catalog {name} has lost {held} of {members} members at once: they are served on; `edgedns reload` lets them go"
            )),
        }
    }
}

/// How a cluster is heard about members of pools.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SelectorStatus {
    /// Who is meant: `nodes node-role.kubernetes.io/master`.
    pub selector: String,
    /// Whether an API server is watched.
    pub connected: bool,
    /// The API server that was asked last.
    pub server: Option<String>,
    /// Members, those that are missed among them.
    pub members: usize,
    /// Members that the cluster has no more, and that are not forgotten yet.
    pub missed: usize,
    /// Members that a pool has no room for; there may be more.
    pub left_out: usize,
    /// Seconds since an API server has said something; none: none has since the start.
    pub stale_seconds: Option<u64>,
    /// Why none is heard.
    pub error: Option<String>,
    /// How often one was lost.
    pub lost: u64,
}

impl SelectorStatus {
    /// What is not as it should be.
    fn remark(&self) -> Option<String> {
        let SelectorStatus { selector, members, left_out, error, .. } = self;
        let Some(why) = error else {
            let remark = || format!("{selector} are more than a pool holds: {left_out} or more are left out");
            return (*left_out > 0).then(remark);
        };
        Some(format!("no API server is heard about {selector}, which stays with {members} members: {why}"))
    }
}

/// What updates have made of a zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct JournalStatus {
    /// Bytes of its journal; none: there is none yet.
    pub bytes: Option<u64>,
    /// Steps from serial to serial that are kept.
    pub steps: usize,
    /// When the oldest of them was made.
    pub oldest_at: Option<UtcTime>,
    /// Records by which what is served differs from the file.
    pub records: usize,
    /// Records of updates that do not fit the file, and are not served.
    pub aside: usize,
    /// Why the journal is of no use.
    pub error: Option<String>,
}

/// What has come of the primaries of a zone since the start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct CopiedStatus {
    /// The primary that it was copied from, or that confirmed it, last.
    pub from: Option<String>,
    /// When that was.
    pub confirmed_at: Option<UtcTime>,
    /// How long a copy holds that nobody confirms, in seconds: `expire` of its SOA record, mostly.
    pub expire_seconds: Option<u64>,
    /// How long it is served still, unless a primary confirms it, in seconds; 0: it has expired.
    pub expires_in_seconds: Option<u64>,
    /// Transfers of the whole zone that were taken.
    pub axfr: u64,
    /// Transfers of changes that were taken.
    pub ixfr: u64,
    /// Bytes of these transfers.
    pub bytes: u64,
    /// Rounds of questions of which nothing came.
    pub failed: u64,
    /// NOTIFY messages that were heeded.
    pub notify_messages: u64,
}

/// How a store is heard whose keys are a zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct StoreStatus {
    /// Whether a member is heard.
    pub feed_connected: bool,
    /// The member that was asked last.
    pub member: Option<String>,
    /// Up to which revision it is known.
    pub revision: Option<u64>,
    /// When it has said last that what is served is what it has.
    pub confirmed_at: Option<UtcTime>,
    /// Why it is not heard.
    pub error: Option<String>,
    /// Keys that say something.
    pub keys: usize,
    /// Keys whose value is not served: what was there before is.
    pub faulty: usize,
    /// The first of them, and why.
    pub faults: Vec<String>,
    /// Keys that it has while what was there before is served, since so many have gone at once; none: nothing waits.
    pub held: Option<usize>,
    /// How often all keys were read.
    pub images: u64,
    /// Versions that came of changes.
    pub changes: u64,
    /// How often it was lost.
    pub lost: u64,
}

/// A pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolStatus {
    /// Its owner.
    pub owner: String,
    /// Of which version of its zone it is, where there are others for other clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// Its type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// `up`: members are; `pending`: nothing is known yet; `all-down`.
    pub standing: String,
    /// Its members, group by group.
    pub members: Vec<MemberStatus>,
    /// The addresses that are answered from now.
    pub answering: Vec<String>,
    /// Those that clients elsewhere get, where these are others: this host suspects itself, or other servers see up what is
    /// down here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Vec<String>>,
}

/// The standing of a pool whose members are all down.
const ALL_DOWN: &str = "all-down";

impl ZoneStatus {
    /// Its apex, and which version of it this is.
    pub fn title(&self) -> String {
        titled(&self.name, self.view.as_deref())
    }

    /// What is not as it should be, though it is served: of several hosts the first.
    fn remark(&self) -> Option<String> {
        let (first, others) = self.hosts_unknown.as_ref()?.split_first()?;
        let others = match others.len() {
            0 => String::new(),
            more => format!(" (and {more} more)"),
        };
        Some(format!("zone {}: {first}{others}", self.title()))
    }
}

impl PoolStatus {
    /// Its owner, and of which version of the zone it is.
    pub fn title(&self) -> String {
        titled(&self.owner, self.view.as_deref())
    }

    /// Whether every member is down.
    pub fn is_all_down(&self) -> bool {
        self.standing == ALL_DOWN
    }
}

/// A member of a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemberStatus {
    /// Its address.
    pub address: String,
    /// What all its targets come to, as answers are made from it.
    pub verdict: String,
    /// The part of its share of the answers that it gets, in percent, where that is not all of it: 0 where it is drained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<u8>,
    /// The ids of the targets that must all be up.
    pub targets: Vec<usize>,
}

/// A target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct TargetStatus {
    /// Its id for as long as it is watched.
    pub id: usize,
    /// Its name in the log and for `force`.
    pub name: String,
    /// Its address.
    pub address: String,
    /// The kind of probe.
    pub probe: String,
    /// What outcomes say: `pending`, `up` or `down`.
    pub verdict: String,
    /// What answers are made from.
    pub believed: String,
    /// What answers to clients elsewhere are made from, where that is another verdict.
    pub elsewhere: Option<String>,
    /// What other servers see.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seen: Vec<SightingStatus>,
    /// What the operator says instead.
    pub forced: Option<String>,
    /// Whether it is held down for changing too often.
    pub held: bool,
    /// The part of its share of the answers that it gets, in percent, where that is not all of it: 0 while it is drained.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub share: Option<u8>,
    /// Whether it is yet to pass for the first time, and its failures say nothing.
    pub starting: bool,
    /// Since when the verdict holds.
    pub since: UtcTime,
    /// What the last probe saw.
    pub last_outcome: Option<String>,
    /// The last outcome that was no pass, however long ago.
    pub last_error: Option<String>,
    /// How long the last pass took.
    pub latency_ms: Option<f64>,
    /// How long ago the last probe ended, or the watch began where none has.
    pub last_probe_age_ms: u64,
    /// Changes of the verdict.
    pub transitions: u64,
    /// How many probes ended how.
    pub outcomes: OutcomesStatus,
    /// The failures by their reason; those that have been seen.
    pub failures: BTreeMap<String, u64>,
    /// How long passes took: how many were within each of `probes.latency_bounds_seconds` and above the one
    /// before; last, how many took longer.
    pub latencies: Vec<u64>,
    /// How long all passes took together.
    pub latency_sum_seconds: f64,
    /// When the certificate ends that the last pass has seen.
    pub certificate_not_after: Option<UtcTime>,
    /// What the target says of its share.
    pub weight: Option<u32>,
}

/// What another server sees of a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SightingStatus {
    /// What it is called.
    pub vantage: String,
    /// `up` or `down`.
    pub verdict: String,
    /// How long ago that was heard.
    pub age_seconds: u64,
}

/// How other servers are heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VantageStatus {
    /// What this server is called among them.
    pub name: String,
    /// `heard`: what they see counts; `alone`: the store is not heard; `minority`: too few of `members` are there.
    pub standing: String,
    /// Why it does not count, in a sentence.
    pub why: Option<String>,
    /// Whether a member of the store is watched.
    pub connected: bool,
    /// The member that was asked last.
    pub member: Option<String>,
    /// Why the store is not heard.
    pub error: Option<String>,
    /// Targets of which the others are told.
    pub told: usize,
    /// The others that are there.
    pub others: Vec<OtherVantage>,
    /// Words that were not taken: there were too many.
    pub left_out: u64,
    /// How many keys of the store say nothing of use.
    pub faulty: usize,
    /// Which, and why: the first of them.
    pub faults: Vec<String>,
    /// How often the store was lost.
    pub lost: u64,
}

/// Another server that is heard.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OtherVantage {
    /// What it is called.
    pub name: String,
    /// How long it has been there.
    pub there_seconds: u64,
    /// How long ago it said something last: it says what changes.
    pub age_seconds: u64,
    /// Whether it suspects itself, and therefore says nothing of targets.
    pub suspects_itself: bool,
    /// How many targets it sees up.
    pub up: usize,
    /// How many it sees down.
    pub down: usize,
}

impl VantageStatus {
    /// What is not as it should be, one line each.
    fn remarks(&self) -> impl Iterator<Item = String> {
        let why = self.why.as_ref().or(self.error.as_ref());
        let standing = why.map(|why| format!("other vantages: {why}"));
        let (faulty, first) = (self.faulty, self.faults.first());
        let faults = first.map(|first| format!("{faulty} keys of vantages say nothing of use: {first}"));
        standing.into_iter().chain(faults)
    }
}

/// How many probes of a target ended how.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct OutcomesStatus {
    /// The target passed.
    pub passed: u64,
    /// It failed.
    pub failed: u64,
    /// Trouble on this host kept the probe from saying anything.
    pub local: u64,
}

/// A rule of the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleStatus {
    /// The targets it means.
    pub target: String,
    /// `up`, `down` or `auto`.
    pub verdict: String,
    /// Since when.
    pub since: UtcTime,
    /// Until when.
    pub until: Option<UtcTime>,
    /// Why.
    pub reason: Option<String>,
}

fn titled(name: &str, view: Option<&str>) -> String {
    view.map_or_else(|| name.to_owned(), |view| format!("{name} (view {view})"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_of_another_version_leaves_out_is_as_if_there_were_none_of_it() {
        let read = serde_json::from_str::<Status>(
            r#"{"zones":[{}],"pools":[{"members":[{}]}],"targets":[{}],"forced":[{}],"catalogs":[{}],"listening":[{}]}"#,
        );
        let status = read.unwrap();
        assert_eq!(
            status.pools,
            [PoolStatus { members: vec![MemberStatus::default()], ..PoolStatus::default() }]
        );
        assert_eq!(status.forced, [RuleStatus::default()]);
        assert_eq!(status.targets, [TargetStatus::default()]);
    }

    #[test]
    fn words_of_a_text_are_hidden_whatever_is_in_them_and_their_place_is_not() {
        for (sentence, shown) in [
            (
                "lab.zone:4:8: unknown record type `AA`; did you mean `A`?",
                "lab.zone:4:8: unknown record type `…`?",
            ),
            ("t:1:1: `a`b` is not a name", "t:1:1: `…` is not a name"),
            ("t:1:1: `` is not a name", "t:1:1: `…` is not a name"),
            ("cannot read t: permission denied", "cannot read t: permission denied"),
        ] {
            let mut hidden = sentence.to_owned();
            hide_words(&mut hidden);
            assert_eq!(hidden, shown);
        }
    }
}
