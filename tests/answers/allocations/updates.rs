//! A zone that clients update, with its journal: what a name that comes so takes of memory for as long as it stays.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::Arc;

use edgedns::answer::{Allowed, Requester};
use edgedns::dns::Rtype;
use edgedns::dns::response::Record;
use edgedns::source::{Sources, Span};
use edgedns::tls::ClientProof;
use edgedns::update::{Grant, Policy, TypeGrant, UpdateMessage};
use edgedns::zone::MemoryLimit;
use edgedns::zonefile;
use edgedns::zones::live::{LiveZones, UpdateBatch, UpdateRequest, make_batch};
use edgedns::zones::source::{Changing, ZoneFile, ZoneSources};
use edgedns::zones::{Purpose, Serving, Settings, ZoneId, ZoneSettings, ZoneVersion, load};

use crate::served::{CLIENT, name};

/// Updates that are written down together, as the server does it.
const TOGETHER: usize = 256;

/// A zone of `h0` to `h…`, which clients update.
pub(crate) struct Updated {
    folder: tempfile::TempDir,
    live: Arc<LiveZones>,
    policy: Arc<Policy>,
    served: Option<Arc<ZoneVersion>>,
}

impl Updated {
    pub(crate) fn with_hosts(count: usize) -> Updated {
        let folder = tempfile::tempdir().expect("a scratch folder");
        fs::create_dir(folder.path().join("state")).expect("a folder");
        let mut text = "$TTL 60\n@ SOA ns host 1 3600 600 86400 60\n@ NS ns\nns A 192.0.2.53\n".to_owned();
        for host in 0..count {
            writeln!(text, "h{host} A 192.0.2.1").expect("a text");
        }
        fs::write(folder.path().join("example.zone"), text).expect("a zone file");
        let allow =
            vec![Allowed { prefix: Some("127.0.0.0/8".parse().expect("a prefix")), ..Allowed::default() }];
        let names = vec!["**".parse().expect("a pattern")];
        let policy = Policy { grants: vec![Grant { allow, names, types: TypeGrant::Any }] };
        let mut updated = Updated { folder, live: Arc::default(), policy: Arc::new(policy), served: None };
        updated.served = Some(updated.read());
        updated
    }

    fn read(&self) -> Arc<ZoneVersion> {
        let span = Span::new(Sources::default().add("edgedns.toml", b"example".to_vec()), 0, 7);
        let mut sources = ZoneSources::default();
        sources.push(ZoneFile { path: self.folder.path().join("example.zone"), span });
        sources.push(Changing::Updates);
        let zone = ZoneSettings {
            id: id(),
            name_span: span,
            sources,
            when_client_in: None,
            allow_query: None,
            memory_limit: MemoryLimit::ByText,
            guards: Vec::new(),
            update: Some(Arc::clone(&self.policy)),
            dnssec: None,
            member: None,
        };
        let settings = Settings {
            config: PathBuf::from("edgedns.toml"),
            zones: vec![zone],
            text: zonefile::Settings::default(),
            state_directory: Some(self.folder.path().join("state")),
            catalogs: Vec::new(),
            cluster: None,
        };
        let serving = Serving { live: Arc::clone(&self.live), ..Serving::default() };
        let mut loaded = load(&mut Sources::default(), &settings, &Purpose::Serve(serving), 1, |_, _| {});
        let mut loaded = loaded.remove(0);
        let version = loaded.version.unwrap_or_else(|| panic!("{:?}", loaded.error));
        if let Some(hold) = loaded.hold.take() {
            hold.commit(&version, None);
        }
        version
    }

    /// Makes these updates, each a message of its own.
    pub(crate) fn make(&mut self, updates: impl IntoIterator<Item = Vec<Record>>) {
        let mut messages = updates.into_iter().map(|updates| UpdateMessage {
            zone: name("example."),
            class: 1,
            prerequisites: Vec::new(),
            updates,
            payload: None,
        });
        let zone = self.live.zone(&id());
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut state = runtime.block_on(zone.lock());
        loop {
            let requester = Requester { address: CLIENT.address, key: None, proof: ClientProof::Nothing };
            let ask = |message| UpdateRequest { message: Arc::new(message), requester: requester.clone() };
            let asked: Vec<UpdateRequest> = messages.by_ref().take(TOGETHER).map(ask).collect();
            if asked.is_empty() {
                break;
            }
            let current = self.served.clone().expect("a version");
            let UpdateBatch { results, version } =
                make_batch(&zone, &mut state, &current, &self.policy, &asked);
            assert!(results.iter().all(Result::is_ok), "{results:?}");
            self.served = Some(Arc::new(version.expect("the next version")));
        }
    }

    /// How many names are not as they are in the file.
    pub(crate) fn changed_names(&self) -> usize {
        let contents = self.served.as_ref().and_then(|version| version.contents.as_ref());
        contents.map_or(0, |zone| zone.changed_nodes())
    }
}

fn id() -> ZoneId {
    ZoneId::from(name("example."))
}

/// What an ACME client writes, and nothing else is there.
pub(crate) fn token(owner: &str, number: usize) -> Vec<Record> {
    let (owner, rdata) = (name(&format!("{owner}.example.")), format!("+{number:043}").into_bytes());
    let gone = Record { owner, rtype: Rtype::TXT, class: 255, ttl: 0, rdata: Vec::new() };
    let come = Record { class: 1, ttl: 60, rdata, ..gone.clone() };
    vec![gone, come]
}
