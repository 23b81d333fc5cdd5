//! Deploying: files for a cluster, made offline.
//!
//! Responsible for the first config and zones of a cluster.
//! Not responsible for reading them again, or for a running server.

mod files;
pub mod init;

pub use files::{Existing, File, WriteError, write_files};
