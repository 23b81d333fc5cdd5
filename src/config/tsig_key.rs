//! `[[key]]`: the keys that messages are signed with (RFC 8945).
//!
//! Reads these keys, and secrets from files of their own. What a key allows is said by zones.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::keys::Section;
use super::table::Table;
use crate::dns::NameRef;
use crate::setting::{MAKE_KEY, TsigKey, Value, keep, path_in};
use crate::source::{Diagnostic, Diagnostics, Digest, Severity, Span};
use crate::tls::read_file;
use crate::tsig::{Algorithm, AlgorithmError, KeyName, SECRET_BYTES_SHORT, Secret, SecretError};

/// Most keys. More than anybody has; each is looked for by its name.
const KEYS_MAX: usize = 1024;

/// The bits of a mode that let others than the owner at a file.
const OTHERS: u32 = 0o077;

/// Reads every `[[key]]`.
pub(super) fn read_all(root: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Vec<TsigKey> {
    let mut names: Vec<(KeyName, Span)> = Vec::new();
    let mut keys = Vec::new();
    let tables = root.tables(Section::Key, found);
    if let Some(beyond) = tables.get(KEYS_MAX) {
        found.push(Diagnostic::error(beyond.span(), format!("more than {KEYS_MAX} keys")));
    }
    for table in tables.into_iter().take(KEYS_MAX) {
        let name = read_name(&table, &names, found);
        names.extend(name.clone());
        let algorithm = match table.get("algorithm") {
            Some(value) => keep(algorithm(value), found),
            None => Some(Algorithm::DEFAULT),
        };
        let secret = read_secret(&table, folder, found);
        if let (Some((name, _)), Some(algorithm), Some(ReadSecret { secret, file })) =
            (name, algorithm, secret)
        {
            keys.push(TsigKey { name, algorithm, secret, file });
        }
    }
    keys
}

/// The name, which none of the `earlier` ones has.
fn read_name(
    table: &Table<'_>,
    earlier: &[(KeyName, Span)],
    found: &mut Diagnostics,
) -> Option<(KeyName, Span)> {
    let value = table.need("name", found)?;
    let name = keep(value.name(NameRef::ROOT), found)?;
    if name.as_ref().is_root() {
        found.push(value.fault("a key cannot have the name of the root"));
        return None;
    }
    let name = KeyName::from(&name);
    if let Some((_, first)) = earlier.iter().find(|(known, _)| *known == name) {
        let twice =
            value.fault(format!("there is a key `{name}` already: case and a final dot do not count"));
        found.push(twice.and_at(*first, "first given here"));
        return None;
    }
    Some((name, value.span()))
}

fn algorithm(value: Value<'_>) -> Result<Algorithm, Diagnostic> {
    let text = value.text()?;
    text.parse::<Algorithm>().map_err(|error| {
        let offered = Algorithm::names().join(", ");
        let fault = value.fault(format!("`{text}`: {error}"));
        match error {
            AlgorithmError::Md5 | AlgorithmError::Sha224 => fault.help(
                "write \"hmac-sha256\", and the same at the other end; cert-manager needs `tsigAlgorithm: HMACSHA256`",
            ),
            AlgorithmError::Unknown => fault.help(format!("those are {offered}; cut to 128 bits: hmac-sha256-128")),
            AlgorithmError::Truncation { .. } => fault.help("without a number of bits nothing is cut"),
        }
    })
}

/// A secret that was read.
struct ReadSecret {
    /// None: its file cannot be used.
    secret: Option<Secret>,
    /// Its file, with the digest of what is in it.
    file: Option<(PathBuf, Option<Digest>)>,
}

/// The secret, from the file itself or from one of its own. A file of its own that cannot be used is a warning: it may
/// come, and zones that do not use the key need not wait for it.
fn read_secret(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<ReadSecret> {
    let (value, read) = match (table.get("secret"), table.get("secret-file")) {
        (Some(value), None) => {
            let secret = Some(keep(inline(value), found)?);
            (value, ReadSecret { secret, file: None })
        }
        (None, Some(value)) => {
            let path = keep(path_in(value, folder), found)?;
            let (digest, secret) = from_file(value, &path);
            let secret = secret.map_err(|fault| found.push(useless(fault))).ok();
            (value, ReadSecret { secret, file: Some((path, digest)) })
        }
        (Some(_), Some(file)) => {
            let both = file.fault("the key has a `secret` already");
            found.push(both.help("leave one of them out: `secret-file`, so that this file may be shown"));
            return None;
        }
        (None, None) => {
            let none = Diagnostic::error(table.span(), "`[[key]]` lacks `secret-file` or `secret`");
            found.push(none.help(MAKE_KEY));
            return None;
        }
    };
    if let Some(bytes) = read.secret.as_ref().map(Secret::bytes).filter(|bytes| *bytes < SECRET_BYTES_SHORT) {
        let short = Diagnostic::warning(value.span(), format!("a secret of {bytes} bytes can be guessed"));
        found.push(short.help(format!("{MAKE_KEY} of 32")));
    }
    Some(read)
}

/// A fault of the file of a secret, with what follows from it.
fn useless(fault: Diagnostic) -> Diagnostic {
    Diagnostic { severity: Severity::Warning, ..fault }.remark(
        "the key cannot be used: messages that are signed with it are answered BADKEY, and nothing is sent that would \
         need it; the file is read again at a reload, and when it changes",
    )
}

fn inline(value: Value<'_>) -> Result<Secret, Diagnostic> {
    Secret::from_base64(value.text()?.as_bytes()).map_err(|error| bad_secret(value, error, ""))
}

fn bad_secret(value: Value<'_>, error: SecretError, place: &str) -> Diagnostic {
    value.fault(format!("{error}{place}")).help(MAKE_KEY)
}

/// The secret in a file that its owner alone may read, and the digest of what is in the file, if it can be read.
fn from_file(value: Value<'_>, path: &Path) -> (Option<Digest>, Result<Secret, Diagnostic>) {
    let content = match read_file(path) {
        Ok(content) => content,
        Err(error) => return (None, Err(value.fault(error.to_string()))),
    };
    // The file has just been read, so asking for its mode does not wait.
    let mode = std::fs::metadata(path).map_or(0, |meta| meta.permissions().mode());
    let shown = path.display();
    let secret = if mode & OTHERS == 0 {
        let secret = Secret::from_base64(&content);
        secret.map_err(|error| bad_secret(value, error, &format!(", and {shown} has none")))
    } else {
        let open = format!("others than its owner may use {shown}: its mode is {:04o}", mode & 0o7777);
        Err(value.fault(open).help(format!("chmod 600 {shown}")).remark(
            "where a service gets its user at the start, as by `DynamicUser=`, `LoadCredential=` hands it such a file",
        ))
    };
    (Some(Digest::of(&content)), secret)
}
