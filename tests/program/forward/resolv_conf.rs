//! The upstreams of the system's resolv.conf.

use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::symlink;

use hickory_proto::op::ResponseCode;

use harness::forwarding::Lab;
use harness::stub::{ask, code, extended_error, said};
use harness::upstream::{Act, Asked, Upstream};

const CONFIG: &str = "zone = \".\"\nupstream = \"resolv.conf\"\nresolv-conf = \"resolv.conf\"\n";

fn answering(host: u8) -> Upstream {
    let address = Ipv4Addr::new(198, 51, 100, host);
    Upstream::start(move |asked: &Asked| Act::Send(vec![asked.address(1, address)]))
}

fn name_server(place: SocketAddr) -> String {
    format!("nameserver [{}]:{}\n", place.ip(), place.port())
}

#[test]
fn it_is_followed_when_it_is_replaced_or_its_link_is_changed() {
    let (first, second) = (answering(1), answering(2));
    let lab = Lab::new(CONFIG);
    lab.site.write("resolv.conf", &name_server(first.place()));
    let program = lab.start();
    assert_eq!(said(&ask(program.listen(), "a.test.")), "198.51.100.1");
    lab.site.write("resolv.conf", &name_server(second.place()));
    program.wait_for_line(&format!("is forwarded to {}", second.place()));
    assert_eq!(said(&ask(program.listen(), "b.test.")), "198.51.100.2");
    // As NetworkManager and Kubernetes do it.
    lab.site.write("first.conf", &name_server(first.place()));
    symlink("first.conf", lab.site.folder().join("link")).expect("a link");
    std::fs::rename(lab.site.folder().join("link"), lab.site.folder().join("resolv.conf")).expect("a link");
    program.wait_for_line(&format!("is forwarded to {}", first.place()));
    assert_eq!(said(&ask(program.listen(), "c.test.")), "198.51.100.1");
    program.stop();
}

#[test]
fn this_server_is_left_out_of_it() {
    let upstream = answering(1);
    let lab = Lab::new(CONFIG);
    let own = name_server(lab.site.listen());
    lab.site.write("resolv.conf", &(own.clone() + &name_server(upstream.place())));
    let program = lab.start();
    assert_eq!(said(&ask(program.listen(), "a.test.")), "198.51.100.1");
    assert_eq!(lab.forward()["upstreams"].as_array().map(Vec::len), Some(1));
    lab.site.write("resolv.conf", &own);
    program.wait_for_line("is forwarded to no upstream");
    let response = ask(program.listen(), "b.test.");
    assert_eq!((code(&response), extended_error(&response)), (ResponseCode::ServFail, Some(22)));
    program.stop();
}

#[test]
fn a_file_that_comes_later_is_taken() {
    let upstream = answering(1);
    let lab = Lab::new(CONFIG);
    let program = lab.site.start();
    assert_eq!(code(&ask(program.listen(), "a.test.")), ResponseCode::ServFail);
    lab.site.write("resolv.conf", &name_server(upstream.place()));
    program.wait_for_line("is forwarded to");
    assert_eq!(said(&ask(program.listen(), "b.test.")), "198.51.100.1");
    program.stop();
}

#[test]
fn check_says_what_the_start_says_of_it() {
    let lab = Lab::new(CONFIG);
    let check = || {
        let output = lab.site.check();
        (output.status.success(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (ok, said) = check();
    assert!(
        ok && said.contains("resolv.conf") && said.contains("names below `.` are answered SERVFAIL"),
        "{said}"
    );
    lab.site.write("resolv.conf", &name_server(lab.site.listen()));
    let (ok, said) = check();
    assert!(ok && said.contains("names no upstream but this server"), "{said}");
    lab.site.write("resolv.conf", "nameserver fe80::1\nnameserver 192.0.2.1\n");
    let (ok, said) = check();
    assert!(ok && said.contains("`fe80::1` is link-local") && said.contains("resolv.conf:1:1"), "{said}");
    assert!(said.contains("ok: 0 errors, 1 warning"), "{said}");
    lab.site.write("resolv.conf", "# nobody else\nnameserver 192.0.2.1\n");
    assert!(check().1.contains("ok: 0 errors, 0 warnings"), "{}", check().1);
}
