//! `edgedns machineconfig`, read again by tools of others: every file the config names is where a node looks
//! for it.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use harness::tools::{in_own_network, python_with, tool};

const ZONE: &str = "\
$TTL 10
@ IN SOA ns1 hostmaster 1 3h 30m 2w 10
@ IN NS ns1
ns1 IN A 192.0.2.13
$INCLUDE parts/api.inc
";

/// A site: its config file, and a folder for nodes.
struct Site {
    folder: TempDir,
}

impl Site {
    fn new(config: &str) -> Site {
        let site = Site { folder: tempfile::tempdir().unwrap() };
        site.write("site.toml", config);
        site.write("edgedns/zones/a.zone", ZONE);
        site.write("edgedns/zones/parts/api.inc", "api IN A 192.0.2.13\napi IN A 192.0.2.14\n");
        site
    }

    fn write(&self, path: &str, text: &str) {
        let place = self.path(path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, text).unwrap();
    }

    fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    fn make(&self, more: &[&str]) -> Output {
        let mut command = edgedns();
        command.args(["machineconfig", "--config"]).arg(self.path("site.toml")).args(more);
        command.output().expect("edgedns runs")
    }

    /// What a node would have; none without Python.
    fn node(&self, form: &str, more: &[&str]) -> Option<Node> {
        let output = self.make(&[&["--format", form], more].concat());
        assert!(output.status.success(), "{}", said(&output));
        let root = tempfile::tempdir().unwrap();
        let mut python = python_with("yaml, jsonschema")?;
        python.arg(data("apply.py")).arg(form).arg(root.path()).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut reader = python.stderr(Stdio::piped()).spawn().expect("Python runs");
        reader.stdin.take().unwrap().write_all(&output.stdout).unwrap();
        let read = reader.wait_with_output().unwrap();
        assert!(read.status.success(), "{}\n{}", said(&read), String::from_utf8_lossy(&output.stdout));
        Some(Node { root, kinds: String::from_utf8(read.stdout).unwrap() })
    }
}

/// A node, as far as it is written.
struct Node {
    root: TempDir,
    kinds: String,
}

impl Node {
    fn files(&self) -> BTreeMap<String, (u32, Vec<u8>)> {
        let mut files = BTreeMap::new();
        let mut folders = vec![self.root.path().to_owned()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let mode = path.metadata().unwrap().permissions().mode() & 0o7777;
                let name = format!("/{}", path.strip_prefix(self.root.path()).unwrap().display());
                files.insert(name, (mode, fs::read(&path).unwrap()));
            }
        }
        files
    }

    fn text(&self, path: &str) -> String {
        fs::read_to_string(self.root.path().join(path.trim_start_matches('/'))).unwrap()
    }
}

fn edgedns() -> Command {
    let mut command = harness::program::command();
    command.env("NO_COLOR", "1");
    command
}

fn data(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/machineconfig").join(file)
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn server() -> &'static str {
    "[server]\nlisten = [\"127.0.0.1:53\", \"192.0.2.13:53\", \"192.0.2.14:53\"]\n"
}

fn zone(name: &str, file: &str) -> String {
    format!("[[zone]]\nname = \"{name}\"\nfile = \"{file}\"\n")
}

/// A site whose config names a file of every kind.
fn rich() -> Site {
    let config = [
        server(),
        &zone("a.example", "edgedns/zones/a.zone"),
        PROBE,
        &zone("b.example", "edgedns/zones/b.zone"),
    ];
    let site = Site::new(&config.concat());
    let long: String = (0..200).map(|host| format!("host-{host} IN A 192.0.2.{host}\n")).collect();
    site.write("edgedns/zones/b.zone", &(ZONE.to_owned() + "$INCLUDE ../more.inc\n$INCLUDE link.inc\n"));
    // The same file by another name, which a node must have as well.
    std::os::unix::fs::symlink("parts/api.inc", site.path("edgedns/zones/link.inc")).unwrap();
    site.write("edgedns/more.inc", &long);
    write_credentials(&site);
    site
}

/// A probe with credentials of every kind.
const PROBE: &str = "[[zone.probe]]\nnames = [\"api\"]\n\
    https = { port = 6443, server-name = \"api.a.example\", ca = \"edgedns/tls/ca.pem\", \
    cert = \"edgedns/tls/client.pem\", key = \"edgedns/tls/client.key\", token = './edgedns/token' }\n";

/// The files that [`PROBE`] names.
fn write_credentials(site: &Site) {
    let made = rcgen::generate_simple_self_signed(vec!["api.a.example".to_owned()]).unwrap();
    site.write("edgedns/tls/ca.pem", &made.cert.pem());
    site.write("edgedns/tls/client.pem", &made.cert.pem());
    site.write("edgedns/tls/client.key", &made.signing_key.serialize_pem());
    site.write("edgedns/token", "a-token\n");
}

#[test]
fn a_node_gets_every_file_in_every_form_and_can_serve_from_it() {
    let site = rich();
    let relative = [
        "zones/a.zone",
        "zones/b.zone",
        "zones/parts/api.inc",
        "zones/link.inc",
        "more.inc",
        "tls/ca.pem",
        "tls/client.pem",
        "tls/client.key",
        "token",
    ];
    let mut wanted = BTreeMap::from([(
        "/etc/edgedns.toml".to_owned(),
        (0o644, fs::read(site.path("site.toml")).unwrap()),
    )]);
    wanted.extend(relative.map(|file| {
        let bytes = fs::read(site.path("edgedns").join(file)).unwrap();
        (format!("/etc/edgedns/{file}"), (0o644, bytes))
    }));
    for form in ["machineconfig", "butane", "ignition"] {
        let Some(node) = site.node(form, &[]) else { return };
        assert_eq!(node.files(), wanted, "{form}");
        let config = node.root.path().join("etc/edgedns.toml");
        let output = edgedns().arg("check").arg("--config").arg(config).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
}

#[test]
fn secrets_are_told_to_be_none() {
    let output = rich().make(&[]);
    let told = said(&output);
    assert!(output.status.success(), "{told}");
    for key in ["key", "token"] {
        assert!(told.contains(&format!("warning: `{key}` is not a secret in a MachineConfig")), "{told}");
    }
    assert!(told.contains("site.toml:") && told.contains("more.inc: ") && told.contains("as gzip"), "{told}");
    let last = told.lines().last().unwrap();
    assert!(last.starts_with("99-master-edgedns: ") && last.contains("of the 1536 KiB"), "{told}");
}

#[test]
fn a_secret_file_of_a_key_is_refused_as_no_node_would_take_it() {
    let key = "[[key]]\nname = \"k\"\nsecret-file = \"edgedns/secret\"\n";
    let site = Site::new(&[server(), key, zone("a.example", "edgedns/zones/a.zone").as_str()].concat());
    let secret = site.folder.path().join("edgedns/secret");
    fs::write(&secret, "c2VjcmV0c2VjcmV0c2VjcmV0").unwrap();
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    let output = site.make(&[]);
    assert!(!output.status.success() && output.stdout.is_empty(), "{}", said(&output));
    assert!(
        said(&output).contains("`secret-file` would be a file for all to read on a node"),
        "{}",
        said(&output)
    );
}

#[test]
fn keys_go_along_where_it_is_asked_for_and_are_for_the_service_alone() {
    let key = "[[key]]\nname = \"k\"\nsecret-file = \"edgedns/secret\"\n";
    let signed = "[zone.dnssec]\nkeys = \"edgedns/keys\"\n";
    let zone_a = zone("a.example", "edgedns/zones/a.zone");
    let site = Site::new(&[server(), key, zone_a.as_str(), signed, PROBE].concat());
    write_credentials(&site);
    site.write("edgedns/secret", "c2VjcmV0c2VjcmV0c2VjcmV0");
    fs::set_permissions(site.path("edgedns/secret"), fs::Permissions::from_mode(0o600)).unwrap();
    for zone in ["a.example", "other.example"] {
        let mut command = edgedns();
        command.args(["dnssec", "generate", zone, "--keys"]).arg(site.path("edgedns/keys"));
        let made = command.output().unwrap();
        assert!(made.status.success(), "{}", said(&made));
    }
    for form in ["machineconfig", "butane", "ignition"] {
        let output = site.make(&["--with-keys", "--format", form]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(text.contains("SECRET: this holds keys"), form != "ignition", "{text}");
        let told = said(&output);
        assert!(!told.contains("every process on a node"), "{told}");
        assert!(told.contains("holds 4 secret files: keys are not secret in it"), "{told}");
        let Some(node) = site.node(form, &["--with-keys"]) else { return };
        let files = node.files();
        let modes: BTreeMap<&str, u32> =
            files.iter().map(|(path, (mode, _))| (path.rsplit('.').next().unwrap(), *mode)).collect();
        assert_eq!(modes.get("private"), Some(&0o600), "{modes:?}");
        for secret in ["secret", "token", "tls/client.key"] {
            assert_eq!(
                files.get(&format!("/etc/edgedns/{secret}")).map(|(mode, _)| *mode),
                Some(0o600),
                "{secret}"
            );
        }
        assert!(!files.keys().any(|path| path.contains("other.example")), "{files:?}");
        let drop_in = node.text("/etc/systemd/system/edgedns.service.d/10-keys.conf");
        let given = "=+/usr/bin/find /etc/edgedns -type f -perm 0600 -exec /usr/bin/chown --reference=/run/edgedns -- {} +\n";
        assert_eq!(drop_in.matches(given).count(), 2, "{drop_in}");
        let config = node.root.path().join("etc/edgedns.toml");
        let output = edgedns().arg("check").arg("--config").arg(config).output().unwrap();
        assert!(output.status.success(), "{}", said(&output));
    }
    // Nobody who has not asked for it gives them away.
    let site = Site::new(&[server(), zone("a.example", "edgedns/zones/a.zone").as_str(), signed].concat());
    let made =
        edgedns().args(["dnssec", "generate", "a.example", "--keys"]).arg(site.path("edgedns/keys")).output();
    assert!(made.unwrap().status.success());
    let output = site.make(&[]);
    assert!(output.status.success() && said(&output).contains("the keys of `a.example.` do not go along"));
    assert!(!String::from_utf8_lossy(&output.stdout).contains(".private"));
}

#[test]
fn the_same_site_makes_the_same_bytes_wherever_it_lies() {
    let config = [server(), &zone("a.example", "edgedns/zones/a.zone")].concat();
    let all = ["--dispatcher", "--mask-dnsmasq", "--node-disruption-policy", "--dns-operator"];
    let (one, other) = (Site::new(&config), Site::new(&config));
    let first = one.make(&all);
    assert!(first.status.success() && !first.stdout.is_empty(), "{}", said(&first));
    assert_eq!(first.stdout, one.make(&all).stdout);
    assert_eq!(first.stdout, other.make(&all).stdout);
    // Named from its own folder.
    let here = edgedns()
        .current_dir(other.folder.path())
        .args(["machineconfig", "--config", "site.toml"])
        .args(all)
        .output()
        .unwrap();
    assert_eq!(first.stdout, here.stdout, "{}", said(&here));
}

#[test]
fn a_zone_of_sixty_thousand_records_fits() {
    let site = Site::new(&[server(), &zone("a.example", "edgedns/zones/a.zone")].concat());
    let records: String = (0..60_000_u32)
        .map(|host| format!("host-{host} IN A 10.{}.{}.{}\n", host >> 16, host >> 8 & 255, host & 255))
        .collect();
    let text = ZONE.to_owned() + &records;
    site.write("edgedns/zones/a.zone", &text);
    let Some(node) = site.node("machineconfig", &[]) else { return };
    assert!(node.text("/etc/edgedns/zones/a.zone") == text, "the zone is another");
}

#[test]
fn a_fault_is_drawn_and_nothing_is_written() {
    let site = Site::new(&[server(), &zone("a.example", "edgedns/zones/a.zone")].concat());
    site.write("edgedns/zones/parts/api.inc", "api IN AA 192.0.2.13\n");
    let output = site.make(&[]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(output.stdout.is_empty());
    let told = said(&output);
    assert!(told.contains("api.inc:1:8") && told.ends_with("nothing was made\n"), "{told}");
}

#[test]
fn a_warning_is_drawn_and_everything_is_written() {
    let site = Site::new(&[server(), &zone("a.example", "zones/a.zone")].concat());
    site.write("zones/a.zone", ZONE);
    site.write("zones/parts/api.inc", "api IN A 192.0.2.13\n");
    let output = site.make(&[]);
    let told = said(&output);
    assert!(output.status.success() && !output.stdout.is_empty(), "{told}");
    assert!(
        told.contains("on a node this is /etc/zones/parts/api.inc, outside of edgedns' own folder"),
        "{told}"
    );
}

#[test]
fn a_path_that_means_another_file_on_a_node_is_refused_with_the_remedy() {
    let site = Site::new("");
    let absolute = site.path("edgedns/zones/a.zone").display().to_string();
    let outside = site.path("outside.inc").display().to_string();
    site.write("outside.inc", "api IN A 192.0.2.13\n");
    site.write("above.zone", ZONE);
    site.write("parts/api.inc", "api IN A 192.0.2.13\n");
    let above = format!("../{}/above.zone", site.folder.path().file_name().unwrap().display());
    // Out of the folder and back into it by its name, which it has not on a node.
    let back = format!("../../../{}/outside.inc", site.folder.path().file_name().unwrap().display());
    let cases = [
        (absolute.as_str(), "parts/api.inc", format!("on a node this would be {absolute}, outside of /etc")),
        (above.as_str(), "parts/api.inc", "above.zone, outside of /etc".to_owned()),
        (
            "edgedns/zones/a.zone",
            outside.as_str(),
            format!("on a node this would be {outside}, outside of /etc"),
        ),
        ("edgedns/zones/a.zone", back.as_str(), "outside.inc, outside of /etc".to_owned()),
    ];
    for (file, include, fault) in cases {
        site.write("site.toml", &[server(), &zone("a.example", file)].concat());
        site.write("edgedns/zones/a.zone", &ZONE.replace("parts/api.inc", include));
        let output = site.make(&[]);
        let told = said(&output);
        assert_eq!(output.status.code(), Some(1), "{file} {include}\n{told}");
        assert!(told.contains(&fault) && output.stdout.is_empty(), "{file} {include}\n{told}");
    }
}

#[test]
fn all_parts_are_what_a_cluster_takes() {
    let site = Site::new(&[server(), &zone("a.example", "edgedns/zones/a.zone")].concat());
    let url = "https://192.0.2.9:8443/edgedns-1.0%20a.rpm";
    let parts = ["--dispatcher", "--mask-dnsmasq", "--day1-install", url];
    let documents =
        ["--node-disruption-policy", "--dns-operator", "--role", "worker-far", "--name", "99-far"];
    let Some(node) = site.node("machineconfig", &[parts.as_slice(), &documents].concat()) else { return };
    assert_eq!(node.kinds.trim(), "MachineConfig MachineConfiguration DNS");
    let files = node.files();
    let (mode, script) = &files["/etc/NetworkManager/dispatcher.d/99-edgedns"];
    assert_eq!(*mode, 0o755);
    let script = String::from_utf8(script.clone()).unwrap();
    assert!(script.contains("\nreadonly LISTEN=\"192.0.2.13 192.0.2.14\"\n"), "{script}");
    let unit = node.text("/etc/systemd/system/edgedns-layering.service");
    assert!(unit.contains(&url.replace('%', "%%")), "{unit}");
    for form in ["butane", "ignition"] {
        let Some(same) = site.node(form, &parts) else { return };
        assert_eq!(same.files(), files, "{form}");
    }
}

#[test]
fn a_binary_that_is_fetched_comes_with_what_the_package_would_have_brought() {
    let site = Site::new(&[server(), &zone("a.example", "edgedns/zones/a.zone")].concat());
    let digest = "0f".repeat(32);
    let url = "http://192.0.2.9:8080/edgedns";
    let parts = ["--binary-from", url, "--sha256", digest.as_str(), "--dispatcher"];
    let Some(node) = site.node("machineconfig", &[&parts[..], &["--node-disruption-policy"]].concat()) else {
        return;
    };
    assert_eq!(node.kinds.trim(), "MachineConfig MachineConfiguration");
    let files = node.files();
    assert_eq!(files["/etc/edgedns/fetch"].0, 0o755);
    let fetch = node.text("/etc/systemd/system/edgedns-fetch.service");
    assert!(
        fetch.contains(&format!("\nExecStart=/usr/bin/sh /etc/edgedns/fetch \"{url}\" {digest}\n")),
        "{fetch}"
    );
    let service = node.text("/etc/systemd/system/edgedns.service");
    assert!(service.contains("\nExecStart=/usr/local/bin/edgedns --config /etc/edgedns.toml\n"), "{service}");
    for form in ["butane", "ignition"] {
        let Some(same) = site.node(form, &parts) else { return };
        assert_eq!(same.files(), files, "{form}");
    }
    let told = said(&site.make(&parts));
    assert!(told.contains("after that they start without it") && !told.contains("plain HTTP"), "{told}");
}

#[test]
fn a_small_binary_is_carried_along_and_a_large_one_refused() {
    let site = Site::new(&[server(), &zone("a.example", "edgedns/zones/a.zone")].concat());
    site.write("small", "\u{7f}ELF and so on");
    let small = site.path("small").display().to_string();
    let Some(node) = site.node("machineconfig", &["--binary", &small]) else { return };
    let (mode, bytes) = &node.files()["/usr/local/bin/edgedns"];
    assert_eq!((*mode, bytes.as_slice()), (0o755, &b"\x7fELF and so on"[..]));
    // What gzip makes nothing of.
    let mut state = 1_u32;
    let noise = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    });
    let large: Vec<u8> = b"\x7fELF".iter().copied().chain(noise.take(2 << 20)).collect();
    fs::write(site.path("large"), large).unwrap();
    for (file, fault) in
        [("large", "--binary-from URL --sha256 DIGEST"), ("site.toml", "not a program for Linux")]
    {
        let output = site.make(&["--binary", &site.path(file).display().to_string()]);
        assert!(!output.status.success() && said(&output).contains(fault), "{file}\n{}", said(&output));
    }
}

#[test]
fn image_mode_is_one_entry_or_one_object_and_says_what_it_costs() {
    let site = Site::new(&[server(), &zone("a.example", "edgedns/zones/a.zone")].concat());
    let image = format!("quay.example.com/site/rhel-coreos@sha256:{}", "a".repeat(64));
    let output = site.make(&["--os-image", &image]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(&format!("  osImageURL: \"{image}\"\n")), "{text}");
    assert!(said(&output).contains("upgrades of the cluster do not change its system"), "{}", said(&output));
    if site.node("machineconfig", &["--os-image", &image]).is_none() {
        return;
    }
    let mut build = [
        "--build-image",
        "https://192.0.2.9/edgedns.rpm",
        "--push-to",
        "quay.example.com/site/rhel-coreos:edgedns",
        "--push-secret",
        "push",
        "--node-disruption-policy",
    ];
    let output = site.make(&build);
    assert!(said(&output).contains("disruption policies are not heeded"), "{}", said(&output));
    assert!(!said(&output).contains("plain HTTP"), "{}", said(&output));
    build[1] = "http://192.0.2.9/edgedns.rpm";
    let output = site.make(&build);
    assert!(said(&output).contains("over plain HTTP any server that answers decides"), "{}", said(&output));
    let Some(node) = site.node("machineconfig", &build) else { return };
    assert_eq!(node.kinds.trim(), "MachineConfig MachineConfiguration MachineOSConfig");
}

#[test]
fn parts_that_cannot_be_say_what_they_lack() {
    let site = Site::new(
        &["[server]\nlisten = [\"127.0.0.1:53\"]\n", &zone("a.example", "edgedns/zones/a.zone")].concat(),
    );
    let cases: [(&[&str], &str); 4] = [
        (&["--dispatcher"], "no address of a node is listened on at port 53"),
        (&["--dns-operator"], "--upstream 192.0.2.13"),
        (&["--node-disruption-policy", "--format", "butane"], "with --format machineconfig"),
        (&["--dispatcher", "--format", "ignition"], "no address of a node"),
    ];
    for (more, fault) in cases {
        let output = site.make(more);
        assert_eq!(output.status.code(), Some(1), "{more:?}\n{}", said(&output));
        assert!(said(&output).contains(fault) && output.stdout.is_empty(), "{more:?}\n{}", said(&output));
    }
    for usage in [["--role", "Master"], ["--day1-install", "edgedns.rpm"], ["--upstream", "192.0.2.13"]] {
        let output = site.make(&usage);
        assert_eq!(output.status.code(), Some(2), "{usage:?}\n{}", said(&output));
    }
}

/// In namespaces of its own: a node with an address that edgedns listens at, one for its pods, and no route.
#[test]
fn the_dispatcher_names_the_address_that_edgedns_listens_at() {
    const NODE: &str = r#"
set -eu
mount --bind "$1" /etc
ip link add node type veth peer name wire
ip address add 192.0.2.77/24 dev node
ip address add 10.128.0.2/14 dev node
ip link set node up
ip link set wire up
ip route add default via 192.0.2.1
printf 'search example.com\nnameserver 198.51.100.2\n' >/etc/resolv.conf
"$2" node up
# The route says 192.0.2.77, at which nobody answers here.
grep '^nameserver' /etc/resolv.conf
ip address add 192.0.2.14/24 dev node
"$2" node dns-change
"$2" node dns-change
grep '^nameserver' /etc/resolv.conf
"#;
    let site = Site::new(&[server(), &zone("a.example", "edgedns/zones/a.zone")].concat());
    let Some(node) = site.node("machineconfig", &["--dispatcher"]) else { return };
    let etc = node.root.path().join("etc");
    let copied = Command::new("cp").args(["-a", "/etc/alternatives"]).arg(&etc).status();
    assert!(copied.is_ok_and(|copied| copied.success()));
    let script = etc.join("NetworkManager/dispatcher.d/99-edgedns");
    if let Some(mut shellcheck) = tool("shellcheck") {
        let lint = shellcheck.arg(&script).output().expect("shellcheck runs");
        assert!(lint.status.success(), "{}", String::from_utf8_lossy(&lint.stdout));
    }
    let Some(mut node) = in_own_network(&["--mount"]) else { return };
    let output =
        node.args(["bash", "-c", NODE, "node"]).args([&etc, &script]).output().expect("unshare runs");
    let servers = String::from_utf8_lossy(&output.stdout);
    let wanted = "nameserver 198.51.100.2\nnameserver 192.0.2.14\nnameserver 198.51.100.2\n";
    assert_eq!(servers, wanted, "{}", said(&output));
    assert!(said(&output).contains("no address of this node that edgedns answers at"), "{}", said(&output));
}
