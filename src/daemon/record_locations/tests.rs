//! What `explain` says of records that are in no file.

use super::*;
use crate::dns::Ttl;
use crate::source::{FileLine, Origin, Transfer, Update};
use crate::zone::{Builder, Changeset, Record};

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

fn a(last: u8) -> Vec<u8> {
    vec![192, 0, 2, last]
}

fn transfer(serial: u32) -> Origin {
    let (zone, primary) = ("lab.example.".to_owned(), "192.0.2.1".to_owned());
    Origin::Transfer(Transfer { zone, primary, serial }.into())
}

/// A zone that was transferred, and got an address of a name by an update.
fn zone() -> Zone {
    let (apex, www, ttl) = (name("lab.example."), name("www.lab.example."), Ttl::from_seconds(60).unwrap());
    let line = |line| Origin::Line(FileLine { path: "edgedns.toml".into(), line });
    let mut found = Diagnostics::default();
    let mut builder = Builder::new(apex.clone(), line(3));
    let soa = [&[0, 0][..], &7_u32.to_be_bytes(), &[0, 0, 0, 60].repeat(4)].concat();
    builder.add(apex.as_ref(), Rtype::SOA, ttl, &soa, transfer(7)).unwrap();
    builder.add(apex.as_ref(), Rtype::NS, ttl, b"\x02ns\x04test\x00", transfer(6)).unwrap();
    builder.add(www.as_ref(), Rtype::A, ttl, &a(1), transfer(6)).unwrap();
    let transferred = builder.finish(&mut found).unwrap();
    let added = Record { owner: www, rtype: Rtype::A, ttl, rdata: a(2).into() };
    let changes = Changeset { removed: Vec::new(), added: vec![added] };
    let (zone, client) = ("lab.example.".to_owned(), Some([192, 0, 2, 5].into()));
    let update = Origin::Update(Update { zone, client, key: Some("cert-manager".to_owned()) }.into());
    changes.apply(&transferred, &[], update, &mut found).unwrap().finish(&mut found).unwrap()
}

#[test]
fn a_record_that_is_in_no_file_has_the_transfer_or_update_that_it_came_by() {
    let made_from = |rdata| MadeFrom { owner: name("www.lab.example."), rtype: Rtype::A, rdata: Some(rdata) };
    let made_from = vec![made_from(a(1)), made_from(a(2)), made_from(a(3))];
    let search = Search {
        config: PathBuf::new(),
        id: name("lab.example.").into(),
        sources: ZoneSources::default(),
        contents: Some(Arc::new(zone())),
        sections: [made_from, Vec::new(), Vec::new()],
        pools: Vec::new(),
    };
    let mut explanation = Explanation::default();
    explanation.answer.answer = vec![RecordView::default(); 3];
    search.run(&mut explanation);
    let places: Vec<_> = explanation.answer.answer.iter().map(|record| record.place.as_deref()).collect();
    let transferred = "records of lab.example. from 192.0.2.1, serial 6";
    let updated = "update of lab.example. from 192.0.2.5 with key cert-manager";
    assert_eq!(places, [Some(transferred), Some(updated), None]);
}
