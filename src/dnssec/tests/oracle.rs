//! Signatures of the crate `domain`, made of the same records with the same key.

use domain::base::iana::{Class, SecurityAlgorithm};
use domain::base::rdata::ParseRecordData;
use domain::base::{Name as TheirName, Record as TheirRecord, Rtype as TheirRtype, Ttl as TheirTtl};
use domain::crypto::sign::{KeyPair, SecretKeyBytes};
use domain::dep::octseq::Parser;
use domain::dnssec::sign::keys::SigningKey;
use domain::dnssec::sign::records::Rrset;
use domain::dnssec::sign::signatures::rrsigs::sign_rrset;
use domain::rdata::dnssec::Timestamp;
use domain::rdata::{Dnskey, ZoneRecordData};

use super::*;
use crate::dns::Rtype;

const SECRET: [u8; 32] = [7; 32];

fn their_key(public: &PublicKey) -> SigningKey<Vec<u8>, KeyPair> {
    let dnskey = Dnskey::new(public.flags(), 3, SecurityAlgorithm::ED25519, public.key().to_vec()).unwrap();
    let secret = SecretKeyBytes::Ed25519(Box::new(SECRET).into());
    let pair = KeyPair::from_bytes(&secret, &dnskey).unwrap();
    SigningKey::new("example.org.".parse().unwrap(), public.flags(), pair)
}

/// Records of both: of the zone, and those that signing adds.
fn all(zone: &Zone, added: &[Record]) -> Vec<Record> {
    let own = zone.records().map(|(owner, rtype, ttl, rdata)| Record {
        owner: owner.to_name(),
        rtype,
        ttl,
        rdata: rdata.into(),
    });
    own.chain(added.iter().cloned()).collect()
}

#[test]
fn every_signature_is_the_one_that_domain_makes() {
    let (zone, key) = (zone(ZONE), ed25519(SECRET, ZONE_KEY | SEP));
    let theirs = their_key(key.public());
    assert_eq!(theirs.dnskey().key_tag(), key.public().tag());
    let signing = signing([key]);
    let added = signed(&zone, &signing, &mut Shelf::default());
    let records = all(&zone, &added);
    let times = [signing.validity.inception, signing.validity.expiration];
    let [inception, expiration] = times.map(|time| Timestamp::from(time.in_signature()));
    let mut compared = 0;
    for signature in added.iter().filter(|record| record.rtype == Rtype::RRSIG) {
        let covered = Rtype(u16::from_be_bytes([signature.rdata[0], signature.rdata[1]]));
        let is_covered = |record: &&Record| record.owner == signature.owner && record.rtype == covered;
        let set: Vec<&Record> = records.iter().filter(is_covered).collect();
        let owner: TheirName<Vec<u8>> =
            TheirName::from_octets(signature.owner.as_ref().wire().to_vec()).unwrap();
        let set: Vec<_> = set
            .iter()
            .map(|record| {
                let mut parser = Parser::from_ref(&*record.rdata);
                let rtype = TheirRtype::from_int(record.rtype.0);
                let data: ZoneRecordData<&[u8], _> =
                    ZoneRecordData::parse_rdata(rtype, &mut parser).unwrap().unwrap();
                TheirRecord::new(owner.clone(), Class::IN, TheirTtl::from_secs(record.ttl.seconds()), data)
            })
            .collect();
        let rrset = Rrset::new_from_owned(&set).unwrap();
        let made = sign_rrset(&theirs, &rrset, inception, expiration).unwrap();
        let ours = signature.rdata.last_chunk::<64>().unwrap();
        assert_eq!(&made.data().signature()[..], ours, "{} {covered}", signature.owner);
        compared += 1;
    }
    assert!(compared > 30, "{compared}");
}
