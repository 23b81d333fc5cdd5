//! Deploying: files for a cluster, made offline, and the host they go to.
//!
//! The first config and zones of a cluster, a config with its zones as a MachineConfig, and what would go
//! wrong on a host. Files are written in `delivery`.

pub mod init;
pub mod machineconfig;
pub mod system;
