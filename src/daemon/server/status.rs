//! Gathers the status for the operator.

use std::time::{Duration, Instant, SystemTime};

use super::super::clock::Clocks;
use super::super::last_hour::Counted;
use super::owners::Server;
use super::worker_counters;
use crate::answer::{BoundPool, PoolState};
use crate::control::{
    CatalogStatus, CopiedStatus, JournalStatus, ListeningStatus, MemberStatus, OutcomesStatus, PoolStatus,
    ProbesStatus, QueryLog, RuleStatus, SelectorStatus, SightingStatus, Status, StoreStatus, TargetStatus,
    UtcTime, ZoneStatus,
};
use crate::health::force::Rule;
use crate::health::{Board, LATENCY_BOUNDS, Lateness, Report, Sighting, Tally};
use crate::kubernetes::Selector;
use crate::probe::{Share, Weight};
use crate::transport::Listening;
use crate::zones::live::LiveStatus;
use crate::zones::{
    self, ClusterMembersFeed, ClusterMembersStatus, EtcdStatus, EtcdZones, FeedStatus, StoredZone,
    UnknownHost, Watching, ZoneState,
};

impl Server {
    pub(super) fn status(&self) -> Status {
        // What is answered: the newest verdicts are a moment ahead of it.
        let board = &self.publishing.board;
        let (now, clocks) = (Instant::now(), Clocks::now());
        let today = clocks.wall;
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: UtcTime(self.started_at),
            uptime_seconds: self.started.elapsed().as_secs(),
            not_ready: self.not_ready(),
            generation: self.publishing.publisher.generation(),
            published_at: UtcTime(self.publishing.published_at),
            listening: self.publishing.running.listening().iter().map(listening).collect(),
            transports: self.publishing.counters.status(),
            udp: worker_counters::udp(&self.publishing.running.udp_counters()),
            tcp: worker_counters::tcp(&self.publishing.running.tcp_counters()),
            certificate: self.operator.certificate.status(),
            probes: probes(&self.publishing.engine.lateness()),
            zones: self.publishing.served.zones().iter().map(|stored| self.zone(stored)).collect(),
            catalogs: self.publishing.catalogs.status().into_iter().map(catalog).collect(),
            kubernetes: self.selectors(),
            pools: self
                .publishing
                .served
                .pools_with_views()
                .filter(|(_, bound)| bound.pool.computed.is_none())
                .map(|(view, bound)| pool(view, bound, board))
                .collect(),
            targets: self
                .publishing
                .engine
                .report()
                .iter()
                .map(|report| target(report, now, today))
                .collect(),
            changes: self.publishing.telling.changes.status(),
            last_hour: self.publishing.telling.last_hour.status(),
            suspects_itself: self.operator.suspects_itself(),
            query_log: self.publishing.telling.query_log().map(QueryLog::status),
            webhook: self.publishing.telling.webhook.status(),
            vantage: self.publishing.vantage.status(&self.publishing.engine),
            local_trouble: self.operator.local_trouble.borrow().as_ref().map(ToString::to_string),
            watch_trouble: self.reloading.watching.as_ref().and_then(Watching::trouble),
            state_trouble: self.operator.state_trouble().or_else(|| self.publishing.telling.changes.fault()),
            forced: self.operator.rules.iter().map(|one| rule(one, clocks)).collect(),
            transfers: self.publishing.transferring.status(),
            turned_away: self.publishing.dispatcher.turned_away(),
            tsig: self.publishing.dispatcher.signatures().status(),
            updates: self.updating.by_result(),
            forward: self.publishing.forwarding.status(self.publishing.counters.forward_limited()),
        }
    }

    /// Takes in what counters are, at the end of each step of the last hour.
    pub(super) fn note_last_hour(&mut self, now: Instant) {
        if !self.publishing.telling.last_hour.is_due(now) {
            return;
        }
        let queries = self.publishing.counters.status().iter().map(|one| one.queries).sum();
        let durations = worker_counters::udp(&self.publishing.running.udp_counters()).durations;
        let forward = self.publishing.forwarding.status(0);
        self.publishing.telling.last_hour.note(Counted::new(queries, &durations, forward.as_ref()), now);
    }

    /// How a cluster is heard about members of pools.
    fn selectors(&self) -> Vec<SelectorStatus> {
        let statuses = self.feeds.find::<ClusterMembersFeed>().map(ClusterMembersFeed::statuses);
        statuses.unwrap_or_default().into_iter().map(selector).collect()
    }

    /// A zone, with what updates have made of it, and what is heard of its primaries.
    fn zone(&self, stored: &StoredZone) -> ZoneStatus {
        let heard = self.feeds.status(&stored.id);
        let store = self.feeds.find::<EtcdZones>().and_then(|zones| zones.status_of(&stored.id));
        let confirmed_at = heard.as_ref().and_then(|heard| heard.confirmed_at);
        let confirmed_at = confirmed_at.or(store.as_ref().and_then(|store| store.confirmed_at));
        let age = confirmed_at.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
        let stale_seconds = age.map(|age| age.as_secs());
        let copied = heard.map(|heard| copied(heard, &stored.state));
        let live = stored.changed_by().map(|_| self.updating.live().zone(&stored.id).status());
        let etcd = store.map(etcd);
        let hosts = stored.has_hosts_elsewhere().then(|| self.updating.unknown_hosts(&stored.id));
        let sentence = |host: &UnknownHost| format!("{host}; {}", host.meanwhile());
        let hosts_unknown = hosts.map(|hosts| hosts.iter().map(sentence).collect());
        ZoneStatus { journal: live.map(journal), stale_seconds, copied, etcd, hosts_unknown, ..zone(stored) }
    }
}

fn selector((selector, heard): (Selector, ClusterMembersStatus)) -> SelectorStatus {
    let ClusterMembersStatus { connected, server, members, missed, left_out, heard_at, fault, lost } = heard;
    let age = heard_at.map(|at| SystemTime::now().duration_since(at).unwrap_or_default());
    SelectorStatus {
        selector: selector.to_string(),
        connected,
        server,
        members,
        missed,
        left_out,
        stale_seconds: age.map(|age| age.as_secs()),
        error: fault,
        lost,
    }
}

fn listening(listening: &Listening) -> ListeningStatus {
    let Listening { address, protocols, buffers } = listening;
    ListeningStatus {
        address: address.to_string(),
        protocols: protocols.entry().name.to_owned(),
        receive_buffer_bytes: buffers.map(|buffers| buffers.receive_bytes),
        send_buffer_bytes: buffers.map(|buffers| buffers.send_bytes),
        short_receive_bytes: buffers.and_then(|buffers| buffers.short_receive_bytes()),
    }
}

pub(super) fn zone(zone: &StoredZone) -> ZoneStatus {
    ZoneStatus {
        name: zone.id.name.to_string(),
        view: zone.id.view.clone(),
        serial: zone.version().map(|version| version.serial),
        records: zone.version().map(|version| version.records),
        file: zone.sources.to_string(),
        source: zone.sources.to_string(),
        stale_seconds: None,
        copied: None,
        etcd: None,
        loaded_at: zone.version().map(|version| UtcTime(version.loaded_at)),
        error: zone.error().map(str::to_owned),
        kept_at: zone.version().and_then(|version| version.last_good_since()).map(UtcTime),
        drawn: zone.drawn().map(str::to_owned),
        catalog: zone.member.as_ref().map(|member| member.catalog.to_string()),
        group: zone.member.as_ref().and_then(|member| member.group.clone()),
        journal: None,
        signed_until: zone.version().and_then(|version| version.valid_until()).map(UtcTime),
        hosts_unknown: None,
    }
}

fn catalog(catalog: zones::CatalogStatus) -> CatalogStatus {
    let zones::CatalogStatus { name, serial, members, broken, held, clashes } = catalog;
    let clashes = clashes.into_iter().map(|(zone, clash)| (zone.to_string(), clash.to_string()));
    CatalogStatus { name: name.to_string(), serial, members, broken, held, clashes: clashes.collect() }
}

fn copied(heard: FeedStatus, state: &ZoneState) -> CopiedStatus {
    let FeedStatus { from, confirmed_at, expire, fault: _, axfr, ixfr, failed, bytes, notified } = heard;
    let left = match state {
        ZoneState::Expired { .. } => Some(Duration::ZERO),
        state => state.next_due().map(|due| due.saturating_duration_since(Instant::now())),
    };
    CopiedStatus {
        from,
        confirmed_at: confirmed_at.map(UtcTime),
        expire_seconds: expire.map(|expire| expire.as_secs()),
        expires_in_seconds: left.map(|left| left.as_secs()),
        axfr,
        ixfr,
        bytes,
        failed,
        notify_messages: notified,
    }
}

fn etcd(heard: EtcdStatus) -> StoreStatus {
    StoreStatus {
        feed_connected: heard.connected,
        member: heard.member,
        revision: heard.revision,
        confirmed_at: heard.confirmed_at.map(UtcTime),
        error: heard.fault,
        keys: heard.keys,
        faulty: heard.faulty,
        faults: heard.faults,
        held: heard.held.map(|held| held.keys),
        images: heard.images,
        changes: heard.changes,
        lost: heard.lost,
    }
}

fn journal(live: LiveStatus) -> JournalStatus {
    let LiveStatus { bytes, steps, oldest, records, aside, fault } = live;
    let moment = |seconds| SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds)).map(UtcTime);
    JournalStatus { bytes, steps, oldest_at: oldest.and_then(moment), records, aside, error: fault }
}

pub(super) fn pool(view: Option<&str>, bound: &BoundPool, board: &Board) -> PoolStatus {
    let (state, answering) = bound.answered(board);
    let standing = match state {
        PoolState::Up => "up",
        PoolState::Pending => "pending",
        PoolState::AllDown => "all-down",
    };
    let members = bound.pool.groups.iter().flatten().zip(bound.targets.members());
    let members = members.map(|(member, targets)| MemberStatus {
        address: bound.pool.show(member),
        verdict: BoundPool::verdict(bound.pool.pass, member, targets, board).to_string(),
        share: percent(BoundPool::share(member, targets, board)),
        targets: targets.iter().map(|target| target.index()).collect(),
    });
    PoolStatus {
        owner: bound.pool.owner.to_string(),
        view: view.map(str::to_owned),
        rtype: bound.pool.rtype.to_string(),
        standing: standing.to_owned(),
        members: members.collect(),
        answering: answering.iter().map(|member| bound.pool.show(member)).collect(),
        elsewhere: bound.elsewhere(board).map(|board| {
            let (_, answering) = bound.answered(&board);
            answering.into_iter().map(|member| bound.pool.show(member)).collect()
        }),
    }
}

pub(super) fn target(report: &Report, now: Instant, today: SystemTime) -> TargetStatus {
    let Report {
        id,
        target,
        verdict,
        believed,
        elsewhere,
        sightings,
        forced,
        held,
        share,
        is_unjudged,
        history,
    } = report;
    let sighting = |seen: &Sighting| SightingStatus {
        vantage: seen.vantage.to_string(),
        verdict: seen.verdict.to_string(),
        age_seconds: now.saturating_duration_since(seen.since).as_secs(),
    };
    TargetStatus {
        id: id.index(),
        name: target.probe.to_string(),
        address: target.probe.address.to_string(),
        probe: target.probe.kind.entry().name.to_owned(),
        verdict: verdict.to_string(),
        believed: believed.to_string(),
        elsewhere: (elsewhere != believed).then(|| elsewhere.to_string()),
        seen: sightings.iter().map(sighting).collect(),
        forced: forced.as_ref().map(|rule| rule.order.to_string()),
        held: *held,
        share: percent(*share),
        starting: *is_unjudged,
        since: UtcTime::of(history.since, now, today),
        last_outcome: history.last_outcome.as_ref().map(ToString::to_string),
        last_error: history.last_error.as_ref().map(ToString::to_string),
        latency_ms: history.latency.map(|latency| latency.as_secs_f64() * 1e3),
        // A duration: 64 bits of milliseconds are 500 million years.
        last_probe_age_ms: u64::try_from(history.last_probe_age(now).as_millis()).unwrap_or(u64::MAX),
        transitions: history.transitions,
        outcomes: outcomes(history.tally),
        failures: history.tally.symptoms().map(|(one, count)| (one.name().to_owned(), count)).collect(),
        latencies: history.latencies.counts.to_vec(),
        latency_sum_seconds: history.latencies.sum.as_secs_f64(),
        certificate_not_after: history.not_after.map(UtcTime),
        weight: history.weight.map(Weight::get),
    }
}

/// A share that is not the whole.
fn percent(share: Share) -> Option<u8> {
    (share != Share::WHOLE).then(|| share.get())
}

fn probes(lateness: &Lateness) -> ProbesStatus {
    let ms = |time: Duration| time.as_secs_f64() * 1e3;
    let (bounds, late): (Vec<_>, Vec<_>) = lateness.distribution().unzip();
    ProbesStatus {
        started: lateness.probes(),
        late_p50_ms: ms(lateness.percentile(50)),
        late_p99_ms: ms(lateness.percentile(99)),
        late_max_ms: ms(lateness.most),
        late_sum_seconds: lateness.sum.as_secs_f64(),
        late,
        late_bounds_seconds: bounds.iter().flatten().map(Duration::as_secs_f64).collect(),
        latency_bounds_seconds: LATENCY_BOUNDS.iter().map(Duration::as_secs_f64).collect(),
    }
}

fn outcomes(tally: Tally) -> OutcomesStatus {
    let Tally { passed, failed, local, .. } = tally;
    OutcomesStatus { passed, failed, local }
}

fn rule(rule: &Rule, now: Clocks) -> RuleStatus {
    RuleStatus {
        target: rule.pattern.to_string(),
        verdict: rule.order.to_string(),
        since: UtcTime(rule.since),
        until: rule.term.and_then(|term| now.system_time(term.ends)).map(UtcTime),
        reason: rule.remark.as_ref().map(ToString::to_string),
    }
}
