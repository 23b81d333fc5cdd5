//! `edgedns key`: makes a key, and writes what goes into the configuration of each program that uses it.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::tls::secret_bytes;
use crate::tsig::{Algorithm, KeyName, Secret};

/// What key is to be made.
#[derive(Clone, Debug)]
pub struct KeyRequest {
    /// Its name.
    pub name: KeyName,
    /// Its algorithm.
    pub algorithm: Algorithm,
    /// A file of our own for the secret; none: it goes into the config file.
    pub secret_file: Option<PathBuf>,
}

/// Makes a key, and writes to standard output what each program is told of it.
///
/// # Errors
///
/// When there is no randomness, the file is there already or cannot be written, or the output cannot be.
pub fn make_key(request: &KeyRequest) -> io::Result<()> {
    let bytes: [u8; 64] = secret_bytes().ok_or_else(|| {
        io::Error::other("no random numbers (is there a /dev/urandom?): a secret would be no secret")
    })?;
    // RFC 2104, section 3: more bytes than the hash function has add nothing.
    let bytes = bytes.get(..request.algorithm.hash_bytes()).unwrap_or(&bytes);
    let secret = Secret::from_bytes(bytes).to_base64();
    if let Some(path) = &request.secret_file {
        write_secret(path, &secret).map_err(|error| {
            io::Error::new(error.kind(), format!("cannot write {}: {error}", path.display()))
        })?;
    }
    io::stdout().lock().write_all(lines(request, &secret).as_bytes())
}

/// Writes a file that nobody but its owner ever may read.
fn write_secret(path: &Path, secret: &str) -> io::Result<()> {
    let mut file: File = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}

/// What goes into the configuration of each program.
fn lines(request: &KeyRequest, secret: &str) -> String {
    let KeyRequest { name, algorithm, secret_file } = request;
    let own = match secret_file {
        Some(path) => format!("secret-file = {:?}", path.display().to_string()),
        None => format!("secret = \"{secret}\""),
    };
    let mut out = format!(
        "# edgedns, in its config file:\n[[key]]\nname = \"{name}\"\nalgorithm = \"{algorithm}\"\n{own}\n"
    );
    let mut part = |title: &str, text: String| {
        // Writing to a string does not fail.
        let _ = write!(out, "\n# {title}\n{text}");
    };
    part(
        "BIND, in named.conf (and for `dig -k`, `nsupdate -k`, in a file of its own):",
        format!("key \"{name}\" {{\n    algorithm {algorithm};\n    secret \"{secret}\";\n}};\n"),
    );
    part(
        "Knot, in knot.conf:",
        format!("key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: {secret}\n"),
    );
    part(
        "NSD, in nsd.conf:",
        format!("key:\n    name: \"{name}\"\n    algorithm: {algorithm}\n    secret: \"{secret}\"\n"),
    );
    part("PowerDNS, in a shell:", format!("pdnsutil import-tsig-key {name} {algorithm} '{secret}'\n"));
    part("cert-manager, the secret in a shell and the rest in an issuer:", cert_manager(request, secret));
    part(
        "external-dns, among its arguments:",
        format!(
            "--rfc2136-tsig-keyname={name}\n--rfc2136-tsig-secret-alg={algorithm}\n\
             --rfc2136-tsig-secret={secret}\n--rfc2136-tsig-axfr\n"
        ),
    );
    out
}

fn cert_manager(request: &KeyRequest, secret: &str) -> String {
    let KeyRequest { name, algorithm, .. } = request;
    let base = algorithm.base_name();
    if base == "hmac-sha384" {
        return format!("# it does not offer {base}: take hmac-sha256 or hmac-sha512 for it\n");
    }
    // A name of Kubernetes has no underscores.
    let object = format!("tsig-{}", name.to_string().replace(|c: char| !c.is_ascii_alphanumeric(), "-"));
    let word = base.to_ascii_uppercase().replace('-', "");
    format!(
        "kubectl --namespace cert-manager create secret generic {object} --from-literal=secret='{secret}'\n\
         solvers:\n  - dns01:\n      rfc2136:\n        nameserver: 192.0.2.1   # this server\n        \
         tsigKeyName: {name}\n        tsigAlgorithm: {word}\n        tsigSecretSecretRef:\n          \
         name: {object}\n          key: secret\n"
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn request(algorithm: &str) -> KeyRequest {
        let name = "acme_key.example".parse().unwrap();
        KeyRequest { name, algorithm: algorithm.parse().unwrap(), secret_file: None }
    }

    #[test]
    fn every_program_is_told_name_algorithm_and_secret() {
        let text = lines(&request("hmac-sha256"), "c2VjcmV0");
        let parts: Vec<&str> = text.split("\n# ").collect();
        assert_eq!(parts.len(), 7);
        for part in parts {
            assert!(part.contains("acme_key.example") && part.contains("c2VjcmV0"), "{part}");
            assert!(part.contains("hmac-sha256") || part.contains("HMACSHA256"), "{part}");
        }
        assert!(text.contains("name: tsig-acme-key-example\n"));
        assert!(lines(&request("hmac-sha384"), "c2VjcmV0").contains("it does not offer hmac-sha384"));
    }

    #[test]
    fn a_secret_file_is_for_its_owner_alone_and_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("transfer");
        write_secret(&path, "c2VjcmV0").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
        assert_eq!(write_secret(&path, "other").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "c2VjcmV0\n");
    }

    #[test]
    fn what_is_printed_for_edgedns_is_taken_by_edgedns() {
        let mut sources = crate::source::Sources::default();
        let text = lines(&request("hmac-sha512"), "c2VjcmV0c2VjcmV0c2VjcmV0");
        let own = text.split("\n# ").next().unwrap_or_default();
        let file = sources.add("edgedns.toml", own.as_bytes().to_vec());
        let mut found = crate::source::Diagnostics::default();
        let config = crate::config::read_file(&mut sources, file, Path::new("/edgedns.toml"), &mut found);
        let keys = config.unwrap().keys;
        assert_eq!((keys.len(), keys[0].algorithm.to_string().as_str()), (1, "hmac-sha512"));
    }
}
