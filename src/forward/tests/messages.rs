//! Responses of upstreams, from their bytes to those of a client's response.

use std::time::Duration;

use super::super::client_query::ClientQuery;
use super::super::cookies::Cookies;
use super::super::settings::CacheSettings;
use super::super::stored::{Age, Stored};
use crate::answer::{CookieSecret, Peer, Transport};
use crate::dns::Name;
use crate::requestor::Response;
use crate::requestor::tests::messages::{record, response, soa};

use hickory_proto::op::Message;

/// A query of a client: RD, and an OPT record with these flags and options.
pub(super) fn query(qname: &str, qtype: u16, opt: Option<(u8, &[u8])>) -> Vec<u8> {
    let mut query = vec![0xab, 0xcd, 1, 0, 0, 1, 0, 0, 0, 0, 0, u8::from(opt.is_some())];
    query.extend_from_slice(qname.parse::<Name>().unwrap().as_ref().wire());
    query.extend_from_slice(&qtype.to_be_bytes());
    query.extend_from_slice(&[0, 1]);
    if let Some((flags, options)) = opt {
        query.extend_from_slice(&[0, 0, 41, 4, 0xd0, 0, 0, flags, 0]);
        query.extend_from_slice(&u16::try_from(options.len()).unwrap().to_be_bytes());
        query.extend_from_slice(options);
    }
    query
}

const OPT: [u8; 11] = [0, 0, 41, 4, 0xd0, 0, 0, 0x80, 0, 0, 0];

fn stored(message: &[u8]) -> Stored {
    Stored::of(&Response::read(message).unwrap(), &CacheSettings::default())
}

fn written(stored: &Stored, query: &[u8], transport: Transport, age: Age) -> Message {
    let peer = Peer { address: [127, 0, 0, 1].into(), transport };
    let query = ClientQuery::read(peer, query).unwrap();
    let mut out = vec![0xee; 65_535];
    let cookies = Cookies::new(Some(CookieSecret::new([7; 16])), Duration::from_secs(1));
    let length = stored.write(&query, age, cookies, &mut out);
    Message::from_vec(&out[..length]).unwrap()
}

fn seconds(lifetime: Duration) -> u64 {
    lifetime.as_secs()
}

#[test]
fn a_client_gets_the_records_under_its_own_id_and_case() {
    let kept = stored(&response(0, [&[record(1, 300, &[192, 0, 2, 1])], &[], &[OPT.to_vec()]]));
    let response = written(&kept, &query("wWw.Example.", 1, None), Transport::Udp, Age::Seconds(100));
    assert_eq!(response.metadata.id, 0xabcd);
    assert!(response.metadata.recursion_available && !response.metadata.authoritative);
    assert_eq!(response.queries[0].name().to_string(), "wWw.Example.");
    assert_eq!(
        (response.answers[0].ttl, response.answers[0].name.to_string().as_str()),
        (200, "wWw.Example.")
    );
    assert!(response.edns.is_none() && response.additionals.is_empty());
}

#[test]
fn an_answer_holds_as_long_as_its_shortest_ttl_within_the_bounds() {
    let two =
        |first, second| response(0, [&[record(1, first, &[0; 4]), record(1, second, &[0; 4])], &[], &[]]);
    assert_eq!(seconds(stored(&two(300, 60)).lifetime), 60);
    assert_eq!(seconds(stored(&two(300, 0)).lifetime), 0);
    assert_eq!(seconds(stored(&two(1 << 31, 60)).lifetime), 0, "the highest bit means 0");
    assert_eq!(seconds(stored(&two(1 << 30, 1 << 30)).lifetime), 86_400);
    let bounds = CacheSettings { ttl_min: Duration::from_secs(90), ..CacheSettings::default() };
    let message = two(300, 60);
    let raised = Stored::of(&Response::read(&message).unwrap(), &bounds);
    assert_eq!(seconds(raised.lifetime), 90);
    let response = written(&raised, &query("www.example.", 1, None), Transport::Udp, Age::Seconds(0));
    assert_eq!(response.answers.iter().map(|record| record.ttl).collect::<Vec<_>>(), [300, 90]);
}

#[test]
fn what_does_not_exist_holds_as_long_as_its_soa_says() {
    let nothing = |rcode, soas: &[Vec<u8>]| stored(&response(rcode, [&[], soas, &[]]));
    for rcode in [0, 3] {
        assert_eq!(seconds(nothing(rcode, &[soa(900, 60)]).lifetime), 60);
        assert_eq!(seconds(nothing(rcode, &[soa(30, 600)]).lifetime), 30);
        assert_eq!(seconds(nothing(rcode, &[soa(1 << 20, 1 << 20)]).lifetime), 3600);
        assert_eq!(seconds(nothing(rcode, &[]).lifetime), 0, "without an SOA it is not kept");
    }
    // At the end of a chain of aliases, both hold.
    let chain = response(0, [&[record(5, 20, &[0])], &[soa(900, 60)], &[]]);
    assert_eq!(seconds(stored(&chain).lifetime), 20);
}

#[test]
fn what_is_over_is_given_for_half_a_minute_and_says_so() {
    let edns = query("www.example.", 1, Some((0, b"")));
    for (message, code) in [
        (response(0, [&[record(1, 300, &[0; 4])], &[], &[]]), 3_u16),
        (response(3, [&[], &[soa(300, 60)], &[]]), 19),
    ] {
        let response = written(&stored(&message), &edns, Transport::Udp, Age::Stale);
        let ttls = response.answers.iter().chain(&response.authorities).map(|record| record.ttl);
        assert_eq!(ttls.collect::<Vec<_>>(), [30]);
        let options = format!("{:?}", response.edns.unwrap().options());
        assert!(options.contains(&format!("[0, {code}]")), "{options}");
    }
}

#[test]
fn authentic_data_is_told_to_those_who_know_what_it_means() {
    let kept = stored(&response(0x20, [&[record(1, 300, &[0; 4])], &[], &[]]));
    let told = |query: &[u8]| written(&kept, query, Transport::Udp, Age::Seconds(0)).metadata.authentic_data;
    assert!(!told(&query("www.example.", 1, None)));
    assert!(told(&query("www.example.", 1, Some((0x80, b"")))));
    let mut asking = query("www.example.", 1, None);
    asking[3] |= 0x20;
    assert!(told(&asking));
}

#[test]
fn what_does_not_fit_is_truncated_with_empty_sections_and_whole_over_tcp() {
    let many: Vec<Vec<u8>> = (0..60).map(|host| record(1, 300, &[192, 0, 2, host])).collect();
    let kept = stored(&response(0, [&many, &[], &[]]));
    let edns = query("www.example.", 1, Some((0, b"\0\x0a\0\x08cccccccc")));
    let udp = written(&kept, &query("www.example.", 1, None), Transport::Udp, Age::Seconds(0));
    assert!(udp.metadata.truncation && udp.answers.is_empty());
    let larger = written(&kept, &edns, Transport::Udp, Age::Seconds(0));
    assert_eq!((larger.metadata.truncation, larger.answers.len()), (false, 60));
    let tcp = written(&kept, &query("www.example.", 1, None), Transport::Tcp, Age::Seconds(0));
    assert_eq!((tcp.metadata.truncation, tcp.answers.len()), (false, 60));
}

#[test]
fn a_client_with_a_cookie_gets_one_back() {
    let kept = stored(&response(0, [&[record(1, 300, &[0; 4])], &[], &[]]));
    let edns = query("www.example.", 1, Some((0, b"\0\x0a\0\x08cccccccc")));
    let response = written(&kept, &edns, Transport::Udp, Age::Seconds(0));
    let options = format!("{:?}", response.edns.unwrap().options());
    assert!(options.contains("99, 99, 99, 99, 99, 99, 99, 99, 1, 0, 0, 0"), "{options}");
}

#[test]
fn no_part_and_no_garbled_form_of_a_response_is_passed_on_unsound() {
    let whole =
        response(0, [&[record(1, 300, &[1; 4])], &[soa(900, 60)], &[record(28, 60, &[2; 16]), OPT.to_vec()]]);
    for length in 0..whole.len() {
        assert!(Response::read(&whole[..length]).is_none(), "the first {length} bytes");
    }
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut garbled = whole.clone();
            garbled[at] ^= 1 << bit;
            let Some(response) = Response::read(&garbled) else { continue };
            // Whatever was read can be written, within its bounds.
            let kept = Stored::of(&response, &CacheSettings::default());
            let asked = query("www.example.", 1, Some((0, b"")));
            let peer = Peer { address: [127, 0, 0, 1].into(), transport: Transport::Udp };
            let asked = ClientQuery::read(peer, &asked).unwrap();
            let mut out = [0; 1232];
            kept.write(&asked, Age::Seconds(1), Cookies::default(), &mut out);
            response.records.iter().for_each(|record| drop(response.owner(record)));
        }
    }
}
