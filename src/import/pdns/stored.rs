//! The database of PowerDNS' BIND backend, `bind-dnssec-db`: its tables.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};

use super::super::sqlite::{self, Database};
use crate::dns::{Name, NameRef};
use crate::source::Span;

/// What the database has.
pub(super) struct Stored {
    /// Where it is named.
    pub(super) span: Span,
    pub(super) keys: Vec<StoredKey>,
    pub(super) metadata: Vec<Metadatum>,
    /// By their names.
    tsig: HashMap<String, Vec<TsigKey>>,
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
#[derive(PartialEq, Eq)]
pub(super) struct TsigKey {
    pub(super) name: String,
    pub(super) algorithm: String,
    pub(super) secret: String,
}

/// Why the database is not read.
#[derive(Debug)]
pub(super) enum Fault {
    Database(sqlite::Fault),
    /// A row of a table does not hold what it should.
    Row {
        table: &'static str,
        id: String,
        what: &'static str,
    },
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::Database(fault) => fault.fmt(f),
            Fault::Row { table, id, what } => write!(f, "table {table}, row with the id {id}: {what}"),
        }
    }
}

impl Fault {
    /// What to do; none: copy the file.
    pub(super) fn remedy(&self) -> Option<&'static str> {
        match self {
            Fault::Database(fault) => fault.remedy(),
            Fault::Row { .. } => {
                Some("mend that row, or delete it where PowerDNS does without it, and import again")
            }
        }
    }
}

impl From<sqlite::Fault> for Fault {
    fn from(fault: sqlite::Fault) -> Fault {
        Fault::Database(fault)
    }
}

impl Stored {
    /// What a database has, and the folder of its copy, if that is still there.
    pub(super) fn of(path: &Path, span: Span) -> (Result<Stored, Fault>, Option<PathBuf>) {
        match Database::copy_of(path) {
            Ok(database) => (Stored::read(&database, span), database.remove().err()),
            Err((fault, left)) => (Err(fault.into()), left),
        }
    }

    fn read(database: &Database, span: Span) -> Result<Stored, Fault> {
        // A view could do anything; only tables are read.
        let tables = database.rows(
            "select printf('%s %d', lower(name), instr(lower(sql), 'published') > 0) from sqlite_master where type = 'table' \
             and lower(sql) like 'create table %'",
        )?;
        let has = |table: &str| tables.iter().find_map(|row| row.strip_prefix(table)?.strip_prefix(' '));
        // PowerDNS before 4.3 published every key.
        let published = if has("cryptokeys") == Some("1") { "published" } else { "1" };
        let rows = |table: &'static str, columns: &str| match has(table) {
            Some(_) => {
                let rows =
                    database.rows(&format!("select printf('%d {columns}) from {table} order by id"))?;
                Ok(rows.into_iter().map(|row| Row::new(table, &row)).collect())
            }
            None => Ok::<Vec<Row>, Fault>(Vec::new()),
        };
        let keys = rows(
            "cryptokeys",
            &format!("%s %d %d %d %s', id, hex(domain), flags, active, {published}, hex(content)"),
        )?;
        let metadata = rows("domainmetadata", "%s %s %s', id, hex(domain), hex(kind), hex(content)")?;
        let named = rows("tsigkeys", "%s %s %s', id, hex(name), hex(algorithm), hex(secret)")?;
        let key = |row: &Row| {
            let flags = row.words.get(1).and_then(|word| word.parse().ok());
            let is_on = |place: usize| row.words.get(place).is_some_and(|word| word != "0");
            Ok(StoredKey {
                zone: row.name(0)?,
                flags: flags.ok_or_else(|| row.fault("its flags are not a number of 16 bits"))?,
                is_active: is_on(2),
                is_published: is_on(3),
                secret: row.text(4, "its key is not text")?,
            })
        };
        let datum = |row: &Row| {
            let kind = row.text(1, "its kind is not text")?.to_ascii_uppercase();
            Ok(Metadatum { zone: row.name(0)?, kind, content: row.text(2, "its content is not text")? })
        };
        let mut tsig: HashMap<String, Vec<TsigKey>> = HashMap::new();
        for row in &named {
            let key = TsigKey {
                name: row.text(0, "its name is not text")?,
                algorithm: row.text(1, "its algorithm is not text")?,
                secret: row.text(2, "its secret is not text")?,
            };
            let known = tsig.entry(spelt(&key.name)).or_default();
            if !known.contains(&key) {
                known.push(key);
            }
        }
        Ok(Stored {
            span,
            keys: keys.iter().map(key).collect::<Result<_, Fault>>()?,
            metadata: metadata.iter().map(datum).collect::<Result<_, Fault>>()?,
            tsig,
        })
    }

    /// The keys of TSIG that have a name.
    pub(super) fn tsig(&self, name: &str) -> &[TsigKey] {
        self.tsig.get(&spelt(name)).map(Vec::as_slice).unwrap_or_default()
    }
}

/// The name of a key of TSIG, as all spellings of it have in common.
fn spelt(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

/// A row of a table: its id, and its columns.
struct Row {
    table: &'static str,
    id: String,
    words: Vec<String>,
}

impl Row {
    /// Reads a line of words; the first is the id.
    fn new(table: &'static str, line: &str) -> Row {
        let mut words = line.split(' ').map(str::to_owned);
        Row { table, id: words.next().unwrap_or_default(), words: words.collect() }
    }

    fn fault(&self, what: &'static str) -> Fault {
        Fault::Row { table: self.table, id: self.id.clone(), what }
    }

    /// The text that the hexadecimal digits of a column stand for.
    fn text(&self, place: usize, fault: &'static str) -> Result<String, Fault> {
        let digits = self.words.get(place).map_or("", String::as_str);
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
        let bytes: Option<Vec<u8>> = digits.as_bytes().chunks(2).map(byte).collect();
        bytes.and_then(|bytes| String::from_utf8(bytes).ok()).ok_or_else(|| self.fault(fault))
    }

    fn name(&self, place: usize) -> Result<Name, Fault> {
        const FAULT: &str = "its domain is not a name";
        Name::parse(self.text(place, FAULT)?.as_bytes(), NameRef::ROOT).map_err(|_| self.fault(FAULT))
    }
}
