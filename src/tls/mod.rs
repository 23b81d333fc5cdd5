//! TLS: trust anchors, certificates, and what clients are configured with; and random numbers.
//!
//! Reads authorities, certificates and keys from files, again when these change, and makes a configuration
//! from them. Not responsible for connections and handshakes: `probe` and `requestor` make those.

mod random;

mod file;

mod server_name;

mod certificate;

mod authority;

mod client;

pub use certificate::not_after;
pub use client::{AlpnProtocol, AuthorityFile, ClientCertificate, Handshake, TlsVersions, Verify};
pub use file::{FileError, FileFault, FromFiles, read as read_file};
pub use random::{Random, random_bytes, system_bytes};
pub use server_name::ServerName;
