//! What is written can be read again.

use proptest::prelude::*;

use super::*;
use crate::source::{FileId, Sources, Span};
use crate::zonefile::reader::tests::{read, records};

/// A pool of type A, of which only what is written matters.
fn pool(code: &str) -> Pool {
    let file: FileId = Sources::default().add("", Vec::new());
    let (owner, ttl) = ("a.example.org".parse().unwrap(), Ttl::from_seconds(10).unwrap());
    let pool = Pool::new(owner, Rtype::A, ttl, Vec::new(), Span::new(file, 0, 0));
    Pool { lua: Some(code.into()), ..pool }
}

fn written(pool: &Pool) -> String {
    let mut out = String::new();
    write_lua(&Lua::of_pool(pool).unwrap(), &mut out);
    out
}

#[test]
fn a_record_is_one_line_with_everything_in_it() {
    let mut out = String::new();
    let owner: crate::dns::Name = r"*.a\.b.example.org".parse().unwrap();
    write_record(owner.as_ref(), Rtype::A, Ttl::from_seconds(60).unwrap(), &[192, 0, 2, 1], &mut out);
    assert_eq!(out, "*.a\\.b.example.org. 60 IN A 192.0.2.1\n");
}

#[test]
fn a_pool_of_lua_code_is_written_as_its_code() {
    assert_eq!(
        written(&pool("ifportup(443, {'192.0.2.1'})")),
        "a.example.org. 10 IN LUA A \"ifportup(443, {'192.0.2.1'})\"\n"
    );
}

#[test]
fn long_code_is_cut_behind_commas_into_strings_of_at_most_255_bytes() {
    let addresses: Vec<String> = (0..100).map(|host| format!("'192.0.2.{host}'")).collect();
    let code = format!("ifportup(443, {{{}}})", addresses.join(", "));
    let pieces: Vec<&str> = chunks(&code).collect();
    assert!(pieces.len() > 4);
    assert!(pieces.iter().all(|piece| written_bytes(piece) <= CHUNK_BYTES_MAX));
    assert!(pieces[..pieces.len() - 1].iter().all(|piece| piece.ends_with(',')));
    assert_eq!(pieces.concat(), code);
}

#[test]
fn a_blank_at_the_end_is_not_left_alone_in_a_string_where_it_would_be_dropped() {
    for blank_at in [254, 255, 256] {
        let code = format!("{} ", "x".repeat(blank_at));
        assert!(chunks(&code).all(|chunk| chunk != " "));
        assert_eq!(chunks(&code).collect::<String>(), code);
    }
}

#[test]
fn quotes_in_code_are_read_back() {
    let code = r#"ifportup(443, {"192.0.2.1", '\n\\'})"#;
    let text = written(&pool(code));
    assert_eq!(read(&text).records, [format!("a.example.org. 10 LUA A {code}")]);
}

proptest! {
    #[test]
    fn code_is_read_back_as_it_was_written(code in r#"([a-z ,'é]|\\[a-z\\]){0,700}"#) {
        prop_assume!(!code.is_empty() && code != " ");
        let text = written(&pool(&code));
        prop_assert_eq!(records(&text), [format!("a.example.org. 10 LUA A {code}")]);
    }
}
