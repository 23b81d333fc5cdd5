//! Deploying: files for a cluster, made offline, and the host they go to.
//!
//! Responsible for the first config and zones of a cluster, for a config with its zones as a
//! MachineConfig, and for what would go wrong on a host.
//! Not responsible for writing them (`delivery`), for reading them again, or for a running server.

pub mod init;
pub mod machineconfig;
pub mod system;
