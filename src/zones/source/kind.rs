//! What there is to say of a kind of source: how a `[[zone]]` asks for it, and what it goes with.
//!
//! Has the form of an entry of the list. `config` walks the list: it finds what a zone asks for, and says where that
//! makes no zone.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use super::interface::Source;
use crate::dns::Name;
use crate::layout::PoolReader;
use crate::setting::{Faulty, KeyEntry, Table, TsigKey};
use crate::source::{Diagnostics, Span};
use crate::tls::Credentials;

/// A kind of source.
#[derive(Clone, Copy, Debug)]
pub struct SourceKind {
    /// How a zone asks for it.
    pub form: SourceForm,
    /// What may stand beside it.
    pub company: Company,
    /// Whether clients may change what it gives.
    pub updates: TakesUpdates,
    /// Whether what it gives can be signed here (`[zone.dnssec]`).
    pub signing: Signable,
    /// Reads it: from the `[[zone]]` itself or from the table of its own. None where the zone does not ask for it.
    ///
    /// # Errors
    ///
    /// When a fault was pushed.
    pub read: SourceReader,
}

/// Reads a source from a table.
pub type SourceReader =
    fn(&Table<'_>, &SourceContext<'_>, &mut Diagnostics) -> Result<Option<Arc<dyn Source>>, Faulty>;

/// How a zone asks for a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SourceForm {
    /// By a key of `[[zone]]`, the first of these; the others say more of it.
    Keys(&'static [KeyEntry]),
    /// By a table with these keys.
    Table {
        /// Its header, `[zone.NAME]`.
        header: &'static str,
        /// Its keys.
        keys: &'static [KeyEntry],
    },
}

/// What may stand beside a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Company {
    /// Others, which add to the same zone.
    Others,
    /// Nothing: all records of the zone come from it.
    Nothing,
}

/// Whether a zone can be signed here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signable {
    /// It can, with serials of its own.
    Yes,
    /// It cannot: its serials are those of another zone.
    No,
}

/// Whether a zone takes updates (`[[zone.update]]`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TakesUpdates {
    /// It does.
    Yes,
    /// It does, and passes them on to the server where its records come from.
    PassedOn,
    /// It does not.
    No {
        /// What is told of a zone that has both.
        message: &'static str,
        /// Where updates are to go.
        help: &'static str,
    },
}

/// What a source may need to know of the config file besides its own keys.
#[derive(Clone, Copy, Debug)]
pub struct SourceContext<'c> {
    /// The name of the zone, and where it is given; none where it cannot be read.
    pub name: Option<(&'c Name, Span)>,
    /// The folder of the config file: files are named relative to it.
    pub folder: &'c Path,
    /// Every `[[key]]`.
    pub keys: &'c [TsigKey],
    /// By what this server and others know each other over TLS; none where that cannot be read.
    pub credentials: Option<&'c Credentials>,
    /// The addresses that this server listens at.
    pub listen: &'c [SocketAddr],
    /// How pools are read that keys of a store make.
    pub pools: &'c PoolReader,
}
