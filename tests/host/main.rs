//! What wants more than a process: systemd, a browser, network namespaces, root.
//!
//! Besides, `package` is a folder of scripts, which `tests/run` calls.

mod page;
mod system;
mod unit;
