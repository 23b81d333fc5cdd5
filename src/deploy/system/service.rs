//! The service, by its unit files: installed, started at boot, allowed to listen, and no other unit ends with
//! it.

use super::finding::{Finding, Grade, listed};
use super::host::Host;
use super::wanted::Wanted;

const SUBJECT: &str = "service";

pub(super) const UNIT: &str = "edgedns.service";

/// Where units are, the strongest first.
const FOLDERS: [&str; 4] =
    ["/etc/systemd/system", "/run/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"];

/// Units that must not fall with the name server.
const NEIGHBOURS: [&str; 2] = ["kubelet.service", "crio.service"];

/// What makes a unit fall, or not start, with another (systemd.unit(5)).
const TIES: [&str; 3] = ["Requires=", "Requisite=", "BindsTo="];

/// Name servers that a unit is found tied to.
const NAME_SERVERS: [&str; 3] = ["edgedns.service", "pdns.service", "pdns-recursor.service"];

/// Below it a port can be had with a capability only.
const UNPRIVILEGED: &str = "/proc/sys/net/ipv4/ip_unprivileged_port_start";
/// The kernel's default.
const UNPRIVILEGED_DEFAULT: u64 = 1024;

const CAPABILITY: &str = "CAP_NET_BIND_SERVICE";

pub(super) fn look(host: &Host, wanted: &Wanted) -> Vec<Finding> {
    let mut found = vec![installed(host)];
    found.extend(capability(host, wanted));
    found.extend(NEIGHBOURS.into_iter().flat_map(|neighbour| ties(host, neighbour)));
    found
}

fn installed(host: &Host) -> Finding {
    let Some(place) = FOLDERS.iter().map(|folder| format!("{folder}/{UNIT}")).find(|place| host.has(place))
    else {
        let message = format!("{UNIT} is not installed on this host");
        return Finding::new(SUBJECT, Grade::Warning, message).help(
            "`rpm-ostree install ./edgedns-*.rpm` and a reboot, or `--apply-live`; elsewhere `rpm -i`",
        );
    };
    if host.link(&place).is_some_and(|to| to.as_os_str() == "/dev/null") {
        return Finding::new(SUBJECT, Grade::Error, format!("{UNIT} is masked: it does not start"))
            .help(format!("`systemctl unmask {UNIT}`, or take `mask: true` out of the MachineConfig"));
    }
    let wants = |folder: &&str| host.has(format!("{folder}/multi-user.target.wants/{UNIT}"));
    if FOLDERS.iter().any(wants) {
        return Finding::new(SUBJECT, Grade::Fine, format!("{UNIT} is installed, and starts at boot"));
    }
    Finding::new(SUBJECT, Grade::Warning, format!("{UNIT} is installed, but does not start at boot"))
        .help(format!("`systemctl enable {UNIT}`"))
}

/// Whether the service may have the ports it is to listen at.
fn capability(host: &Host, wanted: &Wanted) -> Option<Finding> {
    let lowest_free = host.number(UNPRIVILEGED).unwrap_or(UNPRIVILEGED_DEFAULT);
    let low =
        wanted.places().map(|place| place.port()).filter(|port| u64::from(*port) < lowest_free).min()?;
    let text = FOLDERS.iter().find_map(|folder| host.text(format!("{folder}/{UNIT}")));
    // A masked one says nothing, and has been reported already.
    let unit = text.filter(|text| !text.is_empty())?;
    let given = list(host, &unit, "AmbientCapabilities=");
    (!given.contains(CAPABILITY)).then(|| {
        let message =
            format!("{UNIT} may not listen at port {low}: ports below {lowest_free} need {CAPABILITY}");
        Finding::new(SUBJECT, Grade::Error, message)
            .help(format!("`systemctl edit {UNIT}`: `AmbientCapabilities={CAPABILITY}` below `[Service]`"))
    })
}

/// What a setting of the unit lists, its drop-ins included: one can take it away with an empty one, or add to it.
fn list(host: &Host, unit: &str, setting: &str) -> String {
    let drop_ins = drop_ins(host, UNIT);
    let lines = unit.lines().chain(drop_ins.iter().flat_map(|(_, text)| text.lines()));
    let values = lines.filter_map(|line| line.trim().strip_prefix(setting));
    values.fold(String::new(), |all, value| match value {
        "" => String::new(),
        value => format!("{all} {value}"),
    })
}

/// Whether the service is in a group besides its own.
pub(super) fn has_groups(host: &Host) -> bool {
    let unit = FOLDERS.iter().find_map(|folder| host.text(format!("{folder}/{UNIT}")));
    !list(host, &unit.unwrap_or_default(), "SupplementaryGroups=").is_empty()
}

/// What ties a neighbour to a name server.
fn ties(host: &Host, neighbour: &str) -> Vec<Finding> {
    let tied = |line: &str| {
        let units = TIES.iter().find_map(|tie| line.trim().strip_prefix(tie))?;
        let servers: Vec<&str> =
            units.split_whitespace().filter(|unit| NAME_SERVERS.contains(unit)).collect();
        (!servers.is_empty()).then(|| listed(servers))
    };
    let finding = |(place, text): &(String, String)| {
        let server = text.lines().find_map(tied)?;
        let message = format!("{neighbour} falls with {server}, and does not start without it ({place})");
        Some(
            Finding::new(SUBJECT, Grade::Error, message)
                .note("a crash of the name server restarts it; where that unit is gone, the node stays down")
                .help(format!(
                    "take the drop-in out of its MachineConfig, or off the host: {UNIT} orders itself before \
                     {neighbour} without it"
                )),
        )
    };
    drop_ins(host, neighbour).iter().filter_map(finding).collect()
}

/// The drop-ins of a unit, with their places, in the order in which systemd applies them.
fn drop_ins(host: &Host, unit: &str) -> Vec<(String, String)> {
    let mut all: Vec<(String, String, String)> = Vec::new();
    for folder in FOLDERS {
        let folder = format!("{folder}/{unit}.d");
        for name in host.names(&folder).unwrap_or_default() {
            let is_hidden = all.iter().any(|(other, ..)| *other == name);
            let place = format!("{folder}/{name}");
            if let Some(text) = host.text(&place).filter(|_| name.ends_with(".conf") && !is_hidden) {
                all.push((name, place, text));
            }
        }
    }
    all.sort_unstable();
    all.into_iter().map(|(_, place, text)| (place, text)).collect()
}
