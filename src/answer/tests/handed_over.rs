//! What is handed over whole, and what becomes of it where nobody takes it.

use super::*;

const AXFR: u16 = 252;

/// A query whose TSIG says that it was signed with some key.
fn signed(mut query: Vec<u8>) -> Vec<u8> {
    query[11] = 2;
    query.extend_from_slice(b"\x03key\0\0\xfa\0\xff\0\0\0\0\0\x20\x0bhmac-sha256\0");
    // When, fudge, MAC with its length, original id, error, other data.
    query.extend_from_slice(b"\0\0\x67\x49\xb2\0\x01\x2c\0\x03mac\x12\x34\0\0\0\0");
    query
}

/// A message of another opcode about the zone.
fn of_opcode(opcode: u8) -> Vec<u8> {
    let mut message = query("example.", 6, 1232);
    message[2] = opcode << 3;
    message
}

fn replies(kinds: &[MessageKind], transport: Transport, query: &[u8]) -> (Reply, Option<u8>, u64) {
    let mut snapshot = snapshot(&zone(ZONE));
    snapshot.handed_over = kinds.iter().copied().collect();
    let counters = Arc::new(Counters::default());
    let mut worker = WorkerContext::new(Arc::clone(&counters), 1);
    let mut out = vec![0; 65_535];
    let peer = Peer { address: "127.0.0.1".parse().unwrap(), transport };
    let reply = respond(&snapshot, &mut worker, peer, query, &mut out);
    let rcode = matches!(reply, Reply::Send { .. }).then_some(out[3] & 0x0f);
    (reply, rcode, counters.get(Count::HandedOver))
}

#[test]
fn what_somebody_takes_is_handed_over_and_counted() {
    for transport in Transport::ALL {
        for (kind, message) in [
            (MessageKind::Transfer, query("example.", AXFR, 1232)),
            (MessageKind::Notify, of_opcode(4)),
            (MessageKind::Update, of_opcode(5)),
            (MessageKind::Signed, signed(query("ns.example.", 1, 1232))),
            (MessageKind::Signed, signed(query("example.", AXFR, 1232))),
        ] {
            assert_eq!(replies(&[kind], transport, &message), (Reply::HandOver(kind), None, 1));
        }
    }
}

#[test]
fn what_nobody_takes_is_refused_by_the_worker() {
    let others = |kind: MessageKind| MessageKind::ALL.into_iter().filter(move |other| *other != kind);
    for (kind, message, rcode) in [
        (MessageKind::Transfer, query("example.", AXFR, 1232), 5),
        (MessageKind::Notify, of_opcode(4), 4),
        (MessageKind::Update, of_opcode(5), 4),
        (MessageKind::Signed, signed(query("ns.example.", 1, 1232)), 9),
    ] {
        let others: Vec<MessageKind> = others(kind).collect();
        let (_, answered, counted) = replies(&others, Transport::Tcp, &message);
        assert_eq!((answered, counted), (Some(rcode), 0), "{kind:?}");
    }
}

#[test]
fn plain_queries_and_strange_opcodes_stay_with_the_worker() {
    for (message, rcode) in [(query("ns.example.", 1, 1232), 0), (of_opcode(1), 4), (of_opcode(6), 4)] {
        let (_, answered, counted) = replies(&MessageKind::ALL, Transport::Udp, &message);
        assert_eq!((answered, counted), (Some(rcode), 0));
    }
    // A transfer of what is no zone of ours.
    assert_eq!(replies(&MessageKind::ALL, Transport::Tcp, &query("example.org.", AXFR, 1232)).1, Some(5));
}

#[test]
fn over_the_rate_limit_a_signed_query_is_told_to_come_over_tcp_and_a_notify_is_dropped() {
    let mut snapshot = snapshot(&zone(ZONE));
    snapshot.handed_over = MessageKind::ALL.into_iter().collect();
    snapshot.limit = Some(Arc::new(RateLimit::new(std::num::NonZeroU32::MIN, 1, Vec::new())));
    let mut worker = WorkerContext::new(Arc::new(Counters::default()), 1);
    worker.set_now(std::time::Duration::from_secs(1_700_000_000));
    let peer = Peer { address: "127.0.0.1".parse().unwrap(), transport: Transport::Udp };
    let mut out = vec![0; 1232];
    let mut ask = |message: &[u8]| {
        let reply = respond(&snapshot, &mut worker, peer, message, &mut out);
        (reply, matches!(reply, Reply::Send { .. }).then_some(out[2] & 0x02))
    };
    let query = signed(query("ns.example.", 1, 1232));
    assert_eq!(ask(&query).0, Reply::HandOver(MessageKind::Signed));
    assert_eq!(ask(&query).1, Some(0x02), "TC");
    assert_eq!(ask(&of_opcode(4)).0, Reply::Drop);
}
