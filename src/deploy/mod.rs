//! Deploying: files for a cluster, made offline, and the host they go to.
//!
//! Responsible for the first config and zones of a cluster, for a config with its zones as a
//! MachineConfig, and for what would go wrong on a host.
//! Not responsible for reading them again, or for a running server.

mod files;
pub mod init;
pub mod machineconfig;
pub mod system;

pub use files::{Existing, File, WriteError, write_files};
