//! `reverse-of`: PTR records made from the addresses of another zone.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use super::interface::{Reading, Source};
use super::kind::{Company, Signable, SourceContext, SourceForm, SourceKind, TakesUpdates};
use crate::dns::{Name, NameRef};
use crate::setting::{Absent, Faulty, KeyEntry, Table, keep};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::zone::{Builder, is_reverse};

const REVERSE_OF: KeyEntry = KeyEntry::new(
    "reverse-of",
    Absent::Unset { example: r#""ocp4.example.com""# },
    "another zone here, which gives this reverse zone (in-addr.arpa, ip6.arpa) PTR records for its addresses, \
     and its SOA and NS records; `file` may be left out, otherwise its records come first",
);

pub(super) const KIND: SourceKind = SourceKind {
    form: SourceForm::Keys(&[REVERSE_OF]),
    company: Company::Others,
    updates: TakesUpdates::No {
        message: "a zone that is made from another one takes no updates",
        help: "update the zone that it is made from",
    },
    signing: Signable::No,
    read,
};

/// The zone that a reverse zone is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReverseOf {
    /// Its apex, which some other zone has.
    pub zone: Name,
    /// Where it is named.
    pub span: Span,
}

impl Source for ReverseOf {
    fn read(&self, reading: &mut Reading<'_>, builder: &mut Builder, found: &mut Diagnostics) -> Option<()> {
        let Some(hosts) = reading.hosts else {
            let message = format!("the zone `{}` cannot be read", self.zone);
            found.push(Diagnostic::error(self.span, message).label("the PTR records come from there"));
            return None;
        };
        builder.add_reverse(hosts, self.span, found);
        Some(())
    }

    /// Where the config file names it makes no difference.
    fn is_same(&self, other: &dyn Source) -> bool {
        (other as &dyn Any).downcast_ref::<Self>().is_some_and(|other| self.zone == other.zone)
    }

    fn made_from(&self) -> Option<&Name> {
        Some(&self.zone)
    }

    fn remark(&self) -> Option<String> {
        Some(format!("PTR records are made from {self}"))
    }
}

impl fmt::Display for ReverseOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the addresses of {}", self.zone)
    }
}

fn read(
    table: &Table<'_>,
    context: &SourceContext<'_>,
    found: &mut Diagnostics,
) -> Result<Option<Arc<dyn Source>>, Faulty> {
    let Some(value) = table.get(REVERSE_OF.name) else { return Ok(None) };
    let zone = keep(value.name(NameRef::ROOT), found).ok_or(Faulty)?;
    if let Some((name, span)) = context.name
        && !is_reverse(name.as_ref())
    {
        let message = format!("`{name}` holds no addresses: its names are not made from them");
        found.push(Diagnostic::error(span, message).and_at(value.span(), "to be made from addresses").help(
            "a reverse zone lies in `in-addr.arpa` or `ip6.arpa`: 2.0.192.in-addr.arpa is 192.0.2.0/24",
        ));
    }
    Ok(Some(Arc::new(ReverseOf { zone, span: value.span() })))
}
