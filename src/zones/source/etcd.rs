//! `[zone.etcd]`: a zone whose records are keys of etcd.
//!
//! Has what the source is and how it is asked for. Nothing is read here: at a start the last image of the keys is taken
//! (`load`), and what becomes of them is `etcd`'s, which proposes it.

use std::any::Any;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::interface::{Reading, Source, SourceTiming};
use super::kind::{Company, SourceContext, SourceForm, SourceKind, TakesUpdates};
use crate::dns::{Name, NameRef, Ttl};
use crate::etcd::{Access, Login, PORT};
use crate::http_client::{Endpoint, EndpointsOf, Scheme};
use crate::layout::{ApexRecords, LAYOUTS, Layout, Place, Subtree};
use crate::setting::{Absent, Faulty, Holds, KeyEntry, Table, Value, both, client_certificate, keep};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::tls::{AuthorityFile, ServerName, Verify, read_file};
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

const CA: KeyEntry = KeyEntry::new(
    "ca",
    Absent::Unset { example: r#""etcd/ca.pem""# },
    "file with the authorities to trust; without it those of the system",
)
.holding(Holds::File);

const SERVER_NAME: KeyEntry = KeyEntry::new(
    "server-name",
    Absent::Unset { example: r#""etcd.example.com""# },
    "name that the certificates of members must be for; without it the address of each",
);

const CERT: KeyEntry = KeyEntry::new(
    "cert",
    Absent::Unset { example: r#""etcd/client.pem""# },
    "file with the client certificate, with `key`; where etcd has users it must have no common name",
)
.holding(Holds::File);

const KEY: KeyEntry =
    KeyEntry::new("key", Absent::Unset { example: r#""etcd/client.key""# }, "file with the key of `cert`")
        .holding(Holds::SecretFile);

const USER: KeyEntry = KeyEntry::new(
    "user",
    Absent::Unset { example: r#""edgedns""# },
    "user of etcd, with `password-file`; a role that may read the keys of the zone is enough",
);

const PASSWORD_FILE: KeyEntry = KeyEntry::new(
    "password-file",
    Absent::Unset { example: r#""etcd/password""# },
    "file with the password of `user`; read whenever a token is needed",
)
.holding(Holds::SecretFile);

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
    read,
};

/// Endpoints of members.
const MEMBERS: EndpointsOf = EndpointsOf {
    server: "etcd",
    port: PORT,
    for_a_name: "write its address, and the name of its certificate as `server-name`",
    not_in_plain: None,
    example: "https://192.0.2.9:2379",
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
    let prefix = table.read(PREFIX.name, found, prefix);
    let ttl = table
        .read(TTL.name, found, |value| value.ttl(&TTLS))
        .or(Ttl::from_seconds(TTL_SECONDS))
        .unwrap_or_default();
    let shrink_limit = table.read(SHRINK_LIMIT.name, found, percent).unwrap_or(SHRINK_PERCENT);
    let max_stale = table.read(MAX_STALE.name, found, |value| value.duration(&STALE_TIMES));
    let access = read_access(table, context.folder, endpoints.unwrap_or_default(), found)?;
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

fn read_access(
    table: &Table<'_>,
    folder: &Path,
    endpoints: Vec<Endpoint>,
    found: &mut Diagnostics,
) -> Result<Access, Faulty> {
    let authority = table.read_file(CA.name, folder, found, AuthorityFile::new)?;
    let server_name = table.read(SERVER_NAME.name, found, |value| {
        let text = value.text()?;
        ServerName::new(text)
            .ok_or_else(|| value.fault(format!("`{text}` is neither a host name nor an address")))
    });
    let certificate = client_certificate(table, (CERT.name, KEY.name), folder, found)?;
    let login = match both(table, USER.name, PASSWORD_FILE.name, found)? {
        None => None,
        Some((user, _)) => {
            let user = keep(user.text(), found).ok_or(Faulty)?.to_owned();
            // What is in it may change; that it is there is looked at now.
            let look = |path: std::path::PathBuf| read_file(&path).map(|_| path);
            let password_file = table.read_file(PASSWORD_FILE.name, folder, found, look)?.ok_or(Faulty)?;
            Some(Login { user, password_file })
        }
    };
    let is_plain = |endpoint: &Endpoint| endpoint.scheme == Scheme::Http;
    if endpoints.iter().all(is_plain) && !endpoints.is_empty() {
        for key in [CA.name, SERVER_NAME.name, CERT.name] {
            let unused = || format!("`{key}` has no effect without TLS");
            let help = "begin endpoints with https://";
            found.extend(table.get(key).map(|value| value.fault(unused()).help(help)));
        }
    }
    if let (true, Some(user)) = (endpoints.iter().any(is_plain), table.get(USER.name)) {
        let warning = Diagnostic::warning(user.span(), "the password is sent in plain text");
        found.push(warning.help("begin endpoints with https://"));
    }
    let verify = authority.map_or(Verify::System, Verify::File);
    Ok(Access { endpoints, server_name, verify, certificate, login })
}

fn nameservers(value: Value<'_>, found: &mut Diagnostics) -> Vec<Name> {
    let Some(items) = keep(value.items(), found) else { return Vec::new() };
    if items.is_empty() || items.len() > LIST_MAX {
        found.push(value.fault(format!("`nameservers` has 1 to {LIST_MAX} items, not {}", items.len())));
        return Vec::new();
    }
    items.into_iter().filter_map(|item| keep(item.name(NameRef::ROOT), found)).collect()
}

fn prefix(value: Value<'_>) -> Result<String, Diagnostic> {
    let text = value.text()?;
    let is_plain = text.starts_with('/') && text.len() > 1 && !text.ends_with('/');
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err(value.fault("it begins with a slash and ends without one"))
    }
}

fn percent(value: Value<'_>) -> Result<u8, Diagnostic> {
    let text = value.text()?;
    let number = text.strip_suffix('%').and_then(|number| number.parse::<u8>().ok());
    number
        .filter(|number| (1..=100).contains(number))
        .ok_or_else(|| value.fault("it is a share from 1% to 100%").help("100% never holds anything back"))
}
