//! HTTPS: both versions of HTTP, GET and POST, what is cached, and what is no query.

use super::*;

#[test]
fn kdig_asks_over_https_with_post_and_get() {
    let encrypted = started("listen-https");
    for way in [&["+https"][..], &["+https", "+https-get"]] {
        let asked = |name: &str, rtype: &str| encrypted.kdig(&[way, &[name, rtype]].concat());
        let Some(said) = asked("www.lab.example", "A") else { return };
        assert!(said.contains("NOERROR") && said.contains("192.0.2.1"), "{said}");
        assert!(said.contains("HTTP/2") && said.contains("status: 200"), "{said}");
        let said = asked("nothing.lab.example", "A").expect("kdig");
        assert!(said.contains("NXDOMAIN"), "{said}");
        let said = asked("big.lab.example", "TXT").expect("kdig");
        assert!(said.contains("119 xxx"), "{said}");
        let said = asked("elsewhere.example", "A").expect("kdig");
        assert!(said.contains("REFUSED"), "{said}");
        // There is room for one response, and a transfer has many.
        let said = asked("lab.example", "AXFR").expect("kdig");
        assert!(!said.contains("192.0.2.1"), "{said}");
    }
    let status = encrypted.site.status();
    let transports = status["transports"].as_array().expect("transports").iter();
    let queries: Vec<_> =
        transports.map(|one| (one["transport"].as_str(), one["queries"].as_u64())).collect();
    assert!(queries.contains(&(Some("https"), Some(10))), "{queries:?}");
    encrypted.program.stop();
}

#[test]
fn curl_asks_with_its_defaults_over_both_versions_of_http() {
    let encrypted = started("listen-https");
    let asks =
        [("www", "max-age=300"), ("alias", "max-age=300"), ("nothing", "max-age=30"), ("big", "max-age=30")];
    for (version, shown) in [("--http1.1", "1.1"), ("--http2", "2")] {
        for (host, fresh) in asks {
            let path = format!("/dns-query?dns={}", in_target(host));
            let Some(output) = encrypted.curl(&path, &[version]) else { return };
            assert_eq!(said(&output), format!("{shown} 200 application/dns-message"));
            let get = encrypted.read("answer");
            encrypted.site.write("query", &String::from_utf8(query(host, 1)).expect("ASCII"));
            let typed = ["--header", "content-type: application/dns-message", "--data-binary", "@query"];
            let output = encrypted.curl("/dns-query", &[&[version][..], &typed].concat()).expect("curl");
            assert_eq!(said(&output), format!("{shown} 200 application/dns-message"));
            assert_eq!(encrypted.read("answer"), get);
            let head = String::from_utf8(encrypted.read("head")).expect("ASCII");
            assert!(
                head.to_ascii_lowercase().contains(&format!("cache-control: {fresh}\r\n")),
                "{host}: {head}"
            );
        }
        let status = |path: &str, words: &[&str]| {
            said(&encrypted.curl(path, &[&[version], words].concat()).expect("curl"))
        };
        assert!(status("/", &[]).contains(" 404 "), "another path");
        assert!(status("/dns-query", &[]).contains(" 400 "), "no parameter");
        assert!(status("/dns-query", &["--request", "DELETE"]).contains(" 405 "));
        assert!(status("/dns-query", &["--data", "abc"]).contains(" 415 "));
        let long = format!("/dns-query?dns={}", "A".repeat(9000));
        assert!(status(&long, &[]).contains(" 414 "));
        encrypted.site.write("query", &"x".repeat(70_000));
        let typed = ["--header", "content-type: application/dns-message", "--data-binary", "@query"];
        assert!(status("/dns-query", &typed).contains(" 413 "));
    }
    encrypted.program.stop();
}

#[test]
fn dnspython_asks_over_https_with_post_and_get() {
    let encrypted = started("listen-https");
    let script = r#"
import sys, dns.message, dns.query
place, port, ca = sys.argv[1], int(sys.argv[2]), sys.argv[3]
for post in (True, False):
    query = dns.message.make_query("www.lab.example", "A")
    url = "https://%s:%d/dns-query" % (place, port)
    answer = dns.query.https(query, url, verify=ca, post=post, timeout=10)
    print(answer.rcode(), answer.answer[0].to_text())
"#;
    let (place, port) = (encrypted.place.ip().to_string(), encrypted.place.port().to_string());
    let said = dnspython(&["dns.query", "httpx", "h2"], script, &[&place, &port, &encrypted.certificate()]);
    if let Some(said) = said {
        assert_eq!(said.matches("0 www.lab.example. 300 IN A 192.0.2.1").count(), 2, "{said}");
    }
    encrypted.program.stop();
}

#[test]
fn h2load_has_every_query_answered_of_many_connections_with_a_hundred_streams_each() {
    let encrypted = started("listen-https");
    encrypted.site.write("query", &String::from_utf8(query("www", 1)).expect("ASCII"));
    for version in [&["-m", "100"][..], &["--h1"]] {
        let Some(mut h2load) = tool("h2load") else { return };
        h2load.args(["-n", "4000", "-c", "20", "-d", "query", "-H", "content-type: application/dns-message"]);
        h2load.args(version).arg(format!("https://{}/dns-query", encrypted.place));
        let told = said(&h2load.current_dir(encrypted.site.folder()).output().expect("it runs"));
        assert!(told.contains("status codes: 4000 2xx, 0 3xx, 0 4xx, 0 5xx"), "{told}");
    }
    encrypted.program.stop();
}
