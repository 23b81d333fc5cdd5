//! `dialogue` against targets that answer by the book and otherwise, over TCP and TLS.

use std::sync::Arc;
use std::time::Duration;

use edgedns::probe::{Dialogue, Outcome, Probe, ProbeKind, Step};
use edgedns::tls::Handshake;

use super::https::lax;
use super::server::{LIMIT, Reply, Server, passed, response};
use super::tls::Authority;

/// Says what a test wants to a request, as a line of HTTP would be: requests end with an empty line.
fn steps(expected: &[u8]) -> Vec<Step> {
    let request: &[u8] = b"GET / HTTP/1.0\r\n\r\n";
    vec![Step::Send(request.into()), Step::Begins((*b"HTTP/1.1 200").into()), Step::Expect(expected.into())]
}

async fn run(server: &Server, steps: Vec<Step>, handshake: Option<Handshake>, timeout: Duration) -> Outcome {
    let test = Dialogue { port: server.port(), steps, read_limit_bytes: 1000, handshake };
    let kind = ProbeKind::Dialogue(Arc::new(test));
    Probe { address: server.place.ip(), source: None, timeout, kind }.prober().run().await
}

fn says(text: &str) -> impl Fn(&str) -> Reply + Send + Sync + 'static {
    let text = text.to_owned();
    move |_: &str| Reply::Whole(text.clone())
}

#[tokio::test]
async fn a_target_that_answers_as_expected_passes_over_tcp_and_tls() {
    let good = response("200 OK", "all is well");
    let server = Server::start("127.0.4.130", says(&good)).await;
    for _ in 0..2 {
        passed(&run(&server, steps(b"well"), None, LIMIT).await);
    }
    assert_eq!(server.requests()[0], "GET / HTTP/1.0\r\n\r\n");
    let tls = Authority::new().server(&["lab.example"], &[]);
    let secured = Server::start_tls("127.0.4.130", tls, says(&good)).await;
    let handshake = Handshake { protocols: Vec::new(), ..lax() };
    let outcome = run(&secured, steps(b"well"), Some(handshake), LIMIT).await;
    let Outcome::Pass { not_after, .. } = outcome else { panic!("{outcome}") };
    assert!(not_after.is_some());
}

#[tokio::test]
async fn each_way_to_answer_otherwise_has_its_words() {
    let server = Server::start("127.0.4.131", says(&response("503 No", ""))).await;
    let said = run(&server, steps(b"well"), None, LIMIT).await.to_string();
    assert!(said.starts_with("step 2 is answered by `HTTP/1.1 503 No"), "{said}");
    let closes = Server::start("127.0.4.132", |_: &str| Reply::Last(String::new())).await;
    assert_eq!(run(&closes, steps(b"well"), None, LIMIT).await.to_string(), "connection closed in step 2");
    let stuck = Server::start("127.0.4.133", |_: &str| Reply::Stuck("HTTP/1.1 200 OK".to_owned())).await;
    let late = run(&stuck, steps(b"well"), None, Duration::from_millis(150)).await;
    assert_eq!(late.to_string(), "timed out after 150 ms in step 3");
    let endless = Server::start("127.0.4.134", |_: &str| Reply::Endless("HTTP/1.1 200 OK".to_owned())).await;
    let flooded = run(&endless, steps(b"well"), None, LIMIT).await;
    assert_eq!(flooded.to_string(), "what step 3 expects is not in the first 1000 bytes");
    let silent = vec![Step::Expect((*b"hello").into())];
    let waits = run(&server, silent, None, Duration::from_millis(150)).await;
    assert_eq!(waits.to_string(), "timed out after 150 ms in step 1");
}
