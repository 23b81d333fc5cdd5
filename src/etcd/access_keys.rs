//! The keys by which the config file says how a store is reached, wherever one is named.

use std::path::{Path, PathBuf};

use super::access::{Access, Login, PORT};
use crate::http_client::{Endpoint, EndpointsOf, Scheme};
use crate::setting::{
    Absent, Faulty, Holds, KeyEntry, Table, Value, both, client_certificate, keep, server_name,
};
use crate::source::{Diagnostic, Diagnostics};
use crate::tls::{AuthorityFile, Verify, read_file};

/// Whom to trust.
pub const CA: KeyEntry = KeyEntry::new(
    "ca",
    Absent::Unset { example: r#""etcd/ca.pem""# },
    "file with the authorities to trust; without it those of the system",
)
.holding(Holds::File);

/// For whom certificates of members are.
pub const SERVER_NAME: KeyEntry = KeyEntry::new(
    "server-name",
    Absent::Unset { example: r#""etcd.example.com""# },
    "name that the certificates of members must be for; without it the address of each",
);

/// What we prove ourselves with.
pub const CERT: KeyEntry = KeyEntry::new(
    "cert",
    Absent::Unset { example: r#""etcd/client.pem""# },
    "file with the client certificate, with `key`; where etcd has users it must have no common name",
)
.holding(Holds::File);

/// The key of that.
pub const KEY: KeyEntry =
    KeyEntry::new("key", Absent::Unset { example: r#""etcd/client.key""# }, "file with the key of `cert`")
        .holding(Holds::SecretFile);

/// As whom we ask.
pub const USER: KeyEntry = KeyEntry::new(
    "user",
    Absent::Unset { example: r#""edgedns""# },
    "user of etcd, with `password-file`; a role that may read its keys is enough; [vantage] also writes them",
);

/// How that is proven.
pub const PASSWORD_FILE: KeyEntry = KeyEntry::new(
    "password-file",
    Absent::Unset { example: r#""etcd/password""# },
    "file with the password of `user`; read whenever a token is needed",
)
.holding(Holds::SecretFile);

/// All of them, but for the endpoints: what these are for is for each table to say.
pub const ALL: &[KeyEntry] = &[CA, SERVER_NAME, CERT, KEY, USER, PASSWORD_FILE];

/// Endpoints of members.
pub const MEMBERS: EndpointsOf = EndpointsOf {
    server: "etcd",
    port: PORT,
    for_a_name: "write its address, and the name of its certificate as `server-name`",
    not_in_plain: None,
    example: "https://192.0.2.9:2379",
};

/// How a store is reached, as these keys of a table say; its endpoints have been read.
///
/// # Errors
///
/// [`Faulty`], when the faults have been pushed to `found`.
pub fn read(
    table: &Table<'_>,
    folder: &Path,
    endpoints: Vec<Endpoint>,
    found: &mut Diagnostics,
) -> Result<Access, Faulty> {
    let authority = table.read_file(CA.name, folder, found, AuthorityFile::new)?;
    let server_name = table.read(SERVER_NAME.name, found, server_name);
    let certificate = client_certificate(table, (CERT.name, KEY.name), folder, found)?;
    let login = match both(table, USER.name, PASSWORD_FILE.name, found)? {
        None => None,
        Some((user, _)) => {
            let user = keep(user.text(), found).ok_or(Faulty)?.to_owned();
            // What is in it may change; that it is there is looked at now.
            let look = |path: PathBuf| read_file(&path).map(|_| path);
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

/// What keys begin with: a slash, and no slash behind it.
///
/// # Errors
///
/// When it is something else.
pub fn prefix(value: Value<'_>) -> Result<String, Diagnostic> {
    let text = value.text()?;
    let is_plain = text.starts_with('/') && text.len() > 1 && !text.ends_with('/');
    if is_plain {
        Ok(text.to_owned())
    } else {
        Err(value.fault("it begins with a slash and ends without one"))
    }
}
