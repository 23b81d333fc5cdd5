//! `edgedns manifests`, read again by tools of others: each object is one that a cluster takes, and leads to a server.

use std::io::Write;
use std::path::Path;
use std::process::Stdio;

use harness::http::get;
use harness::program::{Site, said};
use harness::tools::python_with;
use serde_json::Value;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The objects that are written, as a cluster reads them; none without Python.
fn objects(site: &Site, more: &[&str]) -> Option<Vec<Value>> {
    let arguments = ["manifests", "monitoring", "--config", "edgedns.toml", "--namespace", "edgedns"];
    let output = site.run(&[&arguments, more].concat());
    assert!(output.status.success(), "{}", said(&output));
    let mut python = python_with("yaml, jsonschema")?;
    python.arg(Path::new(ROOT).join("tests/data/monitoring/read.py"));
    let mut reader = python
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("Python runs");
    reader.stdin.take().expect("standard input").write_all(&output.stdout).expect("standard input");
    let read = reader.wait_with_output().expect("Python runs");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(read.status.success(), "{}\n{text}", String::from_utf8_lossy(&read.stderr));
    Some(serde_json::from_slice(&read.stdout).expect("JSON"))
}

/// The one object of a kind and name.
fn object<'o>(objects: &'o [Value], kind: &str, name: &str) -> &'o Value {
    let mut found = objects.iter().filter(|one| one["kind"] == kind && one["metadata"]["name"] == name);
    let one = found.next().unwrap_or_else(|| panic!("no {kind} {name}"));
    assert!(found.next().is_none(), "two {kind} {name}");
    one
}

fn encrypted() -> Site {
    let site = Site::new();
    let made = site.run(&["certificate", "ns1.example.com", "192.0.2.13", "192.0.2.14"]);
    assert!(made.status.success(), "{}", said(&made));
    site.write("token", "0123456789abcdef0123456789abcdef\n");
    site.write(
        "edgedns.toml",
        "[server]\nlisten = [\"127.0.0.1:53\", \"192.0.2.13:53\", \"192.0.2.14:53\", \"[2001:db8::13]:53\"]\n\
         [tls]\ncertificate = \"server.crt\"\nkey = \"server.key\"\n\
         [admin]\nlisten = \"0.0.0.0:9653\"\ntls = true\ntoken-file = \"token\"\n",
    );
    site
}

#[test]
fn every_object_is_one_that_a_cluster_takes_and_no_secret_is_in_any() {
    let site = encrypted();
    let Some(objects) = objects(&site, &["--server-name", "ns1.example.com"]) else { return };
    let slice = object(&objects, "EndpointSlice", "edgedns-nodes");
    let addresses = ["192.0.2.13", "192.0.2.14"].map(|one| Value::from(vec![one]));
    let told: Vec<&Value> =
        slice["endpoints"].as_array().expect("endpoints").iter().map(|one| &one["addresses"]).collect();
    assert_eq!(told, addresses.iter().collect::<Vec<_>>());
    assert_eq!(slice["metadata"]["labels"]["kubernetes.io/service-name"], "edgedns");
    let service = object(&objects, "Service", "edgedns");
    let monitor = object(&objects, "ServiceMonitor", "edgedns");
    let endpoint = &monitor["spec"]["endpoints"][0];
    for port in [&service["spec"]["ports"][0], &slice["ports"][0]] {
        assert_eq!((&port["name"], &port["port"]), (&endpoint["port"], &Value::from(9653)));
    }
    let labels = monitor["spec"]["selector"]["matchLabels"].as_object().expect("labels");
    assert!(labels.iter().all(|(key, value)| service["metadata"]["labels"][key] == *value));
    assert_eq!(
        (&endpoint["scheme"], &endpoint["authorization"]["credentials"]["key"]),
        (&"https".into(), &"token".into())
    );
    let authority = &endpoint["tlsConfig"]["ca"]["configMap"];
    let map = object(&objects, "ConfigMap", authority["name"].as_str().expect("a name"));
    let certificate = std::fs::read_to_string(site.folder().join("server.crt")).expect("the certificate");
    assert_eq!(map["data"][authority["key"].as_str().expect("a key")], certificate);
    let links = objects.iter().filter(|one| one["kind"] == "ConsoleLink");
    let links: Vec<&Value> = links.map(|one| &one["spec"]["href"]).collect();
    assert_eq!(links, ["https://192.0.2.13:9653/", "https://192.0.2.14:9653/"]);
    let all = serde_json::to_string(&objects).expect("JSON");
    assert!(!all.contains("0123456789abcdef") && !all.contains("PRIVATE KEY"));
}

#[test]
fn rules_and_dashboard_are_those_of_their_files() {
    let Some(objects) = objects(&encrypted(), &[]) else { return };
    let dashboard = object(&objects, "ConfigMap", "edgedns-dashboard");
    let text = std::fs::read_to_string(Path::new(ROOT).join("systemd/edgedns.dashboard.json"))
        .expect("the dashboard");
    assert_eq!(dashboard["data"]["edgedns.dashboard.json"], text);
    let mut python = python_with("yaml, jsonschema").expect("it was there before");
    let rules = Path::new(ROOT).join("systemd/edgedns.rules.yaml");
    let program = "import json, sys, yaml; print(json.dumps(yaml.safe_load(open(sys.argv[1]))))";
    let output = python.args(["-c", program]).arg(rules).output().expect("Python runs");
    let file: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(object(&objects, "PrometheusRule", "edgedns")["spec"], file);
}

#[test]
fn what_the_objects_say_is_how_a_running_server_is_asked() {
    let site = Site::new();
    let admin = harness::free_port(harness::loopback());
    site.configure(&format!("[admin]\nlisten = \"{admin}\"\n"));
    // At loopback nobody else would reach it: so says the command, and the same with an address of the node.
    let arguments = ["manifests", "monitoring", "--config", "edgedns.toml", "--namespace", "edgedns"];
    let refused = site.run(&arguments);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert!(
        said(&refused).contains("only its own host reaches it") && refused.stdout.is_empty(),
        "{}",
        said(&refused)
    );
    let program = site.start();
    let text = site.folder().join("edgedns.toml");
    let config = std::fs::read_to_string(&text).expect("the config");
    site.write(
        "edgedns.toml",
        &config
            .replace(&admin.to_string(), "192.0.2.13:9653")
            .replace("[admin]\n", "[admin]\ninsecure = true\n"),
    );
    let Some(objects) = objects(&site, &[]) else { return };
    let endpoint = &object(&objects, "ServiceMonitor", "edgedns")["spec"]["endpoints"][0];
    assert_eq!((&endpoint["scheme"], &endpoint["tlsConfig"]), (&"http".into(), &Value::Null));
    let path = endpoint["path"].as_str().expect("a path");
    assert!(get(admin, path).body.contains("edgedns_build_info"));
    assert!(!objects.iter().any(|one| one["kind"] == "ConsoleLink"));
    program.stop();
}
