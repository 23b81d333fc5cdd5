//! The alerts and the dashboard in `systemd` use metrics that a running server has, and each alert fires when
//! it should.

use std::collections::BTreeSet;
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::Output;
use std::sync::Arc;

use harness::client::ask;
use harness::crypto::provider;
use harness::http::get;
use harness::master::Master;
use harness::program::{Site, said};
use harness::scripted_primary::{ScriptedPrimary, honest, version};
use harness::tools::tool;
use harness::{PATIENCE, free_port, loopback, wait_for};
use hickory_proto::rr::RecordType;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection};
use serde_json::Value;

const RULES: &str = include_str!("../../../systemd/edgedns.rules.yaml");
const DASHBOARD: &str = include_str!("../../../systemd/edgedns.dashboard.json");
const ALERTS_TESTED: &str = include_str!("alerts.yaml");

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The oldest form of a dashboard that Grafana 11 writes.
const SCHEMA_VERSION_MIN: u64 = 39;

#[test]
fn every_metric_of_alerts_and_dashboard_is_one_that_a_running_server_has() {
    let has = metrics_of_a_server_that_has_seen_everything();
    let rules = expressions_of_rules();
    let panels = expressions_of_dashboard(&dashboard());
    assert!(rules.len() > 10 && panels.len() > 20, "{} rules, {} queries", rules.len(), panels.len());
    for expression in rules.iter().chain(&panels) {
        let asked = metrics_asked_for(expression);
        assert!(!asked.is_empty(), "no metric in {expression}");
        for metric in asked {
            assert!(
                has.contains(metric),
                "there is no {metric}, for which {expression} asks, among {has:#?}"
            );
        }
    }
}

#[test]
fn every_alert_says_what_to_do_and_is_tested() {
    let alerts: Vec<&str> = RULES.split("- alert: ").skip(1).collect();
    assert!(alerts.len() > 10);
    for alert in alerts {
        let name = alert.lines().next().unwrap_or_default();
        for part in ["severity: ", "summary: ", "description: "] {
            assert!(alert.contains(part), "{name} has no {part}");
        }
        assert!(ALERTS_TESTED.contains(&format!("alertname=\"{name}\"")), "no test fires {name}");
    }
}

#[test]
fn every_alert_fires_when_it_should_and_no_earlier() {
    let folder = Path::new(ROOT).join("tests/program/monitoring");
    let Some(output) = promtool(&["test", "rules", "alerts.yaml"], &folder) else { return };
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn prometheus_understands_every_rule_and_every_query_of_the_dashboard() {
    let systemd = Path::new(ROOT).join("systemd");
    let Some(output) = promtool(&["check", "rules", "edgedns.rules.yaml"], &systemd) else { return };
    assert!(output.status.success(), "{}", said(&output));
    let folder = tempfile::tempdir().expect("a scratch folder");
    let rules: Vec<Value> = expressions_of_dashboard(&dashboard())
        .iter()
        .enumerate()
        .map(|(place, expression)| {
            let filled = expression.replace("$__rate_interval", "1m").replace("$instance", ".*");
            serde_json::json!({ "record": format!("query:{place}"), "expr": filled })
        })
        .collect();
    let file = serde_json::json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    std::fs::write(folder.path().join("queries.yaml"), file.to_string()).expect("a scratch file");
    let output = promtool(&["check", "rules", "queries.yaml"], folder.path()).expect("promtool");
    assert!(output.status.success(), "{}", said(&output));
}

#[test]
fn the_dashboard_is_one_that_grafana_takes() {
    let dashboard = dashboard();
    assert!(dashboard["schemaVersion"].as_u64() >= Some(SCHEMA_VERSION_MIN));
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<u64> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len(), "every panel has an id of its own");
    let mut taken = BTreeSet::new();
    for panel in panels {
        assert!(panel["title"].as_str().is_some_and(|title| !title.is_empty()), "{panel}");
        let [x, y, w, h] = ["x", "y", "w", "h"].map(|side| panel["gridPos"][side].as_u64().expect("a place"));
        assert!(x + w <= 24, "{} is too wide", panel["title"]);
        for cell in (x..x + w).flat_map(|x| (y..y + h).map(move |y| (x, y))) {
            assert!(taken.insert(cell), "{} lies upon another panel", panel["title"]);
        }
        // Whoever imports it chooses the Prometheus.
        for query in panel["targets"].as_array().into_iter().flatten() {
            assert_eq!(query["datasource"]["uid"], "${datasource}", "{}", panel["title"]);
        }
    }
}

/// The names of all samples of a server with targets of every kind, some of them down, a broken zone, and one
/// that is updated and has a secondary.
fn metrics_of_a_server_that_has_seen_everything() -> BTreeSet<String> {
    let (host, gone, admin) = (loopback(), loopback(), free_port(loopback()));
    let master = Master::open_at(host, 6443);
    let tls = serve_tls(host);
    let site = Site::new();
    let mut copied = version(1, 1);
    copied.iter_mut().for_each(|record| record.0 = record.0.replace("lab", "copy"));
    let primary = ScriptedPrimary::start(honest(copied));
    site.write(
        "lab.zone",
        &format!(
            "$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns\nns A {host}\n\
         api A {host}\napi A {gone}\n*.apps A {host}\n"
        ),
    );
    site.write(
        "kubeconfig",
        &format!(
            "current-context: a\ncontexts: [{{name: a, context: {{cluster: a, user: a}}}}]\n\
             clusters: [{{name: a, cluster: {{server: \"https://{gone}:6443\"}}}}]\n\
             users: [{{name: a, user: {{token: a}}}}]\n"
        ),
    );
    site.write("webhook.secret", "0123456789abcdef\n");
    site.write("broken.zone", "@ SOA nonsense\n");
    assert!(site.run(&["certificate", "ns.lab.example"]).status.success());
    site.write("signed.zone", "$TTL 60\n@ SOA ns hostmaster 1 3600 600 86400 60\n@ NS ns.test.\n");
    let key = site.run(&["dnssec", "generate", "signed.example", "--keys", "keys"]);
    assert!(key.status.success(), "{}", said(&key));
    site.configure(&format!(
        "[tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n\n[admin]\nlisten = \"{admin}\"\nstate-directory = \".\"\n\n[probe]\ninterval = \"100ms\"\nretry = \"20ms\"\nfall = 1\n\n\
         [[zone]]\nname = \"broken.example\"\nfile = \"broken.zone\"\n\n\
         [[zone]]\nname = \"signed.example\"\nfile = \"signed.zone\"\n[zone.dnssec]\nkeys = \"keys\"\n\n\
         [[zone.probe]]\nnames = [\"api\"]\ntcp = 6443\nmembers = [\"ns.lab.example.\"]\n\n\
         [[zone]]\nname = \"copy.example\"\nprimary = [\"{}\"]\n\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\nnotify = [\"{gone}\"]\n\n\
         [[zone.update]]\nallow = [\"127.0.0.0/8\"]\nnames = [\"**\"]\ntypes = [\"TXT\"]\n\n\
         [[zone.probe]]\nnames = [\"api\"]\ntcp = 6443\nmembers = {{ nodes = \"a\" }}\n\n\
         [kubernetes]\nkubeconfig = \"kubeconfig\"\n\n\
         [vantage]\nname = \"a\"\nendpoints = [\"http://{gone}:2379\"]\n\n\
         [[zone.probe]]\nnames = [\"*.apps\"]\ntls = {{ port = {}, verify = false }}\n\n\
         [[zone]]\nname = \"dyn.example\"\n\n\
         [zone.etcd]\nendpoints = [\"http://{gone}:2379\"]\nnameservers = [\"ns.test\"]\n\n\
         [webhook]\nurl = \"http://{gone}/hook\"\nsecret-file = \"webhook.secret\"\n\n\
         [log]\nqueries = \"queries.sock\"\n\n\
         [[forward]]\nzone = \"far.example\"\nupstream = [\"{gone}\"]\n\n\
         [[catalog]]\nname = \"catalog.example\"\nprimary = [\"{gone}\"]\n",
        primary.place(),
        tls.port()
    ));
    let program = site.start();
    assert!(ask(program.listen(), "api.lab.example.", RecordType::A).is_some());
    let text = wait_for("a certificate and a failure", PATIENCE, || {
        let text = get(admin, "/metrics").body;
        let seen = [
            "target_certificate_expiry",
            "reason=\"refused\"",
            "edgedns_zone_expires_in_seconds{",
            "edgedns_zone_expire_seconds{",
        ];
        seen.iter().all(|one| text.contains(one)).then_some(text)
    });
    program.stop();
    drop(master);
    let names = text.lines().filter(|line| !line.starts_with('#'));
    names.filter_map(|line| Some(line.split(['{', ' ']).next()?.to_owned())).collect()
}

/// Completes the handshake of every client while the test runs.
fn serve_tls(host: Ipv4Addr) -> SocketAddr {
    let rcgen::CertifiedKey { cert, signing_key } =
        rcgen::generate_simple_self_signed([host.to_string()]).expect("a certificate");
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(vec![cert.der().clone()], key))
        .expect("a certificate with its key");
    let listener = TcpListener::bind((host, 0)).expect("a loopback address");
    let (place, config) = (listener.local_addr().expect("a bound socket"), Arc::new(config));
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (Ok(mut stream), Ok(mut tls)) = (stream, ServerConnection::new(Arc::clone(&config))) else {
                continue;
            };
            // Whoever has seen enough goes; then the next one is served.
            let _ = stream.set_read_timeout(Some(PATIENCE));
            while tls.is_handshaking() && tls.complete_io(&mut stream).is_ok() {}
            let _ = stream.read(&mut [0; 1]);
        }
    });
    place
}

fn dashboard() -> Value {
    serde_json::from_str(DASHBOARD).expect("the dashboard is JSON")
}

/// The expressions of the alerts: what follows `expr:`, or the deeper lines below `expr: |`.
fn expressions_of_rules() -> Vec<String> {
    let mut expressions = Vec::new();
    let mut lines = RULES.lines().peekable();
    while let Some(line) = lines.next() {
        let Some(rest) = line.trim_start().strip_prefix("expr: ") else { continue };
        let depth = line.len() - line.trim_start().len();
        let mut expression = rest.trim_start_matches('|').to_owned();
        while let Some(more) = lines.next_if(|next| next.len() - next.trim_start().len() > depth) {
            expression += &format!(" {}", more.trim());
        }
        expressions.push(expression);
    }
    expressions
}

/// Everything the dashboard asks Prometheus for, at any depth.
fn expressions_of_dashboard(value: &Value) -> Vec<String> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("expr").and_then(Value::as_str).map(str::to_owned);
            own.into_iter().chain(fields.values().flat_map(expressions_of_dashboard)).collect()
        }
        Value::Array(values) => values.iter().flat_map(expressions_of_dashboard).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    }
}

/// The names of our metrics in an expression.
fn metrics_asked_for(expression: &str) -> BTreeSet<&str> {
    let words = expression.split(|character: char| !(character.is_alphanumeric() || character == '_'));
    words.filter(|word| word.starts_with("edgedns_") || word.starts_with("process_")).collect()
}

/// What promtool says; none where it is not installed.
fn promtool(arguments: &[&str], folder: &Path) -> Option<Output> {
    Some(tool("promtool")?.args(arguments).current_dir(folder).output().expect("promtool runs"))
}
