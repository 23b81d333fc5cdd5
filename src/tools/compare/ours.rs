//! Our own answers, made in process with every member up, and the members of our pools.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::Arc;

use super::super::asking::{Echo, Manner, Question, Reply, query};
use super::records::normal;
use crate::answer::{
    Counters, Identity, Peer, Reply as Sent, Snapshot, Transport, WorkerContext, explain, respond,
};
use crate::daemon::{LoadedZones, Served};
use crate::dns::message::{Header, MESSAGE_BYTES_MAX, Rcode};
use crate::dns::response::Response;
use crate::dns::{Name, Rtype};
use crate::health::{Board, Verdict};
use crate::zones::LoadedZone;

/// What the zones of the config answer.
pub(super) struct Ours {
    served: Served,
    snapshot: Snapshot,
    scratch: WorkerContext,
    /// Who asks: some pools choose by the client.
    client: IpAddr,
    buffer: Vec<u8>,
}

/// Everybody who may be answered for a name and type of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Members {
    /// In presentation format, in the order they were written.
    pub(super) shown: Vec<String>,
    /// TTL, as it is while all are up and while one is not, and comparable RDATA.
    admitted: BTreeSet<(u32, Vec<u8>)>,
    /// Comparable RDATA.
    values: BTreeSet<Vec<u8>>,
}

impl Members {
    /// Whether a record may come from the pool.
    pub(super) fn admit(&self, ttl: u32, rdata: &[u8], manner: Manner) -> bool {
        match manner {
            Manner::Authority => self.admitted.contains(&(ttl, rdata.to_vec())),
            Manner::Resolver => self.values.contains(rdata),
        }
    }

    /// The TTLs that its records may have, each once.
    pub(super) fn ttls(&self) -> BTreeSet<u32> {
        self.admitted.iter().map(|(ttl, _)| *ttl).collect()
    }
}

impl Ours {
    /// Serves zones, in process only.
    pub(super) fn new(zones: Vec<LoadedZone>, client: IpAddr) -> Ours {
        let mut board = Board::default();
        let zones = LoadedZones::bind(zones, |targets| {
            board = targets.iter().map(|_| Verdict::Up).collect();
            board.ids().collect()
        });
        let served = Served::first(zones, Identity::default());
        let snapshot = served.snapshot(&board);
        let scratch = WorkerContext::new(Arc::new(Counters::default()), 1);
        Ours { served, snapshot, scratch, client, buffer: vec![0; MESSAGE_BYTES_MAX] }
    }

    /// What a question is answered: all of it, as over TCP.
    pub(super) fn answer(&mut self, question: &Question) -> Reply {
        let query = query(question, Manner::Authority);
        let peer = Peer { address: self.client, transport: Transport::Tcp };
        let sent = respond(&self.snapshot, &mut self.scratch, peer, &query, &mut self.buffer);
        let message = match sent {
            Sent::Send { len } | Sent::ForwardTail { len } => self.buffer.get(..len),
            // Nothing is forwarded here.
            Sent::Drop | Sent::Forward | Sent::HandOver(_) => None,
        };
        // To a query of our own making there is a response, and one that can be read.
        message.and_then(|message| Reply::read(&query, message)).unwrap_or_else(|| Reply {
            response: Response {
                header: Header { id: 0, flags: Header::QR, counts: [0; 4] },
                rcode: Rcode::SERVFAIL,
                sections: Default::default(),
                edns: None,
                bytes: 0,
            },
            echo: Echo::AsAsked,
        })
    }

    /// Who may be in an RRset; none where it comes from no pool.
    pub(super) fn members(&self, owner: &Name, rtype: Rtype) -> Option<Members> {
        let found = explain(&self.snapshot, self.client, None, owner.as_ref(), rtype, &[]);
        let zone = found.decided.zone().map(|zone| self.served.pools_of_zone(zone)).unwrap_or_default();
        let pools = found.pools.iter().filter_map(|place| zone.get(*place));
        let pools: Vec<_> = pools
            .map(|bound| &bound.pool)
            .filter(|pool| pool.rtype == rtype && pool.computed.is_none())
            .collect();
        if pools.is_empty() {
            return None;
        }
        let mut members = Members { shown: Vec::new(), admitted: BTreeSet::new(), values: BTreeSet::new() };
        for pool in pools {
            for member in pool.groups.iter().flatten() {
                let value = normal(rtype, &member.rdata);
                for ttl in [pool.ttl, pool.ttl_degraded] {
                    members.admitted.insert((ttl.seconds(), value.clone()));
                }
                if members.values.insert(value) {
                    members.shown.push(pool.show(member));
                }
            }
        }
        Some(members)
    }

    /// The apex of the zone nearest to a name that holds it.
    pub(super) fn zone_of(&self, name: &Name) -> Option<&Name> {
        let zones = self.served.zones().iter().map(|zone| &zone.id.name);
        let holding = zones.filter(|apex| name.as_ref().is_at_or_below(apex.as_ref()));
        holding.max_by_key(|apex| apex.as_ref().label_count())
    }
}
