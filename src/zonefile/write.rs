//! A zone as canonical text: one record per line, nothing left out.
//!
//! RDATA is written by `dns::rdata`.

use std::fmt::Write;

use crate::dns::{NameRef, Rtype, Ttl, rdata};
use crate::zone::{LuaLibrary, Pool, Zone};

/// Longest piece of LUA code between two quotes, in bytes: what other tools take for a character string (RFC
/// 1035, section 3.3).
const CHUNK_BYTES_MAX: usize = 255;

/// Appends the zone to `out`: the SOA first, then all records in canonical order, names absolute, TTL and
/// class always given. Pools stand there as the LUA records they were; those that guard plain records are not
/// in zone text at all. Reading the text gives the same zone.
pub fn write(zone: &Zone, out: &mut String) {
    let pools = zone.pools().iter().filter_map(|pool| Lua::of_pool(pool));
    let mut lua: Vec<Lua<'_>> = pools.chain(zone.lua_libraries().iter().map(Lua::of_library)).collect();
    lua.sort_by_key(|one| (one.owner, one.inner));
    let mut lua = lua.into_iter().peekable();
    for (owner, rtype, ttl, data) in zone.records() {
        // The SOA is first in the text whatever its place in the order.
        while rtype != Rtype::SOA
            && let Some(one) = lua.next_if(|one| (one.owner, one.inner) < (owner, rtype))
        {
            write_lua(&one, out);
        }
        write_record(owner, rtype, ttl, data, out);
    }
    lua.for_each(|one| write_lua(&one, out));
}

/// A LUA record.
struct Lua<'z> {
    owner: NameRef<'z>,
    inner: Rtype,
    ttl: Ttl,
    code: &'z str,
}

impl<'z> Lua<'z> {
    /// None for a pool that is no LUA record.
    fn of_pool(pool: &'z Pool) -> Option<Self> {
        let code = pool.lua.as_deref()?;
        Some(Lua { owner: pool.owner.as_ref(), inner: pool.rtype, ttl: pool.ttl, code })
    }

    fn of_library(library: &'z LuaLibrary) -> Self {
        Lua { owner: library.owner.as_ref(), inner: Rtype::LUA, ttl: library.ttl, code: &library.code }
    }
}

fn write_record(owner: NameRef<'_>, rtype: Rtype, ttl: Ttl, data: &[u8], out: &mut String) {
    write_head(owner, ttl, rtype, out);
    rdata::write(rtype, data, out);
    out.push('\n');
}

fn write_lua(lua: &Lua<'_>, out: &mut String) {
    write_head(lua.owner, lua.ttl, Rtype::LUA, out);
    write_infallibly(out, format_args!("{}", lua.inner));
    for chunk in chunks(lua.code) {
        out.push_str(" \"");
        // A quote is the only thing that cannot stand there as it is; a backslash in LUA code is handed on as
        // it was written.
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

/// Cuts code into pieces for one pair of quotes each: behind a comma where there is one, since PowerDNS
/// before 5.0 puts blanks between two pieces.
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

/// Where to cut code that is too long for one piece: never inside an escape, and never so that a piece is a
/// single blank, which PowerDNS 5 drops.
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
