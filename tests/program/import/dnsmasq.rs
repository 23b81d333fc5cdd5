//! dnsmasq's options, and the files that they name.

use std::process::Command;

use harness::node::{Imported, Node};
use harness::tools::{is_installed, path_of};

fn import(conf: &str, more: &[&str]) -> Imported {
    node(conf).import_with("dnsmasq", "etc/dnsmasq.conf", more)
}

fn node(conf: &str) -> Node {
    Node::new(&[("etc/dnsmasq.conf", conf), ("etc/hosts", "127.0.0.1 localhost\n")])
}

#[test]
fn a_site_behind_dnsmasq_is_taken_over() {
    let result = import(
        "# the site\n\
         no-resolv\n\
         no-hosts\n\
         listen-address=192.0.2.1,127.0.0.1\n\
         server=203.0.113.1\n\
         server=203.0.113.2#5353@eth0\n\
         server=/corp.test/198.51.100.1\n\
         server=/here.corp.test/#\n\
         rev-server=198.51.100.0/24,198.51.100.1\n\
         strict-order\n\
         local=/ocp4.test/\n\
         address=/apps.ocp4.test/192.0.2.13\n\
         host-record=api.ocp4.test,192.0.2.13\n\
         stop-dns-rebind\n\
         rebind-domain-ok=/corp.test/\n\
         cache-size=500\n\
         min-cache-ttl=5\n\
         max-cache-ttl=300\n\
         user=nobody\n",
        &[],
    );
    result.assert_lines(&[
        "listen = [\"192.0.2.1:53\", \"127.0.0.1:53\"]",
        "entries = 500",
        "ttl-min = \"5s\"",
        "ttl-max = \"300s\"",
        "name = \"ocp4.test\"",
        "name = \"apps.ocp4.test\"",
        "zone = \".\"",
        "upstream = [\"203.0.113.1\", \"203.0.113.2:5353\"]",
        "policy = \"in-order\"",
        "rebinding-protection = true",
        "zone = \"corp.test\"",
        "upstream = [\"198.51.100.1\"]",
        "zone = \"here.corp.test\"",
        "zone = \"100.51.198.in-addr.arpa\"",
    ]);
    result.assert_fate("host-record=api.ocp4.test,192.0.2.13", "honoured", "[[zone]]");
    result.assert_fate("user=nobody", "no effect here", "service manager");
    result.assert_fate("without `local-service`", "changed", "an open door, closed");
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
    // Its answers may have private addresses, and those of the domain below it.
    let block = |zone: &str| {
        let start = result.config.find(&format!("zone = \"{zone}\"")).expect("a block");
        result.config[start..].split("\n[[").next().unwrap_or_default().to_owned()
    };
    assert!(!block("corp.test").contains("rebinding"), "{}", result.config);
    assert!(block("100.51.198.in-addr.arpa").contains("rebinding"), "{}", result.config);
}

#[test]
fn the_hosts_file_of_another_machine_is_wanted_and_this_ones_is_not_read() {
    let node = Node::new(&[("copy/dnsmasq.conf", "server=203.0.113.1\n")]);
    let result = node.import_with("dnsmasq", "copy/dnsmasq.conf", &[]);
    result.assert_fate("/etc/hosts, without `no-hosts`", "refused", "it is not in the copy");
    assert!(!result.config.contains("localhost"), "{}", result.config);
    let with = import("server=203.0.113.1\n", &[]);
    with.assert_fate("/etc/hosts, without `no-hosts`", "honoured", "1 names");
    with.assert_lines(&["name = \"localhost\"", "name = \"1.0.0.127.in-addr.arpa\""]);
}

#[test]
fn an_alias_of_a_name_of_its_own_has_addresses_and_in_a_domain_it_stays_one() {
    let conf = "no-hosts\nno-resolv\nhost-record=api.lab.test,192.0.2.1\ncname=www.lab.test,api.lab.test\n\
                cname=far.lab.test,www.elsewhere.test\n";
    let alone = import(conf, &[]);
    alone.assert_fate("cname=www.lab.test,api.lab.test", "changed", "addresses of its target");
    alone.assert_fate("cname=far.lab.test,www.elsewhere.test", "refused", "--zone DOMAIN");
    assert_eq!(alone.status, Some(1));
    let whole = import(conf, &["--zone", "lab.test"]);
    whole.assert_fate("cname=www.lab.test,api.lab.test", "honoured", "[[zone]]");
    whole.assert_fate("cname=far.lab.test,www.elsewhere.test", "honoured", "[[zone]]");
    assert_eq!(whole.config.matches("[[zone]]").count(), 2, "{}", whole.config);
}

#[test]
fn what_cannot_be_had_is_refused_and_what_is_restricted_stays_so() {
    let result = import(
        "no-hosts\nno-resolv\ninterface=eth0\nlocal=/lab.test/\nserver=/deep.lab.test/192.0.2.9\nfilter-AAAA\n\
         dhcp-range=192.0.2.50,192.0.2.150\ndhcp-host=02:00:00:00:00:01,node\nsynth-domain=lab.test,192.0.2.0/24\n\
         adress=/x.test/192.0.2.1\naddress=/*ads*/192.0.2.1\n",
        &[],
    );
    result.assert_fate("interface=eth0", "refused", "loopback is listened on");
    result.assert_lines(&["listen = [\"127.0.0.1:53\", \"[::1]:53\"]"]);
    result.assert_fate("server=/deep.lab.test/192.0.2.9", "refused", "answered whole");
    result.assert_fate("filter-AAAA", "refused", "upstream");
    result.assert_fate("dhcp-range=192.0.2.50,192.0.2.150", "refused", "port=0");
    result.assert_fate("dhcp-host=02:00:00:00:00:01,node", "no effect here", "leases");
    result.assert_fate("adress=/x.test/192.0.2.1", "refused", "did you mean `address`?");
    result.assert_fate("address=/*ads*/192.0.2.1", "refused", "patterns");
    result.assert_faults(&["a pattern of names", "/etc/dnsmasq.conf:11:10"]);
    assert_eq!(result.status, Some(1));
}

#[test]
fn clients_of_local_networks_alone_stay_the_only_ones() {
    let result = import("no-hosts\nlocal-service\naddress=/lab.test/192.0.2.1\nserver=203.0.113.1\n", &[]);
    result.assert_lines(&["allow-query = [\"local\"]"]);
    result.assert_fate("local-service", "honoured", "allow-query");
    let named =
        import("no-hosts\nlocal-service\nlisten-address=192.0.2.1\naddress=/lab.test/192.0.2.1\n", &[]);
    named.assert_fate("local-service", "no effect here", "`listen-address` takes its place");
}

#[test]
fn what_is_for_this_host_alone_stays_so() {
    for also in ["", "local-service\n"] {
        let conf =
            format!("no-hosts\nlocal-service=host\n{also}address=/lab.test/192.0.2.1\nserver=203.0.113.1\n");
        let result = import(&conf, &[]);
        result.assert_lines(&[
            "listen = [\"127.0.0.1:53\", \"[::1]:53\"]",
            "allow-query = [\"127.0.0.0/8\", \"::1\"]",
            "allow = [\"127.0.0.0/8\", \"::1\"]",
        ]);
        result.assert_fate("local-service=host", "honoured", "loopback");
    }
}

#[test]
fn a_list_of_blocked_names_is_left_out_with_words() {
    let blocked: String = (0..1500).map(|number| format!("address=/ads{number}.test/0.0.0.0\n")).collect();
    let result = import(&format!("no-hosts\nno-resolv\n{blocked}"), &[]);
    result.assert_fate("names beyond 1000 zones", "refused", "500 names are left out");
    assert_eq!(result.config.matches("[[zone]]").count(), 1000, "{}", result.faults);
}

#[test]
fn files_that_name_each_other_end() {
    let node = node("conf-file=dnsmasq.conf\n");
    let result = node.import_with("dnsmasq", "etc/dnsmasq.conf", &[]);
    result.assert_fate("dnsmasq.conf", "no effect here", "reads no file again");
    let chain = Node::new(&[
        ("etc/dnsmasq.conf", "no-hosts\nno-resolv\nconf-file=a.conf\nconf-dir=.,*.conf\n"),
        ("etc/a.conf", "conf-file=dnsmasq.conf\nconf-file=b.conf\nconf-file=./a.conf\n"),
        ("etc/b.conf", "address=/lab.test/192.0.2.1\n"),
    ]);
    let result = chain.import_with("dnsmasq", "etc/dnsmasq.conf", &[]);
    assert_eq!(result.report.matches("address=/lab.test").count(), 1, "{}", result.report);
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn every_option_of_dnsmasq_has_a_fate() {
    if !is_installed("dnsmasq") {
        return;
    }
    let help = Command::new(path_of("dnsmasq").expect("a path")).arg("--help").output().expect("it runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let options = help.split_whitespace().filter_map(|word| word.strip_prefix("--"));
    let option = |word: &str| word.split(['=', '[', ',']).next().unwrap_or_default().to_owned();
    let options: Vec<String> = options.map(option).filter(|name| !name.is_empty()).collect();
    assert!(options.len() > 150, "{help}");
    let conf: String =
        options.iter().filter(|name| *name != "port").map(|name| format!("{name}=1\n")).collect();
    let result = import(&conf, &[]);
    for unknown in ["not known to dnsmasq", "look it up"] {
        assert!(!result.report.contains(unknown), "{}", result.report);
    }
}
