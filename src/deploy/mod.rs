//! Deploying: files for a cluster, made offline, and the host they go to.
//!
//! The first config and zones of a cluster, a config with its zones as a MachineConfig, what watches the servers from inside
//! the cluster, and what would go wrong on a host. Files are written in `delivery`.

mod yaml;

pub mod init;
pub mod machineconfig;
pub mod monitoring;
pub mod system;
