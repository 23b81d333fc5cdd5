//! Backends of HAProxy, which become pools with the same checks.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use harness::node::{Imported, Node};

/// What Red Hat's documents show for a cluster without a load balancer of its own, with the check of /readyz that
/// many add.
const OPENSHIFT: &str = "\
global
  log         127.0.0.1 local2
  maxconn     4000
defaults
  mode                    http
  option                  httplog
  timeout http-request    10s
  timeout check           10s
listen api-server-6443
  bind *:6443
  mode tcp
  option  httpchk GET /readyz HTTP/1.0
  option  log-health-checks
  balance roundrobin
  server bootstrap bootstrap.ocp4.example.com:6443 verify none check check-ssl inter 10s fall 2 rise 3 backup
  server master0 master0.ocp4.example.com:6443 weight 1 verify none check check-ssl inter 10s fall 2 rise 3
  server master1 master1.ocp4.example.com:6443 weight 1 verify none check check-ssl inter 10s fall 2 rise 3
listen machine-config-server-22623
  bind *:22623
  mode tcp
  server bootstrap bootstrap.ocp4.example.com:22623 check inter 1s backup
  server master0 master0.ocp4.example.com:22623 check inter 1s
  server master1 master1.ocp4.example.com:22623 check inter 1s
listen ingress-router-443
  bind *:443
  mode tcp
  balance source
  server worker0 192.0.2.21:443 check inter 1s
  server worker1 192.0.2.22:443 check inter 1s
";

const HOSTS: &str = "192.0.2.9 bootstrap.ocp4.example.com\n192.0.2.13 master0.ocp4.example.com master0\n\
                     192.0.2.14 master1.ocp4.example.com\n";

fn import(conf: &str, more: &[&str]) -> Imported {
    let node = Node::new(&[("etc/haproxy.cfg", conf), ("etc/hosts", HOSTS)]);
    let hosts = node.path("etc/hosts").display().to_string();
    let arguments: Vec<&str> = more.iter().copied().chain(["--hosts", &hosts]).collect();
    node.import_with("haproxy", "etc/haproxy.cfg", &arguments)
}

#[test]
fn the_balancer_of_a_cluster_becomes_two_pools() {
    let result = import(
        OPENSHIFT,
        &[
            "--zone",
            "ocp4.example.com",
            "--name",
            "api-server-6443=api,api-int.ocp4.example.com",
            "--name",
            "machine-config-server-22623=api,api-int",
            "--name",
            "ingress-router-443=*.apps,apps",
        ],
    );
    result.assert_lines(&[
        "name = \"ocp4.example.com\"",
        "names = [\"api\", \"api-int\"]",
        "https = { path = \"/readyz\", port = 6443, status = \"200-399\", verify = false }",
        "tcp = 22623",
        "interval = \"10000ms\"",
        "rise = 3",
        "fall = 2",
        "backup = [[\"192.0.2.9\"]]",
        "names = [\"*.apps\", \"apps\"]",
        "tcp = 443",
        "selector = \"hashed\"",
    ]);
    result.assert_fate(
        "backend machine-config-server-22623",
        "changed",
        "an address leaves when either fails",
    );
    result.assert_fate("bind *:6443", "honoured", "the same port");
    assert_eq!(result.status, Some(0), "{}\n{}", result.report, result.faults);
}

#[test]
fn a_backend_without_a_name_is_told_how_to_get_one() {
    let conf = "backend web_1\n  server a 192.0.2.1:80 check\n";
    let result = import(conf, &[]);
    result.assert_fate("backend web_1", "refused", "--name web_1=NAME");
    assert_eq!(result.status, Some(1));
    let named = import(conf, &["--zone", "lab.test"]);
    named.assert_fate("backend web_1", "honoured", "web-1.lab.test.");
    let alone = import(conf, &["--name", "web_1=*.apps.lab.test"]);
    alone.assert_lines(&["name = \"apps.lab.test\"", "names = [\"*\"]"]);
    let unknown = import(conf, &["--name", "wbe_1=x.test"]);
    unknown.assert_faults(&["no backend is called `wbe_1`", "did you mean `web_1`?"]);
}

#[test]
fn a_config_file_with_what_a_check_sends_is_for_its_owner_alone() {
    for (lines, is_secret) in [
        ("option tcp-check\n tcp-check send PING\\r\\n\n tcp-check expect string PONG", true),
        ("option httpchk\n http-check send hdr Authorization x", true),
        ("option httpchk\n http-check send hdr X-Check x", false),
    ] {
        let conf = format!("backend b\n {lines}\n server a 192.0.2.1:80 check\n");
        let node = Node::new(&[("etc/haproxy.cfg", &conf)]);
        let result = node.import_with("haproxy", "etc/haproxy.cfg", &["--name", "b=b.test"]);
        let meta = fs::metadata(node.path("new/edgedns.toml")).expect("a config file");
        let is_closed = meta.permissions().mode() & 0o077 == 0;
        assert_eq!(is_closed, is_secret, "{}\n{}", result.config, result.report);
        assert_eq!(result.config.contains("SupplementaryGroups="), is_secret, "{}", result.config);
    }
}

#[test]
fn checks_are_taken_over_in_every_form_that_a_probe_has() {
    for (lines, wanted) in [
        (
            "option tcp-check\n tcp-check connect port 1\n tcp-check connect port 2\n server a 192.0.2.1 check",
            "tcp = [1, 2]",
        ),
        ("server a 192.0.2.1:80 check port 81", "tcp = 81"),
        // Without the option no rule counts.
        ("tcp-check connect port 1\n tcp-check send x\n server a 192.0.2.1:80 check", "tcp = 80"),
        (
            "option tcp-check\n tcp-check send PING\\r\\n\n tcp-check expect rstring ^\\+PONG\n server a 192.0.2.1:80 check",
            "dialogue = { port = 80, steps = [{ send = \"PING\\r\\n\" }, { begins = \"+PONG\" }] }",
        ),
        (
            "option tcp-check\n tcp-check connect port 25\n tcp-check expect min-recv 3 binary 323230\n tcp-check send-binary 0D0a\n tcp-check connect port 26\n server a 192.0.2.1:80 check",
            "dialogue = { port = 25, steps = [{ expect = { hex = \"323230\" } }, { send = { hex = \"0d0a\" } }] }",
        ),
        (
            "option tcp-check\n tcp-check connect ssl\n tcp-check expect string hello\n server a 192.0.2.1:993 check verify none",
            "dialogue = { port = 993, steps = [{ expect = \"hello\" }], tls = true, verify = false }",
        ),
        (
            "server a 192.0.2.1:443 check ssl verify required ca-file /ca.pem check-sni x.test",
            "tls = { ca = \"/ca.pem\", port = 443, server-name = \"x.test\" }",
        ),
        ("server a 192.0.2.1:443 check ssl verify none port 80", "tcp = 80"),
        ("option ssl-hello-chk\n server a 192.0.2.1:443 check", "tls = { port = 443, verify = false }"),
        ("option httpchk\n server a 192.0.2.1:80 check", "http = { port = 80, status = \"200-399\" }"),
        (
            "option httpchk HEAD /x HTTP/1.1\\r\\nHost:\\ www\n server a 192.0.2.1:80 check",
            "http = { host = \"www\", method = \"HEAD\", path = \"/x\", port = 80, status = \"200-399\" }",
        ),
        (
            "option httpchk GET /x\n http-check expect string ok\n server a 192.0.2.1:80 check",
            "http = { body = \"ok\", path = \"/x\", port = 80, status = \"200-599\" }",
        ),
        (
            "option httpchk GET /x\n http-check expect rstatus (200|204)\n server a 192.0.2.1:80 check",
            "http = { path = \"/x\", port = 80, status = [\"200\", \"204\"] }",
        ),
        (
            "option httpchk\n http-check connect ssl sni x.test\n http-check send meth GET uri /y hdr X-A b\n http-check expect status 200,300-301\n server a 192.0.2.1:443 check verify none",
            "https = { headers = { X-A = \"b\" }, path = \"/y\", port = 443, server-name = \"x.test\", status = [\"200\", \"300-301\"], verify = false }",
        ),
        (
            "default-server inter 500 downinter 5s rise 1 fall 4 fastinter 1s\n server a 192.0.2.1:80 check",
            "retry = \"500ms\"",
        ),
        ("default-server downinter 5s\n server a 192.0.2.1:80 check", "down-interval = \"5000ms\""),
        ("server a 192.0.2.1:80 check slowstart 1m", "slow-start = \"60000ms\""),
        (
            "server a 192.0.2.1:80 check addr 192.0.2.11\n server b 192.0.2.2:80 check",
            "probe-at = { \"192.0.2.1\" = \"192.0.2.11\" }",
        ),
        (
            "server a 192.0.2.1:80 check weight 3\n server b 192.0.2.2:80 check weight 1",
            "weights = { \"192.0.2.1\" = 3, \"192.0.2.2\" = 1 }",
        ),
        (
            "option allbackups\n server a 192.0.2.1:80 check\n server b 192.0.2.2:80 check backup\n server c 192.0.2.3:80 check backup",
            "backup = [\"192.0.2.2\", \"192.0.2.3\"]",
        ),
        ("server a 192.0.2.1:80 check source 192.0.2.7", "source = \"192.0.2.7\""),
        ("server-template m 2 master0:80 check", "tcp = 80"),
    ] {
        let result = import(&format!("backend x\n {lines}\n"), &["--zone", "lab.test"]);
        result.assert_lines(&[wanted]);
    }
}

/// Of what is connected to besides, that it accepts connections.
#[test]
fn ports_besides_that_of_a_check_are_tested_for_connections() {
    for (lines, wanted) in [
        (
            "option tcp-check\n tcp-check connect port 443 ssl\n tcp-check connect port 80\n server a 192.0.2.1:443 check verify none",
            "tcp = 80\ntls = { port = 443, verify = false }",
        ),
        (
            "option httpchk GET /x\n http-check connect port 80\n http-check connect port 81\n server a 192.0.2.1:80 check",
            "tcp = 81\nhttp = { path = \"/x\", port = 80, status = \"200-399\" }",
        ),
    ] {
        let result = import(&format!("backend x\n {lines}\n"), &["--zone", "lab.test"]);
        result.assert_lines(&wanted.lines().collect::<Vec<_>>());
    }
}

#[test]
fn a_dialogue_with_a_step_that_cannot_be_had_is_none() {
    let conf = |steps: &str| {
        format!(
            "backend x\n option tcp-check\n tcp-check send PING\n {steps}\n server a 192.0.2.1:80 check\n"
        )
    };
    // What is sent may be a password: it is not shown.
    for (step, shown, why) in [
        ("tcp-check expect ! string ERR", None, "alone"),
        ("tcp-check expect rstring [0-9]+", None, "alone"),
        ("tcp-check expect rbinary 00", None, "alone"),
        ("tcp-check send-lf %[srv_name]", Some("tcp-check send-lf …"), "nothing of the server"),
        ("tcp-check send \\xff", Some("tcp-check send …"), "alone"),
        ("tcp-check set-var(check.x) int(1)", None, "alone"),
    ] {
        let result = import(&conf(step), &["--zone", "lab.test"]);
        result.assert_fate(shown.unwrap_or(step), "refused", why);
        result.assert_lines(&["tcp = 80"]);
        assert_eq!(result.status, Some(1), "{step}");
    }
    let again = "tcp-check expect string a\n tcp-check send QUIT\n tcp-check expect string b\n tcp-check expect string c";
    let result = import(&conf(again), &["--zone", "lab.test"]);
    result.assert_fate("tcp-check expect string a", "honoured", "[[zone.probe]]");
    result.assert_fate("tcp-check expect string b", "changed", "counts as well");
    result.assert_fate("tcp-check expect string c", "changed", "behind");
}

#[test]
fn what_dns_cannot_do_is_refused() {
    let result = import(
        "frontend in\n bind :80\n bind :443 ssl crt /x.pem\n acl a hdr(host) -i a.test\n use_backend a if a\n default_backend b\n\
         backend a\n server s 192.0.2.1:80 check\n\
         backend b\n option mysql-check\n http-request redirect scheme https\n server s 192.0.2.1:8080 check\n\
         \x20server t 192.0.2.2:8081 check\n server u unknown.test:8080 check\n server v 192.0.2.4:8080 check track a/s\n\
         \x20server w /run/w.sock check\n",
        &["--zone", "lab.test"],
    );
    result.assert_fate("bind :80", "refused", "DNS moves no ports");
    result.assert_fate("bind :443 ssl crt /x.pem", "refused", "TLS ends at HAProxy");
    result.assert_fate("use_backend a if a", "refused", "a name of its own");
    result.assert_fate("option mysql-check", "refused", "its protocol is not spoken");
    result.assert_fate("http-request redirect scheme https", "changed", "directly");
    result.assert_fate("server t 192.0.2.2:8081 check", "refused", "in another way than the first server");
    result.assert_fate("server u unknown.test:8080 check", "refused", "--hosts FILE");
    result.assert_fate("server v 192.0.2.4:8080 check track a/s", "refused", "without `track`");
    result.assert_fate("server w /run/w.sock check", "refused", "clients could connect to");
    result.assert_faults(&["`unknown.test` is a name", "/etc/haproxy.cfg:14:11"]);
    assert_eq!(result.status, Some(1));
}

#[test]
fn named_defaults_count_where_they_are_named() {
    let result = import(
        "defaults one\n option httpchk GET /one\ndefaults two from one\n default-server inter 7s\ndefaults\n balance source\n\
         backend a from two\n server s 192.0.2.1:80 check\nbackend b\n server s 192.0.2.1:80 check\n",
        &["--zone", "lab.test"],
    );
    let (a, b) = result.config.split_once("names = [\"b\"]").expect("two pools");
    assert!(
        a.contains("path = \"/one\"") && a.contains("7000ms") && !a.contains("hashed"),
        "{}",
        result.config
    );
    assert!(b.contains("tcp = 80") && b.contains("hashed"), "{}", result.config);
}

#[test]
fn a_disabled_section_and_a_disabled_server_are_left_out() {
    let result = import(
        "backend a\n disabled\n server s 192.0.2.1:80 check\nbackend b\n server s 192.0.2.2:80 check disabled\n server t 192.0.2.3:80 check\n",
        &["--zone", "lab.test"],
    );
    result.assert_fate("backend a", "no effect here", "disabled");
    result.assert_fate("server s 192.0.2.2:80 check disabled", "changed", "not in the pool");
    assert!(!result.config.contains("\"a\""), "{}", result.config);
}
