//! The keys of a request and of what passes, which `http` and `https` share.

use super::parameters::{BODY_LIMIT_BYTES_MAX, Http, REDIRECTS_MAX};
use super::request::{Header, HeaderError, Host, Method, Path};
use super::status::Statuses;
use crate::probe::port::Port;
use crate::setting::{Absent, Holds, KeyEntry, Table, Value, keep};
use crate::source::{Diagnostic, Diagnostics};

/// The keys that every kind with a request has.
pub(in crate::probe) const REQUEST_KEYS: &[KeyEntry] = &[
    KeyEntry::new("path", Absent::Default(r#""/""#), "path to request, with its query"),
    KeyEntry::new("method", Absent::Default(r#""GET""#), "GET or HEAD"),
    KeyEntry::new(
        "host",
        Absent::Unset { example: r#""console.apps.ocp4.example.com""# },
        "Host header, if the target serves several hosts; without it the address",
    ),
    KeyEntry::new(
        "headers",
        Absent::Unset { example: r#"{ X-Probe = "edge" }"# },
        "more headers of the request",
    )
    .holding(Holds::Headers),
    KeyEntry::new(
        "status",
        Absent::Default(r#""200-299""#),
        "status that passes, a range, or a list of both",
    ),
    KeyEntry::new("body", Absent::Unset { example: r#""ok""# }, "text that the body must contain"),
    KeyEntry::new(
        "body-limit",
        Absent::Default(r#"65536"#),
        "bytes of a body to read; the text must be within them",
    ),
    KeyEntry::new(
        "redirects",
        Absent::Default(r#"0"#),
        "redirects to follow, at most 10; to the same address, port and scheme only",
    ),
];

const METHODS: &[(&str, Method)] = &[("GET", Method::Get), ("HEAD", Method::Head)];

/// What is asked, and what passes; none if nothing sound can be asked.
pub(in crate::probe) fn read_request(port: Port, table: &Table<'_>, found: &mut Diagnostics) -> Option<Http> {
    let path = table.read("path", found, path).unwrap_or_else(Path::root);
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

fn path(value: Value<'_>) -> Result<Path, Diagnostic> {
    let text = value.text()?;
    Path::new(text).ok_or_else(|| {
        let fault = value.fault(format!("`{text}` is not a path"));
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
            HeaderError::Name => value.fault(format!("`{name}` is not the name of a header")),
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
