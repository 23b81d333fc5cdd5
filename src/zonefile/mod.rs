//! Zone text to zones, and back: the whole BIND dialect, and LUA records as PowerDNS reads them.
//!
//! ```text
//! bytes ─ lexer ─▶ words ─ reader ─▶ entries ─ read ─▶ zone::Builder
//!                            │ directive, include, generate
//!                            │ head: TTL, class, type
//!                            └ dns::rdata, lua
//! ```
//!
//! Reads what a zone file says, reports every fault in it with its place, and where name servers differ in
//! reading it. Not responsible for which records may exist together: that is `zone`.

mod lexer;
mod unknown_type;
mod head;
mod charset;
pub mod lua_record;
mod settings;
mod opened;
mod reader;
mod include;
mod generate;
mod directive;
mod search;
mod write;
mod sent_lua;

use std::ops::ControlFlow;

use crate::dns::{Name, Rtype, Ttl};
use crate::lua;
use crate::source::{Diagnostics, FileId, Sources, Span};
use crate::zone::{self, Record};

use lua_record::{Library, Meaning};
use reader::{Reader, TextEntry};

pub use search::{Content, Written, search};
pub use sent_lua::SentLua;
pub use settings::Settings;
pub use write::write;

/// Reads the zone text in `file`, and all that it includes, into `builder`. Every fault is pushed to `found`;
/// after one, reading goes on with the next record. If an error was pushed, the zone is not to be served.
pub fn read(
    sources: &mut Sources,
    file: FileId,
    builder: &mut zone::Builder,
    settings: &Settings,
    found: &mut Diagnostics,
) {
    let apex = builder.apex().to_name();
    let mut lua_records = Vec::new();
    builder.set_memory_limit(Some(settings.memory_limit));
    let mut take = |entry: TextEntry<'_>, found: &mut Diagnostics| {
        match entry {
            TextEntry::Text { bytes } => builder.allow_text(bytes),
            TextEntry::Record { owner, rtype, ttl, rdata, span } => {
                found.extend(builder.add(owner, rtype, ttl, rdata, span).err());
            }
            TextEntry::Lua { owner, inner, ttl, code, span } => {
                match builder.count_code(code.text().len() as u64, span) {
                    Ok(()) => lua_records.push(LuaRecord { owner: owner.to_name(), inner, ttl, code, span }),
                    Err(fault) => found.push(fault),
                }
            }
        }
        if builder.is_over_memory_limit() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    Reader::new(apex, settings, &mut take).zone(sources, file, found);
    if builder.is_over_memory_limit() {
        return;
    }
    // What is made of LUA records was counted with their code, what is made of other zones with those.
    builder.set_memory_limit(None);
    read_lua(&lua_records, builder, settings, found);
}

/// The records of a text that is a part of a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// The records, apart from those of code.
    pub records: Vec<Record>,
    /// Whether there are LUA records besides.
    pub has_lua: bool,
}

/// Reads zone text that is a part of the zone with this apex, whatever else may be in the zone. Every fault is pushed to
/// `found`; of LUA records, only what can be told without the others.
pub fn read_part(
    sources: &mut Sources,
    file: FileId,
    apex: &Name,
    settings: &Settings,
    found: &mut Diagnostics,
) -> Part {
    let mut part = Part::default();
    let mut take = |entry: TextEntry<'_>, _: &mut Diagnostics| {
        match entry {
            TextEntry::Text { .. } => {}
            TextEntry::Record { owner, rtype, ttl, rdata, span: _ } => {
                part.records.push(Record { owner: owner.to_name(), rtype, ttl, rdata: rdata.into() });
            }
            TextEntry::Lua { .. } => part.has_lua = true,
        }
        ControlFlow::Continue(())
    };
    Reader::new(apex.clone(), settings, &mut take).zone(sources, file, found);
    part
}

/// Reads the LUA records of texts that are parts of one zone into `builder`, and nothing else of them. Every fault is
/// pushed to `found`.
pub fn read_code(
    sources: &mut Sources,
    files: &[FileId],
    builder: &mut zone::Builder,
    settings: &Settings,
    found: &mut Diagnostics,
) {
    let apex = builder.apex().to_name();
    let mut lua_records = Vec::new();
    let mut take = |entry: TextEntry<'_>, found: &mut Diagnostics| {
        if let TextEntry::Lua { owner, inner, ttl, code, span } = entry {
            match builder.count_code(code.text().len() as u64, span) {
                Ok(()) => lua_records.push(LuaRecord { owner: owner.to_name(), inner, ttl, code, span }),
                Err(fault) => found.push(fault),
            }
        }
        ControlFlow::Continue(())
    };
    for file in files {
        Reader::new(apex.clone(), settings, &mut take).zone(sources, *file, found);
    }
    read_lua(&lua_records, builder, settings, found);
}

/// Reads LUA records that another server has sent into `builder`, as if they stood in its text, all of them
/// at `span`. Every fault is pushed to `found`; if that is an error, the zone is not to be served.
pub fn read_sent_lua(
    records: Vec<SentLua>,
    span: Span,
    builder: &mut zone::Builder,
    settings: &Settings,
    found: &mut Diagnostics,
) {
    let written = records.into_iter().map(|sent| {
        let code = sent.code(span);
        LuaRecord { owner: sent.owner, inner: sent.inner, ttl: sent.ttl, code, span }
    });
    read_lua(&written.collect::<Vec<LuaRecord>>(), builder, settings, found);
}

/// A LUA record, kept until all of them are there: one may include another that stands below it.
struct LuaRecord {
    owner: Name,
    inner: Rtype,
    ttl: Ttl,
    code: lua::Code,
    span: Span,
}

fn read_lua(
    records: &[LuaRecord],
    builder: &mut zone::Builder,
    settings: &Settings,
    found: &mut Diagnostics,
) {
    let mut library = Library::default();
    for LuaRecord { owner, ttl, code, span, .. } in records.iter().filter(|one| one.inner == Rtype::LUA) {
        lua_record::read_library(owner.clone(), code, *span, &mut library, found);
        found.extend(builder.add_lua_library(owner.clone(), *ttl, &code.text(), *span).err());
    }
    let apex = builder.apex().to_name();
    // All are read before any of them adds records: what one looks up does not depend on where it stands.
    let meanings: Vec<(&LuaRecord, Option<Meaning>)> = {
        let lookups = builder.lookups();
        let read = records.iter().filter(|one| one.inner != Rtype::LUA).map(|one| {
            let LuaRecord { owner, inner, ttl, code, span } = one;
            let (owner, inner, ttl, span, apex) = (owner.as_ref(), *inner, *ttl, *span, apex.as_ref());
            let written = lua_record::Written { owner, inner, ttl, code, span, apex };
            (one, lua_record::read(&written, &library, &lookups, &settings.lua, found))
        });
        read.collect()
    };
    for (LuaRecord { owner, inner, ttl, span, .. }, meaning) in meanings {
        let (owner, inner, ttl, span) = (owner.as_ref(), *inner, *ttl, *span);
        match meaning {
            None => {}
            Some(Meaning::Pool(pool)) => found.extend(builder.add_pool(pool).err()),
            Some(Meaning::Constants(constants)) => {
                for constant in &constants {
                    found.extend(constant.doubt(inner));
                    let rdata = constant.rdata(inner);
                    let added = rdata.and_then(|rdata| builder.add(owner, inner, ttl, &rdata, span));
                    found.extend(added.err());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
