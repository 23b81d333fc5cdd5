//! The version of this binary, the commit it was built from, its cryptographic module and its features, as `edgedns --version` shows
//! them.
//!
//! `systemd/build-binary` finds the commit, and passes it by environment.

use std::sync::LazyLock;

use crate::crypto;
use crate::probe;

/// As in `Cargo.toml`.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit this binary was built from, from the environment variable `EDGEDNS_COMMIT` of the build; none
/// for a build by hand. Not read from git: `cargo build` would build anew after every commit, and not at all
/// from an archive without git.
pub const COMMIT: Option<&str> = option_env!("EDGEDNS_COMMIT");

/// How the binary finds the C library: a release needs none of the host's.
const LINKED: &str = if cfg!(target_feature = "crt-static") { "static" } else { "dynamic" };

/// What `edgedns --version` says behind the name.
pub fn version() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let commit = COMMIT.unwrap_or("unknown: not built by systemd/build-binary");
        let probes: Vec<&str> = probe::KINDS.iter().map(|kind| kind.entry.name).collect();
        let built = if cfg!(debug_assertions) { "with debug assertions" } else { "for release" };
        let probes = probes.join(", ");
        let cryptography = crypto::module().name;
        format!(
            "{VERSION}\ncommit: {commit}\nbuilt: {built}, {LINKED}\ncryptography: {cryptography}\nprobes: {probes}"
        )
    });
    &TEXT
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_comes_first_and_the_module_and_every_kind_of_probe_are_told() {
        let mut lines = version().lines();
        assert_eq!(lines.next(), Some(env!("CARGO_PKG_VERSION")));
        let told = lines.next_back().unwrap();
        assert_eq!(lines.next_back(), Some(&*format!("cryptography: {}", crypto::module().name)));
        assert!(probe::KINDS.iter().all(|kind| told.contains(kind.entry.name)), "{told}");
    }
}
