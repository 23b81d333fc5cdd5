//! The admin listener over real sockets: page, status, metrics, healthz and readyz, and numbers that agree
//! with what was done.
//!
//! The page in a browser is tested in `host`.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use harness::client::{ask, ask_tcp};
use harness::http::{get, request, speak};
use harness::lab::{API, Lab};
use harness::tools::tool;
use harness::{PATIENCE, free_port, loopback, wait_for};
use hickory_proto::rr::RecordType;
use serde_json::Value;
use socket2::{Domain, Socket, Type};

/// Connections that are served at a time.
const CONNECTIONS_MAX: usize = 64;

#[test]
fn a_server_that_serves_all_is_alive_and_ready() {
    let lab = Lab::new();
    let program = lab.start();
    for (path, body) in [("/healthz", "alive\n"), ("/readyz", "ready\n")] {
        let response = get(lab.admin, path);
        assert_eq!((response.code, response.body.as_str()), (200, body), "{path}");
        assert!(response.head.contains("cache-control: no-store"), "{}", response.head);
    }
    program.stop();
}

#[test]
fn the_status_is_the_same_as_over_the_control_socket() {
    let lab = Lab::new();
    let program = lab.start();
    let response = get(lab.admin, "/status");
    assert!(response.head.contains("content-type: application/json"), "{}", response.head);
    let over_tcp: Value = serde_json::from_str(&response.body).expect("JSON");
    let command = ["status", "--socket", "control.sock", "--format", "json"];
    let over_socket: Value = serde_json::from_slice(&lab.site.run(&command).stdout).expect("JSON");
    let keys = |status: &Value| status.as_object().unwrap().keys().cloned().collect::<Vec<String>>();
    assert_eq!(keys(&over_tcp), keys(&over_socket));
    for same in ["version", "started_at", "zones", "pools", "transports"] {
        assert_eq!(over_tcp[same], over_socket[same], "{same}");
    }
    assert_eq!(over_tcp["zones"][0]["records"], 6);
    assert_eq!(over_tcp["pools"][0]["answering"].as_array().map(Vec::len), Some(3));
    program.stop();
}

#[test]
fn the_page_is_whole_and_may_ask_nobody_else() {
    let lab = Lab::new();
    let program = lab.start();
    let response = get(lab.admin, "/");
    assert_eq!(response.code, 200);
    assert!(response.head.contains("content-type: text/html; charset=utf-8"), "{}", response.head);
    assert!(response.head.contains("content-security-policy: default-src 'none';"), "{}", response.head);
    let nonce = |head: &str| head.split_once("script-src 'nonce-").map(|(_, rest)| rest[..32].to_owned());
    let own = nonce(&response.head).expect("a nonce");
    assert!(response.body.contains(&format!("<script nonce=\"{own}\">")), "{own}");
    assert_ne!(nonce(&get(lab.admin, "/").head), Some(own));
    for outside in ["src=\"", "@import", "url(", "https://"] {
        assert!(!response.body.contains(outside), "the page holds {outside}");
    }
    program.stop();
}

#[test]
fn what_is_not_there_or_would_change_something_is_refused() {
    let lab = Lab::new();
    let program = lab.start();
    assert_eq!(get(lab.admin, "/reload").code, 404);
    assert_eq!(get(lab.admin, "/status/").code, 404);
    for path in ["/", "/status", "/metrics", "/healthz", "/readyz"] {
        assert_eq!(request(lab.admin, "POST", path, "", "{}").expect("a response").code, 405, "{path}");
        assert_eq!(request(lab.admin, "HEAD", path, "", "").expect("a response").body, "", "{path}");
    }
    let long = format!("GET / HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(32 << 10));
    assert_eq!(speak(lab.admin, &long).expect("a response").code, 431);
    assert_eq!(speak(lab.admin, "nonsense\r\n\r\n").expect("a response").code, 400);
    assert_eq!(get(lab.admin, "/healthz").code, 200);
    program.stop();
}

#[test]
fn one_client_with_idle_connections_takes_the_listener_from_nobody() {
    let lab = Lab::new();
    let program = lab.start();
    let (admin, done) = (lab.admin, Arc::new(AtomicBool::new(false)));
    let (over, greedy) = (Arc::clone(&done), loopback());
    let flood = std::thread::spawn(move || {
        let mut idle = VecDeque::new();
        while !over.load(Ordering::Relaxed) {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            socket.bind(&SocketAddr::new(greedy.into(), 0).into()).expect("a loopback address");
            if socket.connect(&admin.into()).is_ok() {
                idle.push_back(socket);
            }
            if idle.len() > 4 * CONNECTIONS_MAX {
                idle.pop_front();
            }
        }
    });
    for path in ["/healthz", "/readyz", "/metrics", "/status"].into_iter().cycle().take(24) {
        let asked = Instant::now();
        assert_eq!(get(lab.admin, path).code, 200, "{path}");
        assert!(asked.elapsed() < Duration::from_secs(3), "{path} after {:?}", asked.elapsed());
    }
    done.store(true, Ordering::Relaxed);
    flood.join().expect("the flood ends");
    program.stop();
}

#[test]
fn a_request_for_another_server_is_not_answered() {
    let lab = Lab::new();
    let program = lab.start();
    let asked = |named: &str| {
        speak(lab.admin, &format!("GET /status HTTP/1.1\r\n{named}Connection: close\r\n\r\n"))
            .expect("a response")
            .code
    };
    let ours = format!("Host: {}\r\n", lab.admin);
    assert_eq!((asked(&ours), asked("Host: localhost:1\r\n")), (200, 200));
    assert_eq!((asked("Host: evil.example\r\n"), asked("Host: 192.0.2.1:9653\r\n")), (421, 421));
    assert_eq!((asked(""), asked(&ours.repeat(2))), (400, 400));
    let absolute = "GET http://evil.example/status HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    assert_eq!(speak(lab.admin, absolute).expect("a response").code, 421);

    let named =
        format!("socket = \"control.sock\"\nlisten = \"{}\"\nnames = [\"Node.Lab.example\"]", lab.admin);
    lab.configure_admin(&named, "");
    lab.reload();
    assert_eq!((asked("Host: node.lab.EXAMPLE.:80\r\n"), asked("Host: evil.example\r\n")), (200, 421));
    program.stop();
}

#[test]
fn it_is_not_ready_before_every_target_has_had_an_outcome() {
    let mut lab = Lab::new();
    lab.masters[1].hang();
    lab.configure("startup-wait = \"0s\"");
    let program = lab.start();
    let response = get(lab.admin, "/readyz");
    assert_eq!((response.code, response.body.as_str()), (503, "the first round of probes is under way\n"));
    assert_eq!(get(lab.admin, "/healthz").code, 200);
    wait_for("the first round", PATIENCE, || (get(lab.admin, "/readyz").code == 200).then_some(()));
    // That a master hangs is news for its pool, but all that is configured is served.
    assert_eq!(lab.sample("edgedns_ready"), 1.0);
    program.stop();
}

#[test]
fn a_zone_that_cannot_be_read_is_told_until_it_can() {
    let lab = Lab::new();
    let program = lab.start();
    lab.site.write("lab.zone", "@ SOA nonsense\n");
    lab.reload();
    let response = get(lab.admin, "/readyz");
    assert_eq!(response.code, 503);
    assert!(response.body.starts_with("zone lab.example. stays at serial 1: "), "{}", response.body);
    assert_eq!(response.body.lines().count(), 1, "{}", response.body);
    assert_eq!(lab.sample("edgedns_zone_ok{zone=\"lab.example.\"}"), 0.0);
    assert_eq!(lab.sample("edgedns_zone_serial{zone=\"lab.example.\"}"), 1.0);
    let status: Value = get(lab.admin, "/status").json();
    // Its place without its text: a client that can connect may not be allowed to read the file.
    let error = status["zones"][0]["error"].as_str().expect("the fault");
    assert!(error.contains("lab.zone:1:") && !error.contains("nonsense"), "{error}");
    assert!(status["zones"][0]["drawn"].is_null(), "{status}");
    let output = lab.site.run(&["status", "--config", "edgedns.toml", "--format", "json"]);
    let status: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let drawn = status["zones"][0]["drawn"].as_str().expect("the fault, drawn");
    assert!(
        drawn.contains("lab.zone:1:") && drawn.contains("@ SOA nonsense\n") && drawn.contains('^'),
        "{drawn}"
    );
    lab.write_zone(2);
    lab.reload();
    assert_eq!(get(lab.admin, "/readyz").code, 200);
    assert_eq!(lab.sample("edgedns_zone_serial{zone=\"lab.example.\"}"), 2.0);
    program.stop();
}

#[test]
fn a_reload_that_was_refused_is_told_until_one_is_not() {
    let lab = Lab::new();
    let program = lab.start();
    lab.configure("intervall = \"1s\"");
    lab.reload();
    let response = get(lab.admin, "/readyz");
    assert_eq!(response.code, 503);
    let told = |text: &str| text.contains("nothing has changed") && text.contains("edgedns.toml:");
    assert!(told(&response.body) && !response.body.contains("intervall"), "{}", response.body);
    // The text is for clients of the control socket.
    let output = lab.site.run(&["status", "--socket", "control.sock", "--format", "json"]);
    let status = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(told(&status) && status.contains("did you mean `interval`"), "{status}");
    lab.configure("");
    lab.reload();
    assert_eq!(get(lab.admin, "/readyz").body, "ready\n");
    program.stop();
}

#[test]
fn the_listener_follows_the_configuration() {
    let lab = Lab::new();
    let program = lab.start();
    let other = free_port(loopback());
    lab.configure_admin(&format!("socket = \"control.sock\"\nlisten = \"{other}\""), "");
    lab.reload();
    assert_eq!(get(other, "/readyz").code, 200);
    let is_gone = |place| TcpStream::connect(place).is_err().then_some(());
    wait_for("the end of the old listener", PATIENCE, || is_gone(lab.admin));
    lab.configure_admin("socket = \"control.sock\"", "");
    lab.reload();
    wait_for("the end of the listener", PATIENCE, || is_gone(other));
    program.stop();
}

#[test]
fn an_address_that_is_taken_keeps_nobody_from_being_answered() {
    let lab = Lab::new();
    let taken = std::net::TcpListener::bind(lab.admin).expect("a free port");
    let program = lab.site.start();
    program.wait_for_line(&format!("cannot listen on admin address {}: Address already in use", lab.admin));
    assert!(ask(program.listen(), API, RecordType::A).is_some());
    drop(taken);
    lab.reload();
    assert_eq!(get(lab.admin, "/healthz").code, 200);
    program.stop();
}

#[test]
fn counters_agree_exactly_with_the_queries_that_were_sent() {
    let lab = Lab::new();
    let program = lab.start();
    let server = program.listen();
    // As an independent implementation writes the same responses: names compressed likewise.
    let bytes = Cell::new(0);
    let asked = |times: usize, qname: &str, qtype| {
        for _ in 0..times {
            let response = ask(server, qname, qtype).unwrap_or_else(|| panic!("no answer for {qname}"));
            bytes.set(bytes.get() + response.to_vec().expect("a response that can be written").len());
        }
    };
    asked(7, API, RecordType::A);
    asked(5, API, RecordType::AAAA);
    asked(3, "nowhere.lab.example.", RecordType::A);
    asked(2, "www.example.org.", RecordType::A);
    asked(1, API, RecordType::TLSA);
    for _ in 0..4 {
        assert!(ask_tcp(server, API, RecordType::A).is_some());
    }
    let datagrams = std::net::UdpSocket::bind((loopback(), 0)).expect("a socket");
    datagrams.send_to(b"no query", server).expect("loopback");
    wait_for("the dropped datagram", PATIENCE, || {
        (lab.sample("edgedns_queries_dropped_total{transport=\"udp\"}") > 0.0).then_some(())
    });
    for (series, wanted) in [
        ("edgedns_queries_total{transport=\"udp\"}", 19.0),
        ("edgedns_queries_total{transport=\"tcp\"}", 4.0),
        ("edgedns_queries_dropped_total{transport=\"udp\"}", 1.0),
        ("edgedns_responses_total{transport=\"udp\",kind=\"answered\"}", 7.0),
        ("edgedns_responses_total{transport=\"udp\",kind=\"nodata\"}", 6.0),
        ("edgedns_responses_total{transport=\"udp\",kind=\"nxdomain\"}", 3.0),
        ("edgedns_responses_total{transport=\"udp\",kind=\"refused\"}", 2.0),
        ("edgedns_responses_total{transport=\"udp\",kind=\"servfail\"}", 0.0),
        ("edgedns_responses_total{transport=\"tcp\",kind=\"answered\"}", 4.0),
        ("edgedns_responses_truncated_total{transport=\"udp\"}", 0.0),
        ("edgedns_responses_limited_total{transport=\"udp\"}", 0.0),
        ("edgedns_questions_total{transport=\"udp\",type=\"A\"}", 12.0),
        ("edgedns_questions_total{transport=\"udp\",type=\"AAAA\"}", 5.0),
        ("edgedns_questions_total{transport=\"udp\",type=\"MX\"}", 0.0),
        ("edgedns_questions_total{transport=\"udp\",type=\"other\"}", 1.0),
        ("edgedns_questions_total{transport=\"tcp\",type=\"A\"}", 4.0),
        ("edgedns_rcodes_total{transport=\"udp\",rcode=\"NOERROR\"}", 13.0),
        ("edgedns_rcodes_total{transport=\"udp\",rcode=\"NXDOMAIN\"}", 3.0),
        ("edgedns_rcodes_total{transport=\"udp\",rcode=\"REFUSED\"}", 2.0),
        ("edgedns_rcodes_total{transport=\"udp\",rcode=\"SERVFAIL\"}", 0.0),
        ("edgedns_rcodes_total{transport=\"tcp\",rcode=\"NOERROR\"}", 4.0),
        ("edgedns_response_size_bytes_count{transport=\"udp\"}", 18.0),
        ("edgedns_response_size_bytes_sum{transport=\"udp\"}", bytes.get() as f64),
        ("edgedns_response_size_bytes_count{transport=\"tcp\"}", 4.0),
        ("edgedns_tcp_connections_total{admission=\"served\"}", 4.0),
    ] {
        assert_eq!(lab.sample(series), wanted, "{series}");
    }
    // The first batch is timed, and at most all of them.
    let timed = lab.sample("edgedns_udp_duration_seconds_count");
    assert!((1.0..=19.0).contains(&timed), "{timed} queries are timed");
    assert!(lab.sample("edgedns_udp_duration_seconds_sum") > 0.0);
    program.stop();
}

#[test]
fn what_the_rate_limit_holds_back_is_counted_and_nothing_twice() {
    const SENT: f64 = 60.0;
    let lab = Lab::new();
    lab.configure("\n[limit]\nresponses-per-second = 1\nslip = 2\nexempt = []\n");
    let program = lab.start();
    let client = std::net::UdpSocket::bind((loopback(), 0)).expect("a socket");
    for _ in 0..60 {
        let query = b"\x12\x34\0\0\0\x01\0\0\0\0\0\0\x03api\x03lab\x07example\0\0\x01\0\x01";
        client.send_to(query, program.listen()).expect("loopback");
    }
    let udp = |metric: &str| lab.sample(&format!("edgedns_{metric}_total{{transport=\"udp\"}}"));
    wait_for("all queries", PATIENCE, || (udp("queries") == SENT).then_some(()));
    let kind =
        |kind: &str| lab.sample(&format!("edgedns_responses_total{{transport=\"udp\",kind=\"{kind}\"}}"));
    let sent = lab.sample("edgedns_rcodes_total{transport=\"udp\",rcode=\"NOERROR\"}");
    assert_eq!(sent, kind("answered"));
    assert_eq!(sent + udp("responses_limited"), SENT);
    assert_eq!(lab.sample("edgedns_questions_total{transport=\"udp\",type=\"A\"}"), SENT);
    // One in two of those over the limit is sent as TC, by chance.
    assert!(udp("responses_limited") > 0.0 && udp("responses_slipped") > 0.0);
    assert!(udp("responses_slipped") < sent, "the first one is whole");
    program.stop();
}

#[test]
fn metrics_tell_what_probes_saw_and_what_the_operator_said() {
    let mut lab = Lab::new();
    lab.masters[1].close();
    let program = lab.start();
    let of = |metric: &str, master: usize, more: &str| {
        format!("{metric}{{target=\"{}\",probe=\"tcp\"{more}}}", lab.name(master))
    };
    let pool = |metric: &str| lab.sample(&format!("{metric}{{owner=\"{API}\",type=\"A\"}}"));
    assert_eq!((pool("edgedns_pool_members"), pool("edgedns_pool_members_up")), (3.0, 2.0));
    assert_eq!((pool("edgedns_pool_answering"), pool("edgedns_pool_all_down")), (2.0, 0.0));
    assert_eq!(lab.sample(&of("edgedns_target_verdict", 1, ",verdict=\"down\"")), 1.0);
    assert_eq!(lab.sample(&of("edgedns_target_verdict", 0, ",verdict=\"up\"")), 1.0);
    assert!(lab.sample(&of("edgedns_target_probes_total", 1, ",outcome=\"failed\"")) >= 1.0);
    assert!(lab.sample(&of("edgedns_target_last_probe_age_seconds", 0, "")) < 20.0);
    assert!(lab.sample(&of("edgedns_target_last_latency_seconds", 0, "")) < 2.0);
    assert!(lab.sample(&of("edgedns_target_failures_total", 1, ",reason=\"refused\"")) >= 1.0);
    assert!(lab.sample(&of("edgedns_target_latency_seconds_count", 0, "")) >= 1.0);
    assert!(lab.sample("edgedns_probe_lateness_seconds_count") >= 2.0);
    assert!(lab.sample("edgedns_probe_lateness_max_seconds") < 20.0);
    let forced = lab.site.run(&["force", &lab.name(0), "down", "--socket", "control.sock"]);
    assert!(forced.status.success());
    assert_eq!(lab.sample(&of("edgedns_target_forced", 0, "")), 1.0);
    assert_eq!(lab.sample(&of("edgedns_target_believed", 0, ",verdict=\"down\"")), 1.0);
    assert_eq!(lab.sample(&of("edgedns_target_verdict", 0, ",verdict=\"up\"")), 1.0);
    assert!(lab.sample("process_resident_memory_bytes") > 1e6);
    program.stop();
}

#[test]
fn metrics_come_in_the_form_that_is_asked_for() {
    let lab = Lab::new();
    let program = lab.start();
    let accept =
        "Accept: application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3\r\n";
    let open = request(lab.admin, "GET", "/metrics", accept, "").expect("a response");
    assert!(open.head.contains("content-type: application/openmetrics-text; version=1.0.0"), "{}", open.head);
    assert!(open.body.ends_with("# EOF\n"));
    let plain = get(lab.admin, "/metrics");
    assert!(plain.head.contains("content-type: text/plain; version=0.0.4"), "{}", plain.head);
    program.stop();
}

#[test]
fn metrics_pass_the_checks_of_prometheus() {
    let lab = Lab::new();
    let program = lab.start();
    let text = get(lab.admin, "/metrics").body;
    program.stop();
    let Some(mut promtool) = tool("promtool") else { return };
    let mut promtool = promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("promtool runs");
    promtool.stdin.take().expect("a pipe").write_all(text.as_bytes()).expect("promtool reads");
    let output = promtool.wait_with_output().expect("promtool ends");
    let said = String::from_utf8_lossy(&[&output.stdout[..], &output.stderr].concat()).into_owned();
    assert!(output.status.success() && said.trim().is_empty(), "{said}\n{text}");
}
