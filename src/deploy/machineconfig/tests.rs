//! What a MachineConfig may hold, and that it is written the same way every time.

use std::net::IpAddr;
use std::path::Path;

use super::*;
use crate::dns::{Name, NameRef};

fn file(path: &str, bytes: &[u8]) -> NodeFile {
    NodeFile { path: NodePath::new(Path::new(path)).unwrap(), mode: Mode::Data, bytes: bytes.to_vec() }
}

fn recipe(files: Vec<NodeFile>) -> Recipe {
    Recipe {
        role: "master".parse().unwrap(),
        name: None,
        form: Form::MachineConfig,
        parts: Vec::new(),
        files,
        site: Site {
            listen: ["127.0.0.1:53", "192.0.2.13:53", "[2001:db8::13]:5353"]
                .map(|place| place.parse().unwrap())
                .into(),
            zones: [
                "OCP4.example.com.",
                "_odd.example.com.",
                ".",
                "2.0.192.in-addr.arpa.",
                "a.cluster.local.",
            ]
            .map(name)
            .into(),
        },
    }
}

fn name(text: &str) -> Name {
    Name::parse(text.as_bytes(), NameRef::ROOT).unwrap()
}

#[test]
fn a_small_file_stands_there_as_it_is() {
    let made = make(&recipe(vec![file(CONFIG, b"[server]\n")])).unwrap();
    let wanted = "\
# Made by `edgedns machineconfig`: change the config and make it again.
#   oc apply --server-side -f 99-master-edgedns.yaml
apiVersion: machineconfiguration.openshift.io/v1
kind: MachineConfig
metadata:
  labels:
    machineconfiguration.openshift.io/role: master
  name: \"99-master-edgedns\"
spec:
  config:
    ignition:
      version: \"3.2.0\"
    storage:
      files:
        - path: /etc/edgedns.toml
          mode: 420
          overwrite: true
          contents:
            compression: \"\"
            source: data:;base64,W3NlcnZlcl0K
";
    assert_eq!(made.text, wanted);
    assert_eq!(made.remarks, []);
}

#[test]
fn the_order_of_the_files_changes_no_byte() {
    let (config, zone) = (file(CONFIG, b"x"), file("/etc/edgedns/zones/a.zone", &b"; a\n".repeat(1000)));
    let one = make(&recipe(vec![config.clone(), zone.clone()])).unwrap();
    let other = make(&recipe(vec![zone, config])).unwrap();
    assert_eq!(one, other);
    let packed: Vec<bool> = one.files.iter().map(|(_, _, packed)| packed.is_some()).collect();
    assert_eq!(packed, [false, true]);
}

#[test]
fn the_same_bytes_pack_to_the_same_bytes() {
    // The head of a gzip has the time in bytes 4 to 7: RFC 1952, section 2.3.
    let made = make(&recipe(vec![file(CONFIG, &b"edgedns ".repeat(200))])).unwrap();
    let source = made.text.split("data:;base64,").nth(1).unwrap().trim();
    let packed = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, source).unwrap();
    assert_eq!(packed[..8], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0]);
}

#[test]
fn paths_that_a_node_would_refuse_are_refused() {
    let error = |path: &str| NodePath::new(Path::new(path)).err();
    let at = |path: &str| Some(path.into());
    assert_eq!(error("/etc/edgedns/zones/a.zone"), None);
    assert_eq!(error("/etc/edgedns/../edgedns.toml"), None);
    assert_eq!(error("/usr/share/a.zone"), at("/usr/share/a.zone").map(PathError::ReadOnly));
    assert_eq!(error("/etc/../usr/a"), at("/usr/a").map(PathError::ReadOnly));
    assert_eq!(error("/etc/../root/a"), at("/root/a").map(PathError::Outside));
    assert_eq!(error("/etcetera/a"), at("/etcetera/a").map(PathError::Outside));
    assert_eq!(error("/../../a"), at("/../../a").map(PathError::Nowhere));
    assert_eq!(error("a.zone"), at("a.zone").map(PathError::Nowhere));
    assert_eq!(error("/etc/edgedns"), at("/etc/edgedns").map(PathError::Folder));
    assert_eq!(error("/etc/edgedns/a\n"), at("/etc/edgedns/a\n").map(PathError::Odd));
    let ca = "/etc/kubernetes/kubelet-ca.crt";
    assert_eq!(error(ca), Some(PathError::OfCluster(ca.into(), "/etc/kubernetes")));
}

#[test]
fn two_files_cannot_be_in_each_others_place() {
    let clash = |one: &str, other: &str| make(&recipe(vec![file(one, b"1"), file(other, b"2")])).unwrap_err();
    let path = |path: &str| NodePath::new(Path::new(path)).unwrap();
    assert_eq!(clash("/etc/edgedns/a", "/etc/edgedns/a"), Error::Twice(path("/etc/edgedns/a")));
    let inside = clash("/etc/edgedns/a/b", "/etc/edgedns/a");
    assert_eq!(inside, Error::FileAndFolder(path("/etc/edgedns/a"), path("/etc/edgedns/a/b")));
}

#[test]
fn what_is_large_is_told_and_what_is_too_large_refused() {
    // Bytes that gzip makes nothing of.
    let mut state = 1_u32;
    let mut noise = |count: usize| -> Vec<u8> {
        let next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            state.to_be_bytes()[0]
        };
        std::iter::repeat_with(next).take(count).collect()
    };
    let large = make(&recipe(vec![file(CONFIG, &noise(400 << 10))])).unwrap();
    assert!(large.remarks[0].message.contains("large"), "{:?}", large.remarks);
    let error = make(&recipe(vec![file(CONFIG, &noise(1200 << 10))])).unwrap_err();
    assert!(matches!(error, Error::TooLarge(_)), "{error}");
}

#[test]
fn cluster_dns_asks_the_nodes_for_zones_it_can_name() {
    let recipe = Recipe { parts: vec![Part::DnsOperator(Vec::new())], ..recipe(vec![file(CONFIG, b"x")]) };
    let made = make(&recipe).unwrap();
    let document = made.text.split("---\n").nth(1).unwrap();
    let servers = "\
  servers:
    - name: edgedns
      zones:
        - ocp4.example.com
        - \"2.0.192.in-addr.arpa\"
      forwardPlugin:
        policy: Random
        upstreams:
          - \"192.0.2.13\"
          - \"[2001:db8::13]:5353\"
";
    assert!(document.ends_with(servers), "{document}");
    assert_eq!(made.remarks.len(), 3, "{:?}", made.remarks);
    let parts = |upstreams| vec![Part::DnsOperator(upstreams)];
    let site = Site { listen: vec!["0.0.0.0:53".parse().unwrap()], ..recipe.site.clone() };
    let nowhere = Recipe { site: site.clone(), ..recipe.clone() };
    assert_eq!(make(&nowhere), Err(Error::NoUpstream));
    let told = Recipe { site, parts: parts(vec!["192.0.2.14".parse().unwrap()]), ..recipe.clone() };
    assert!(make(&told).unwrap().text.ends_with("- \"192.0.2.14\"\n"));
    let many = (0..16).map(|last| IpAddr::from([192, 0, 2, last])).collect();
    assert_eq!(make(&Recipe { parts: parts(many), ..recipe }), Err(Error::TooManyUpstreams(16)));
}

#[test]
fn documents_for_the_cluster_stand_behind_a_machineconfig_only() {
    for form in [Form::Butane, Form::Ignition] {
        let recipe =
            Recipe { form, parts: vec![Part::NodeDisruptionPolicy], ..recipe(vec![file(CONFIG, b"x")]) };
        assert_eq!(make(&recipe), Err(Error::NoPlace(form)));
    }
}

#[test]
fn a_name_that_dnsmasq_would_come_behind_is_told() {
    let parts = vec![Part::MaskDnsmasq];
    let usual = Recipe { parts, ..recipe(vec![file(CONFIG, b"x")]) };
    let made = make(&usual).unwrap();
    assert_eq!(made.remarks, []);
    assert!(
        made.text.ends_with("- name: dnsmasq.service\n          enabled: false\n          mask: true\n"),
        "{}",
        made.text
    );
    let early = Recipe { name: Some("10-edgedns".parse().unwrap()), ..usual };
    assert_eq!(make(&early).unwrap().remarks.len(), 1);
}

#[test]
fn names_are_those_a_cluster_takes() {
    for good in ["master", "worker-cnf", "a.b", "0"] {
        assert!(good.parse::<Role>().is_ok() && good.parse::<ObjectName>().is_ok(), "{good}");
    }
    for bad in ["", "Master", "a_b", "-a", "a-", "a..b", &"a".repeat(64)] {
        assert!(bad.parse::<Role>().is_err(), "{bad}");
    }
    assert!("a".repeat(254).parse::<ObjectName>().is_err());
}
