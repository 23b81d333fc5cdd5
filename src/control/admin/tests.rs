//! What is said when something hangs, with a stand-in for `daemon`.

use axum::body::to_bytes;

use super::*;
use crate::control::{Status, ZoneStatus};

/// The code and the text of a response.
async fn told(response: impl IntoResponse) -> (u16, String) {
    let response = response.into_response();
    let code = response.status().as_u16();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (code, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn what_does_not_turn_is_told_line_by_line() {
    let (requests, mut waiting) = mpsc::channel(1);
    tokio::spawn(async move {
        let Some(AdminRequest::Pulse { reply }) = waiting.recv().await else { panic!("another request") };
        reply.send(
            ["UDP worker 1 makes no progress", "no target has been probed for 9 s"].map(String::from).into(),
        )
    });
    let (code, text) = told(healthz(State(requests)).await).await;
    assert_eq!(
        (code, text.as_str()),
        (503, "UDP worker 1 makes no progress\nno target has been probed for 9 s\n")
    );
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_does_not_turn_is_told() {
    let (requests, _waiting) = mpsc::channel(1);
    let wanted = (503, "the server's own loop has not turned for 6 s\n".to_owned());
    assert_eq!(told(healthz(State(requests.clone())).await).await, wanted);
    // Now the queue is full besides.
    assert_eq!(told(healthz(State(requests)).await).await, wanted);
}

#[tokio::test]
async fn a_server_that_is_stopping_says_so() {
    let (requests, waiting) = mpsc::channel(1);
    drop(waiting);
    assert_eq!(told(status(State(requests)).await).await, (503, "the server is stopping\n".to_owned()));
}

#[tokio::test]
async fn what_is_not_as_it_should_be_is_remarked_by_a_server_that_is_ready() {
    let (requests, mut waiting) = mpsc::channel(1);
    tokio::spawn(async move {
        let Some(AdminRequest::Status { reply }) = waiting.recv().await else { panic!("another request") };
        let status = Status {
            watch_trouble: Some("no inotify".to_owned()),
            state_trouble: Some("the disk is full".to_owned()),
            zones: vec![ZoneStatus {
                name: "lab.example.".to_owned(),
                hosts_unknown: Some(vec!["one is gone".to_owned(), "another, too".to_owned()]),
                ..ZoneStatus::default()
            }],
            ..Status::default()
        };
        reply.send(Box::new(status))
    });
    let remarks = "changes of files are not noticed: no inotify\n\
        state for the next start is not written: the disk is full\n\
        zone lab.example.: one is gone (and 1 more)\n";
    assert_eq!(told(readyz(State(requests)).await).await, (200, format!("ready\n{remarks}")));
}
