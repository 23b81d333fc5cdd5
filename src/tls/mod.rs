//! TLS: trust anchors, certificates, and what clients and servers are configured with; and random numbers.
//!
//! Reads authorities, certificates and keys from files, again when these change, and makes a configuration
//! from them; shakes hands as a client. Not responsible for connections: the rooms that need one make it.

mod random;

mod file;

mod server_name;

mod pem;

mod certificate;

mod authority;

mod client_verifier;

mod client_proof;

mod pair;

mod client;

mod server;

pub use certificate::{days_until, not_after};
pub use client::{
    AlpnProtocol, AuthorityFile, ClientCertificate, Credentials, Handshake, TlsVersions, Verify,
};
pub use client_proof::{ClientProof, ShownCertificate};
pub use client_verifier::ClientAuthorities;
pub use file::{FileError, FileFault, FromFiles, Stamp, StrictFile, read as read_file};
pub use pair::{Pair, PairFiles};
pub use pem::PemText;
pub use random::{Random, random_bytes, secret_bytes};
pub use server::{CertificateChange, CertificateStanding, CertificateStatus, ServerTls};
pub use server_name::ServerName;
