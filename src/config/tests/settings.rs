//! What a sound file means.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::{Config, read as read_path};
use super::{ZONE, read};
use crate::config::{ProbeSpec, ReloadOn, Zone};
use crate::dns::Ttl;
use crate::forward::Upstreams;
use crate::probe::ProbeKind;
use crate::source::{Diagnostics, Sources};
use crate::transport::Affinity;
use crate::zone::{AllDown, AnswerOrder, MemoryLimit, MinUp, Pass, Selector};
use crate::zones::Clients;
use crate::zones::source::ZoneFile;

/// The whole surface.
const WHOLE: &str = r#"
[server]
listen = ["127.0.0.1:5300", "[::1]:5300"]     # UDP and TCP
workers = 2
affinity = "cores"
tcp-connections = 10
tcp-connections-per-client = 3
tcp-idle = "5s"
watch = false
include-folders = ["shared", "/srv/zones"]
client-subnet-from = ["192.0.2.53", "2001:db8::/32"]
nsid = "master-1"
version = ""
cookie-secret = "00112233445566778899AABBCCddeeff"

[admin]
listen = "127.0.0.1:9653"
names = ["Master-1.lab.example", "master-1.lab.example."]
socket = "run/control.sock"
state-directory = "/var/lib/edgedns"

[limit]
responses-per-second = 50
all-per-second = 400
slip = 1
exempt = ["local", "192.0.2.0/24", "2001:db8::1"]

[probe]
interval = "2s"
timeout = "500ms"
retry = "100ms"
rise = 3
fall = 1
startup-wait = "0s"
flap-limit = 10
flap-window = "10m"
probes-at-once = 300

[lua]
selector = "random"

[[zone]]
name = "ocp4.redhat.ren"
file = "zones/ocp4.redhat.ren.zone"

[[zone.probe]]
names = ["@", "api", "Api-Int.ocp4.redhat.ren."]
tcp = 6443
all-down = "none"

[[zone.probe]]
names = ["*.apps"]
tcp = [443, 80]
selector = "hashed"
interval = "50ms"
fall = 5

[[zone]]
name = "."
file = "/srv/root.zone"
memory-limit = "1GiB"
"#;

fn file_of(zone: &Zone) -> &Path {
    zone.sources.file().unwrap()
}

fn port(probe: &ProbeSpec) -> u16 {
    let ProbeKind::Tcp(tcp) = &probe.kind else { panic!("{probe:?}") };
    tcp.port.get()
}

/// A site with three masters, as the documentation begins.
const SITE: &str = r#"
# /etc/edgedns.toml
[server]
listen = ["0.0.0.0:53", "[::]:53"]     # UDP and TCP; the default
workers = 0                            # UDP threads; 0: one per core

[probe]                                # defaults of every probe
interval = "1s"
timeout = "1s"
retry = "200ms"
rise = 2
fall = 2
startup-wait = "2s"

[lua]
selector = "all"                       # for LUA records that name none; PowerDNS's own default is "random"

[[zone]]
name = "ocp4.redhat.ren"
file = "zones/ocp4.redhat.ren.zone"

[[zone.probe]]                         # guards the A and AAAA RRsets of these owners of the zone file
names = ["@", "api", "api-int"]
tcp = 6443
all-down = "all"
"#;

#[test]
fn the_first_example_of_the_documentation_says_the_defaults() {
    let config = read(SITE).settings();
    assert_eq!(Config { zones: Vec::new(), ..config.clone() }, Config::default());
    let guard = &config.zones[0].guards[0];
    assert_eq!((guard.names.len(), port(&guard.probes[0])), (3, 6443));
    assert_eq!(
        (guard.choice.all_down, guard.choice.selector),
        (AllDown::Select(Selector::All), Selector::All)
    );
}

#[test]
fn what_a_zone_may_take_and_include_is_told_for_each_and_for_all() {
    let config = read(WHOLE).settings();
    let folders: Vec<&Path> = config.server.include_folders.iter().map(PathBuf::as_path).collect();
    assert_eq!(folders, [Path::new("/etc/shared"), Path::new("/srv/zones")]);
    let limits: Vec<MemoryLimit> = config.zones.iter().map(|zone| zone.memory_limit).collect();
    assert_eq!(limits, [MemoryLimit::ByText, MemoryLimit::Bytes(1 << 30)]);
}

#[test]
fn an_empty_file_is_served_with_defaults_and_a_warning() {
    let outcome = read("");
    assert_eq!(outcome.sentence(), "/etc/edgedns.toml has no `[[zone]]`: every query is refused");
    assert_eq!(outcome.found.errors(), 0);
    assert_eq!(outcome.config, Some(Config::default()));
}

#[test]
fn defaults_are_those_of_the_design() {
    let config = Config::default();
    let listen: Vec<String> = config.server.addresses().iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["0.0.0.0:53", "[::]:53"]);
    assert_eq!(config.server.workers, 0);
    assert_eq!(config.server.affinity, Affinity::Clients);
    assert_eq!(config.server.version.as_deref(), Some("edgedns"));
    assert_eq!(config.probe.interval, Duration::from_secs(1));
    assert_eq!(config.probe.timeout, Duration::from_secs(1));
    assert_eq!(config.probe.retry, Duration::from_millis(200));
    assert_eq!((config.probe.rise.get(), config.probe.fall.get()), (2, 2));
    assert_eq!(config.probe.startup_wait, Duration::from_secs(2));
    assert_eq!((config.limit.responses_per_second, config.limit.slip), (None, 2));
    assert_eq!(config.limit.all_per_second, None);
    assert_eq!(config.limit.exempt, [Clients::Local]);
    assert_eq!(config.lua.selector, Selector::All);
}

#[test]
fn server_admin_limit_probe_and_lua_are_read() {
    let config = read(WHOLE).settings();
    assert_eq!(config.server.addresses(), ["127.0.0.1:5300".parse().unwrap(), "[::1]:5300".parse().unwrap()]);
    assert_eq!((config.server.workers, config.server.tcp_connections), (2, 10));
    assert_eq!(config.server.affinity, Affinity::Cores);
    assert_eq!(config.server.tcp_connections_per_client, 3);
    assert_eq!(config.server.tcp_idle, Duration::from_secs(5));
    assert_eq!(config.server.watch, ReloadOn::Request);
    assert_eq!(config.server.nsid.as_deref(), Some("master-1"));
    assert_eq!(config.server.version, None);
    let secret = config.server.cookie_secret.unwrap();
    assert_eq!(secret.bytes()[..3], [0x00, 0x11, 0x22]);
    assert_eq!(secret.bytes()[15], 0xff);
    assert_eq!(config.probe.interval, Duration::from_secs(2));
    assert_eq!(config.probe.timeout, Duration::from_millis(500));
    assert_eq!(config.probe.retry, Duration::from_millis(100));
    assert_eq!((config.probe.rise.get(), config.probe.fall.get()), (3, 1));
    assert_eq!(config.probe.startup_wait, Duration::ZERO);
    assert_eq!((config.probe.damping.limit, config.probe.damping.window), (10, Duration::from_secs(600)));
    assert_eq!(config.probe.at_once.map(NonZeroUsize::get), Some(300));
    assert_eq!(config.admin.listen, Some(SocketAddr::from(([127, 0, 0, 1], 9653))));
    assert_eq!(config.admin.names, ["master-1.lab.example"]);
    assert_eq!(config.admin.socket.as_deref(), Some(Path::new("/etc/run/control.sock")));
    assert_eq!(config.admin.state_directory.as_deref(), Some(Path::new("/var/lib/edgedns")));
    assert_eq!((config.limit.responses_per_second.map(NonZeroU32::get), config.limit.slip), (Some(50), 1));
    assert_eq!(config.limit.all_per_second.map(NonZeroU32::get), Some(400));
    let resolvers: Vec<String> = config.server.client_subnet_from.iter().map(ToString::to_string).collect();
    assert_eq!(resolvers, ["192.0.2.53/32", "2001:db8::/32"]);
    let prefix = |text: &str| Clients::Prefix(text.parse().unwrap());
    assert_eq!(config.limit.exempt, [Clients::Local, prefix("192.0.2.0/24"), prefix("2001:db8::1/128")]);
    assert_eq!(config.lua.selector, Selector::Random);
}

#[test]
fn zones_and_their_probes_are_read_in_the_order_of_the_file() {
    let config = read(WHOLE).settings();
    let [first, second] = &config.zones[..] else { panic!("{:?}", config.zones) };
    assert_eq!(first.name.to_string(), "ocp4.redhat.ren.");
    assert_eq!(file_of(first), Path::new("/etc/zones/ocp4.redhat.ren.zone"));
    assert_eq!((second.name.to_string(), file_of(second)), (".".to_owned(), Path::new("/srv/root.zone")));
    let [api, apps] = &first.guards[..] else { panic!("{:?}", first.guards) };
    let owners: Vec<String> = api.names.iter().map(|(name, _)| name.to_string()).collect();
    assert_eq!(owners, ["ocp4.redhat.ren.", "api.ocp4.redhat.ren.", "Api-Int.ocp4.redhat.ren."]);
    assert_eq!((api.choice.all_down, api.choice.selector), (AllDown::Select(Selector::Empty), Selector::All));
    assert_eq!(
        (apps.choice.all_down, apps.choice.selector),
        (AllDown::Select(Selector::All), Selector::Hashed)
    );
    let ports: Vec<u16> = apps.probes.iter().map(port).collect();
    assert_eq!(ports, [443, 80]);
}

#[test]
fn a_block_has_its_own_times_and_takes_the_others_from_probe() {
    let config = read(WHOLE).settings();
    let [api, apps] = &config.zones[0].guards[..] else { panic!("{:?}", config.zones) };
    assert_eq!(api.probes[0].interval, Duration::from_secs(2));
    for probe in &apps.probes {
        assert_eq!(probe.interval, Duration::from_millis(50));
        assert_eq!(probe.timeout, Duration::from_millis(500));
        assert_eq!((probe.rise.get(), probe.fall.get()), (3, 5));
    }
}

#[test]
fn a_block_says_how_an_answer_is_chosen() {
    let choosing = |lines: &str| read(format!("{ZONE}{lines}")).settings().zones[0].guards[0].choice.clone();
    let number = |number| NonZeroU32::new(number).unwrap();
    let address = |text: &str| text.parse::<IpAddr>().unwrap();
    assert_eq!(choosing("selector = \"first\"").selector, Selector::First);
    assert_eq!(choosing("order = \"local-first\"").order, AnswerOrder::LocalFirst);
    assert_eq!(choosing("order = \"fixed\"\nselector = \"first\"").order, AnswerOrder::Fixed);
    let passes = ["\"all\"", "\"any\"", "2"].map(|pass| choosing(&format!("pass = {pass}")).pass);
    assert_eq!(passes, [Pass::All, Pass::Count(number(1)), Pass::Count(number(2))]);
    assert_eq!(choosing("min-up = 2").min_up, MinUp::Count(number(2)));
    assert_eq!(choosing("min-up = \"34%\"").min_up, MinUp::Percent(number(34)));
    assert_eq!(choosing("max-answers = 2").answers_max, Some(number(2)));
    assert_eq!(choosing("ttl-degraded = \"5s\"").ttl_degraded, Ttl::from_seconds(5));
    let one = choosing("backup = [\"192.0.2.9\", \"2001:db8::9\"]").backups;
    assert_eq!(one, [[address("192.0.2.9"), address("2001:db8::9")]]);
    let two = choosing("backup = [[\"192.0.2.9\"], [\"192.0.2.8\"]]").backups;
    assert_eq!(two, [[address("192.0.2.9")], [address("192.0.2.8")]]);
    let weighed = choosing("weights = { \"192.0.2.1\" = 3 }");
    assert_eq!(weighed.weights, [(address("192.0.2.1"), number(3))]);
    assert_eq!(weighed.selector, Selector::WeightedRandom);
    let hashed = choosing("weights = { \"192.0.2.1\" = 3 }\nselector = \"hashed\"");
    assert_eq!(hashed.selector, Selector::WeightedHashed);
}

#[test]
fn the_port_of_the_target_is_probed_with_the_times_of_the_block() {
    let config = read(ZONE.replace("6443", "\"target\"\ninterval = \"3s\"")).settings();
    let guard = &config.zones[0].guards[0];
    assert_eq!(guard.target.unwrap().interval, Duration::from_secs(3));
    assert!(guard.probes.is_empty());
}

#[test]
fn a_retry_that_is_not_written_gives_way_to_a_shorter_interval() {
    let config = read(format!("[probe]\ninterval = \"100ms\"\n{ZONE}interval = \"10ms\"\n")).settings();
    assert_eq!(config.probe.retry, Duration::from_millis(100));
    assert_eq!(config.zones[0].guards[0].probes[0].retry, Duration::from_millis(10));
}

#[test]
fn spans_point_at_what_was_written() {
    let outcome = read(ZONE);
    let zone = &outcome.config.as_ref().unwrap().zones[0];
    let slice = |span| String::from_utf8_lossy(outcome.sources.slice(span)).into_owned();
    assert_eq!(slice(zone.name_span), "\"lab.example\"");
    assert_eq!(slice(zone.sources.find::<ZoneFile>().unwrap().span), "\"lab.zone\"");
    let guard = &zone.guards[0];
    assert_eq!(slice(guard.span), "[[zone.probe]]");
    assert_eq!(slice(guard.names[0].1), "\"api\"");
    assert_eq!(slice(guard.probes[0].span), "6443");
}

#[test]
fn toml_may_be_written_in_other_ways() {
    let config = read(
        "server.workers = 0x2\nzone = [ { name = 'a.example.', file = 'a', probe = [ { names = ['@'], tcp = [1] } ] } ]\n",
    )
    .settings();
    assert_eq!(config.server.workers, 2);
    assert_eq!(config.zones[0].guards[0].names[0].0, config.zones[0].name);
}

#[test]
fn line_ends_of_windows_and_a_byte_order_mark_are_read_over() {
    let text = format!("\u{feff}{}", WHOLE.replace('\n', "\r\n"));
    assert_eq!(read(text).settings().zones.len(), 2);
}

#[test]
fn the_cookie_secret_is_not_shown() {
    let shown = format!("{:?}", read(WHOLE).settings());
    assert!(shown.contains("CookieSecret(…)"), "{shown}");
}

#[test]
fn a_file_is_read_from_its_path_and_zone_files_lie_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("edgedns.toml");
    std::fs::write(&path, ZONE).unwrap();
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let config = read_path(&mut sources, &path, &mut found).unwrap();
    assert_eq!(file_of(&config.zones[0]), folder.path().join("lab.zone"));
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let missing = PathBuf::from("/nonexistent/edgedns.toml");
    assert_eq!(read_path(&mut sources, &missing, &mut found), None);
    assert_eq!(found.errors(), 1);
}

#[test]
fn an_admin_address_without_a_port_is_refused_with_the_usual_one() {
    let outcome = read(format!("[admin]\nlisten = \"127.0.0.1\"\n{ZONE}"));
    let sentence = outcome.sentence();
    assert!(sentence.contains("`127.0.0.1` has no port; write \"127.0.0.1:9653\""), "{sentence}");
}

#[test]
fn paths_of_the_admin_table_that_cannot_be_are_refused() {
    let refused = |line: &str| read(format!("[admin]\n{line}\n{ZONE}")).sentence();
    assert!(refused("socket = \"\"").contains("the path is empty"));
    let long = "x".repeat(100);
    assert!(refused(&format!("socket = \"/{long}\"")).contains("longer than the 96 bytes"));
    assert!(refused("state-directory = \"a\\u0000b\"").contains("NUL"));
}

#[test]
fn damping_can_be_turned_off_and_its_window_is_no_blink() {
    assert_eq!(read(format!("[probe]\nflap-limit = 0\n{ZONE}")).settings().probe.damping.limit, 0);
    let sentence = read(format!("[probe]\nflap-window = \"10ms\"\n{ZONE}")).sentence();
    assert!(sentence.contains("`flap-window` is 1s to 24h"), "{sentence}");
}

#[test]
fn versions_of_a_zone_are_told_apart_by_view_or_network() {
    let block = |rest: &str| format!("[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n{rest}\n");
    let text = block("view = \"inside\"\nwhen-client-in = [\"192.0.2.0/24\"]")
        + &block("when-client-in = [\"local\", \"2001:db8::/32\"]\nallow-query = [\"::1\"]")
        + &block("");
    let zones = read(text).settings().zones;
    let views: Vec<_> = zones.iter().map(|zone| zone.view.as_deref()).collect();
    assert_eq!(views, [Some("inside"), Some("local 2001:db8::/32"), None]);
    let second = [Clients::Local, Clients::Prefix("2001:db8::/32".parse().unwrap())];
    assert_eq!(zones[1].when_client_in.as_deref(), Some(&second[..]));
    assert_eq!(zones[1].allow_query.as_deref(), Some(&[Clients::Prefix("::1".parse().unwrap())][..]));
    assert_eq!((&zones[2].when_client_in, &zones[2].allow_query), (&None, &None));
}

#[test]
fn a_reverse_zone_needs_no_file_and_may_have_one() {
    let text = "[[zone]]\nname = \"2.0.192.in-addr.arpa\"\nreverse-of = \"lab.example\"\n[[zone]]\nname = \"8.b.d.0.1.0.0.2.ip6.arpa\"\n\
        reverse-of = \"LAB.example.\"\nfile = \"six.zone\"\n";
    let zones = read(format!("{text}{ZONE}")).settings().zones;
    assert!(zones[0].sources.file().is_none() && file_of(&zones[1]) == Path::new("/etc/six.zone"));
    assert!(zones[..2].iter().all(|zone| zone.sources.made_from() == Some(&zones[2].name)));
}

#[test]
fn a_link_local_address_is_read_with_the_number_of_its_interface() {
    let text = format!(
        "[server]\nlisten = [\"[fe80::1%lo]:53\"]\n[[forward]]\nzone = \".\"\n\
         upstream = [\"fe80::2%lo\", \"tls://[fe80::3%lo]:8853#dns.example\"]\n{}",
        super::ZONE
    );
    let config = read(text).settings();
    let scope = |place: SocketAddr| match place {
        SocketAddr::V6(place) => (place.ip().to_string(), place.port(), place.scope_id() != 0),
        SocketAddr::V4(place) => panic!("{place}"),
    };
    assert_eq!(
        config.server.addresses().into_iter().map(scope).collect::<Vec<_>>(),
        [("fe80::1".to_owned(), 53, true)]
    );
    let Upstreams::Listed(upstreams) = &config.forwards[0].zone.upstreams else { panic!("a list") };
    let places: Vec<_> = upstreams.iter().map(|upstream| scope(upstream.address)).collect();
    assert_eq!(places, [("fe80::2".to_owned(), 53, true), ("fe80::3".to_owned(), 8853, true)]);
}
