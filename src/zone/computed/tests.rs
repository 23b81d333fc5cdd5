//! Whatever is asked, what is made is sound RDATA; and what is made of an address leads back to it.
//!
//! What each name is answered with stands in the scenario `records-made-from-the-name.txt` of `tests/answers`.

use std::net::{Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::dns::{Rtype, rdata};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn host(family: AddressFamily, format: &str) -> Computed {
    let format = HostFormat::parse(format, family).unwrap();
    Computed::Host(ComputedHost { family, format, exceptions: Box::default() })
}

fn address(family: AddressFamily, base: &str) -> Computed {
    Computed::Address(ComputedAddress { family, base: name(base), filter: None })
}

fn made(computed: &Computed, asked: &Name) -> Vec<u8> {
    computed.rdata(asked.as_ref(), &mut ComputedRdata::new()).unwrap().to_vec()
}

/// The name that an address is asked for by.
fn reverse(address: IpAddr) -> Name {
    name(&match address {
        IpAddr::V4(address) => {
            let [a, b, c, d] = address.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(address) => {
            let digits: Vec<String> = address
                .octets()
                .iter()
                .rev()
                .map(|byte| format!("{:x}.{:x}", byte & 0xf, byte >> 4))
                .collect();
            format!("{}.ip6.arpa", digits.join("."))
        }
    })
}

/// An IPv6 address with many groups that are 0.
fn sparse() -> impl Strategy<Value = Ipv6Addr> {
    let group = prop_oneof![3 => Just(0_u16), 1 => any::<u16>(), 1 => 0_u16..0x100];
    prop::array::uniform8(group).prop_map(Ipv6Addr::from)
}

proptest! {
    #[test]
    fn the_host_name_of_an_ipv4_address_leads_back_to_it(bits: u32) {
        let wanted = Ipv4Addr::from_bits(bits);
        for format in ["%5%.static.example", "h-%6%.static.example", "%1%.%2%.%3%.%4%.static.example"] {
            let host = made(&host(AddressFamily::Ipv4, format), &reverse(wanted.into()));
            let back = made(&address(AddressFamily::Ipv4, "static.example"), &Name::from_wire(&host).unwrap());
            prop_assert_eq!(back, wanted.octets(), "{}", format);
        }
    }

    #[test]
    fn the_host_name_of_an_ipv6_address_leads_back_to_it(wanted in sparse()) {
        let groups = (34..=41).map(|value| format!("%{value}%")).collect::<Vec<_>>();
        for format in ["%33%.static.example".to_owned(), format!("{}.static.example", groups.join("."))] {
            let host = made(&host(AddressFamily::Ipv6, &format), &reverse(wanted.into()));
            let host = Name::from_wire(&host).unwrap();
            let back = made(&address(AddressFamily::Ipv6, "static.example"), &host);
            prop_assert_eq!(back, wanted.octets(), "{}", host);
            // A dash at an end, or two at the third place, would not be taken for a host name by all.
            let first = host.as_ref().labels().next().unwrap();
            prop_assert!(!first.starts_with(b"-") && !first.ends_with(b"-") && first.get(2..4) != Some(b"--"), "{}", host);
        }
    }

    #[test]
    fn whatever_is_asked_there_is_sound_rdata(
        labels in prop::collection::vec(prop::collection::vec(prop_oneof![3 => Just(b'-'), 5 => b'0'..=b'9', 2 => b'a'..=b'f', 1 => any::<u8>()], 1..40), 0..6),
        digits in prop::collection::vec(b'0'..=b'9', 0..40),
    ) {
        let mut wire: Vec<u8> = digits.iter().flat_map(|digit| [1, *digit]).collect();
        for label in &labels {
            wire.push(u8::try_from(label.len()).unwrap());
            wire.extend_from_slice(label);
        }
        wire.truncate(200);
        // The last label may have lost a part: what is there is one label.
        let Ok(asked) = Name::from_wire(&[&wire[..], b"\x06static\x07example\0"].concat()) else { return Ok(()) };
        let exceptions: Box<[(IpAddr, Name)]> = [(IpAddr::from([1, 1, 1, 1]), name("one.example"))].into();
        let with_exceptions = |computed| match computed {
            Computed::Host(made) => Computed::Host(ComputedHost { exceptions: exceptions.clone(), ..made }),
            other => other,
        };
        for (rtype, computed) in [
            (Rtype::A, address(AddressFamily::Ipv4, "static.example")),
            (Rtype::AAAA, address(AddressFamily::Ipv6, "static.example")),
            (Rtype::PTR, with_exceptions(host(AddressFamily::Ipv4, "%5%.%6%.%1%x%2%.example"))),
            (Rtype::PTR, host(AddressFamily::Ipv6, "%33%.%34%%41%.%1%%32%.example")),
        ] {
            let rdata = made(&computed, &asked);
            prop_assert!(rdata.len() <= computed.rdata_bytes_max());
            match rtype {
                Rtype::PTR => prop_assert_eq!(Name::from_wire(&rdata).unwrap().as_ref().wire().len(), rdata.len()),
                _ => prop_assert_eq!(rdata.len(), computed.rdata_bytes_max()),
            }
            let mut text = String::new();
            rdata::write(rtype, &rdata, &mut text);
            prop_assert!(!text.is_empty());
        }
    }
}

#[test]
fn it_is_explained_in_one_sentence() {
    let networks = ["192.0.2.0/24", "10.0.0.0/8"].map(|text| super::super::Network::parse(text).unwrap());
    let rules = networks.into_iter().map(FilterRule::Answered).collect();
    let filtered = |fallback| {
        let filter = Some(AddressFilter::new(Vec::clone(&rules), fallback));
        Computed::Address(ComputedAddress {
            family: AddressFamily::Ipv4,
            base: name("static.example"),
            filter,
        })
    };
    assert_eq!(
        filtered(Fallback::Address(IpAddr::from([0; 4]))).explain(),
        "made from the name asked: the IPv4 address in the labels before static.example., or 0.0.0.0 where that is not in \
         10.0.0.0/8 192.0.2.0/24"
    );
    assert!(
        filtered(Fallback::Nothing).may_be_empty()
            && filtered(Fallback::Nothing).explain().contains("or no record where")
    );
    let made = host(AddressFamily::Ipv6, "%33%.example");
    assert_eq!(
        made.explain(),
        "made from the name asked: a host name for the IPv6 address that it stands for"
    );
}
