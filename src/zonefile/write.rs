//! A zone as canonical text: one record per line, nothing left out.
//!
//! Responsible for the line. Not responsible for RDATA: that is `dns::rdata`.

use std::fmt::Write;

use crate::dns::{NameRef, Rtype, Ttl, rdata};
use crate::zone::{Pool, Zone};

/// Longest piece of LUA code between two quotes, in bytes: what other tools
/// take for a character string (RFC 1035, section 3.3).
const CHUNK_BYTES_MAX: usize = 255;

/// Appends the zone to `out`: the SOA first, then all records in canonical
/// order, names absolute, TTL and class always given. Pools stand there as
/// the LUA records they were; those that guard plain records are not in zone
/// text at all. Reading the text gives the same zone.
pub fn write(zone: &Zone, out: &mut String) {
    let of_lua = |pool: &'_ &Pool| pool.lua.is_some();
    let mut pools: Vec<&Pool> = zone.pools().iter().filter(of_lua).collect();
    pools.sort_by(|a, b| (a.owner.as_ref(), a.rtype).cmp(&(b.owner.as_ref(), b.rtype)));
    let mut pools = pools.into_iter().peekable();
    for (owner, rtype, ttl, data) in zone.records() {
        // The SOA is first in the text whatever its place in the order.
        while rtype != Rtype::SOA
            && let Some(pool) = pools.next_if(|pool| (pool.owner.as_ref(), pool.rtype) < (owner, rtype))
        {
            write_pool(pool, out);
        }
        write_record(owner, rtype, ttl, data, out);
    }
    pools.for_each(|pool| write_pool(pool, out));
}

fn write_record(owner: NameRef<'_>, rtype: Rtype, ttl: Ttl, data: &[u8], out: &mut String) {
    write_head(owner, ttl, rtype, out);
    rdata::write(rtype, data, out);
    out.push('\n');
}

/// A pool as the LUA record it was.
fn write_pool(pool: &Pool, out: &mut String) {
    write_head(pool.owner.as_ref(), pool.ttl, Rtype::LUA, out);
    write_infallibly(out, format_args!("{}", pool.rtype));
    for chunk in chunks(pool.lua.as_deref().unwrap_or_default()) {
        out.push_str(" \"");
        // A quote is the only thing that cannot stand there as it is; a
        // backslash in LUA code is handed on as it was written.
        out.push_str(&chunk.replace('"', "\\\""));
        out.push('"');
    }
    out.push('\n');
}

fn write_head(owner: NameRef<'_>, ttl: Ttl, rtype: Rtype, out: &mut String) {
    write_infallibly(out, format_args!("{owner} {ttl} IN {rtype} "));
}

/// A `String` takes everything.
fn write_infallibly(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    let _ = out.write_fmt(arguments);
}

/// Cuts code into pieces for one pair of quotes each: behind a comma where
/// there is one, since PowerDNS before 5.0 puts blanks between two pieces.
fn chunks(code: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(code);
    std::iter::from_fn(move || {
        let code = rest?;
        if written_bytes(code) <= CHUNK_BYTES_MAX {
            rest = None;
            return Some(code);
        }
        let (chunk, behind) = code.split_at(cut(code));
        rest = Some(behind);
        Some(chunk)
    })
}

/// How many bytes a piece takes between its quotes.
fn written_bytes(code: &str) -> usize {
    code.len() + code.bytes().filter(|&byte| byte == b'"').count()
}

/// Where to cut code that is too long for one piece: never inside an escape,
/// and never so that a piece is a single blank, which PowerDNS 5 drops.
fn cut(code: &str) -> usize {
    let (mut written, mut last, mut last_comma) = (0, 0, 0);
    let mut letters = code.char_indices().peekable();
    while let Some((at, letter)) = letters.next() {
        let escaped = if letter == '\\' { letters.next().map(|(_, letter)| letter) } else { None };
        let end = at + letter.len_utf8() + escaped.map_or(0, char::len_utf8);
        written += end - at + usize::from(letter == '"') + usize::from(escaped == Some('"'));
        if written > CHUNK_BYTES_MAX {
            break;
        }
        if code.get(end..) != Some(" ") {
            last = end;
            if letter == ',' {
                last_comma = end;
            }
        }
    }
    if last_comma > 0 { last_comma } else { last.max(1) }
}

#[cfg(test)]
mod tests;
