//! HTTPS.

use super::*;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).expect("a short frame").to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// POST of a message of so many bytes, up to its body.
fn post(length: usize) -> Vec<u8> {
    let head = "POST /dns-query HTTP/1.1\r\nhost: ns\r\ncontent-type: application/dns-message";
    format!("{head}\r\ncontent-length: {length}\r\n\r\n").into_bytes()
}

/// The answer to a query over HTTP/1.1, or why there is none.
fn try_post(client: &mut Client, query: &[u8]) -> io::Result<()> {
    client.write_all(&[&post(query.len()), query].concat())?;
    client.flush()?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        io::Read::read_exact(client, &mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 200 "), "{head}");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).expect("a length");
    let mut body = vec![0; length.parse().expect("a number")];
    io::Read::read_exact(client, &mut body)?;
    assert_eq!((&body[..2], body[3] & 15, body[7]), (&query[..2], 0, 1), "{body:?}");
    Ok(())
}

/// What a client says over HTTP/2 before it stops, or instead of stopping.
fn said_over_http2(number: u32) -> Vec<u8> {
    let settings = [PREFACE, &frame(4, 0, 0, &[])].concat();
    // Index 2 and 7 of the static table: GET, https.
    let unfinished = frame(1, 0, 1, &[0x82, 0x87]);
    let storm = match number % 6 {
        // In the preface, in a list of headers.
        0 => return PREFACE[..10].to_vec(),
        1 => unfinished,
        // Goes away, again and again; and asks on.
        2 => [frame(7, 0, 0, &[0; 8]).repeat(2000), unfinished].concat(),
        // Continues a list of headers without an end.
        3 => [unfinished, frame(9, 0, 1, &[0x82; 1000]).repeat(200)].concat(),
        // Opens streams and resets them.
        4 => (0..2000_u32)
            .flat_map(|turn| {
                [frame(1, 5, turn * 2 + 1, &[0x82, 0x87]), frame(3, 0, turn * 2 + 1, &[0, 0, 0, 8])]
            })
            .flatten()
            .collect(),
        // A frame that is longer than any may be.
        _ => frame(0, 0, 1, &vec![0; 1 << 20]),
    };
    [settings, storm].concat()
}

#[test]
fn clients_that_stop_reset_or_flood_hold_up_no_honest_one() {
    let besieged = Besieged::new();
    let to = besieged.https;
    let http1 = |from| Ok::<_, io::Error>(secured_for(b"http/1.1", connect_from(from, to)?));
    let mut kept = http1(Ipv4Addr::new(127, 78, 1, 1)).expect("a listener");
    try_post(&mut kept, &query(1, &[])).expect("an answer");
    let fresh = |id| try_post(&mut http1(Ipv4Addr::new(127, 78, 1, 2))?, &query(id, &[]));
    let mut held = Held::default();
    let attack = || {
        let greeting = greeting(b"h2");
        for number in 0..ATTACKS {
            let Ok(mut stream) = connect_from(attacker(number), to) else { continue };
            let _ = match number % 20 {
                0..6 => Ok(()),
                6..11 => stream.write_all(&greeting[..100]),
                11..17 => stream.write_all(&greeting),
                17 => {
                    let _ = stream.write_all(&greeting);
                    reset(stream);
                    continue;
                }
                // Over HTTP/1.1: in a line, in headers, in a body.
                18 => {
                    let mut client = secured_for(b"http/1.1", stream);
                    let post = post(100);
                    let stops = [10, post.len() - 2, post.len()];
                    let at = stops[usize::try_from(number / 20).expect("a number") % stops.len()];
                    let said = client.write_all(&post[..at]).and_then(|()| client.flush());
                    stream = client.sock;
                    said
                }
                _ => {
                    let mut client = secured_for(b"h2", stream);
                    client.sock.set_write_timeout(Some(Duration::from_secs(1))).expect("a socket");
                    let said = client.write_all(&said_over_http2(number / 20)).and_then(|()| client.flush());
                    stream = client.sock;
                    said
                }
            };
            held.hold(stream);
        }
    };
    let kept_asks = |id| try_post(&mut kept, &query(id, &[])).expect("an answer");
    besieged.besiege("HTTPS", kept_asks, fresh, attack);
    drop(kept);
    besieged.assert_rid(held);
}
