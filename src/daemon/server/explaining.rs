//! Why a question is answered as it is.
//!
//! Asks the newest snapshot as a client would, and gathers what led to the answer. Files are read on a thread
//! of its own, one explanation after the other. Not responsible for the look-up (`answer`), or for the places
//! of records (`record_locations`).

use std::net::IpAddr;
use std::sync::Arc;

use tokio::sync::oneshot;

use super::super::record_locations::{MadeFrom, Search, record_view};
use super::explaining_signatures::sentences;
use super::explaining_transfers::TransferExplained;
use super::owners::Server;
use super::publishing::Publishing;
use super::selector_text::choice;
use super::status;
use crate::answer::{
    BoundPool, Decided, Explained, ExplainedStep, Finding, Peer, Reply, Snapshot, Transport, WorkerContext,
    explain, respond,
};
use crate::control::{AnswerView, ExplainOrder, Explanation, PoolView, StepView, UtcTime};
use crate::dns::client_subnet::{CLIENT_SUBNET_BYTES_MAX, ClientSubnet};
use crate::dns::edns::{DNSSEC_OK, OptWriter, option};
use crate::dns::message::{Header, Rcode, class};
use crate::dns::message_writer::{self, QUERY_BYTES_MAX};
use crate::dns::response::{Record, Response};
use crate::dns::{Name, Rtype};
use crate::health::{Report, TargetId, Verdict};
use crate::probe::Vantage;
use crate::zones::StoredZone;

/// Most zones that are named when the name is in none of them.
const ZONES_NAMED_MAX: usize = 8;

impl Server {
    /// Explains, and looks up the places on another thread, which may take its time.
    pub(super) fn explain(&self, order: &ExplainOrder, reply: oneshot::Sender<Box<Explanation>>) {
        let (mut explanation, search) = self.explained(order);
        let Some(search) = search else {
            // Whoever asked may have gone.
            let _ = reply.send(Box::new(explanation));
            return;
        };
        let turn = Arc::clone(&self.operator.explaining);
        tokio::spawn(async move {
            let _turn = turn.lock().await;
            let found = tokio::task::spawn_blocking(move || {
                search.run(&mut explanation);
                explanation
            });
            if let Ok(explanation) = found.await {
                let _ = reply.send(Box::new(explanation));
            }
        });
    }

    fn explained(&self, order: &ExplainOrder) -> (Explanation, Option<Search>) {
        let snapshot = self.publishing.publisher.newest();
        let (response, leaves) = ask(&snapshot, order, 0);
        let answers = response.as_ref().map(Response::answers).unwrap_or_default();
        let found =
            explain(&snapshot, order.client, order.subnet, order.qname.as_ref(), order.qtype, answers);
        let zone = found.decided.zone().and_then(|place| self.publishing.served.zones().get(place));
        let transfer = self.publishing.explain_transfer(order);
        let (signed, _) = ask(&snapshot, order, DNSSEC_OK);
        let names: Vec<String> = found.steps.iter().map(|step| step.name.to_string()).collect();
        let mut explanation = Explanation {
            name: order.qname.to_string(),
            rtype: order.qtype.to_string(),
            client: order.client.to_string(),
            uptime_seconds: self.started.elapsed().as_secs(),
            started_at: UtcTime(self.started_at),
            generation: self.publishing.publisher.generation(),
            zone: zone.map(status::zone),
            steps: found.steps.iter().map(step).collect(),
            pools: self.publishing.pools_told(&found, order),
            because: self.publishing.because(&found, order, zone, response.as_ref(), leaves),
            dnssec: signed.map(|signed| sentences(&signed, &names)).unwrap_or_default(),
            forwarded: leaves == Leaves::Whole,
            answer: response.as_ref().map(answer).unwrap_or_default(),
            remarks: zone
                .and_then(|zone| zone.error())
                .map(not_newest)
                .into_iter()
                .chain(
                    zone.and_then(|zone| zone.member.as_ref()).map(|member| format!("the zone is {member}")),
                )
                .chain((leaves == Leaves::AtAnAlias).then(|| ALIAS_LEAVES.to_owned()))
                .chain(self.publishing.subnet_told(order))
                .chain(self.publishing.vouched_for(&found, order))
                .chain(self.publishing.seen_elsewhere(&found, order))
                .collect(),
        };
        if let Some(TransferExplained { rcode, because, remarks }) = transfer {
            explanation.because = because;
            explanation.answer = AnswerView { rcode: Some(rcode.to_string()), ..AnswerView::default() };
            explanation.remarks.extend(remarks);
        }
        let search = zone.filter(|zone| zone.version().is_some()).map(|zone| Search {
            config: self.reloading.path.clone(),
            id: zone.id.clone(),
            sources: zone.sources.clone(),
            contents: zone.version().and_then(|version| version.contents.clone()),
            sections: response.map(|response| made_from(&response, &found.steps)).unwrap_or_default(),
            pools: self.publishing.pools_of(&found).map(|bound| Arc::clone(&bound.pool)).collect(),
        });
        (explanation, search)
    }
}

impl Publishing {
    fn pools_of(&self, found: &Explained) -> impl Iterator<Item = &BoundPool> {
        let zone = found.decided.zone().map(|zone| self.served.pools_of_zone(zone)).unwrap_or_default();
        found.pools.iter().filter_map(|place| zone.get(*place))
    }

    /// The address that choices go by: of a resolver that is believed, that of the network that it asks for.
    fn asked_for(&self, order: &ExplainOrder) -> IpAddr {
        let believed = self.publisher.newest().believed(order.client, order.subnet);
        believed.map_or(order.client, |network| network.address())
    }

    /// What becomes of the network that a resolver asks for, where one is named.
    fn subnet_told(&self, order: &ExplainOrder) -> Option<String> {
        let subnet = order.subnet?;
        Some(if self.publisher.newest().reads_client_subnet_of(order.client) {
            format!("{} is believed that it asks for {subnet}", order.client)
        } else {
            format!(
                "{} is not believed that it asks for {subnet}: `client-subnet-from` does not hold it",
                order.client
            )
        })
    }

    fn is_on_this_host(&self, order: &ExplainOrder) -> bool {
        self.publisher.newest().host.have(order.client)
    }

    /// What a client is told other than this host sees, or would be elsewhere.
    fn vouched_for(&self, found: &Explained, order: &ExplainOrder) -> Option<String> {
        let mut targets = self.pools_of(found).flat_map(|bound| bound.targets.iter());
        targets.find(|target| self.board.is_other_elsewhere(*target, Vantage::Own))?;
        Some(if self.is_on_this_host(order) {
            "this host suspects itself: clients elsewhere get what it believed before it heard nobody any more".to_owned()
        } else {
            "this host suspects itself: this is what it believed before it heard nobody any more; its own clients get what \
             it sees"
                .to_owned()
        })
    }

    /// What is down here and yet answered to clients elsewhere, and who sees it up.
    fn seen_elsewhere(&self, found: &Explained, order: &ExplainOrder) -> Vec<String> {
        let of = |bound: &BoundPool| {
            let rule = bound.pool.vantage;
            bound.targets.iter().filter(|target| self.board.is_seen_up(*target, rule)).collect::<Vec<_>>()
        };
        let seen: Vec<TargetId> = self.pools_of(found).flat_map(of).collect();
        if seen.is_empty() {
            return Vec::new();
        }
        let whom = match self.is_on_this_host(order) {
            true => "is answered to clients elsewhere, and not to those on this host",
            false => "is therefore answered",
        };
        let sentence = |report: Report| {
            let up = report.sightings.iter().filter(|seen| seen.verdict == Verdict::Up);
            let by = up.map(|seen| format!("{} ({} s ago)", seen.vantage, seen.since.elapsed().as_secs()));
            let by: Vec<String> = by.collect();
            format!("{} is down here, up as seen by {}: it {whom}", report.target.probe, by.join(", "))
        };
        let reports = self.engine.report().into_iter().filter(|report| seen.contains(&report.id));
        reports.map(sentence).collect()
    }

    fn pools_told(&self, found: &Explained, order: &ExplainOrder) -> Vec<PoolView> {
        let reports: Vec<Report> = if found.pools.is_empty() { Vec::new() } else { self.engine.report() };
        let (now, today) = (std::time::Instant::now(), std::time::SystemTime::now());
        let zone = found.decided.zone().and_then(|place| self.served.zones().get(place));
        let view = zone.and_then(|zone| zone.id.view.as_deref());
        let views = self.pools_of(found).map(|bound| {
            let own = |report: &&Report| bound.targets.iter().any(|id| id == report.id);
            let pool = &bound.pool;
            PoolView {
                status: status::pool(view, bound, &self.board),
                targets: reports
                    .iter()
                    .filter(own)
                    .map(|report| status::target(report, now, today))
                    .collect(),
                choice: choice(bound, &self.board, self.asked_for(order)),
                ttl: pool.ttl.seconds(),
                ttl_degraded: pool.ttl_degraded.seconds(),
                place: None,
                guarded_at: None,
            }
        });
        views.collect()
    }

    /// The answer in one sentence.
    fn because(
        &self,
        found: &Explained,
        order: &ExplainOrder,
        zone: Option<&StoredZone>,
        response: Option<&Response>,
        leaves: Leaves,
    ) -> String {
        let error = zone.and_then(|zone| zone.error()).unwrap_or("it could never be read");
        if leaves == Leaves::Whole {
            let forwarded = self.forwarding.zone_of(order.qname.as_ref());
            let forwarded = forwarded.map(ToString::to_string).unwrap_or_default();
            return format!("no zone of this server holds the name; the upstreams of {forwarded} are asked");
        }
        let Some(response) = response else { return "nothing is sent".to_owned() };
        match found.decided {
            Decided::NotOurs => {
                format!("REFUSED: no zone of this server holds the name; {}", self.zones_named())
            }
            Decided::Prohibited(_) => {
                format!("REFUSED: {}", why_prohibited(zone, order.client, self.asked_for(order)))
            }
            Decided::NoVersion(_) => format!("SERVFAIL: no version of the zone is served: {error}"),
            // It is explained as what it is.
            Decided::Transfer(_) => String::new(),
            Decided::Zone(_) => conclusion(found, order.qtype, response),
        }
    }

    fn zones_named(&self) -> String {
        let zones = self.served.zones();
        let named: Vec<String> = zones.iter().take(ZONES_NAMED_MAX).map(|zone| zone.id.to_string()).collect();
        match zones.len().saturating_sub(named.len()) {
            0 if named.is_empty() => "it has none".to_owned(),
            0 => format!("it has {}", named.join(" ")),
            more => format!("it has {} and {more} more", named.join(" ")),
        }
    }
}

/// Why a zone does not answer a client; `zone` is the version that it sees, if it sees one. Which one that is goes by the
/// address that it asks for, and who may ask by its own.
fn why_prohibited(zone: Option<&StoredZone>, client: IpAddr, asked_for: IpAddr) -> String {
    let access = zone.and_then(|zone| zone.access.as_ref());
    if access.is_some_and(|access| access.is_seen_by(asked_for)) {
        format!("`allow-query` of the zone does not hold {client}")
    } else {
        format!(
            "`when-client-in` of no version of the zone holds {asked_for}, and none is for everybody else"
        )
    }
}

/// Asks as a client would over TCP, which neither truncates nor limits; nothing of it is counted.
fn ask(snapshot: &Snapshot, order: &ExplainOrder, edns_flags: u8) -> (Option<Response>, Leaves) {
    let query = message_writer::owned(QUERY_BYTES_MAX, 0, Header::RD, |query| {
        query.question(order.qname.as_ref(), order.qtype, class::IN);
        let mut opt = OptWriter::new(query, Rcode::NOERROR, edns_flags);
        if let Some(subnet) = order.subnet {
            let mut value = [0; CLIENT_SUBNET_BYTES_MAX];
            let length = ClientSubnet::write(subnet.address(), subnet.length(), &mut value);
            opt.option(option::CLIENT_SUBNET, value.get(..length).unwrap_or_default());
        }
        opt.finish();
    });
    let peer = Peer { address: order.client, transport: Transport::Tcp };
    let mut out = vec![0; usize::from(u16::MAX)];
    let seed = super::settings::random_secret().map_or(1, |secret| secret.seed());
    match respond(snapshot, &mut WorkerContext::new(Arc::default(), seed), peer, &query, &mut out) {
        Reply::Send { len } => (out.get(..len).and_then(Response::read), Leaves::NotAtAll),
        Reply::ForwardTail { len } => (out.get(..len).and_then(Response::read), Leaves::AtAnAlias),
        Reply::Forward => (None, Leaves::Whole),
        Reply::HandOver(_) => (None, Leaves::ForAnother),
        Reply::Drop => (None, Leaves::NotAtAll),
    }
}

/// Whether a question leaves the worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leaves {
    /// It is answered here.
    NotAtAll,
    /// An alias of ours leads outside: the rest is asked.
    AtAnAlias,
    /// It is for a name outside our zones.
    Whole,
    /// It is no plain query: it is handed over whole.
    ForAnother,
}

const ALIAS_LEAVES: &str =
    "the alias leads outside the zones of this server: upstreams are asked for the rest";

fn answer(response: &Response) -> AnswerView {
    let [answer, authority, additional] = &response.sections;
    let section = |records: &Vec<Record>| records.iter().map(record_view).collect();
    AnswerView {
        rcode: Some(response.rcode.to_string()),
        flags: response.flags().map(str::to_owned).collect(),
        bytes: response.bytes,
        extended_error: response.edns.and_then(|edns| edns.error),
        answer: section(answer),
        authority: section(authority),
        additional: section(additional),
    }
}

/// What each record of a response was made from.
fn made_from(response: &Response, steps: &[ExplainedStep]) -> [Vec<MadeFrom>; 3] {
    response
        .sections
        .each_ref()
        .map(|records| records.iter().map(|record| record_made_from(record, steps)).collect())
}

fn record_made_from(record: &Record, steps: &[ExplainedStep]) -> MadeFrom {
    let Record { owner, rtype, rdata, .. } = record;
    match steps.iter().find(|step| step.name == *owner).map(|step| &step.finding) {
        Some(Finding::Wildcard { source, .. }) => {
            MadeFrom { owner: source.clone(), rtype: *rtype, rdata: Some(rdata.clone()) }
        }
        Some(Finding::Dname { owner }) if *rtype == Rtype::CNAME => {
            MadeFrom { owner: owner.clone(), rtype: Rtype::DNAME, rdata: None }
        }
        _ => MadeFrom { owner: owner.clone(), rtype: *rtype, rdata: Some(rdata.clone()) },
    }
}

fn not_newest(error: &str) -> String {
    format!("not the newest version of the zone: {error}")
}

fn step(step: &ExplainedStep) -> StepView {
    let ExplainedStep { name, finding } = step;
    let (found, at, types, sentence) = match finding {
        Finding::Exact { types } if types.is_empty() => {
            let sentence = format!("{name} has no record, and is there only because names below it are");
            ("exact", None, types.as_slice(), sentence)
        }
        Finding::Exact { types } => {
            ("exact", None, types.as_slice(), format!("{name} has {}", listed(types)))
        }
        Finding::Wildcard { source, types } => {
            let has = if types.is_empty() { "no record".to_owned() } else { listed(types) };
            let sentence = format!("{name} is synthesised from {source}, which has {has}");
            ("wildcard", Some(source), types.as_slice(), sentence)
        }
        Finding::Cut { cut } => {
            let sentence = if name == cut {
                format!("{name} is a zone cut: other servers answer it")
            } else {
                format!("{name} lies below the zone cut {cut}: other servers answer it")
            };
            ("zone-cut", Some(cut), &[][..], sentence)
        }
        Finding::Dname { owner } => {
            let sentence = format!("{name} lies below {owner}, whose DNAME leads elsewhere");
            ("dname", Some(owner), &[][..], sentence)
        }
        Finding::Missing { encloser } => {
            let sentence = format!(
                "{name} does not exist, and nothing stands in for it: the closest name above it is \
                 {encloser}, without a wildcard"
            );
            ("missing", Some(encloser), &[][..], sentence)
        }
        Finding::Outside => ("elsewhere", None, &[][..], format!("{name} lies outside the zone")),
        Finding::Again => ("again", None, &[][..], format!("{name} has been there already")),
    };
    StepView {
        name: name.to_string(),
        found: found.to_owned(),
        at: at.map(Name::to_string),
        types: types.iter().map(Rtype::to_string).collect(),
        sentence,
    }
}

/// `A`, `A and AAAA`, `A, AAAA and TXT`.
fn listed(types: &[Rtype]) -> String {
    let words: Vec<String> = types.iter().map(Rtype::to_string).collect();
    match words.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => words.concat(),
    }
}

/// Why a zone's answer is what it is.
fn conclusion(found: &Explained, qtype: Rtype, response: &Response) -> String {
    let last = found.steps.last();
    let rcode = response.rcode;
    let [answers, authorities, _] = response.sections.each_ref().map(Vec::len);
    let authority = if response.is_authoritative() { "from authority" } else { "without authority" };
    let finding = last.map(|step| &step.finding);
    match (rcode, finding) {
        (Rcode::NXDOMAIN, _) => format!("{rcode}, {authority}: the name does not exist"),
        (Rcode::SERVFAIL, _) => format!("{rcode}: that is what the pool chooses now"),
        (Rcode::YXDOMAIN, _) => format!("{rcode}: the name that the DNAME makes is too long"),
        (Rcode::NOERROR, Some(Finding::Cut { cut })) if authorities > 0 && !response_has_soa(response) => {
            format!("{rcode}, {authority}: a referral to the servers of {cut}")
        }
        (Rcode::NOERROR, Some(Finding::Outside)) => {
            format!("{rcode}, {authority}: the client asks again for the last name")
        }
        (Rcode::NOERROR, Some(Finding::Again)) => {
            format!("{rcode}, {authority}: a loop, of which each link is answered once")
        }
        (Rcode::NOERROR, Some(Finding::Exact { types } | Finding::Wildcard { types, .. }))
            if response_has_soa(response) && !types.contains(&qtype) =>
        {
            format!(
                "{rcode}, {authority}, no {qtype} record (NODATA): the name exists, but not with that type"
            )
        }
        (Rcode::NOERROR, _) if response_has_soa(response) && qtype != Rtype::SOA => {
            format!("{rcode}, {authority}, no {qtype} record (NODATA): the pool has none to answer now")
        }
        _ => format!("{rcode}, {authority}, {answers} {}", if answers == 1 { "record" } else { "records" }),
    }
}

/// Whether it is a negative answer.
fn response_has_soa(response: &Response) -> bool {
    let [_, authority, _] = &response.sections;
    authority.iter().any(|record| record.rtype == Rtype::SOA)
}
