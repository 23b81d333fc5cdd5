//! Whether the unit lets the service write its state and its control socket.

use std::path::Path;

use super::finding::{Finding, Grade};
use super::host::Host;
use super::wanted::Wanted;

const SUBJECT: &str = "state";

/// What `StateDirectory=` and `RuntimeDirectory=` of the unit make.
const STATE: &str = "/var/lib/edgedns";
const RUNTIME: &str = "/run/edgedns";

pub(super) fn look(host: &Host, wanted: &Wanted) -> Vec<Finding> {
    let mut found = Vec::new();
    let state = wanted.state_directory.as_deref().unwrap_or(Path::new(STATE));
    if !state.starts_with(STATE) && !state.starts_with(RUNTIME) {
        let message = format!("the unit does not let the service write to {}", state.display());
        found.push(
            Finding::new(SUBJECT, Grade::Error, message)
                .note("ProtectSystem=strict: what was forced and the last good zones would not outlive a restart")
                .help(format!("leave `state-directory` out: systemd makes {STATE} for the service")),
        );
    }
    if let Some(socket) = wanted.socket.as_deref().filter(|socket| !socket.starts_with(RUNTIME)) {
        let message = format!("the unit does not let the service make {}", socket.display());
        found.push(
            Finding::new(SUBJECT, Grade::Error, message)
                .note("`edgedns status`, `reload` and `force` would not reach it, nor `systemctl reload`")
                .help(format!("leave `socket` out, or write `socket = \"{RUNTIME}/control.sock\"`")),
        );
    }
    if let Some(mount) = mount_of(host, state).filter(|mount| mount.is_read_only) {
        let message = format!("{} is mounted read-only", mount.at);
        found.push(
            Finding::new(SUBJECT, Grade::Error, message)
                .note(format!("nothing can be kept in {}", state.display()))
                .help("a file system goes read-only when its disk fails: `journalctl -k -p err`"),
        );
    }
    if found.is_empty() {
        found.push(Finding::new(SUBJECT, Grade::Fine, format!("state is kept in {}", state.display())));
    }
    found
}

/// A file system.
struct Mount {
    at: String,
    is_read_only: bool,
}

/// The file system that a path is on: the innermost, and of several at the same place the last.
fn mount_of(host: &Host, path: &Path) -> Option<Mount> {
    let text = host.text("/proc/self/mounts")?;
    let mounts = text.lines().filter_map(|line| {
        let mut fields = line.split(' ');
        let at = fields.nth(1)?;
        let is_read_only = fields.nth(1)?.split(',').any(|option| option == "ro");
        path.starts_with(at).then(|| Mount { at: at.to_owned(), is_read_only })
    });
    mounts.max_by_key(|mount| Path::new(&mount.at).components().count())
}
