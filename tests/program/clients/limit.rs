//! The rate limit as an operator sets it: it holds clients back, and a reload changes it.

use hickory_proto::op::Message;
use hickory_proto::rr::RecordType;

use harness::client::{addresses, ask, ask_tcp};
use harness::program::{Program, Site};
use harness::{PATIENCE, wait_for};

const ZONE: &str = "@ 60 SOA ns host 1 2 3 4 30\n@ 60 NS ns\nns 60 A 192.0.2.53\nwww 60 A 192.0.2.1\n";

/// One response per second; the others are TC.
fn config(exempt: &str) -> String {
    format!(
        "[limit]\nresponses-per-second = 1\nslip = 1\nexempt = [{exempt}]\n\n\
         [[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n"
    )
}

fn asked(program: &Program) -> Message {
    ask(program.listen(), "www.lab.example.", RecordType::A).expect("an answer")
}

#[test]
fn a_client_over_its_limit_is_sent_to_tcp_and_a_reload_can_exempt_it() {
    let site = Site::new();
    site.write("lab.zone", ZONE);
    site.configure(&config(""));
    let program = site.start();
    let over = wait_for("a response over the limit", PATIENCE, || {
        Some(asked(&program)).filter(|response| response.metadata.truncation)
    });
    assert!(over.answers.is_empty(), "{over:?}");
    let stream = ask_tcp(program.listen(), "www.lab.example.", RecordType::A).expect("an answer over TCP");
    assert_eq!(addresses(&stream).len(), 1);

    site.configure(&config("\"local\""));
    let before = program.log_len();
    program.reload();
    program.wait_for_line_after(before, "reloaded");
    for _ in 0..10 {
        assert_eq!(addresses(&asked(&program)).len(), 1, "this host's own networks are not limited");
    }
    program.stop();
}
