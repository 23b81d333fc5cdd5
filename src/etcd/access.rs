//! How a store is reached, and who asks.

use std::path::PathBuf;

use super::endpoint::Endpoint;
use crate::tls::{ClientCertificate, ServerName, Verify};

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

/// A user with a password.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user.
    pub user: String,
    /// The file that has the password, read whenever it is needed; an end of line behind it does not count.
    pub password_file: PathBuf,
}
