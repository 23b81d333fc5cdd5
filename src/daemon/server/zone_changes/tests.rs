//! Single zones are changed under a server that runs, with its own loop, engine and workers.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::*;
use crate::answer::{Counters, Peer, Reader, Reply, Transport, WorkerContext, respond};
use crate::control::{AdminRequest, ServiceManager};
use crate::daemon::load::LoadResult;
use crate::daemon::server::owners::Server;
use crate::daemon::server::settings::transport_settings;
use crate::daemon::server::supervision::Supervision;
use crate::dns::message::class;
use crate::dns::message_writer;
use crate::dns::response::Response;
use crate::dns::{Name, Rtype};
use crate::transport::{Inherited, Listeners};
use crate::zones::{Fault, Publications, Purpose, ZoneId};

const LIMIT: Duration = Duration::from_secs(20);
const PROBE_TIMEOUT: Duration = Duration::from_millis(400);

/// A folder with two zones, and what is served of them.
struct Site {
    folder: tempfile::TempDir,
    /// A port that accepts connections, and guards the pools.
    up: TcpListener,
}

/// What a test does with the server while it runs.
struct Under {
    publications: Publications,
    reader: RefCell<Reader>,
    versions: Vec<Arc<ZoneVersion>>,
}

fn zone(serial: u32, more: &str) -> String {
    format!("$TTL 60\n@ SOA ns1 h {serial} 3600 600 86400 60\n@ NS ns1\nns1 A 192.0.2.1\n{more}")
}

impl Site {
    async fn new() -> Site {
        let site = Site {
            folder: tempfile::tempdir().unwrap(),
            up: TcpListener::bind("127.0.4.81:0").await.unwrap(),
        };
        let zone_with = |name: &str| format!("[[zone]]\nname = \"{name}.example\"\nfile = \"{name}\"\n");
        site.write(
            "config",
            &format!(
                "[server]\nlisten = [\"127.0.4.81:5300\"]\nworkers = 1\n[probe]\ntimeout = \"400ms\"\n{}{}",
                zone_with("live"),
                zone_with("other")
            ),
        );
        ["live", "other"].into_iter().for_each(|name| site.write(name, &zone(1, "")));
        site
    }

    fn port(&self) -> u16 {
        self.up.local_addr().unwrap().port()
    }

    /// `api`, answered with those of the members that accept connections.
    fn pool(&self, members: &[&str]) -> String {
        let members: Vec<String> = members.iter().map(|member| format!("'{member}'")).collect();
        format!("api LUA A \"ifportup({}, {{{}}})\"\n", self.port(), members.join(", "))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    fn load(&self) -> LoadResult {
        LoadResult::new(&self.path("config"), &Purpose::Check, |_, _| {})
    }

    /// The version of a zone with this text.
    fn version(&self, name: &str, text: &str) -> Arc<ZoneVersion> {
        self.write(name, text);
        let place = usize::from(name == "other");
        self.load().loaded.unwrap().zones.remove(place).version.unwrap()
    }

    /// Runs the server while `test` does something with it.
    async fn serve(&self, test: impl AsyncFnOnce(&Under)) {
        let reading = self.load();
        let digests = reading.digests();
        let mut loaded = reading.loaded.unwrap();
        // The kernel finds a port: nobody asks there.
        loaded.config.server.listen = vec![SocketAddr::from(([127, 0, 4, 81], 0)).into()];
        let versions = loaded.zones.iter().map(|zone| zone.version.clone().unwrap()).collect();
        let listeners = Listeners::bind(&transport_settings(&loaded.config), Inherited::none()).unwrap();
        let (sender, mut requests) = mpsc::channel(16);
        let supervision = Supervision::new(ServiceManager::from_environment());
        let (path, marks) = (self.path("config"), Arc::default());
        let started = Server::start(
            path,
            loaded,
            digests,
            listeners,
            sender.clone(),
            supervision,
            (marks, Arc::default()),
        );
        let (mut server, events) = started.await.unwrap_or_else(|error| panic!("{error}"));
        let under = Under {
            publications: server.updating.publications.clone(),
            reader: RefCell::new(server.publishing.publisher.readers().reader()),
            versions,
        };
        let tested = async {
            timeout(LIMIT, test(&under)).await.unwrap();
            sender.send(AdminRequest::Stop).await.unwrap();
        };
        tokio::join!(server.turn(&mut requests, events), tested);
        server.stop().await;
    }
}

impl Under {
    /// The data of the A records that a client gets now.
    fn ask(&self, name: &str) -> Vec<String> {
        let name: Name = name.parse().unwrap();
        let query = message_writer::owned(512, 7, 0, |message| {
            message.question(name.as_ref(), Rtype::A, class::IN);
        });
        let mut out = vec![0; 1232];
        let mut worker = WorkerContext::new(Arc::new(Counters::default()), 1);
        let peer = Peer { address: [127, 0, 0, 1].into(), transport: Transport::Udp };
        let reply = respond(self.reader.borrow_mut().current(), &mut worker, peer, &query, &mut out);
        let Reply::Send { len } = reply else { panic!("{reply:?}") };
        let response = Response::read(&out[..len]).unwrap();
        let mut data: Vec<String> = response.answers().iter().map(|record| record.data()).collect();
        data.sort();
        data
    }

    fn serves(&self, place: usize, version: &ZoneVersion) -> bool {
        let mut reader = self.reader.borrow_mut();
        let zone = reader.current().zones.zone(place).unwrap();
        zone.compiled.as_ref().is_some_and(|compiled| Arc::ptr_eq(compiled, &version.compiled))
    }
}

#[tokio::test]
async fn a_version_is_answered_from_when_its_writer_is_told_and_one_of_another_base_is_not() {
    let site = Site::new().await;
    let next = site.version("live", &zone(2, "www A 192.0.2.7\n"));
    let late = site.version("live", &zone(3, ""));
    site.write("live", &zone(1, ""));
    site.serve(async |under| {
        let first = Arc::clone(&under.versions[0]);
        under.publications.replace(Arc::clone(&first), Arc::clone(&next)).await.unwrap();
        assert_eq!(under.ask("www.live.example."), ["192.0.2.7"]);
        let refused = under.publications.replace(first, Arc::clone(&late)).await;
        let Err(NotPublished::OtherBase(Some(current))) = refused else { panic!("{refused:?}") };
        assert!(Arc::ptr_eq(&current, &next) && under.serves(0, &next));
        under.publications.replace(current, Arc::clone(&late)).await.unwrap();
        assert!(under.serves(0, &late) && under.serves(1, &under.versions[1]));
        let now = under.publications.current(late.id.clone()).await.unwrap();
        assert!(Arc::ptr_eq(&now, &late));
        let unknown = ZoneId::from("nobody.example.".parse::<Name>().unwrap());
        let refused = under.publications.apply(unknown, Event::Unchanged).await;
        assert!(matches!(refused, Err(NotPublished::NoZone)), "{refused:?}");
    })
    .await;
}

#[tokio::test]
async fn a_pool_that_comes_with_a_change_is_probed_before_its_name_is_answered() {
    let site = Site::new().await;
    // Nobody listens at the second one. While both are pending, both are answered.
    let next = site.version("live", &zone(2, &site.pool(&["127.0.4.81", "127.0.4.82"])));
    site.write("live", &zone(1, ""));
    site.serve(async |under| {
        let first = Arc::clone(&under.versions[0]);
        assert!(under.ask("api.live.example.").is_empty());
        under.publications.replace(first, Arc::clone(&next)).await.unwrap();
        assert_eq!(under.ask("api.live.example."), ["127.0.4.81"]);
    })
    .await;
}

/// A socket that takes no connection, at the port of the site.
async fn hanging(port: u16) -> (tokio::net::TcpListener, TcpStream) {
    let socket = TcpSocket::new_v4().unwrap();
    let address = SocketAddr::from(([127, 0, 4, 83], port));
    socket.bind(address).unwrap();
    let listener = socket.listen(0).unwrap();
    // This one is all that the backlog holds.
    let taken = TcpStream::connect(address).await.unwrap();
    (listener, taken)
}

#[tokio::test]
async fn a_target_that_says_nothing_delays_its_own_zone_alone_and_for_one_timeout() {
    let site = Site::new().await;
    let _hanging = hanging(site.port()).await;
    let slow = site.version("live", &zone(2, &site.pool(&["127.0.4.83"])));
    site.write("live", &zone(1, ""));
    let quick = site.version("other", &zone(2, "www A 192.0.2.8\n"));
    site.write("other", &zone(1, ""));
    site.serve(async |under| {
        let [live, other] = [0, 1].map(|place| Arc::clone(&under.versions[place]));
        let began = Instant::now();
        let slowly = async {
            under.publications.replace(live, Arc::clone(&slow)).await.unwrap();
            assert_eq!(under.ask("api.live.example."), ["127.0.4.83"]);
            began.elapsed()
        };
        let quickly = async {
            under.publications.replace(other, Arc::clone(&quick)).await.unwrap();
            assert!(under.serves(1, &quick));
            assert!(under.ask("api.live.example.").is_empty(), "the other zone waits still");
        };
        let (took, ()) = tokio::join!(slowly, quickly);
        assert!(took >= PROBE_TIMEOUT, "{took:?}");
    })
    .await;
}

#[tokio::test]
async fn a_change_that_waits_gives_way_to_what_comes_after_it() {
    let site = Site::new().await;
    let _hanging = hanging(site.port()).await;
    let slow = site.version("live", &zone(2, &site.pool(&["127.0.4.83"])));
    let whole = site.version("live", &zone(9, ""));
    site.write("live", &zone(1, ""));
    site.serve(async |under| {
        let first = Arc::clone(&under.versions[0]);
        let event = Event::Accepted { version: Arc::clone(&whole), holds: None };
        let slowly = under.publications.replace(first, slow);
        let transferred = under.publications.apply(whole.id.clone(), event);
        let (slowly, transferred) = tokio::join!(slowly, transferred);
        assert!(matches!(slowly, Err(NotPublished::OtherBase(_))), "{slowly:?}");
        transferred.unwrap();
        assert!(under.serves(0, &whole));
    })
    .await;
}

#[tokio::test]
async fn a_zone_that_a_transfer_keeps_alive_expires_without_it_and_comes_back_with_the_next() {
    let site = Site::new().await;
    let next = site.version("live", &zone(2, "www A 192.0.2.7\n"));
    site.write("live", &zone(1, ""));
    site.serve(async |under| {
        let accepted = |holds| Event::Accepted { version: Arc::clone(&next), holds: Some(holds) };
        under.publications.apply(next.id.clone(), accepted(Duration::ZERO)).await.unwrap();
        // The loop lets zones expire once a second.
        while under.serves(0, &next) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        let fault = Fault::of("no answer");
        let refused = Event::Refused { fault, last_good: None };
        under.publications.apply(next.id.clone(), refused).await.unwrap();
        assert!(under.ask("www.live.example.").is_empty());
        under.publications.apply(next.id.clone(), accepted(LIMIT)).await.unwrap();
        assert_eq!(under.ask("www.live.example."), ["192.0.2.7"]);
    })
    .await;
}

#[tokio::test]
async fn what_a_transfer_gives_is_not_served_when_its_task_has_gone_meanwhile() {
    let site = Site::new().await;
    let _hanging = hanging(site.port()).await;
    let slow = site.version("live", &zone(2, &site.pool(&["127.0.4.83"])));
    site.write("live", &zone(1, ""));
    site.serve(async |under| {
        let event = Event::Accepted { version: Arc::clone(&slow), holds: None };
        let transferred = under.publications.apply(slow.id.clone(), event);
        // It waits for the first probe of its target.
        assert!(timeout(PROBE_TIMEOUT / 4, transferred).await.is_err());
        tokio::time::sleep(PROBE_TIMEOUT * 2).await;
        assert!(under.serves(0, &under.versions[0]));
    })
    .await;
}

#[tokio::test]
async fn thousands_of_changes_follow_each_other_and_none_is_lost() {
    let site = Site::new().await;
    let pair = [1, 2].map(|serial| site.version("live", &zone(serial, "www A 192.0.2.7\n")));
    site.write("live", &zone(1, ""));
    site.serve(async |under| {
        let mut base = Arc::clone(&under.versions[0]);
        for next in pair.iter().cycle().take(2_000) {
            under.publications.replace(base, Arc::clone(next)).await.unwrap();
            assert!(under.serves(0, next));
            base = Arc::clone(next);
        }
    })
    .await;
}
