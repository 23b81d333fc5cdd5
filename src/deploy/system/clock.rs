//! The clock: whether it can be right, and whether it is kept so. Certificates are judged by it.
//!
//! How far off it is cannot be known here: that would mean asking other hosts.

use std::time::{Duration, SystemTime};

use super::finding::{Finding, Grade, listed};
use super::host::Host;
use super::wanted::Wanted;

const SUBJECT: &str = "clock";

/// When this program did not exist yet: the beginning of 2026.
const PLAUSIBLE_FROM: Duration = Duration::from_secs(1_767_225_600);

/// Who keeps clocks right.
const KEEPERS: &[&str] = &["chronyd", "ntpd", "systemd-timesyn", "ptp4l", "phc2sys"];

pub(super) fn look(host: &Host, _: &Wanted) -> Vec<Finding> {
    if host.now < SystemTime::UNIX_EPOCH + PLAUSIBLE_FROM {
        let message = "the clock shows a time before this program existed";
        return vec![
            Finding::new(SUBJECT, Grade::Error, message)
                .note("no certificate looks valid yet: probes that verify fail, and so does kubelet")
                .help("`chronyc makestep`, or `timedatectl set-time`; then `hwclock --systohc`"),
        ];
    }
    let mut keepers: Vec<String> = host.processes().filter_map(|pid| host.process_name(pid)).collect();
    keepers.retain(|name| KEEPERS.contains(&name.as_str()));
    keepers.sort_unstable();
    keepers.dedup();
    if keepers.is_empty() {
        let message = "nothing keeps the clock right: no chronyd, ntpd, systemd-timesyncd or ptp4l runs";
        return vec![
            Finding::new(SUBJECT, Grade::Warning, message)
                .note("probes with `verify` fail when the clock of a node drifts out of a certificate's time")
                .help("`systemctl enable --now chronyd`, with a source that answers without DNS: an address"),
        ];
    }
    vec![Finding::new(
        SUBJECT,
        Grade::Fine,
        format!("the clock is plausible, and kept by {}", listed(keepers)),
    )]
}
