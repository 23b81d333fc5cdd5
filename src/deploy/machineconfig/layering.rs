//! The unit that layers the RPM onto a node, once, while a cluster is installed.
//!
//! It can neither hold up a boot for ever nor make a node reboot again and again.

use super::ignition::{Enablement, Unit};
use super::url::Url;
use crate::source::Diagnostic;

const NAME: &str = "edgedns-layering.service";

/// The unit. Its first start is skipped: then the node still runs the system it was installed from, and
/// machine-config-daemon-firstboot is about to replace that and to reboot.
const TEXT: &str = "\
[Unit]
Description=Layer edgedns, once
ConditionPathExists=!/usr/bin/edgedns
# There until the first boot is over, which ends in another system.
ConditionPathExists=!/etc/ignition-machine-config-encapsulated.json
Wants=network-online.target
After=network-online.target
Before=kubelet.service crio.service

[Service]
Type=oneshot
# A boot goes on without it then, and the next one tries again.
TimeoutStartSec=15min
RuntimeDirectory=edgedns-layering
ExecStart=/usr/bin/curl --fail --location --silent --show-error --retry 60 --retry-delay 5 --retry-connrefused \
--retry-max-time 300 --output /run/edgedns-layering/edgedns.rpm \"{url}\"
# Live, and not by a reboot: a wrong package must not make a node reboot at every start.
ExecStart=/usr/bin/rpm-ostree install --idempotent --apply-live /run/edgedns-layering/edgedns.rpm
ExecStart=/usr/bin/systemctl daemon-reload
ExecStart=/usr/bin/systemctl --no-block start edgedns.service

[Install]
WantedBy=multi-user.target
";

/// The unit that layers what is at `url`.
pub(super) fn unit(url: &Url) -> Unit {
    Unit { name: NAME, does: Enablement::Enabled { text: TEXT.replace("{url}", &url.in_unit()) } }
}

/// What is odd about the place.
pub(super) fn remarks(url: &Url) -> Vec<Diagnostic> {
    url.remark_on_name().into_iter().chain(url.remark_on_plain()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_written_so_that_systemd_leaves_it_alone() {
        let url: Url = "https://192.0.2.1:8443/a%20b/$x.rpm".parse().unwrap();
        let Enablement::Enabled { text } = unit(&url).does else { panic!("it is to start") };
        assert!(text.contains("edgedns.rpm \"https://192.0.2.1:8443/a%%20b/$$x.rpm\"\n"), "{text}");
        assert_eq!(remarks(&url), []);
    }

    #[test]
    fn a_name_that_edgedns_would_have_to_answer_is_told() {
        let count = |url: &str| remarks(&url.parse().unwrap()).len();
        assert_eq!(count("https://mirror.example/x.rpm"), 1);
        assert_eq!(count("http://mirror.example/x.rpm"), 2);
        assert_eq!(count("http://[2001:db8::1]:8080/x.rpm"), 1);
    }
}
