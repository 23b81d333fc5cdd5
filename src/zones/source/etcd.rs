//! `[zone.etcd]`: a zone whose records are keys of etcd.
//!
//! Has what the source is and how it is asked for. Nothing is read here: at a start the last image of the keys is taken
//! (`load`), and what becomes of them is `etcd`'s, which proposes it.

use std::any::Any;
use std::fmt;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::Duration;

use super::interface::{Reading, Source, SourceTiming};
use super::kind::{Company, Signable, SourceContext, SourceForm, SourceKind, TakesUpdates};
use crate::dns::{Name, NameRef, Ttl};
use crate::etcd::Access;
use crate::etcd::access_keys::{self, CA, CERT, KEY, MEMBERS, PASSWORD_FILE, SERVER_NAME, USER};
use crate::layout::{ApexRecords, LAYOUTS, Layout, Place, Subtree};
use crate::setting::{Absent, Faulty, KeyEntry, Table, Value, keep};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::zone::Builder;
use crate::zonefile;

const ENDPOINTS: KeyEntry = KeyEntry::new(
    "endpoints",
    Absent::Required { example: r#"["https://192.0.2.9:2379", "https://192.0.2.10:2379"]"# },
    "members of the etcd that has the zone, by address (names are not looked up at a start): one is watched, the next \
     when that one is gone or cut off; http:// is plain text, which anybody on the way reads and changes",
);

const PREFIX: KeyEntry = KeyEntry::new(
    "prefix",
    Absent::Unset { example: r#""/skydns""# },
    "what the keys of all zones begin with; without it /skydns, with the layout zone /edgedns",
);

const LAYOUT: KeyEntry = KeyEntry::new(
    "layout",
    Absent::Default(r#""skydns""#),
    "skydns: values in JSON, as CoreDNS and external-dns have them; zone: lines of a zone file",
);

const NAMESERVERS: KeyEntry = KeyEntry::new(
    "nameservers",
    Absent::Unset { example: r#"["ns1.ocp4.example.com"]"# },
    "names of the NS records, the first of which is in the SOA record as well: the layout skydns has no keys for them, and \
     needs this; with the layout zone they are in keys",
);

const SUBTREE: KeyEntry = KeyEntry::new(
    "subtree",
    Absent::Default("false"),
    "whether a name answers with all that is below it, too, as CoreDNS does; for the layout skydns",
);

const TTL: KeyEntry = KeyEntry::new(
    "ttl",
    Absent::Default(r#""5m""#),
    "TTL of values that give none, and of SOA and NS records made here",
);

const SHRINK_LIMIT: KeyEntry = KeyEntry::new(
    "shrink-limit",
    Absent::Default(r#""50%""#),
    "how many of its keys may go at once: when more do, what was there is served until `edgedns reload --accept`",
);

const MAX_STALE: KeyEntry = KeyEntry::new(
    "max-stale",
    Absent::Unset { example: r#""24h""# },
    "how long the zone is served while etcd is silent; without it for ever",
);

pub(super) const KIND: SourceKind = SourceKind {
    form: SourceForm::Table {
        header: "[zone.etcd]",
        keys: &[
            ENDPOINTS,
            PREFIX,
            LAYOUT,
            NAMESERVERS,
            SUBTREE,
            TTL,
            SHRINK_LIMIT,
            MAX_STALE,
            CA,
            SERVER_NAME,
            CERT,
            KEY,
            USER,
            PASSWORD_FILE,
        ],
    },
    company: Company::Nothing,
    updates: TakesUpdates::No {
        message: "a zone whose records are keys of etcd takes no updates",
        help: "change its keys: `edgedns put`",
    },
    signing: Signable::Yes,
    read,
};

/// Most name servers that are named.
const LIST_MAX: usize = 16;

/// What `ttl` may be.
const TTLS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(7 * 86_400);

/// What `max-stale` may be.
const STALE_TIMES: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_secs(366 * 86_400);

/// The TTL of values that give none, in seconds: what CoreDNS takes.
const TTL_SECONDS: u32 = 300;

/// How many keys may go at once, in percent.
const SHRINK_PERCENT: u8 = 50;

/// Keys of etcd that hold a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EtcdKeys {
    /// How the store is reached.
    pub access: Access,
    /// What keys mean.
    pub layout: &'static Layout,
    /// Where the zone is in the store.
    pub place: Place,
    /// How much of the keys may go at once, in percent. When more does, what was there is served until somebody accepts
    /// it.
    pub shrink_limit: u8,
    /// How long the zone is served while the store is silent; none: for ever.
    pub max_stale: Option<Duration>,
    /// Where the config file names them.
    pub span: Span,
}

impl EtcdKeys {
    /// What the store is called where its keys are named.
    pub fn store(&self) -> &'static str {
        "etcd"
    }

    /// What the keys of the zone begin with.
    pub fn prefix(&self) -> String {
        (self.layout.keys)(&self.place)
    }
}

impl Source for EtcdKeys {
    fn read(&self, _: &mut Reading<'_>, _: &mut Builder, _: &mut Diagnostics) -> Option<()> {
        None
    }

    /// Where the config file names them makes no difference.
    fn is_same(&self, other: &dyn Source) -> bool {
        let other = (other as &dyn Any).downcast_ref::<Self>();
        other.is_some_and(|other| *self == EtcdKeys { span: self.span, ..other.clone() })
    }

    fn timing(&self) -> SourceTiming {
        SourceTiming::WhileServing
    }

    fn remark(&self) -> Option<String> {
        Some(format!("the records are {self}"))
    }

    fn proposes_changes(&self) -> bool {
        true
    }
}

impl fmt::Display for EtcdKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "keys {} of etcd", self.prefix())?;
        self.access.endpoints.iter().try_for_each(|endpoint| write!(f, " {endpoint}"))
    }
}

fn read(
    table: &Table<'_>,
    context: &SourceContext<'_>,
    found: &mut Diagnostics,
) -> Result<Option<Arc<dyn Source>>, Faulty> {
    let endpoints = table.need(&ENDPOINTS, found).and_then(|value| MEMBERS.read(value, found));
    let words: Vec<(&'static str, &'static Layout)> =
        LAYOUTS.iter().map(|layout| (layout.name, layout)).collect();
    let layout = match table.get(LAYOUT.name) {
        Some(value) => keep(value.word(&words), found),
        None => LAYOUTS.first(),
    };
    let prefix = table.read(PREFIX.name, found, access_keys::prefix);
    let ttl = table
        .read(TTL.name, found, |value| value.ttl(&TTLS))
        .or(Ttl::from_seconds(TTL_SECONDS))
        .unwrap_or_default();
    let shrink_limit = table.read(SHRINK_LIMIT.name, found, percent).unwrap_or(SHRINK_PERCENT);
    let max_stale = table.read(MAX_STALE.name, found, |value| value.duration(&STALE_TIMES));
    let access = access_keys::read(table, context.folder, endpoints.unwrap_or_default(), found)?;
    let layout = layout.ok_or(Faulty)?;
    let (nameservers, subtree) = read_apex(table, layout, found);
    let (Some((apex, _)), false) = (context.name, access.endpoints.is_empty()) else { return Err(Faulty) };
    let place = Place {
        apex: apex.clone(),
        prefix: prefix.unwrap_or_else(|| layout.prefix.to_owned()),
        ttl,
        subtree,
        nameservers,
        text: zonefile::Settings::default(),
        pools: context.pools.clone(),
    };
    let span = table.span();
    Ok(Some(Arc::new(EtcdKeys { access, layout, place, shrink_limit, max_stale, span })))
}

/// What the keys of a layout do not say: name servers, and whether names answer with what is below them.
fn read_apex(table: &Table<'_>, layout: &Layout, found: &mut Diagnostics) -> (Vec<Name>, Subtree) {
    let subtree = table.read(SUBTREE.name, found, Value::truth).unwrap_or_default();
    match layout.apex {
        ApexRecords::Configured => {
            let nameservers = table.need(&NAMESERVERS, found).map(|value| nameservers(value, found));
            (nameservers.unwrap_or_default(), if subtree { Subtree::Joined } else { Subtree::Apart })
        }
        ApexRecords::InKeys => {
            for key in [NAMESERVERS.name, SUBTREE.name] {
                let unused = || format!("`{key}` has no meaning with the layout `{}`", layout.name);
                found.extend(table.get(key).map(|value| value.fault(unused())));
            }
            (Vec::new(), Subtree::Apart)
        }
    }
}

fn nameservers(value: Value<'_>, found: &mut Diagnostics) -> Vec<Name> {
    let Some(items) = keep(value.items(), found) else { return Vec::new() };
    if items.is_empty() || items.len() > LIST_MAX {
        found.push(value.fault(format!("`nameservers` has 1 to {LIST_MAX} items, not {}", items.len())));
        return Vec::new();
    }
    items.into_iter().filter_map(|item| keep(item.name(NameRef::ROOT), found)).collect()
}

fn percent(value: Value<'_>) -> Result<u8, Diagnostic> {
    let text = value.text()?;
    let number = text.strip_suffix('%').and_then(|number| number.parse::<u8>().ok());
    number
        .filter(|number| (1..=100).contains(number))
        .ok_or_else(|| value.fault("it is a share from 1% to 100%").help("100% never holds anything back"))
}
