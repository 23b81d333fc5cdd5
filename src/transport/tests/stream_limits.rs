//! How many streams a client may open over HTTP/2 and QUIC, and how much it may send ahead on them.

use tokio::time::timeout;

use super::https::{PREFACE, frame, headers};
use super::tls::{Client, from, secured};
use super::*;

/// Streams of one connection at a time.
const STREAMS: u32 = 100;

/// What a client may send ahead on one stream, in bytes; the same over both.
const STREAM_WINDOW: usize = 8 << 10;

/// What it may send ahead over QUIC on all of them.
const QUIC_WINDOW: usize = 128 << 10;

/// The kinds of frames of HTTP/2, and what they say (RFC 9113, sections 6 and 7).
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const WINDOW_UPDATE: u8 = 8;
const REFUSED_STREAM: [u8; 4] = 7_u32.to_be_bytes();

/// The next frame of HTTP/2: its kind, its stream and what it carries.
fn read_frame(client: &mut Client) -> (u8, u32, Vec<u8>) {
    let mut head = [0; 9];
    client.read_exact(&mut head).unwrap();
    let [high, middle, low, kind, _flags, a, b, c, d] = head;
    let mut payload = vec![0; usize::try_from(u32::from_be_bytes([0, high, middle, low])).unwrap()];
    client.read_exact(&mut payload).unwrap();
    (kind, u32::from_be_bytes([a, b, c, d]), payload)
}

#[test]
fn a_stream_of_http2_beyond_those_that_are_allowed_is_refused_alone() {
    let (_server, address) = https::serve(PATIENT);
    let mut client = secured(from("127.0.3.83", address), &["h2"]);
    client.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).unwrap();
    // POST with an announced body that does not come.
    let post =
        [&[0x83, 0x87, 0x04, 10][..], b"/dns-query", &[0x0f, 0x10, 23], b"application/dns-message"].concat();
    let stream = |number: u32| number * 2 + 1;
    for number in 0..STREAMS {
        client.write_all(&frame(1, 4, stream(number), &post)).unwrap();
    }
    client.write_all(&frame(1, 5, stream(STREAMS), &headers(&query(0, b"one more")))).unwrap();
    let (mut settings, mut windows, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    // Either may come first.
    while refused.is_empty() || windows.is_empty() {
        let (kind, stream, payload) = read_frame(&mut client);
        match kind {
            RST_STREAM => refused.push((stream, payload)),
            SETTINGS => settings.extend(payload),
            WINDOW_UPDATE => windows.push((stream, payload)),
            _ => assert_eq!(stream, 0, "a frame of kind {kind}: {payload:?}"),
        }
    }
    assert_eq!(refused, [(stream(STREAMS), REFUSED_STREAM.to_vec())]);
    // Identifiers 3, 4 and 6: streams at a time, the window of each, the longest list of headers.
    let said = |id: u8, value: u32| [&[0, id][..], &value.to_be_bytes()].concat();
    let is_said = |setting: &Vec<u8>| settings.chunks(6).any(|one| one == setting);
    for setting in [said(3, STREAMS), said(4, 8 << 10), said(6, 16 << 10)] {
        assert!(is_said(&setting), "{setting:?} is not among {settings:?}");
    }
    // The window of all of them together is that of the protocol and this.
    assert_eq!(windows, [(0, ((256 << 10) - 65_535_u32).to_be_bytes().to_vec())]);
    // One that ends makes room for another.
    client.write_all(&frame(RST_STREAM, 0, stream(0), &8_u32.to_be_bytes())).unwrap();
    client.write_all(&frame(1, 5, stream(STREAMS + 1), &headers(&query(0, b"whole")))).unwrap();
    while !matches!(read_frame(&mut client), (0, id, body) if id == stream(STREAMS + 1) && body == echoed(&query(0, b"whole")))
    {
    }
}

#[test]
fn what_a_client_sends_ahead_over_http2_ends_with_its_window() {
    let (_server, address) = https::serve(PATIENT);
    let mut client = secured(from("127.0.3.84", address), &["h2"]);
    client.write_all(&[PREFACE, &frame(SETTINGS, 0, 0, &[])].concat()).unwrap();
    // A window counts from when its client says that it knows it; before, it is that of the protocol.
    while read_frame(&mut client).0 != SETTINGS {}
    client.write_all(&frame(SETTINGS, 1, 0, &[])).unwrap();
    let post = [&[0x83, 0x87, 0x04, 10][..], b"/dns-query", &[0x0f, 0x10, 23], b"application/dns-message"];
    let update = [&[0x0f, 0x0d, 5][..], b"65535"].concat();
    let post = [&post.concat()[..], &update].concat();
    let mut body = query(0, &[0; STREAM_WINDOW / 2 - 12]);
    body[2] = 0x28;
    // The first one is received, and comes to no end; so the second waits, and none of it is read.
    for stream in [1, 3] {
        client.write_all(&frame(1, 4, stream, &post)).unwrap();
    }
    client.write_all(&frame(0, 0, 1, &body)).unwrap();
    for _ in 0..2 {
        client.write_all(&frame(0, 0, 3, &body)).unwrap();
    }
    client.write_all(&frame(0, 0, 3, b"x")).unwrap();
    let refused = loop {
        let (kind, stream, payload) = read_frame(&mut client);
        if kind == RST_STREAM {
            break (stream, payload);
        }
    };
    // FLOW_CONTROL_ERROR.
    assert_eq!(refused, (3, 3_u32.to_be_bytes().to_vec()));
}

#[test]
fn over_quic_a_client_opens_so_many_streams_and_sends_so_much_ahead() {
    let (server, address) = quic::serve(PATIENT);
    quic::block(&server, async {
        let connection = quic::connect(address).await;
        assert_eq!(connection.max_datagram_size(), None);
        assert!(timeout(Duration::ZERO, connection.open_uni()).await.is_err(), "a stream of one direction");
        let mut held = Vec::new();
        // What the server allows is known: none waits for it.
        while let Ok(opened) = timeout(Duration::ZERO, connection.open_bi()).await {
            held.push(opened.unwrap());
            assert!(held.len() <= 1000, "no end of streams");
        }
        assert_eq!(held.len(), STREAMS as usize);
        // Of UPDATEs only one is received at a time: what is sent of the others is not read.
        let mut update = query(0, &vec![b'u'; 65_535 - 12]);
        update[2] = 0x28;
        let update = framed(&update);
        let mut taken = Vec::new();
        for (send, _) in &mut held {
            match timeout(Duration::ZERO, send.write(&update)).await {
                Ok(count) => taken.push(count.unwrap()),
                Err(_) => break,
            }
        }
        assert_eq!(taken[0], STREAM_WINDOW);
        // The first one is read and gives back what it had.
        let all: usize = taken.iter().sum();
        assert!((QUIC_WINDOW..=QUIC_WINDOW + 2 * STREAM_WINDOW).contains(&all), "{all} bytes: {taken:?}");
    });
}
