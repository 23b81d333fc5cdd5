//! The database of PowerDNS' BIND backend, `bind-dnssec-db`: its tables.

use std::path::Path;

use super::super::sqlite::{Database, Fault};
use crate::dns::{Name, NameRef};
use crate::source::Span;

/// What the database has.
pub(super) struct Stored {
    /// Where it is named.
    pub(super) span: Span,
    pub(super) keys: Vec<StoredKey>,
    pub(super) metadata: Vec<Metadatum>,
    pub(super) tsig: Vec<TsigKey>,
}

/// A key that a zone is signed with.
pub(super) struct StoredKey {
    pub(super) zone: Name,
    pub(super) flags: u16,
    pub(super) is_active: bool,
    pub(super) is_published: bool,
    pub(super) secret: String,
}

/// What is said of a zone (metadata).
pub(super) struct Metadatum {
    pub(super) zone: Name,
    /// In capitals.
    pub(super) kind: String,
    pub(super) content: String,
}

/// A key of TSIG.
pub(super) struct TsigKey {
    pub(super) name: String,
    pub(super) algorithm: String,
    pub(super) secret: String,
}

impl Stored {
    /// What a database has.
    pub(super) fn of(path: &Path, span: Span) -> Result<Stored, Fault> {
        let database = Database::copy_of(path)?;
        // A view could do anything; only tables are read.
        let tables = database.rows(
            "select printf('%s %d', lower(name), instr(lower(sql), 'published') > 0) from sqlite_master where type = 'table' \
             and lower(sql) like 'create table %'",
        )?;
        let has = |table: &str| tables.iter().find_map(|row| row.strip_prefix(table)?.strip_prefix(' '));
        // PowerDNS before 4.3 published every key.
        let published = if has("cryptokeys") == Some("1") { "published" } else { "1" };
        let rows = |table: &str, columns: &str| match has(table) {
            Some(_) => database.rows(&format!("select printf({columns}) from {table} order by id")),
            None => Ok(Vec::new()),
        };
        let keys = rows(
            "cryptokeys",
            &format!("'%s %d %d %d %s', hex(domain), flags, active, {published}, hex(content)"),
        )?;
        let metadata = rows("domainmetadata", "'%s %s %s', hex(domain), hex(kind), hex(content)")?;
        let tsig = rows("tsigkeys", "'%s %s %s', hex(name), hex(algorithm), hex(secret)")?;
        let strange = || Fault::Refused("what is not understood".to_owned());
        let read = |row: &String| {
            let mut words = row.split(' ');
            let zone = name(words.next()?)?;
            let flags = words.next()?.parse().ok()?;
            let [is_active, is_published] = [words.next()? != "0", words.next()? != "0"];
            Some(StoredKey { zone, flags, is_active, is_published, secret: text(words.next()?)? })
        };
        let keys = keys.iter().map(read).collect::<Option<_>>().ok_or_else(strange)?;
        let read = |row: &String| {
            let mut words = row.split(' ');
            let zone = name(words.next()?)?;
            let kind = text(words.next()?)?.to_ascii_uppercase();
            Some(Metadatum { zone, kind, content: text(words.next()?)? })
        };
        let metadata = metadata.iter().map(read).collect::<Option<_>>().ok_or_else(strange)?;
        let read = |row: &String| {
            let mut words = row.split(' ').map(text);
            Some(TsigKey { name: words.next()??, algorithm: words.next()??, secret: words.next()?? })
        };
        let tsig = tsig.iter().map(read).collect::<Option<_>>().ok_or_else(strange)?;
        Ok(Stored { span, keys, metadata, tsig })
    }
}

/// The text that hexadecimal digits stand for.
fn text(digits: &str) -> Option<String> {
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
    String::from_utf8(bytes?).ok()
}

fn name(digits: &str) -> Option<Name> {
    Name::parse(text(digits)?.as_bytes(), NameRef::ROOT).ok()
}
