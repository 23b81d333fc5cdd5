//! `tcp`, `tls`, `http` and `https` of `[[zone.probe]]`: what is tested at an
//! address.
//!
//! Responsible for the keys of each kind, and for looking once into the files
//! they name.
//! Not responsible for how often it is tested, or whose addresses.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::keys::Section;
use super::table::{Part, Table, keep};
use super::value::Value;
use crate::probe::{
    self, BODY_LIMIT_BYTES_MAX, Header, HeaderError, Host, Http, Https, Kind, Method, Port, REDIRECTS_MAX,
    Statuses, Tcp, Tls, Token,
};
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::tls::{AuthorityFile, ClientCertificate, FileError, Handshake, Protocol, ServerName, Verify};

const METHODS: &[(&str, Method)] = &[("GET", Method::Get), ("HEAD", Method::Head)];

/// The versions of HTTP that can be spoken over TLS, the best first.
const VERSIONS: &[(&str, &str)] = &[("h2", "h2"), ("http/1.1", "http/1.1")];

/// The kinds that may be written as tables, and how each is read.
const TABLES: &[(Section, ReadTable)] =
    &[(Section::Tls, read_tls), (Section::Http, read_http), (Section::Https, read_https)];

type ReadTable = fn(Port, &Table<'_>, &Path, &mut Diagnostics) -> Option<Kind>;

/// Every probe of a block, and where it is written. That there is none is a fault.
pub(super) fn read_all(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Vec<(Kind, Span)> {
    let mut kinds = Kinds { list: Vec::new() };
    let tcp = table.get("tcp");
    for item in tcp.map(|value| items(value, found)).unwrap_or_default() {
        let kind = keep(port(item), found).map(|port| Kind::Tcp(Tcp { port }));
        kinds.add(kind, item.span(), found);
    }
    for &(section, read) in TABLES {
        for part in table.parts(section, found) {
            let kind = read_part(section, &part, read, folder, found);
            kinds.add(kind, part.span(), found);
        }
    }
    if tcp.is_none() && !TABLES.iter().any(|&(section, _)| table.has(section)) {
        let lacks = Diagnostic::error(table.span(), format!("`{}` probes nothing", table.header()));
        let help = "say what must pass, as in `tcp = 6443`; other kinds are `tls`, `http` and `https`";
        found.push(lacks.help(help));
    }
    kinds.list
}

/// Each probe once.
struct Kinds {
    list: Vec<(Kind, Span)>,
}

impl Kinds {
    fn add(&mut self, kind: Option<Kind>, span: Span, found: &mut Diagnostics) {
        let Some(kind) = kind else { return };
        match self.list.iter().find(|(known, _)| *known == kind) {
            Some(&(_, first)) => found
                .push(Diagnostic::warning(span, "this is probed already").and_at(first, "first named here")),
            None => self.list.push((kind, span)),
        }
    }
}

fn items<'t>(value: Value<'t>, found: &mut Diagnostics) -> Vec<Value<'t>> {
    let items = value.item_or_items();
    if items.is_empty() {
        found.push(value.fault("`tcp` probes nothing").help("name a port, as in `tcp = 6443`"));
    }
    items
}

fn port(value: Value<'_>) -> Result<Port, Diagnostic> {
    value.whole("a port, 1 to 65535", |port| u16::try_from(port).ok().and_then(Port::new))
}

fn read_part(
    section: Section,
    part: &Part<'_>,
    read: ReadTable,
    folder: &Path,
    found: &mut Diagnostics,
) -> Option<Kind> {
    match part {
        // A port alone is a table with nothing else in it.
        Part::Value(value) => {
            let port = keep(port(*value), found)?;
            read(port, &Table::empty(section, value.span()), folder, found)
        }
        Part::Table(table) => {
            let port = table.need("port", found).and_then(|value| keep(port(value), found));
            // The rest is read in any case, so that its faults are told too.
            let kind = read(port.unwrap_or(Port::MIN), table, folder, found);
            port.and(kind)
        }
    }
}

fn read_tls(port: Port, table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<Kind> {
    let protocols = table.get("alpn").map(|value| {
        each(value, found, |item| {
            let bad = || item.fault("an application protocol is 1 to 255 bytes");
            Protocol::new(item.text()?).ok_or_else(bad)
        })
    });
    let handshake = read_handshake(table, protocols.unwrap_or_default(), None, folder, found);
    Some(Kind::Tls(Arc::new(Tls { port, handshake: handshake? })))
}

fn read_http(port: Port, table: &Table<'_>, _: &Path, found: &mut Diagnostics) -> Option<Kind> {
    read_request(port, table, found).map(|http| Kind::Http(Arc::new(http)))
}

fn read_https(port: Port, table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<Kind> {
    let http = read_request(port, table, found);
    let versions = table.get("alpn").map(|value| each(value, found, |item| item.word(VERSIONS)));
    let versions = versions.unwrap_or_else(|| VERSIONS.iter().map(|&(name, _)| name).collect());
    let protocols = versions.into_iter().filter_map(Protocol::new).collect();
    let host = http.as_ref().and_then(|http| http.host.as_ref());
    let handshake = read_handshake(table, protocols, host, folder, found);
    let token = file(table, "token", folder, found, Token::new);
    if let (Some(written), Some(Handshake { verify: Verify::Off, .. })) = (table.get("token"), &handshake) {
        found.push(
            Diagnostic::warning(written.span(), "the token is sent to whoever answers: `verify` is off")
                .help("name the authority of the target: `ca = \"ca.pem\"`"),
        );
    }
    let token = token.ok()?;
    Some(Kind::Https(Arc::new(Https { http: http?, handshake: handshake?, token })))
}

/// What is asked, and what passes; none if nothing sound can be asked.
fn read_request(port: Port, table: &Table<'_>, found: &mut Diagnostics) -> Option<Http> {
    let path = table.read("path", found, path).unwrap_or_else(probe::Path::root);
    let mut http = Http::get(port, path);
    http.method = table.read("method", found, |value| value.word(METHODS)).unwrap_or(http.method);
    http.host = table.read("host", found, |value| {
        let bad = || value.fault("a host is a name or an address, perhaps with a port");
        Host::new(value.text()?).ok_or_else(bad)
    });
    http.headers = table.get("headers").map(|value| headers(value, found)).unwrap_or_default();
    let statuses = table.get("status").map_or(Some(Statuses::default()), |value| statuses(value, found));
    http.body_limit_bytes = table.read("body-limit", found, body_limit).unwrap_or(http.body_limit_bytes);
    http.redirects = table.read("redirects", found, redirects).unwrap_or(http.redirects);
    http.body = table.read("body", found, |value| body(value, &http));
    Some(Http { statuses: statuses?, ..http })
}

fn path(value: Value<'_>) -> Result<probe::Path, Diagnostic> {
    let text = value.text()?;
    probe::Path::new(text).ok_or_else(|| {
        let fault = value.fault(format!("`{text}` is no path"));
        match text.starts_with('/') {
            true => fault.help("write spaces and the like as `%20`; what is behind `#` is never sent"),
            false => fault.help(format!("a path begins with `/`, as in \"/{}\"", text.trim())),
        }
    })
}

fn body(value: Value<'_>, http: &Http) -> Result<Box<str>, Diagnostic> {
    let text = value.text()?;
    if text.is_empty() {
        return Err(value.fault("every body holds an empty text").help("leave `body` out"));
    }
    if http.method == Method::Head {
        return Err(value
            .fault("the response to HEAD has no body")
            .help("leave `method` out: it is GET then"));
    }
    if text.len() > http.body_limit_bytes {
        let limit = http.body_limit_bytes;
        return Err(value.fault(format!("longer than what is read of a body, which is {limit} bytes")));
    }
    Ok(text.into())
}

fn body_limit(value: Value<'_>) -> Result<usize, Diagnostic> {
    value.whole(format!("1 to {BODY_LIMIT_BYTES_MAX} bytes"), |bytes| {
        usize::try_from(bytes).ok().filter(|bytes| (1..=BODY_LIMIT_BYTES_MAX).contains(bytes))
    })
}

fn redirects(value: Value<'_>) -> Result<u8, Diagnostic> {
    value.whole(format!("0 to {REDIRECTS_MAX}"), |count| {
        u8::try_from(count).ok().filter(|&count| count <= REDIRECTS_MAX)
    })
}

fn headers(value: Value<'_>, found: &mut Diagnostics) -> Vec<Header> {
    let Some(entries) = keep(value.entries(), found) else { return Vec::new() };
    let read = |(name, value): (&str, Value<'_>)| {
        let header = Header::new(name, value.text()?);
        header.map_err(|error| match error {
            HeaderError::Name => value.fault(format!("`{name}` is no name of a header")),
            HeaderError::Value => value.fault(format!("this cannot be the value of `{name}`")),
            HeaderError::Host => value.fault(format!("`{name}` is not set here")).help("write it as `host`"),
            HeaderError::OfConnection => {
                value.fault(format!("`{name}` belongs to the connection, which is made here"))
            }
        })
    };
    entries.into_iter().filter_map(|entry| keep(read(entry), found)).collect()
}

/// One status or range, or a list of them.
fn statuses(value: Value<'_>, found: &mut Diagnostics) -> Option<Statuses> {
    let items = value.item_or_items();
    if items.is_empty() {
        found.push(value.fault("no status passes").help("leave `status` out: 200 to 299 pass then"));
    }
    let read: Vec<Option<Statuses>> = items.into_iter().map(|item| keep(status(item), found)).collect();
    read.into_iter().collect::<Option<Vec<_>>>()?.into_iter().reduce(Statuses::and)
}

fn status(value: Value<'_>) -> Result<Statuses, Diagnostic> {
    const WHAT: &str = "a status, 200 to 599, or a range, as in \"200-299\"";
    if value.is_whole() {
        return value.whole(WHAT, |status| u16::try_from(status).ok().and_then(Statuses::one));
    }
    let text = value.text().map_err(|_| value.takes(WHAT))?;
    Statuses::parse(text).ok_or_else(|| value.fault(format!("`{text}` is not {WHAT}")))
}

/// What is said and demanded in the handshake; `host` is the name where no other is given.
fn read_handshake(
    table: &Table<'_>,
    protocols: Vec<Protocol>,
    host: Option<&Host>,
    folder: &Path,
    found: &mut Diagnostics,
) -> Option<Handshake> {
    let server_name = table.read("server-name", found, |value| {
        let text = value.text()?;
        ServerName::new(text)
            .ok_or_else(|| value.fault(format!("`{text}` is neither a host name nor an address")))
    });
    let server_name = server_name.or_else(|| ServerName::new(host?.name()));
    let verify = read_verify(table, folder, found);
    let client = read_client(table, folder, found);
    Some(Handshake { server_name, verify: verify?, protocols, client: client.ok()? })
}

fn read_verify(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<Verify> {
    let is_wanted = table.read("verify", found, Value::truth).unwrap_or(true);
    let authority = file(table, "ca", folder, found, AuthorityFile::new).ok()?;
    match (is_wanted, authority) {
        (true, Some(file)) => Some(Verify::File(file)),
        (true, None) => Some(Verify::System),
        (false, None) => Some(Verify::Off),
        (false, Some(_)) => {
            let (ca, verify) = (table.get("ca")?, table.get("verify")?);
            let fault = ca.fault("`ca` is of no use without verification");
            found.push(fault.and_at(verify.span(), "switched off here").help("leave one of them out"));
            None
        }
    }
}

/// The client's certificate, where one is given.
fn read_client(
    table: &Table<'_>,
    folder: &Path,
    found: &mut Diagnostics,
) -> Result<Option<ClientCertificate>, Faulty> {
    let (certificate, key) = match (table.get("cert"), table.get("key")) {
        (None, None) => return Ok(None),
        (Some(certificate), Some(key)) => (certificate, key),
        (Some(alone), None) => return Err(lacks(alone, "`cert` proves nothing without its `key`", found)),
        (None, Some(alone)) => return Err(lacks(alone, "`key` is of no use without its `cert`", found)),
    };
    let paths = (keep(named(certificate, folder), found), keep(named(key, folder), found));
    let (Some(certificate_path), Some(key_path)) = paths else { return Err(Faulty) };
    ClientCertificate::new(certificate_path.clone(), key_path).map(Some).map_err(|error| {
        let value = if error.path == certificate_path { certificate } else { key };
        found.push(value.fault(error.to_string()));
        Faulty
    })
}

/// The fault has been told.
pub(super) struct Faulty;

fn lacks(value: Value<'_>, message: &str, found: &mut Diagnostics) -> Faulty {
    found.push(value.fault(message));
    Faulty
}

/// What `look` finds in the file that `key` names; none where the key is not given.
pub(super) fn file<T>(
    table: &Table<'_>,
    key: &'static str,
    folder: &Path,
    found: &mut Diagnostics,
    look: impl FnOnce(PathBuf) -> Result<T, FileError>,
) -> Result<Option<T>, Faulty> {
    let Some(value) = table.get(key) else { return Ok(None) };
    let looked =
        named(value, folder).and_then(|path| look(path).map_err(|error| value.fault(error.to_string())));
    keep(looked, found).map(Some).ok_or(Faulty)
}

/// The file a value names; relative to the folder of the config file.
fn named(value: Value<'_>, folder: &Path) -> Result<PathBuf, Diagnostic> {
    let text = value.text()?;
    if text.is_empty() { Err(value.fault("no file is named")) } else { Ok(folder.join(text)) }
}

/// Every item of a list that is sound.
fn each<'t, T>(
    value: Value<'t>,
    found: &mut Diagnostics,
    read: impl Fn(Value<'t>) -> Result<T, Diagnostic>,
) -> Vec<T> {
    let items = keep(value.items(), found).unwrap_or_default();
    items.into_iter().filter_map(|item| keep(read(item), found)).collect()
}
