//! Tests that need more than a process: systemd, a browser, network namespaces, root.
//!
//! The folder `package` holds scripts, which `tests/check` runs; `fips` one that is run by hand.

mod page;
mod system;
mod unit;
