//! What the rules of pdns-recursor work on.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::super::server_setting::ServerSettings;
use super::super::work::Work;

/// What its files say.
pub(in crate::import) struct Recursor {
    pub(in crate::import) path: PathBuf,
    pub(super) settings: ServerSettings,
}

/// What the rules work on.
pub(super) struct Reading<'r> {
    pub(super) work: &'r mut Work,
    pub(super) recursor: &'r Recursor,
    pub(super) own: &'r [SocketAddr],
    pub(super) public: Option<SocketAddr>,
}
