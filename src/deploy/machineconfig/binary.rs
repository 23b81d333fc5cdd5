//! edgedns on nodes without its package: the binary fetched once and kept, or carried along; and the unit, which the package
//! would have brought.

use std::fmt;
use std::str::FromStr;

use super::ignition::{Enablement, Unit};
use super::node_file::{Mode, NodeFile, NodePath};
use super::url::Url;
use crate::source::{Diagnostic, Severity};

/// Where the binary is: below /var on a node of OSTree, where it outlives upgrades.
pub(super) const PLACE: &str = "/usr/local/bin/edgedns";

/// Where the unit of the package has it.
pub(super) const PLACE_OF_PACKAGE: &str = "/usr/bin/edgedns";

/// The unit of the service, as the package has it.
const SERVICE: &str = include_str!("../../../systemd/edgedns.service");
pub(super) const SERVICE_NAME: &str = "edgedns.service";

/// Behind this line of the unit comes what keeps it from being started without a binary.
const CONDITION: &str = "ConditionPathExists=/etc/edgedns.toml\n";

/// The script that fetches.
const SCRIPT: &str = include_str!("../../../systemd/fetch");
const SCRIPT_PATH: &str = "/etc/edgedns/fetch";

pub(super) const FETCH_NAME: &str = "edgedns-fetch.service";

/// The unit that runs the script. Nothing waits for it: what was fetched before is started without it.
const FETCH: &str = "\
[Unit]
Description=Fetch edgedns, and keep it
Wants=network-online.target
After=network-online.target
StartLimitIntervalSec=0

[Service]
# Not oneshot, which an old systemd does not start again.
Type=simple
ExecStart=/usr/bin/sh /etc/edgedns/fetch \"{url}\" {sha256}
Restart=on-failure
RestartSec=30s

[Install]
WantedBy=multi-user.target
";

/// What an executable of Linux begins with.
const ELF: &[u8] = b"\x7fELF";

/// The digest of a file (FIPS 180-4), as sha256sum prints it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sha256(String);

/// This is no such digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sha256Error(String);

impl fmt::Display for Sha256Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not what `sha256sum` prints: 64 hexadecimal digits", self.0)
    }
}

impl std::error::Error for Sha256Error {}

impl FromStr for Sha256 {
    type Err = Sha256Error;

    fn from_str(text: &str) -> Result<Self, Sha256Error> {
        let holds = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if holds { Ok(Sha256(text.to_ascii_lowercase())) } else { Err(Sha256Error(text.to_owned())) }
    }
}

/// Whether bytes are a program at all.
pub(super) fn is_program(bytes: &[u8]) -> bool {
    bytes.starts_with(ELF)
}

/// The unit of the service, for a binary that the package has not brought.
pub(super) fn service() -> Unit {
    let condition = format!("{CONDITION}ConditionFileIsExecutable={PLACE}\n");
    let text = SERVICE.replacen(CONDITION, &condition, 1).replace(PLACE_OF_PACKAGE, PLACE);
    Unit { name: SERVICE_NAME, does: Enablement::Enabled { text } }
}

/// What fetches the binary at `url`.
pub(super) fn fetching(url: &Url, Sha256(sha256): &Sha256) -> (NodeFile, Unit) {
    let text = FETCH.replace("{url}", &url.in_unit()).replace("{sha256}", sha256);
    let script = NodeFile {
        path: NodePath::known(SCRIPT_PATH),
        mode: Mode::Script,
        bytes: SCRIPT.as_bytes().to_vec(),
    };
    (script, Unit { name: FETCH_NAME, does: Enablement::Enabled { text } })
}

/// The binary itself.
pub(super) fn carried(bytes: &[u8]) -> NodeFile {
    NodeFile { path: NodePath::known(PLACE), mode: Mode::Script, bytes: bytes.to_vec() }
}

/// What is to be known of a binary that is fetched.
pub(super) fn remarks(url: &Url) -> Vec<Diagnostic> {
    let message =
        format!("nodes need {} once, for each version; after that they start without it", url.as_str());
    let once = Diagnostic::placeless(Severity::Note, message)
        .remark("on a node: `sudo /usr/local/bin/edgedns status`, and `journalctl -u edgedns-fetch` while it is not there");
    url.remark_on_name().into_iter().chain([once]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_unit_is_that_of_the_package_with_another_place_of_the_binary() {
        let Enablement::Enabled { text } = service().does else { panic!("it is to start") };
        assert!(!text.contains(PLACE_OF_PACKAGE), "{text}");
        assert_eq!(text.matches(PLACE).count(), 3, "start, reload and condition: {text}");
        assert_eq!(text.lines().count(), SERVICE.lines().count() + 1);
    }

    #[test]
    fn what_is_fetched_is_named_so_that_systemd_leaves_it_alone() {
        let url: Url = "https://192.0.2.1:8443/a%20b/$x".parse().unwrap();
        let digest: Sha256 = "AB".repeat(32).parse().unwrap();
        let (script, unit) = fetching(&url, &digest);
        let Enablement::Enabled { text } = unit.does else { panic!("it is to start") };
        let line = format!(
            "ExecStart=/usr/bin/sh {} \"https://192.0.2.1:8443/a%%20b/$$x\" {}\n",
            script.path,
            "ab".repeat(32)
        );
        assert!(text.contains(&line), "{text}");
    }

    #[test]
    fn a_digest_has_64_digits() {
        for bad in ["", "ab", &"g".repeat(64), &"a".repeat(65)] {
            assert!(bad.parse::<Sha256>().is_err(), "{bad}");
        }
    }
}
