//! What this host is called.

use std::fs;

/// Where the kernel has it.
const HOST_NAME: &str = "/proc/sys/kernel/hostname";

/// The name of this host; empty where it has none.
pub fn host_name() -> String {
    fs::read_to_string(HOST_NAME).unwrap_or_default().trim().to_owned()
}
