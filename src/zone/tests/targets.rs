//! Names in RDATA that exist nowhere, and what was likely meant by them.

use std::sync::Arc;

use super::*;

/// What is said of a zone `apex` where there are `others`, too.
fn said(apex: &str, text: &'static str, others: &[&str]) -> Vec<String> {
    let mut lab = Lab::named(apex, text);
    let apexes: Vec<Name> = others.iter().chain(&[apex]).map(|apex| apex.parse().unwrap()).collect();
    lab.builder.set_apexes(Arc::new(apexes.iter().map(Name::as_ref).collect()));
    lab.said()
}

const CLUSTER: &str = "ocp4.example.com.";

fn meant(name: &str) -> String {
    format!("if `{name}` is meant, write it so, with the dot at its end")
}

#[test]
fn a_ptr_record_never_leads_to_a_name_among_addresses() {
    let text = "@ 60 SOA svc.ocp4.example.com. admin.ocp4.example.com. 6 1 1 1 1\n@ 60 NS svc.ocp4.example.com.\n\
                10 60 PTR master0.ocp4.example.com\n11 60 PTR master1\n12 60 PTR master2.ocp4.example.com.\n\
                * 60 PTR any.example.com\nb._dns-sd._udp 60 PTR @\n";
    let why =
        "nodes take their host name from here; a name without a final dot is relative to the reverse zone";
    let told = |line: u32, name: &str, help: &str| {
        format!(
            "warning lab.zone:{line}:1: this PTR record leads to `{name}.0.20.10.in-addr.arpa.`, where no host is; \
             {help}; {why}"
        )
    };
    assert_eq!(
        said("0.20.10.in-addr.arpa.", text, &[]),
        [
            told(3, "master0.ocp4.example.com", &meant("master0.ocp4.example.com.")),
            told(4, "master1", "write the whole name of the host, with a dot at its end"),
            told(6, "any.example.com", &meant("any.example.com.")),
        ]
    );
    let six = "@ 60 SOA ns.test. h.test. 6 1 1 1 1\n@ 60 NS ns.test.\n1.0 60 PTR host.test\n";
    assert_eq!(said("8.b.d.0.1.0.0.2.ip6.arpa.", six, &[]).len(), 1);
}

#[test]
fn the_names_of_a_soa_record_are_whole_too() {
    let text =
        "@ 60 SOA svc.ocp4.example.com admin.ocp4.example.com 6 1 1 1 1\n@ 60 NS svc.ocp4.example.com.\n";
    let told = |name: &str| {
        format!(
            "warning lab.zone:1:1: a name in this SOA record is read as `{name}.0.20.10.in-addr.arpa.`; {}",
            meant(&format!("{name}."))
        )
    };
    assert_eq!(
        said("0.20.10.in-addr.arpa.", text, &[]),
        [told("svc.ocp4.example.com"), told("admin.ocp4.example.com")]
    );
    // Mailboxes exist nowhere, and a primary that is hidden need not.
    let text = "@ 60 SOA ns hostmaster 6 1 1 1 1\n@ 60 NS ns.elsewhere.test.\n";
    assert_eq!(said("0.20.10.in-addr.arpa.", text, &[]), [""; 0]);
    assert_eq!(said(CLUSTER, text, &[]), [""; 0]);
}

#[test]
fn a_target_in_a_parent_or_in_another_zone_of_ours_lacks_its_dot() {
    let text = "@ 60 SOA ns h 6 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\nbastion 60 CNAME bastion.example.com\n\
                lab 60 CNAME host.lab\nmail 60 MX 5 mx.corp.net.test\nnone 60 CNAME none\nsrv 60 SRV 0 0 1 ns.ocp4.example.com\n";
    let told = |line: u32, rtype: &str, name: &str| {
        format!(
            "warning lab.zone:{line}:1: this {rtype} record points to `{name}.ocp4.example.com.`, which does not exist; {}",
            meant(&format!("{name}."))
        )
    };
    // That the zone's own name is repeated was told when the record was read.
    let mut told_of = said(CLUSTER, text, &["lab."]);
    assert!(told_of.remove(0).contains("`ns.ocp4.example.com` is read as"));
    assert_eq!(
        told_of,
        [
            told(4, "CNAME", "bastion.example.com"),
            told(5, "CNAME", "host.lab"),
            told(6, "MX", "mx.corp.net.test"),
            "warning lab.zone:8:1: this SRV record points to `ns.ocp4.example.com.ocp4.example.com.`, which does not exist"
                .to_owned(),
        ]
    );
}

#[test]
fn a_wildcard_does_not_hide_a_name_that_lacks_its_dot() {
    let text = "@ 60 SOA ns h 6 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n* 60 A 192.0.2.9\n\
                a 60 CNAME bastion.example.com\nb 60 MX 5 mail.corp.test\nc 60 SRV 0 0 1 x.lab\n";
    let told = |line: u32, rtype: &str, name: &str| {
        format!(
            "warning lab.zone:{line}:1: this {rtype} record points to `{name}.ocp4.example.com.`, which is only what \
             `*.ocp4.example.com.` makes; {}",
            meant(&format!("{name}."))
        )
    };
    assert_eq!(
        said(CLUSTER, text, &["lab."]),
        [told(5, "CNAME", "bastion.example.com"), told(6, "MX", "mail.corp.test"), told(7, "SRV", "x.lab")]
    );
}

#[test]
fn names_that_are_meant_as_they_stand_are_not_told_of() {
    let text = "@ 60 SOA ns h 6 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n*.apps 60 A 192.0.2.9\n\
                console 60 CNAME console-openshift-console.apps\ndeep 60 CNAME a.b.c.apps\n\
                there 60 CNAME x.example.com\nx.example.com 60 A 192.0.2.3\nchild 60 CNAME www.sub\n\
                cut 60 NS ns\nbelow 60 CNAME www.cut\nout 60 CNAME www.example.net.\nself 60 MX 0 .\n\
                _etcd._tcp 60 SRV 0 0 1 etcd-0\netcd-0 60 A 192.0.2.1\n";
    // What another zone of ours answers exists there.
    assert_eq!(said(CLUSTER, text, &["sub.ocp4.example.com.", "example.com."]), [""; 0]);
}

#[test]
fn a_target_that_repeats_the_beginning_of_the_apex_is_recognised() {
    let text = "@ 60 SOA ns h 6 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\netcd-0 60 A 192.0.2.1\n\
                _etcd._tcp 60 SRV 0 0 1 etcd-0.lab\n_etcd._tcp 60 SRV 0 0 1 etcd-9.lab\n";
    let told = |name: &str| {
        format!(
            "warning lab.zone:5:1: this SRV record points to `{name}.lab.lab.example.`, which does not exist"
        )
    };
    assert_eq!(
        said("lab.example.", text, &[]),
        [format!("{}; {}", told("etcd-0"), meant("etcd-0.lab.example.")), told("etcd-9")]
    );
}

#[test]
fn an_alias_of_a_name_that_does_not_exist_is_told_of() {
    let said = Lab::new(sound!("www 60 CNAME web")).said();
    assert_eq!(
        said,
        ["warning lab.zone:4:1: this CNAME record points to `web.example.`, which does not exist"]
    );
}

#[test]
fn a_wildcard_in_the_domain_of_a_cluster_is_told_of_whatever_it_gives() {
    let help = "pods have `ocp4.example.com.` in their search list with `ndots:5`: `github.com` is asked as \
                `github.com.ocp4.example.com.` first; write `*.apps` for the routes, and the other names one by one";
    let expected = |line: u32| {
        format!(
            "warning lab.zone:{line}:1: `*.ocp4.example.com.` answers for every name in the domain of a cluster; {help}"
        )
    };
    const TEXTS: [&str; 3] = [
        "@ 60 SOA ns h 6 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n* 60 A 192.0.2.9\napi 60 A 192.0.2.1\n",
        "@ 60 SOA ns h 6 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n* 60 CNAME ns\napi-int 60 CNAME ns\n",
        "@ 60 SOA ns h 6 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n* 60 AAAA 2001:db8::9\napi 60 A 192.0.2.1\n",
    ];
    for text in TEXTS {
        assert_eq!(said(CLUSTER, text, &[]), [expected(4)], "{text}");
    }
    let lua =
        Lab::named(CLUSTER, "@ 60 SOA ns h 6 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\napi 60 A 192.0.2.1\n");
    assert_eq!(lua.lua("*.ocp4.example.com.", "ns 60").said().len(), 1);
    for fine in [
        "@ 60 SOA ns h 6 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n*.apps 60 A 192.0.2.9\napi 60 A 192.0.2.1\n",
        "@ 60 SOA ns h 6 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n* 60 TXT x\napi 60 A 192.0.2.1\n",
        "@ 60 SOA ns h 6 1 1 1 1\n@ 60 NS ns\nns 60 A 192.0.2.1\n* 60 A 192.0.2.9\nwww 60 A 192.0.2.1\n",
    ] {
        assert_eq!(said(CLUSTER, fine, &[]), [""; 0], "{fine}");
    }
}

#[test]
fn a_wildcard_answers_for_a_domain_if_nothing_stands_between() {
    let (zone, _) =
        Lab::new(sound!("* 60 A 192.0.2.1" "here 60 A 192.0.2.1" "cut 60 NS ns" "*.w 60 TXT x")).finish();
    let zone = zone.unwrap();
    let answering = |domain: &str| {
        let domain: Name = domain.parse().unwrap();
        zone.answering_wildcard(domain.as_ref()).map(|node| node.name().to_string())
    };
    assert_eq!(answering("example.").as_deref(), Some("*.example."));
    assert_eq!(answering("a.b.example.").as_deref(), Some("*.example."));
    for nothing in
        ["here.example.", "x.here.example.", "cut.example.", "x.cut.example.", "w.example.", "test."]
    {
        assert_eq!(answering(nothing), None, "{nothing}");
    }
}
