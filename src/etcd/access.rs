//! How a store is reached, and who asks.

use std::path::PathBuf;

use crate::http_client::Endpoint;
use crate::tls::{ClientCertificate, Handshake, ServerName, Verify};

/// Where etcd listens for clients if nothing is said.
pub const PORT: u16 = 2379;

/// How a store is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Its members, at least one, in the order in which they are tried.
    pub endpoints: Vec<Endpoint>,
    /// The name that their certificates must be for; none: the address of each.
    pub server_name: Option<ServerName>,
    /// Who must have issued their certificates.
    pub verify: Verify,
    /// What we prove ourselves with, if they ask for it.
    pub certificate: Option<ClientCertificate>,
    /// As whom we ask; none: as nobody.
    pub login: Option<Login>,
}

impl Access {
    /// What is said and demanded in a handshake with a member.
    pub(super) fn handshake(&self) -> Handshake {
        Handshake::without_alpn(self.server_name.clone(), self.verify.clone(), self.certificate.clone())
    }
}

/// A user with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The file that has the password, read whenever it is needed; an end of line behind it does not count.
    pub password_file: PathBuf,
}
