//! Compiles zone text to a snapshot as the program does, without sockets, files or probes. The test sets the
//! verdicts.
#![allow(dead_code, reason = "shared between test programs, each of which takes the parts it needs")]

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::SystemTime;

use edgedns::answer::{
    Access, BoundPool, Identity, Peer, Pools, Reply, Snapshot, Transport, WorkerContext, ZoneEntry,
    ZoneTable, compile, respond,
};
use edgedns::dns::Name;
use edgedns::dnssec::{
    Algorithm, DenialKind, Key, Pair, Period, PoolSigner, SEP, Shelf, Signing, Time, Timing, ZONE_KEY,
    ZoneKeys, sign,
};
use edgedns::health::{Board, Verdict};
use edgedns::source::{Diagnostics, Look, Severity, Sources, Span};
use edgedns::zone::{Builder, Changeset, Guarding, NodeId, Pool, Zone};
use edgedns::zonefile;

/// A client that has no reason to be another.
pub(crate) const CLIENT: Peer =
    Peer { address: IpAddr::V4(Ipv4Addr::new(127, 0, 0, 1)), transport: Transport::Udp };

/// Zones that are answered from.
#[derive(Default)]
pub(crate) struct Served {
    slots: Vec<ZoneEntry>,
    /// The pools of each zone.
    pools: Vec<Vec<Arc<Pool>>>,
    /// What signs them, where the zone is signed.
    signers: Vec<Option<Arc<PoolSigner>>>,
    /// Of the next zone.
    access: Option<Box<Access>>,
}

impl Served {
    /// Whom the next zone answers.
    pub(crate) fn restrict(&mut self, access: Option<Box<Access>>) {
        self.access = access;
    }

    /// Compiles one more zone.
    ///
    /// # Panics
    ///
    /// When the zone cannot be served; the message is what an operator would see.
    pub(crate) fn add(&mut self, apex: &str, text: &str, guardings: impl FnOnce(Span) -> Vec<Guarding>) {
        self.add_zone(&read(apex, text, guardings));
    }

    /// Compiles a zone that has been read.
    pub(crate) fn add_zone(&mut self, zone: &Zone) {
        let compiled = Some(Arc::new(compile(zone).expect("the zone is compiled")));
        self.slots.push(ZoneEntry {
            apex: zone.apex().to_name(),
            compiled,
            pools: Arc::default(),
            access: self.access.take(),
            expires: None,
        });
        self.pools.push(zone.pools().to_vec());
        self.signers.push(None);
    }

    /// Signs a zone with a key of its own, and compiles it.
    ///
    /// # Panics
    ///
    /// When it cannot be signed.
    pub(crate) fn add_signed(&mut self, apex: &str, text: &str) {
        let (public, secret) = Pair::generate(Algorithm::Ed25519, ZONE_KEY | SEP).expect("a key");
        let pair = Pair::new(&public, &secret).expect("its pair");
        let now = Time::of(SystemTime::now());
        let keys = ZoneKeys::new([Key::new(name(apex), public, pair, Timing::ALWAYS)]).expect("a key");
        let keys = keys.in_effect(now).expect("a key that signs");
        let signing = Signing { keys, validity: Period::at(now, 0).validity(), denial: DenialKind::Nsec };
        let plain = read(apex, text, |_| Vec::new());
        let added = sign(&plain, &signing, &mut Shelf::default(), NonZeroUsize::MIN).expect("signatures");
        let origin = plain.node(NodeId::APEX).first_origin().expect("a record");
        let mut found = Diagnostics::default();
        let changes = Changeset { removed: Vec::new(), added };
        let mut builder = changes.apply(&plain, &[], origin, &mut found).expect("records that are new");
        builder.sign_here();
        let zone = builder.finish(&mut found).expect("a sound zone");
        let signer = PoolSigner::new(signing);
        self.add_zone(&zone);
        if let (Some(slot), Some(last)) = (self.slots.last_mut(), self.signers.last_mut()) {
            let compiled = compile(&zone).expect("the zone is compiled");
            slot.compiled = Some(Arc::new(compiled.with_pool_denials(&zone, signer.denials(&zone))));
            *last = Some(Arc::new(signer));
        }
    }

    /// A zone of which no version could ever be read.
    pub(crate) fn add_zone_without_version(&mut self, apex: &str) {
        self.slots.push(ZoneEntry {
            apex: name(apex),
            compiled: None,
            pools: Arc::default(),
            access: None,
            expires: None,
        });
        self.pools.push(Vec::new());
        self.signers.push(None);
    }

    /// What is answered from when `verdict` gives what is believed of each target, named as in the log:
    /// `192.0.2.1:6443`.
    pub(crate) fn snapshot(&self, identity: Identity, verdict: impl Fn(&str) -> Verdict) -> Snapshot {
        let guards = self
            .pools
            .iter()
            .flatten()
            .flat_map(|pool| pool.groups.iter().flatten())
            .flat_map(|one| &one.guards);
        let board: Board = guards.map(|guard| verdict(&guard.probe.to_string())).collect();
        let mut ids = board.ids();
        let mut bind = |pool: &Arc<Pool>| BoundPool::new(Arc::clone(pool), &mut ids);
        let zones = self.slots.iter().zip(&self.pools).zip(&self.signers).map(|((slot, pools), signer)| {
            let bound: Vec<BoundPool> = pools.iter().map(&mut bind).collect();
            ZoneEntry { pools: Arc::new(Pools::signed(&bound, &board, signer.clone())), ..slot.clone() }
        });
        let zones = Arc::new(ZoneTable::new(zones.collect()));
        Snapshot { identity: Arc::new(identity), zones, ..Snapshot::default() }
    }
}

/// A zone from its text; `guardings` is given the place where the operator would have named it.
///
/// # Panics
///
/// When the zone cannot be served.
pub(crate) fn read(apex: &str, text: &str, guardings: impl FnOnce(Span) -> Vec<Guarding>) -> Zone {
    let mut sources = Sources::default();
    let named = sources.add("edgedns.toml", apex.as_bytes().to_vec());
    let file = sources.add(format!("{apex}zone"), text.as_bytes().to_vec());
    let named = Span::new(named, 0, 1);
    let mut found = Diagnostics::default();
    let mut builder = Builder::new(name(apex), named);
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    guardings(named).into_iter().for_each(|guarding| builder.guard(guarding));
    let finished = builder.finish(&mut found);
    let errors = found.iter().filter(|one| one.severity == Severity::Error);
    let drawn: Vec<String> = errors.map(|one| sources.render(one, Look::Plain)).collect();
    assert!(drawn.is_empty(), "{apex} cannot be served:\n{}", drawn.join("\n"));
    finished.expect("a zone without errors")
}

/// A name that a test knows to be one.
pub(crate) fn name(text: &str) -> Name {
    text.parse().unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

/// The plainest query there is: RD set, no EDNS.
pub(crate) fn query(qname: &str, qtype: u16) -> Vec<u8> {
    let mut query = vec![0x12, 0x34, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0];
    query.extend_from_slice(name(qname).as_ref().wire());
    query.extend_from_slice(&qtype.to_be_bytes());
    query.extend_from_slice(&[0, 1]);
    query
}

/// The response to a query; none when nothing is sent.
pub(crate) fn ask<'o>(
    snapshot: &Snapshot,
    scratch: &mut WorkerContext,
    peer: Peer,
    query: &[u8],
    out: &'o mut [u8],
) -> Option<&'o [u8]> {
    match respond(snapshot, scratch, peer, query, out) {
        Reply::Send { len } => Some(&out[..len]),
        Reply::Drop | Reply::Forward | Reply::ForwardTail { .. } | Reply::HandOver(_) => None,
    }
}
