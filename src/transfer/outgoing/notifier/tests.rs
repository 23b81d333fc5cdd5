//! Servers on loopback that are told.

use super::*;
use crate::source::{Diagnostics, Sources, Span};
use crate::transfer::outgoing::SentPools;
use crate::zone::Builder;
use crate::zonefile;

const LIMIT: Duration = Duration::from_secs(20);

/// What is served of a zone that has this serial.
fn contents(serial: u32) -> Contents {
    let text = format!("$TTL 60\n@ SOA ns h {serial} 2 3 4 30\n@ NS ns.test.\n");
    let mut sources = Sources::default();
    let file = sources.add("example.zone", text.into_bytes());
    let mut builder = Builder::new("example.".parse().unwrap(), Span::new(file, 0, 0));
    let mut found = Diagnostics::default();
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    Contents::new(Arc::new(builder.finish(&mut found).unwrap()), SentPools::Members)
}

fn zone(called: &str, targets: &[SocketAddr]) -> Arc<NotifiedZone> {
    let target = |place: &SocketAddr| {
        let remote = Remote { address: *place, protocol: Protocol::Udp };
        NotifyTarget {
            server: NotifyServer { remote, source: None, credentials: Credentials::default() },
            key: None,
        }
    };
    let targets = targets.iter().map(target).collect();
    Arc::new(NotifiedZone::new(called.into(), "example.".parse().unwrap(), targets))
}

/// A server that answers NOTIFY.
struct Secondary(UdpSocket);

impl Secondary {
    async fn new() -> Self {
        Self(UdpSocket::bind("127.0.0.1:0").await.unwrap())
    }

    fn place(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The serial of the next message, which is answered.
    async fn told(&self) -> u32 {
        let mut bytes = [0; 2048];
        let (length, from) = timeout(LIMIT, self.0.recv_from(&mut bytes)).await.expect("told").unwrap();
        // The last five numbers are those of the SOA record.
        let numbers = bytes[..length].last_chunk::<20>().unwrap();
        let serial = u32::from_be_bytes(*numbers.first_chunk().unwrap());
        bytes[2] |= 0x80;
        self.0.send_to(&bytes[..length], from).await.unwrap();
        serial
    }
}

#[tokio::test]
async fn a_server_that_is_told_of_many_versions_hears_newer_ones_alone_and_the_newest_at_last() {
    let (secondary, notifier) = (Secondary::new().await, Notifier::start());
    let (zone, history) = (zone("example.", &[secondary.place()]), Arc::default());
    zone.set(&contents(1), &history);
    notifier.serve(vec![Arc::clone(&zone)]);
    let mut serials = vec![secondary.told().await];
    for serial in 2..=500 {
        zone.set(&contents(serial), &history);
        notifier.tell(&zone);
        assert!(lock(&notifier.waiting).changed.len() <= 1, "one place for each zone");
        if serial % 100 == 0 {
            serials.push(secondary.told().await);
        }
    }
    while serials.last() != Some(&500) {
        serials.push(secondary.told().await);
    }
    assert!(serials.is_sorted(), "{serials:?}");
    assert!(serials.len() < 20, "what came meanwhile is one: {serials:?}");
}

#[tokio::test]
async fn a_server_is_told_when_it_is_known_what_has_changed() {
    let (secondary, notifier) = (Secondary::new().await, Notifier::start());
    let (zone, history) = (zone("example.", &[secondary.place()]), Arc::<Differences>::default());
    zone.set(&contents(1), &history);
    notifier.serve(vec![Arc::clone(&zone)]);
    assert_eq!(secondary.told().await, 1);
    history.begin();
    zone.set(&contents(2), &history);
    notifier.tell(&zone);
    zone.set(&contents(3), &history);
    notifier.tell(&zone);
    let early = timeout(Duration::from_millis(100), secondary.told()).await;
    assert!(early.is_err(), "{early:?}: it would get the whole zone");
    history.end();
    notifier.tell(&zone);
    assert_eq!(secondary.told().await, 3);
}

#[tokio::test]
async fn what_servers_know_outlives_a_reload() {
    let (first, second, notifier) = (Secondary::new().await, Secondary::new().await, Notifier::start());
    let serve = |targets: &[SocketAddr], serial| {
        let zone = zone("example.", targets);
        zone.set(&contents(serial), &Arc::default());
        notifier.serve(vec![zone]);
    };
    serve(&[first.place()], 7);
    assert_eq!(first.told().await, 7);
    serve(&[first.place(), second.place()], 7);
    assert_eq!(second.told().await, 7);
    let again = timeout(Duration::from_millis(100), first.told()).await;
    assert!(again.is_err(), "it knows serial {again:?}");
    serve(&[first.place(), second.place()], 8);
    assert_eq!((first.told().await, second.told().await), (8, 8));
}

#[tokio::test]
async fn of_many_zones_the_one_that_changes_is_looked_at_alone() {
    let silent: SocketAddr = "127.0.0.1:9".parse().unwrap();
    let (secondary, history) = (Secondary::new().await, Arc::<Differences>::default());
    let unchanged = contents(1);
    let zones: Vec<_> = (0..10_000)
        .map(|number| {
            let zone = zone(&format!("z{number}."), &[silent]);
            zone.set(&unchanged, &history);
            zone
        })
        .collect();
    let changing = zone("example.", &[secondary.place()]);
    let mut task = Task {
        waiting: Arc::default(),
        entries: HashMap::new(),
        requestors: HashMap::new(),
        due: BTreeSet::new(),
        under_way: JoinSet::new(),
        random: Arc::default(),
        counters: Arc::default(),
    };
    lock(&task.waiting).zones = Some(zones.into_iter().chain([Arc::clone(&changing)]).collect());
    task.take();
    assert_eq!((task.entries.len(), task.due.len()), (10_001, 10_000), "nothing is served of the last");
    task.due.clear();
    changing.set(&contents(2), &history);
    lock(&task.waiting).changed.insert("example.".into(), changing);
    task.take();
    assert_eq!(task.due.len(), 1);
    task.begin_due();
    assert_eq!((secondary.told().await, task.under_way.len()), (2, 1));
}
