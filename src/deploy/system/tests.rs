//! What is found on hosts that are made for it: a folder with the files that are read.

use std::fs;
use std::net::IpAddr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use super::{Finding, Grade, Host, Wanted, examine, fips};
use crate::crypto::{self, Module, Rules};
use crate::transport::SocketProtocol;

/// An installed node, three months into its life, on which all is well.
struct Node {
    root: TempDir,
    wanted: Wanted,
    now: SystemTime,
}

impl Node {
    fn new() -> Self {
        let node = Self {
            root: tempfile::tempdir().unwrap(),
            wanted: Wanted {
                listen: vec!["127.0.0.1:53".parse().unwrap(), "192.0.2.13:53".parse().unwrap()],
                files: vec!["/etc/edgedns.toml".into(), "/etc/edgedns/zones/a.zone".into()],
                ..Wanted::default()
            },
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_775_000_000),
        };
        node.write("/etc/edgedns.toml", "").write("/etc/edgedns/zones/a.zone", "");
        node.write("/etc/resolv.conf", "nameserver 192.0.2.13\nnameserver 192.0.2.1\n");
        let unit = include_str!("../../../systemd/edgedns.service");
        node.write("/usr/lib/systemd/system/edgedns.service", unit);
        node.write("/usr/lib/systemd/system/multi-user.target.wants/edgedns.service", unit);
        node.write("/proc/self/net/udp", "").write("/proc/self/net/tcp", "");
        node.write("/proc/self/mounts", "/dev/sda4 / xfs rw 0 0\n/dev/sda4 /var xfs rw,nosuid 0 0\n");
        node.write("/proc/720/comm", "chronyd\n");
        node.write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "1024\n");
        node.write("/proc/sys/net/ipv4/ip_local_port_range", "32768\t60999\n");
        node.write("/proc/sys/net/core/rmem_max", "4194304\n")
            .write("/proc/sys/net/core/wmem_max", "4194304\n");
        node
    }

    fn write(&self, path: &str, text: &str) -> &Self {
        let place = self.place(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
        self
    }

    fn place(&self, path: &str) -> std::path::PathBuf {
        self.root.path().join(path.trim_start_matches('/'))
    }

    /// A process that has the socket `inode`.
    fn process(&self, pid: u32, name: &str, unit: &str, inode: u64) {
        self.write(&format!("/proc/{pid}/comm"), &format!("{name}\n"));
        self.write(&format!("/proc/{pid}/cgroup"), &format!("0::/system.slice/{unit}\n"));
        let folder = self.place(&format!("/proc/{pid}/fd"));
        fs::create_dir_all(&folder).unwrap();
        symlink(format!("socket:[{inode}]"), folder.join("4")).unwrap();
    }

    fn socket(&self, table: &str, ip: [u8; 4], port: u16, state: &str, inode: u64) {
        let ip = u32::from_ne_bytes(ip);
        let line = format!("0: {ip:08X}:{port:04X} 00000000:0000 {state} 0:0 00:0 0 0 0 {inode} 2 0 0\n");
        self.write(&format!("/proc/self/net/{table}"), &line);
    }

    fn found(&self) -> Vec<Finding> {
        let own = ["127.0.0.1", "192.0.2.13"].map(|address| address.parse::<IpAddr>().unwrap());
        examine(&Host::new(self.root.path().to_owned(), self.now, own.to_vec()), &self.wanted)
    }

    /// The one finding that is not fine.
    fn trouble(&self) -> Finding {
        let mut found = self.found();
        found.retain(|finding| finding.grade != Grade::Fine);
        assert_eq!(found.len(), 1, "{found:#?}");
        found.remove(0)
    }
}

/// Subject, grade and message of a finding.
fn said(finding: &Finding) -> (&str, Grade, &str) {
    (finding.subject, finding.grade, &finding.message)
}

fn chmod(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_sound_node_has_nothing_but_fine_things_to_tell() {
    let found = Node::new().found();
    let bad: Vec<_> = found.iter().filter(|finding| finding.grade != Grade::Fine).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    assert!(found.len() >= 10, "every subject says something: {found:#?}");
    assert!(found.iter().all(|finding| finding.diagnostic().is_none()));
}

#[test]
fn who_has_the_port_is_told_by_name_with_what_to_do() {
    let node = Node::new();
    node.socket("udp", [0; 4], 53, "07", 900);
    node.socket("tcp", [0; 4], 53, "0A", 901);
    node.process(812, "dnsmasq", "dnsmasq.service", 900);
    symlink("socket:[901]", node.place("/proc/812/fd/5")).unwrap();
    let trouble = node.trouble();
    let message = "`dnsmasq` (pid 812, dnsmasq.service) has 0.0.0.0:53 over TCP and 0.0.0.0:53 over UDP";
    assert_eq!(said(&trouble), ("ports", Grade::Error, message));
    assert!(trouble.help[0].contains("mask --now dnsmasq.service"), "{trouble:?}");
}

#[test]
fn whoever_has_the_port_of_an_encrypted_transport_is_told_of_and_udp_beside_it_is_nobodys_matter() {
    let mut node = Node::new();
    node.wanted.encrypted = vec![("192.0.2.13:853".parse().unwrap(), SocketProtocol::Tcp)];
    node.socket("udp", [192, 0, 2, 13], 853, "07", 910);
    node.process(700, "doq", "doq.service", 910);
    assert!(node.found().iter().all(|finding| finding.grade == Grade::Fine));
    node.socket("tcp", [0, 0, 0, 0], 853, "0A", 911);
    node.process(701, "stunnel", "stunnel.service", 911);
    let trouble = node.trouble();
    assert_eq!((trouble.subject, trouble.grade), ("ports", Grade::Error));
    assert!(trouble.message.contains("stunnel.service) has 0.0.0.0:853 over TCP"), "{trouble:?}");
}

#[test]
fn systemd_resolved_is_in_the_way_of_who_wants_every_address_only() {
    let mut node = Node::new();
    node.socket("tcp", [127, 0, 0, 53], 53, "0A", 900);
    node.process(600, "systemd-resolve", "systemd-resolved.service", 900);
    assert!(node.found().iter().all(|finding| finding.grade == Grade::Fine));
    node.wanted.listen = vec!["0.0.0.0:53".parse().unwrap()];
    let trouble = node.trouble();
    assert_eq!((trouble.subject, trouble.grade), ("ports", Grade::Error));
    assert!(trouble.help[0].contains("name the addresses"), "{trouble:?}");
    assert!(trouble.help[1].contains("DNSStubListener=no"), "{trouble:?}");
}

#[test]
fn the_running_service_may_have_its_port_and_one_started_by_hand_may_not() {
    let node = Node::new();
    node.socket("udp", [192, 0, 2, 13], 53, "07", 900);
    node.process(990, "edgedns", "edgedns.service", 900);
    assert!(node.found().iter().all(|finding| finding.grade == Grade::Fine), "{:#?}", node.found());
    node.write("/proc/990/cgroup", "0::/user.slice/user-0.slice/user@0.service/app.slice/run-9.scope\n");
    let trouble = node.trouble();
    assert_eq!((trouble.subject, trouble.grade), ("ports", Grade::Warning));
    assert!(trouble.help[0].contains("kill 990"), "{trouble:?}");
}

#[test]
fn connections_and_other_ports_are_in_nobodys_way() {
    let node = Node::new();
    node.socket("udp", [192, 0, 2, 13], 53, "01", 900);
    node.socket("tcp", [0; 4], 5353, "0A", 901);
    assert!(node.found().iter().all(|finding| finding.grade == Grade::Fine), "{:#?}", node.found());
}

#[test]
fn a_holder_that_is_not_shown_is_told_all_the_same() {
    let node = Node::new();
    node.socket("udp", [0; 4], 53, "07", 900);
    let trouble = node.trouble();
    assert!(trouble.message.contains("not shown") && trouble.help[0].contains("as root"), "{trouble:?}");
}

#[test]
fn an_address_of_nobody_is_an_error_only_if_none_is_here() {
    let mut node = Node::new();
    node.wanted.listen.push("192.0.2.14:53".parse().unwrap());
    assert!(node.found().iter().any(|finding| finding.message.ends_with("yet to come: 192.0.2.14")));
    node.wanted.listen = vec!["192.0.2.31:53".parse().unwrap()];
    node.write("/etc/resolv.conf", "nameserver 192.0.2.31\n");
    let trouble = node.trouble();
    assert_eq!((trouble.subject, trouble.grade), ("addresses", Grade::Error));
    assert!(trouble.notes[1].contains("192.0.2.13"), "{trouble:?}");
}

#[test]
fn files_are_looked_at_with_a_strangers_eyes() {
    let mut node = Node::new();
    chmod(&node.place("/etc/edgedns/zones/a.zone"), 0o640);
    let trouble = node.trouble();
    let message = "the service's user may not read /etc/edgedns/zones/a.zone: its mode is 0640";
    assert_eq!(said(&trouble), ("files", Grade::Error, message));
    chmod(&node.place("/etc/edgedns/zones/a.zone"), 0o644);
    chmod(&node.place("/etc/edgedns"), 0o750);
    let trouble = node.trouble();
    let message = "the service's user may not pass /etc/edgedns: its mode is 0750";
    assert_eq!(said(&trouble), ("files", Grade::Error, message));
    chmod(&node.place("/etc/edgedns"), 0o755);
    node.write("/root/token", "");
    node.wanted.files.push("/root/token".into());
    let trouble = node.trouble();
    assert!(
        trouble.message.contains("/root/token") && trouble.message.contains("ProtectHome"),
        "{trouble:?}"
    );
}

#[test]
fn a_secret_is_handed_over_or_a_groups_and_never_made_readable_for_all() {
    let mut node = Node::new();
    let (key, drop_in) = ("/etc/edgedns/tls/server.key", "/etc/systemd/system/edgedns.service.d/tls.conf");
    node.write(key, "");
    node.wanted.secrets.push(key.into());
    chmod(&node.place(key), 0o600);
    let trouble = node.trouble();
    let message = "the service's user may not read /etc/edgedns/tls/server.key: its mode is 0600";
    assert_eq!(said(&trouble), ("files", Grade::Error, message));
    assert!(
        trouble
            .help
            .iter()
            .any(|help| help.contains("LoadCredential=server.key:/etc/edgedns/tls/server.key"))
    );
    assert!(!trouble.help.iter().any(|help| help.contains("chmod o+r")), "{trouble:?}");
    // A group that the service is not in is of no use.
    chmod(&node.place(key), 0o640);
    assert_eq!(node.trouble().grade, Grade::Error);
    node.write(drop_in, "[Service]\nSupplementaryGroups=dns-keys\n");
    assert!(node.found().iter().all(|finding| finding.grade == Grade::Fine));
    chmod(&node.place(key), 0o644);
    let message = "everybody on this host may read the secret /etc/edgedns/tls/server.key: its mode is 0644";
    assert_eq!(said(&node.trouble()), ("files", Grade::Warning, message));
    // What systemd hands over is there, and readable, when the service starts.
    node.wanted.secrets = vec!["/run/credentials/edgedns.service/server.key".into()];
    node.write("/run/credentials/edgedns.service/server.key", "");
    chmod(&node.place("/run/credentials/edgedns.service"), 0o500);
    assert!(node.found().iter().all(|finding| finding.grade == Grade::Fine));
}

#[test]
fn a_config_that_a_group_of_the_service_may_read_is_fine() {
    let mut node = Node::new();
    let config = "/etc/edgedns/secret.toml";
    node.write(config, "");
    node.wanted.files.push(config.into());
    chmod(&node.place(config), 0o640);
    assert!(node.trouble().help.iter().any(|help| help.contains("SupplementaryGroups=GROUP")));
    node.write("/etc/systemd/system/edgedns.service.d/group.conf", "[Service]\nSupplementaryGroups=dns\n");
    assert!(node.found().iter().all(|finding| finding.grade == Grade::Fine));
    chmod(&node.place(config), 0o600);
    assert_eq!(node.trouble().grade, Grade::Error);
}

#[test]
fn behind_a_link_the_folders_it_leads_to_count() {
    let node = Node::new();
    node.write("/etc/secret/a.zone", "");
    chmod(&node.place("/etc/secret"), 0o700);
    fs::remove_file(node.place("/etc/edgedns/zones/a.zone")).unwrap();
    symlink("../../secret/a.zone", node.place("/etc/edgedns/zones/a.zone")).unwrap();
    assert!(node.trouble().message.contains("may not pass /etc/secret"));
}

#[test]
fn resolv_conf_must_not_name_loopback_on_a_node() {
    let node = Node::new();
    node.write("/etc/resolv.conf", "nameserver 127.0.0.1\n");
    assert_eq!(said(&node.trouble()), ("resolv.conf", Grade::Warning, "/etc/resolv.conf names 127.0.0.1"));
    node.write("/etc/kubernetes/kubelet.conf", "");
    assert_eq!(node.trouble().grade, Grade::Error);
}

#[test]
fn whom_the_node_asks_is_told() {
    let node = Node::new();
    for (servers, message) in [
        ("nameserver 192.0.2.1\n", "this node does not ask edgedns"),
        ("nameserver 192.0.2.1\nnameserver 192.0.2.13\n", "this node asks 192.0.2.1 before edgedns"),
        ("nameserver 127.0.0.53\n", "this node asks systemd-resolved"),
        ("search example.com\n", "names no server"),
    ] {
        node.write("/etc/resolv.conf", servers);
        let trouble = node.trouble();
        assert!(trouble.message.contains(message) && !trouble.help.is_empty(), "{trouble:?}");
    }
}

#[test]
fn the_platforms_own_name_server_is_noticed() {
    let node = Node::new();
    node.write("/etc/kubernetes/manifests/coredns.yaml", "");
    assert_eq!((node.trouble().subject, node.trouble().grade), ("platform", Grade::Error));
}

#[test]
fn a_kubelet_that_falls_with_a_name_server_is_an_error() {
    let node = Node::new();
    let drop_in = "/etc/systemd/system/kubelet.service.d/wait-dns.conf";
    node.write(drop_in, "[Unit]\nRequires=pdns.service\nAfter=pdns.service\n");
    let trouble = node.trouble();
    assert_eq!((trouble.subject, trouble.grade), ("service", Grade::Error));
    assert!(trouble.message.contains(drop_in) && trouble.message.contains("falls with pdns.service"));
    node.write(drop_in, "[Unit]\nWants=pdns.service\n");
    assert!(node.found().iter().all(|finding| finding.grade == Grade::Fine));
}

#[test]
fn a_service_that_is_missing_masked_or_not_started_is_told() {
    let node = Node::new();
    fs::remove_file(node.place("/usr/lib/systemd/system/multi-user.target.wants/edgedns.service")).unwrap();
    assert!(node.trouble().message.contains("does not start at boot"));
    fs::create_dir_all(node.place("/etc/systemd/system")).unwrap();
    symlink("/dev/null", node.place("/etc/systemd/system/edgedns.service")).unwrap();
    assert_eq!((node.trouble().grade, node.trouble().message.contains("masked")), (Grade::Error, true));
    fs::remove_file(node.place("/etc/systemd/system/edgedns.service")).unwrap();
    fs::remove_file(node.place("/usr/lib/systemd/system/edgedns.service")).unwrap();
    assert!(node.trouble().message.contains("not installed"));
}

#[test]
fn a_drop_in_that_takes_the_capability_away_is_an_error() {
    let node = Node::new();
    node.write("/etc/systemd/system/edgedns.service.d/x.conf", "[Service]\nAmbientCapabilities=\n");
    assert!(node.trouble().message.contains("may not listen at port 53"));
    node.write("/proc/sys/net/ipv4/ip_unprivileged_port_start", "53\n");
    assert!(node.found().iter().all(|finding| finding.grade == Grade::Fine));
}

#[test]
fn a_clock_from_before_this_program_is_an_error() {
    let mut node = Node::new();
    node.now = SystemTime::UNIX_EPOCH + Duration::from_secs(86_400);
    assert_eq!((node.trouble().subject, node.trouble().grade), ("clock", Grade::Error));
    node.now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_775_000_000);
    node.write("/proc/720/comm", "bash\n");
    assert!(node.trouble().message.contains("nothing keeps the clock right"));
}

#[test]
fn what_the_unit_does_not_let_write_is_an_error() {
    let mut node = Node::new();
    node.wanted.state_directory = Some("/srv/edgedns".into());
    assert!(node.trouble().message.contains("/srv/edgedns"));
    node.wanted.state_directory = None;
    node.wanted.socket = Some("/run/control.sock".into());
    assert!(node.trouble().message.contains("/run/control.sock"));
    node.wanted.socket = Some("/run/edgedns/control.sock".into());
    node.write("/proc/self/mounts", "/dev/sda4 / xfs rw 0 0\n/dev/sda4 /var xfs ro,nosuid 0 0\n");
    assert_eq!(said(&node.trouble()), ("state", Grade::Error, "/var is mounted read-only"));
}

#[test]
fn limits_of_the_kernel_are_told_with_the_line_to_write() {
    let mut node = Node::new();
    node.write("/proc/sys/net/core/rmem_max", "212992\n");
    assert!(node.trouble().help[0].contains("`net.core.rmem_max = 4194304`"), "{:?}", node.trouble());
    node.write("/proc/sys/net/core/rmem_max", "4194304\n");
    node.wanted.admin = "127.0.0.1:40000".parse().ok();
    assert!(node.trouble().message.starts_with("the kernel gives port 40000 to outgoing"));
    node.write("/proc/sys/net/ipv4/ip_local_reserved_ports", "39000-40000\n");
    node.write("/proc/sys/net/netfilter/nf_conntrack_count", "90\n");
    node.write("/proc/sys/net/netfilter/nf_conntrack_max", "100\n");
    assert!(node.trouble().message.ends_with("90 of 100"));
}

#[test]
fn a_host_in_fips_mode_is_told_what_is_not_validated() {
    let node = Node::new();
    let told = |node: &Node| {
        let found = node.found();
        found
            .into_iter()
            .find(|finding| finding.subject == "fips")
            .map(|finding| (finding.grade, finding.message))
    };
    assert_eq!(told(&node), None);
    node.write("/proc/sys/crypto/fips_enabled", "0\n");
    assert_eq!(told(&node).map(|(grade, _)| grade), Some(Grade::Fine));
    node.write("/proc/sys/crypto/fips_enabled", "1\n");
    let (_, message) = told(&node).unwrap();
    assert_eq!(message, fips::in_fips_mode(crypto::module())[0].message);
    let found = fips::in_fips_mode(Module { name: "ring", rules: Rules::Own }).remove(0);
    assert!(found.grade == Grade::Warning && found.message.contains("not a validated module"), "{found:?}");
}

#[test]
fn a_module_for_fips_mode_is_named_with_what_stays_outside_it() {
    let found = fips::in_fips_mode(Module { name: "AWS-LC FIPS 4.2.0", rules: Rules::Fips140 });
    assert!(found.iter().all(|finding| finding.grade == Grade::Fine), "{found:?}");
    assert!(found[0].message.contains("AWS-LC FIPS 4.2.0; look up at NIST"), "{found:?}");
    assert!(found[1].message.contains("DNS cookies"), "{found:?}");
}

#[test]
fn selinux_is_told_with_the_domain() {
    let node = Node::new();
    let told = |node: &Node| {
        let found = node.found();
        found.iter().find(|finding| finding.subject == "selinux").unwrap().message.clone()
    };
    assert_eq!(told(&node), "SELinux is off");
    node.write("/sys/fs/selinux/enforce", "1");
    assert!(told(&node).contains("enforcing: edgedns runs as unconfined_service_t"));
    fs::create_dir_all(node.place("/etc/selinux/targeted/active/modules/200/edgedns")).unwrap();
    assert!(told(&node).contains("edgedns_t"));
}

#[test]
fn a_wildcard_that_answers_for_what_is_searched_is_told_of() {
    let mut node = Node::new();
    let name = |text: &str| text.parse::<crate::dns::Name>().unwrap();
    node.wanted.wildcards = vec![(name("ocp4.example.com"), name("*.example.com"))];
    let trouble = node.trouble();
    let message = "/etc/resolv.conf searches `ocp4.example.com.`, where the wildcard `*.example.com.` answers for every name";
    assert_eq!(said(&trouble), ("resolv.conf", Grade::Warning, message));
    assert!(trouble.notes[0].contains("`github.com.ocp4.example.com.`"), "{trouble:?}");
}
