//! Zone text to zones, and back: the whole BIND dialect, and LUA records as
//! PowerDNS reads them.
//!
//! ```text
//! bytes ─ lexer ─▶ words ─ reader ─▶ entries ─ read ─▶ zone::Builder
//!                            │ directive, include, generate
//!                            │ head: TTL, class, type
//!                            └ dns::rdata, lua
//! ```
//!
//! Responsible for what a zone file says, for every fault in it, with its
//! place, and for where name servers differ in reading it.
//! Not responsible for which records may stand together: that is `zone`.

mod directive;
mod generate;
mod head;
mod include;
mod lexer;
pub mod lua_record;
mod reader;
mod write;

use std::path::PathBuf;

use crate::dns::rdata::{self, Token};
use crate::dns::{NameRef, Rtype, Ttl};
use crate::source::{Diagnostic, Diagnostics, FileId, Sources, Span};
use crate::zone;

use lua_record::{Constant, Meaning};
use reader::{Entry, Reader};

pub use write::write;

/// What can be set about reading zone text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where an included file is looked for when there is none beside the file
    /// that includes it; PowerDNS looks only here (`directory` of its `bind.conf`).
    pub include_folder: Option<PathBuf>,
    /// What LUA records take that do not say it themselves.
    pub lua: lua_record::Settings,
    /// Most records of one `$GENERATE`. The default, 65,536, is a reverse zone
    /// of 16 bits; a larger range is a slip of the pen.
    pub generate_max: u32,
    /// How deep files may include each other; PowerDNS's `max-include-depth`.
    pub include_depth_max: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            include_folder: None,
            lua: lua_record::Settings::default(),
            generate_max: 65_536,
            include_depth_max: 20,
        }
    }
}

/// Reads the zone text in `file`, and all that it includes, into `builder`.
/// Every fault is pushed to `found`; after one, reading goes on with the next
/// record. If an error was pushed, the zone is not to be served.
pub fn read(
    sources: &mut Sources,
    file: FileId,
    builder: &mut zone::Builder,
    settings: &Settings,
    found: &mut Diagnostics,
) {
    let apex = builder.apex().to_name();
    let mut buffer = Vec::new();
    let mut take = |entry: Entry<'_>, found: &mut Diagnostics| match entry {
        Entry::Record { owner, rtype, ttl, rdata, span } => {
            found.extend(builder.add(owner, rtype, ttl, rdata, span).err());
        }
        Entry::Lua { owner, inner, ttl, code, span } => {
            match lua_record::read(owner, inner, ttl, code, span, &settings.lua, found) {
                None => {}
                Some(Meaning::Pool(pool)) => found.extend(builder.add_pool(pool).err()),
                Some(Meaning::Constants(constants)) => {
                    for constant in &constants {
                        let record = add_constant(builder, (owner, inner, ttl), constant, &mut buffer, span);
                        found.extend(record.err());
                    }
                }
            }
        }
    };
    Reader::new(apex, settings, &mut take).zone(sources, file, found);
}

/// A record that LUA code spells out. As in PowerDNS, a text is one string
/// and names are absolute without their final dot.
fn add_constant(
    builder: &mut zone::Builder,
    (owner, rtype, ttl): (NameRef<'_>, Rtype, Ttl),
    constant: &Constant,
    buffer: &mut Vec<u8>,
    span: Span,
) -> Result<(), Diagnostic> {
    let text = &constant.text[..];
    let mut words = Vec::new();
    if rtype == Rtype::TXT {
        words.push(Token { text, quoted: true, span: constant.span });
    } else {
        let line = lexer::Lexer::new(text, constant.span.file).line(&mut words);
        words.iter_mut().for_each(|word| word.span = constant.span);
        if line.is_some_and(|line| line.fault.is_some()) {
            let message = format!("`{}` is not the data of a record", lexer::shown(text));
            return Err(Diagnostic::error(constant.span, message));
        }
    }
    buffer.clear();
    // Remarks about names without a final dot do not hold here.
    let mut unsaid = Diagnostics::default();
    rdata::parse(rtype, &words, NameRef::ROOT, constant.span, buffer, &mut unsaid)?;
    builder.add(owner, rtype, ttl, buffer, span)
}

#[cfg(test)]
mod tests;
