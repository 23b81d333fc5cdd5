//! `primary`: a copy of a zone that other servers have.
//!
//! Has what is read of the zone at a start: the copy that was made last. Not responsible for making one: that is
//! `secondary`, which proposes what it gets.

mod entry;

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::interface::{Reading, Source, SourceTiming};
use super::kind::{Company, Signable, SourceContext, SourceForm, SourceKind, TakesUpdates};
use crate::setting::{Absent, Faulty, KeyEntry, Table};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::tls::Credentials;
use crate::transfer::incoming::{LuaRecords, Primary};
use crate::zone::Builder;
use crate::zonefile;

pub use entry::read_primaries;

const PRIMARY: KeyEntry = KeyEntry::new(
    "primary",
    Absent::Unset {
        example: r#"["192.0.2.1 key:transfer", "192.0.2.2:5353", "tls://192.0.2.3#ns1.example"]"#,
    },
    "servers that the zone is copied from, in place of `file`: each is asked when the one before it has nothing of \
     use; with a `[[key]]` queries are signed, and responses must be; over TLS (port 853) with the name in their \
     certificate; NOTIFY from them is heeded",
);

const LUA: KeyEntry = KeyEntry::new(
    "lua",
    Absent::Default(r#""refuse""#),
    "what becomes of LUA records that a primary sends: with refuse a zone that has some is not copied, with accept they \
     are read as in a file, and this server probes what they name",
);

const LUA_WORDS: &[(&str, LuaRecords)] = &[("refuse", LuaRecords::Refuse), ("accept", LuaRecords::Accept)];

pub(super) const KIND: SourceKind = SourceKind {
    form: SourceForm::Keys(&[PRIMARY, LUA]),
    company: Company::Nothing,
    updates: TakesUpdates::PassedOn,
    signing: Signable::Yes,
    read,
};

/// Where a zone is copied from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Primaries {
    /// The servers that have it, at least one, in the order in which they are asked.
    pub list: Vec<Primary>,
    /// By what those over TLS and this server know each other.
    pub credentials: Credentials,
    /// What becomes of LUA records that they send.
    pub lua: LuaRecords,
    /// Where the config file names them.
    pub span: Span,
}

impl Source for Primaries {
    fn read(&self, reading: &mut Reading<'_>, builder: &mut Builder, found: &mut Diagnostics) -> Option<()> {
        let path = reading.last_good?;
        match reading.sources.read(path) {
            Ok(file) => zonefile::read(reading.sources, file, builder, reading.settings, found),
            Err(error) => {
                found.push(Diagnostic::error(self.span, error.to_string()));
                return None;
            }
        }
        Some(())
    }

    /// Where the config file names them makes no difference.
    fn is_same(&self, other: &dyn Source) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| {
            self.list == other.list && self.credentials == other.credentials && self.lua == other.lua
        })
    }

    fn timing(&self) -> SourceTiming {
        SourceTiming::WhileServing
    }

    fn lua_fault(&self) -> Option<Diagnostic> {
        let fault = || Diagnostic::error(self.span, "it has LUA records, and `lua` does not accept any");
        (self.lua == LuaRecords::Refuse).then(fault)
    }

    fn remark(&self) -> Option<String> {
        Some(format!("the records are copied from {self}"))
    }

    fn proposes_changes(&self) -> bool {
        true
    }
}

impl fmt::Display for Primaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.list.len() == 1 { "primary" } else { "primaries" })?;
        self.list.iter().try_for_each(|primary| write!(f, " {primary}"))
    }
}

fn read(
    table: &Table<'_>,
    context: &SourceContext<'_>,
    found: &mut Diagnostics,
) -> Result<Option<Arc<dyn Source>>, Faulty> {
    let lua = table.read(LUA.name, found, |value| value.word(LUA_WORDS)).unwrap_or_default();
    let Some(value) = table.get(PRIMARY.name) else {
        if let (LuaRecords::Accept, Some(accepted)) = (lua, table.get(LUA.name)) {
            found.push(accepted.fault("`lua` says what a primary may send, and there is no `primary`"));
        }
        return Ok(None);
    };
    let list = read_primaries(value, context.listen, context.keys, found);
    let credentials = context.credentials.ok_or(Faulty)?.clone();
    let list = list.ok_or(Faulty)?;
    Ok(Some(Arc::new(Primaries { list, credentials, lua, span: value.span() })))
}
