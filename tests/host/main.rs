//! Tests that need more than a process: systemd, a browser, network namespaces, root.
//!
//! The folder `package` holds scripts, which `tests/check` runs.

mod page;
mod system;
mod unit;
