//! SELinux: its mode, and the domain the service runs in.

use super::finding::{Finding, Grade};
use super::host::Host;
use super::wanted::Wanted;

const SUBJECT: &str = "selinux";

/// 1 while the policy is enforced; not there without SELinux.
const ENFORCE: &str = "/sys/fs/selinux/enforce";

/// Where `semodule` keeps modules, in a folder per priority.
const MODULES: &str = "/etc/selinux/targeted/active/modules";

pub(super) fn look(host: &Host, _: &Wanted) -> Vec<Finding> {
    let message = match host.number(ENFORCE) {
        None => "SELinux is off".to_owned(),
        Some(mode) => {
            let mode = if mode == 1 { "enforcing" } else { "permissive" };
            let domain = if has_module(host) {
                "edgedns runs confined, as edgedns_t"
            } else {
                "edgedns runs as unconfined_service_t, and needs no module"
            };
            format!("SELinux is {mode}: {domain}")
        }
    };
    vec![Finding::new(SUBJECT, Grade::Fine, message)]
}

fn has_module(host: &Host) -> bool {
    let priorities = host.names(MODULES).unwrap_or_default();
    priorities.iter().any(|priority| host.has(format!("{MODULES}/{priority}/edgedns")))
}
