//! What wants more than a process: systemd, a browser, network namespaces, root.
//!
//! Besides, `package` is a folder of scripts, which `tests/run` calls.

#[path = "../harness/mod.rs"]
mod harness;

mod page;
mod system;
mod unit;
