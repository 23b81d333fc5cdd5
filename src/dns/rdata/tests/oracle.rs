//! The oracle: an independent implementation decodes what we write, and encodes it to the same bytes.

use hickory_proto::op::Message;
use hickory_proto::rr::RData;
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use super::random::any_rdata;
use super::*;

/// Types the oracle takes apart; of the others it copies the bytes.
const KNOWN: &[&str] = &[
    "A",
    "AAAA",
    "CAA",
    "CERT",
    "CNAME",
    "CSYNC",
    "HINFO",
    "HTTPS",
    "MX",
    "NAPTR",
    "NS",
    "NULL",
    "OPENPGPKEY",
    "PTR",
    "SMIMEA",
    "SOA",
    "SRV",
    "SSHFP",
    "SVCB",
    "TLSA",
    "TXT",
];

/// A response with one record at the root.
fn message(rtype: Rtype, rdata: &[u8]) -> Vec<u8> {
    let mut message = vec![0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0];
    message.extend(rtype.0.to_be_bytes());
    message.extend([0, 1, 0, 0, 0, 60]);
    message.extend(u16::try_from(rdata.len()).unwrap().to_be_bytes());
    message.extend_from_slice(rdata);
    message
}

/// What the oracle makes of some RDATA.
fn encoded_again(rtype: Rtype, rdata: &[u8]) -> Result<(RData, Vec<u8>), String> {
    let message = Message::from_vec(&message(rtype, rdata)).map_err(|error| error.to_string())?;
    let data = message.answers.first().ok_or("no answer")?.data.clone();
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    encoder.set_name_encoding(NameEncoding::Uncompressed);
    data.emit(&mut encoder).map_err(|error| error.to_string())?;
    Ok((data, bytes))
}

/// Whether the oracle takes such a record in an answer: one without RDATA in updates only, and SIG as the
/// signature of a message only (RFC 2931).
fn takes(rtype: Rtype, rdata: &[u8]) -> bool {
    const SIG: Rtype = Rtype(24);
    !rdata.is_empty() && rtype != SIG
}

#[test]
fn the_oracle_reads_every_example_and_encodes_it_to_the_same_bytes() {
    for (mnemonic, text, ..) in super::forms::FORMS {
        let rtype = rtype(mnemonic);
        let rdata = wire(mnemonic, text);
        if !takes(rtype, &rdata) {
            continue;
        }
        let (data, again) =
            encoded_again(rtype, &rdata).unwrap_or_else(|error| panic!("{mnemonic} {text}: {error}"));
        assert_eq!(hex(&again), hex(&rdata), "{mnemonic} {text}");
        assert_eq!(!matches!(data, RData::Unknown { .. }), KNOWN.contains(mnemonic), "{mnemonic}");
    }
}

proptest::proptest! {
    #![proptest_config(super::random::config())]

    #[test]
    fn the_oracle_reads_random_rdata_and_encodes_it_to_the_same_bytes((rtype, rdata) in any_rdata()) {
        proptest::prop_assume!(takes(rtype, &rdata));
        let again = encoded_again(rtype, &rdata).map(|(_, again)| hex(&again));
        proptest::prop_assert_eq!(again, Ok(hex(&rdata)), "{}", rtype);
    }
}
