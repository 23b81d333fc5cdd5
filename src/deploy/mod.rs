//! Deploying: files for a cluster, made offline.
//!
//! Responsible for the first config and zones of a cluster, and for a config with its zones as a
//! MachineConfig.
//! Not responsible for reading them again, or for a running server.

mod files;
pub mod init;
pub mod machineconfig;

pub use files::{Existing, File, WriteError, write_files};
