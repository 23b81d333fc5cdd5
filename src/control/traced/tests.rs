//! Orders and lines of a trace.

use super::*;
use crate::dns::Name;
use crate::dns::client_subnet::CLIENT_SUBNET_BYTES_MAX;
use crate::dns::edns::{DNSSEC_OK, OptWriter};
use crate::dns::message::{Rcode, class};
use crate::dns::message_writer::{self, QUERY_BYTES_MAX};

#[test]
fn an_order_is_read_as_it_was_written() {
    let order = TraceOrder {
        filter: Filter {
            names: Some("*.apps.example".parse().unwrap()),
            clients: Some("2001:db8::/32".parse().unwrap()),
            qtype: Some(Rtype::A),
        },
        queries_max: 7,
        lasts: Duration::from_secs(5),
    };
    assert_eq!(TraceOrder::read(&order.write()), Ok(order));
    assert!(TraceOrder::read("limit=many").is_err());
    assert!(TraceOrder::read("type=AA").is_err());
    assert_eq!(TraceOrder::read("for_seconds=999999999").unwrap().lasts, TRACE_LASTS_MAX);
}

#[test]
fn a_query_is_one_line() {
    let query = TracedQuery {
        time: "2026-11-21T02:18:00.123Z".to_owned(),
        client: "192.0.2.7".to_owned(),
        transport: "udp".to_owned(),
        name: Some("api.example.".to_owned()),
        rtype: Some("A".to_owned()),
        wishes: vec!["edns".to_owned()],
        rcode: Some("NOERROR".to_owned()),
        answers: 2,
        bytes: 77,
        flags: vec!["qr".to_owned(), "aa".to_owned(), "rd".to_owned()],
    };
    let line = trace_line(&Traced::Query(query), Look::Plain);
    let words: Vec<&str> = line.split_whitespace().collect();
    assert_eq!(
        words.join(" "),
        "02:18:00.123 192.0.2.7 udp api.example. A NOERROR 2 records 77 B aa rd edns"
    );
    let end = TraceEnd { by: "limit".to_owned(), shown: 1, left_out: 3 };
    assert_eq!(
        trace_line(&Traced::End(end), Look::Plain),
        "1 query, ended by limit; 3 more came too fast and are left out\n"
    );
}

#[test]
fn a_query_is_shown_with_the_network_that_it_asks_for() {
    let qname: Name = "www.example".parse().unwrap();
    let query = message_writer::owned(QUERY_BYTES_MAX, 1, 0, |query| {
        query.question(qname.as_ref(), Rtype::A, class::IN);
        let mut opt = OptWriter::new(query, Rcode::NOERROR, DNSSEC_OK);
        let mut value = [0; CLIENT_SUBNET_BYTES_MAX];
        let length = ClientSubnet::write("198.51.100.0".parse().unwrap(), 24, &mut value);
        opt.option(option::CLIENT_SUBNET, &value[..length]);
        opt.finish();
    });
    assert_eq!(wishes(&query), ["edns", "do", "subnet=198.51.100.0/24"]);
}
