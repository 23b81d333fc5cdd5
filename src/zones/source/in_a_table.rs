//! A source that is asked for by a table, as tests know one: `[zone.in-a-table]`.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::interface::{Reading, Source};
use super::kind::{Company, Signable, SourceContext, SourceForm, SourceKind, TakesUpdates};
use crate::setting::{Absent, Faulty, KeyEntry, Table, keep};
use crate::source::Diagnostics;
use crate::zone::Builder;

const PREFIX: KeyEntry =
    KeyEntry::new("prefix", Absent::Required { example: r#""/lab""# }, "what its records are below");

pub(super) const KIND: SourceKind = SourceKind {
    form: SourceForm::Table { header: "[zone.in-a-table]", keys: &[PREFIX] },
    company: Company::Nothing,
    updates: TakesUpdates::No { message: "it takes no updates", help: "change it where it is" },
    signing: Signable::No,
    read,
};

/// A source without records.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InATable {
    /// Its one key.
    pub prefix: String,
}

impl Source for InATable {
    fn read(&self, _: &mut Reading<'_>, _: &mut Builder, _: &mut Diagnostics) -> Option<()> {
        Some(())
    }

    fn is_same(&self, other: &dyn Source) -> bool {
        (other as &dyn Any).downcast_ref() == Some(self)
    }
}

impl fmt::Display for InATable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.prefix)
    }
}

fn read(
    table: &Table<'_>,
    _: &SourceContext<'_>,
    found: &mut Diagnostics,
) -> Result<Option<Arc<dyn Source>>, Faulty> {
    let value = table.need(&PREFIX, found).ok_or(Faulty)?;
    let prefix = keep(value.text(), found).ok_or(Faulty)?.to_owned();
    Ok(Some(Arc::new(InATable { prefix })))
}
