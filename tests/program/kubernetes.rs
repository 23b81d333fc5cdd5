//! Members of pools that a cluster names: one that is well, silent, broken or gone.

use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use harness::api_server::{ApiServer, Manner};
use harness::client::{addresses, ask};
use harness::master::Master;
use harness::program::{Program, Site, said};
use harness::{PATIENCE, loopback, wait_for};

/// What is probed.
const PORT: u16 = 6443;

/// A cluster of nodes, whose ports are open, and a server that asks it who belongs to its pools.
struct Cluster {
    site: Site,
    server: ApiServer,
    /// In the zone file.
    first: Ipv4Addr,
    _masters: Vec<Master>,
}

/// Members that are nodes, and that are pods.
const NODES: &str = "nodes = \"node-role.kubernetes.io/master\"";
const PODS: &str = "pods = \"openshift-ingress/deployment=default\"";

impl Cluster {
    fn of(forget: &str) -> Cluster {
        Cluster::with(forget, NODES)
    }

    fn with(forget: &str, members: &str) -> Cluster {
        let (site, server, first) = (Site::new(), ApiServer::start(), loopback());
        let state = site.folder().join("state");
        std::fs::create_dir(&state).expect("a folder");
        site.write(
            "lab.zone",
            &format!("$TTL 30\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns.test.\napi A {first}\n"),
        );
        site.configure(&format!(
            "[admin]\nstate-directory = \"{}\"\nsocket = \"{}\"\n[probe]\ninterval = \"100ms\"\nretry = \"20ms\"\n\
             [kubernetes]\nkubeconfig = \"{}\"\nforget = \"{forget}\"\n\
             [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\
             [[zone.probe]]\nnames = [\"api\", \"api-int\"]\ntcp = {PORT}\n\
             members = {{ {members} }}\n",
            state.display(),
            site.folder().join("control.sock").display(),
            server.kubeconfig().display(),
        ));
        Cluster { site, server, first, _masters: vec![Master::open_at(first, PORT)] }
    }

    /// A node whose port is open.
    fn add(&mut self, name: &str) -> Ipv4Addr {
        let address = loopback();
        self._masters.push(Master::open_at(address, PORT));
        self.server.put(name, address);
        address
    }

    /// A host whose port is open.
    fn host(&mut self) -> Ipv4Addr {
        let address = loopback();
        self._masters.push(Master::open_at(address, PORT));
        address
    }

    /// The kept members.
    fn kept(&self) -> std::path::PathBuf {
        let folder = self.site.folder().join("state/cluster-members");
        let file = std::fs::read_dir(folder).expect("a folder").next().expect("a file");
        file.expect("a file").path()
    }

    fn status(&self) -> serde_json::Value {
        self.site.status()["kubernetes"][0].clone()
    }
}

/// The addresses of a name, sorted; none: there is no such name.
fn all(program: &Program, name: &str) -> Vec<IpAddr> {
    let response = ask(program.listen(), &format!("{name}.lab.example."), RecordType::A).expect("a response");
    if response.metadata.response_code != ResponseCode::NoError {
        return Vec::new();
    }
    let mut all = addresses(&response);
    all.sort();
    all
}

#[track_caller]
fn wait_for_all(program: &Program, name: &str, wanted: &[Ipv4Addr]) {
    let mut wanted: Vec<IpAddr> = wanted.iter().copied().map(IpAddr::V4).collect();
    wanted.sort();
    wait_for(&format!("{name} {wanted:?}"), PATIENCE, || (all(program, name) == wanted).then_some(()));
}

#[test]
fn nodes_of_a_cluster_are_members_beside_the_zone_file_and_stay_when_they_go_for_a_while() {
    let mut cluster = Cluster::of("10m");
    let (first, m0) = (cluster.first, cluster.add("m0"));
    let program = cluster.site.start();
    wait_for_all(&program, "api", &[first, m0]);
    wait_for_all(&program, "api-int", &[m0]);
    let (m1, m2) = (cluster.add("m1"), cluster.add("m2"));
    wait_for_all(&program, "api-int", &[m0, m1, m2]);
    wait_for_all(&program, "api", &[first, m0, m1, m2]);
    cluster.server.delete("m1");
    wait_for("m1 is missed", PATIENCE, || (cluster.status()["missed"] == 1).then_some(()));
    assert_eq!(all(&program, "api-int").len(), 3, "{:?}", cluster.status());
    let status = cluster.status();
    assert_eq!((&status["connected"], &status["members"]), (&true.into(), &3.into()), "{status}");
    assert_eq!(status["selector"], "nodes node-role.kubernetes.io/master");
}

#[test]
fn a_start_without_the_cluster_serves_the_last_known_members_at_once() {
    let mut cluster = Cluster::of("10m");
    let m0 = cluster.add("m0");
    let program = cluster.site.start();
    wait_for_all(&program, "api-int", &[m0]);
    program.stop();
    cluster.server.behave(Manner::Silent);
    let begin = Instant::now();
    let program = cluster.site.start();
    assert_eq!(all(&program, "api-int"), [IpAddr::V4(m0)], "the first answer");
    println!("the first answer came {:?} after the start", begin.elapsed());
    wait_for("it is told", PATIENCE, || cluster.status()["error"].is_string().then_some(()));
    cluster.server.behave(Manner::Well);
    let m1 = cluster.add("m1");
    wait_for_all(&program, "api-int", &[m0, m1]);
}

#[test]
fn a_first_start_without_the_cluster_delays_nothing_and_serves_the_zone_file() {
    let mut cluster = Cluster::of("10m");
    cluster.server.behave(Manner::Silent);
    let begin = Instant::now();
    let program = cluster.site.start();
    assert_eq!(all(&program, "api"), [IpAddr::V4(cluster.first)]);
    assert!(begin.elapsed() < Duration::from_secs(4), "{:?}", begin.elapsed());
    assert!(all(&program, "api-int").is_empty(), "nobody is known");
    let m0 = cluster.add("m0");
    cluster.server.behave(Manner::Well);
    wait_for_all(&program, "api-int", &[m0]);
}

#[test]
fn who_is_gone_for_long_is_forgotten_but_never_the_last() {
    let mut cluster = Cluster::of("1s");
    let (m0, m1) = (cluster.add("m0"), cluster.add("m1"));
    let program = cluster.site.start();
    wait_for_all(&program, "api-int", &[m0, m1]);
    cluster.server.delete("m1");
    wait_for_all(&program, "api-int", &[m0]);
    cluster.server.delete("m0");
    wait_for("all are missed", PATIENCE, || (cluster.status()["missed"] == 1).then_some(()));
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(all(&program, "api-int"), [IpAddr::V4(m0)]);
    let m2 = cluster.add("m2");
    wait_for_all(&program, "api-int", &[m2]);
}

#[test]
fn what_makes_no_sense_and_what_is_forgotten_takes_nobody_away() {
    let mut cluster = Cluster::of("10m");
    let m0 = cluster.add("m0");
    let program = cluster.site.start();
    wait_for_all(&program, "api-int", &[m0]);
    let mut known = vec![m0];
    for (number, manner) in
        [Manner::Broken, Manner::Half, Manner::Refusing(500), Manner::Refusing(401), Manner::Refusing(410)]
            .into_iter()
            .enumerate()
    {
        cluster.server.behave(manner);
        if manner != Manner::Refusing(410) {
            wait_for(&format!("{manner:?} is told"), PATIENCE, || {
                cluster.status()["error"].is_string().then_some(())
            });
        }
        assert_eq!(all(&program, "api-int").len(), known.len(), "{manner:?}");
        known.push(cluster.add(&format!("n{number}")));
        cluster.server.behave(Manner::Well);
        wait_for_all(&program, "api-int", &known);
        wait_for("it is well", PATIENCE, || (cluster.status()["error"].is_null()).then_some(()));
    }
    cluster.server.forget();
    known.push(cluster.add("last"));
    wait_for_all(&program, "api-int", &known);
}

#[test]
fn router_pods_are_members_on_their_hosts_and_leave_with_their_end() {
    let mut cluster = Cluster::with("1s", PODS);
    let (h0, h1, h2) = (cluster.host(), cluster.host(), cluster.host());
    cluster.server.put_pod("router-a", "Running", h0);
    cluster.server.put_pod("router-b", "Running", h1);
    let program = cluster.site.start();
    wait_for_all(&program, "api-int", &[h0, h1]);
    assert_eq!(cluster.status()["selector"], PODS.replace(" = \"", " ").replace('"', ""));
    // A pod that is replaced on its host changes nothing: nothing is written, nothing is read again.
    let (kept, text) = (cluster.kept(), std::fs::read_to_string(cluster.kept()).expect("a file"));
    cluster.server.put_pod("router-c", "Running", h0);
    cluster.server.delete("router-a");
    cluster.server.put_pod("router-d", "Running", h2);
    wait_for_all(&program, "api-int", &[h0, h1, h2]);
    let news = std::fs::read_to_string(&kept).expect("a file");
    assert!(text.contains("router-a") && !news.contains("router-a"), "{text}{news}");
    let members: u64 = cluster.status()["members"].as_u64().expect("a number");
    cluster.server.put_pod("router-e", "Running", h2);
    wait_for("one more", PATIENCE, || (cluster.status()["members"] == members + 1).then_some(()));
    assert_eq!(std::fs::read_to_string(&kept).expect("a file"), news, "its host is a member already");
    // One that has ended is there to be looked at only.
    cluster.server.put_pod("router-b", "Failed", h1);
    wait_for_all(&program, "api-int", &[h0, h2]);
}

#[test]
fn a_list_without_an_end_and_a_watch_that_raves_are_told_and_take_nobody_away() {
    let mut cluster = Cluster::of("10m");
    let m0 = cluster.add("m0");
    let program = cluster.site.start();
    wait_for_all(&program, "api-int", &[m0]);
    let error = |cluster: &Cluster| cluster.status()["error"].as_str().map(str::to_owned);
    cluster.server.forget();
    cluster.server.behave(Manner::Endless);
    let told = wait_for("it is told", PATIENCE, || error(&cluster));
    assert!(told.contains("does not come to an end"), "{told}");
    cluster.server.behave(Manner::Well);
    wait_for("it is well", PATIENCE, || error(&cluster).is_none().then_some(()));
    cluster.server.behave(Manner::Raving);
    wait_for("it is told", PATIENCE, || error(&cluster));
    let m1 = cluster.add("m1");
    wait_for_all(&program, "api-int", &[m0, m1]);
    // Some rounds of nonsense are one loss, which stands in the status until a watch does.
    let asked = cluster.server.requests().len();
    wait_for("more rounds", PATIENCE, || (cluster.server.requests().len() > asked + 2).then_some(()));
    assert!(error(&cluster).is_some(), "{:?}", cluster.status());
    assert_eq!(cluster.status()["lost"], 2);
    cluster.server.behave(Manner::Well);
    wait_for("it is well", PATIENCE, || error(&cluster).is_none().then_some(()));
}

#[test]
fn who_is_back_before_the_cluster_is_heard_again_is_not_forgotten() {
    let mut cluster = Cluster::of("10s");
    let (m0, m1) = (cluster.add("m0"), cluster.add("m1"));
    let program = cluster.site.start();
    wait_for_all(&program, "api-int", &[m0, m1]);
    cluster.server.delete("m1");
    wait_for("m1 is missed", PATIENCE, || (cluster.status()["missed"] == 1).then_some(()));
    cluster.server.behave(Manner::Refusing(500));
    cluster.server.put("m1", m1);
    std::thread::sleep(Duration::from_millis(10_500));
    cluster.server.behave(Manner::Well);
    wait_for("m1 is back", PATIENCE, || (cluster.status()["missed"] == 0).then_some(()));
    assert_eq!(cluster.status()["members"], 2);
    let log = program.log();
    assert!(!log.iter().any(|line| line.text.contains("is no member")), "{log:?}");
}

#[test]
fn a_watch_that_ends_goes_on_from_its_bookmark_without_a_list() {
    let mut cluster = Cluster::of("10m");
    let m0 = cluster.add("m0");
    let program = cluster.site.start();
    wait_for_all(&program, "api-int", &[m0]);
    let version = cluster.server.bookmark();
    let m1 = cluster.add("m1");
    wait_for_all(&program, "api-int", &[m0, m1]);
    let asked = cluster.server.requests().len();
    let last = version + 1;
    cluster.server.cut();
    wait_for("another watch", PATIENCE, || {
        let requests = cluster.server.requests();
        let news = &requests[asked..];
        assert!(news.iter().all(|request| request.contains("watch=1")), "{news:?}");
        news.iter().any(|request| request.ends_with(&format!("resourceVersion={last}"))).then_some(())
    });
    let m2 = cluster.add("m2");
    wait_for_all(&program, "api-int", &[m0, m1, m2]);
    drop(program);
}

#[test]
fn what_is_wrong_with_the_cluster_in_the_config_is_told_at_its_place() {
    let cluster = Cluster::of("10m");
    let text = std::fs::read_to_string(cluster.site.folder().join("edgedns.toml")).expect("a config");
    let check = |text: &str| {
        std::fs::write(cluster.site.folder().join("edgedns.toml"), text).expect("a file");
        said(&cluster.site.check())
    };
    let well = check(&text);
    assert!(well.contains("`api-int.lab.example.` has no addresses until the cluster is heard"), "{well}");
    let without: String = text
        .lines()
        .filter(|line| {
            !line.starts_with("[kubernetes]")
                && !line.starts_with("kubeconfig")
                && !line.starts_with("forget")
        })
        .map(|line| format!("{line}\n"))
        .collect();
    let told = check(&without);
    assert!(told.contains("no `[kubernetes]` says which cluster has them"), "{told}");
    let told = check(&text.replace("{ nodes =", "{ routes ="));
    assert!(told.contains("members are no `routes`"), "{told}");
    let told = check(&text.replace("/kubeconfig\"", "/missing\""));
    assert!(told.contains("missing"), "{told}");
}
