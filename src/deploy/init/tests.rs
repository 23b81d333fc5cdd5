//! What a description of a cluster becomes.

use super::*;

fn cluster(masters: &[&str]) -> Cluster {
    Cluster {
        name: "ocp4".parse().unwrap(),
        base_domain: "example.com".parse().unwrap(),
        masters: masters.iter().map(|text| text.parse().unwrap()).collect(),
        arbiters: Vec::new(),
        workers: Vec::new(),
        ingress: Vec::new(),
        bootstrap: None,
    }
}

fn text<'f>(files: &'f [File<'_>], path: &str) -> &'f str {
    let paths: Vec<_> = files.iter().map(|file| file.path.display().to_string()).collect();
    let found = files.iter().find(|file| file.path.ends_with(path));
    let found = found.unwrap_or_else(|| panic!("{path} is none of {paths:?}"));
    str::from_utf8(&found.bytes).unwrap()
}

#[test]
fn nodes_without_a_name_are_numbered() {
    let files = files(&cluster(&["192.0.2.13", "left=192.0.2.14", "192.0.2.15"])).unwrap();
    let zone = text(&files, "ocp4.example.com.zone");
    for line in ["master-0 IN A    192.0.2.13", "left     IN A    192.0.2.14", "master-2 IN A    192.0.2.15"]
    {
        assert!(zone.lines().any(|other| other == line), "{line}\n{zone}");
    }
}

#[test]
fn every_network_of_a_node_gets_a_reverse_zone() {
    let files = files(&cluster(&["192.0.2.13,2001:db8::13", "198.51.100.14"])).unwrap();
    assert!(text(&files, "2.0.192.in-addr.arpa.zone").contains("\n13 IN PTR  master-0.ocp4.example.com.\n"));
    assert!(
        text(&files, "100.51.198.in-addr.arpa.zone").contains("\n14 IN PTR  master-1.ocp4.example.com.\n")
    );
    let six = text(&files, "0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa.zone");
    assert!(six.contains("\n3.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0 IN PTR  master-0.ocp4.example.com.\n"), "{six}");
}

#[test]
fn an_arbiter_has_etcd_and_serves_names_but_no_api() {
    let described =
        Cluster { arbiters: vec!["192.0.2.15".parse().unwrap()], ..cluster(&["192.0.2.13", "192.0.2.14"]) };
    let files = files(&described).unwrap();
    let zone = text(&files, "ocp4.example.com.zone");
    let owners: Vec<&str> = zone
        .lines()
        .filter(|line| line.ends_with("192.0.2.15"))
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(owners, ["arbiter-0", "etcd-2"], "{zone}");
    assert_eq!(zone.matches(" 2380 etcd-").count(), 3, "{zone}");
    assert!(text(&files, CONFIG).contains("\n    \"192.0.2.15:53\",\n"));
    assert!(text(&files, "2.0.192.in-addr.arpa.zone").contains("\n15 IN PTR  arbiter-0.ocp4.example.com.\n"));
}

#[test]
fn a_bootstrap_node_serves_the_api_but_no_applications() {
    let described = Cluster { bootstrap: Some("192.0.2.12".parse().unwrap()), ..cluster(&["192.0.2.13"]) };
    let files = files(&described).unwrap();
    let zone = text(&files, "ocp4.example.com.zone");
    let at = |owner: &str| {
        let lines = zone.lines().filter(|line| line.split(' ').next() == Some(owner));
        lines.filter(|line| line.ends_with("192.0.2.12")).count()
    };
    assert_eq!((at("api"), at("api-int"), at("*.apps"), at("bootstrap")), (1, 1, 0, 1), "{zone}");
}

#[test]
fn applications_go_where_it_is_said() {
    let described = Cluster { ingress: vec!["192.0.2.99".parse().unwrap()], ..cluster(&["192.0.2.13"]) };
    let files = files(&described).unwrap();
    let zone = text(&files, "ocp4.example.com.zone");
    assert!(zone.contains("\n*.apps IN A    192.0.2.99\n"), "{zone}");
}

#[test]
fn the_same_description_makes_the_same_bytes() {
    let described = cluster(&["192.0.2.13", "192.0.2.14", "192.0.2.15"]);
    assert_eq!(files(&described), files(&described));
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    assert_eq!(files(&cluster(&[])), Err(ClusterError::NoMaster));
    let twice = "192.0.2.13".parse().unwrap();
    assert_eq!(files(&cluster(&["192.0.2.13", "192.0.2.13"])), Err(ClusterError::AddressTwice(twice)));
    let same = files(&cluster(&["master-1=192.0.2.13", "192.0.2.14"]));
    assert_eq!(same, Err(ClusterError::NameTwice("master-1".parse().unwrap())));
    let long = format!("{}.com", "a23456789.".repeat(23).trim_end_matches('.'));
    let described = Cluster { base_domain: long.parse().unwrap(), ..cluster(&["192.0.2.13"]) };
    assert!(matches!(files(&described), Err(ClusterError::TooLong(_))));
}

#[test]
fn nodes_are_read_as_they_are_written() {
    for bad in
        ["", "a_b=192.0.2.1", "a.b=192.0.2.1", "x=", "192.0.2.300", "0.0.0.0", "224.0.0.1", "-a=192.0.2.1"]
    {
        assert!(bad.parse::<Node>().is_err(), "{bad}");
    }
    let node: Node = "m0=192.0.2.1,2001:db8::1".parse().unwrap();
    assert_eq!((node.name.unwrap().to_string(), node.addresses.len()), ("m0".to_owned(), 2));
}
