//! Keys on a node: files that are for edgedns alone.
//!
//! What a MachineConfig writes is root's, and edgedns runs under a user that is made at its start. So a drop-in of its unit
//! gives it these files before it starts and before it reads them again, and takes them back at the end: no other service
//! that gets the same user then may read them.

use super::node_file::{Mode, NodeFile, NodePath};
use crate::source::{Diagnostic, Severity};

/// Where systemd looks for it. It sorts before what an operator writes with `systemctl edit`.
const PATH: &str = "/etc/systemd/system/edgedns.service.d/10-keys.conf";

/// `{program}` is edgedns, `{files}` are the paths. /run/edgedns is the folder of the service's user.
const DROP_IN: &str = "\
# Keys are root's in a MachineConfig. They are edgedns' while it runs.
[Service]
ExecStartPre=+/usr/bin/chown --reference=/run/edgedns -- {files}
ExecReload=
ExecReload=+/usr/bin/chown --reference=/run/edgedns -- {files}
ExecReload={program} reload
ExecStopPost=+/usr/bin/chown root:root -- {files}
";

/// What a MachineConfig with keys begins with.
pub(super) const WARNING: &str = "\
# SECRET: this holds keys. Whoever may read MachineConfigs (`oc get machineconfigs`, must-gather, backups of etcd), or has this
# file, has them, and can sign for your zones. Keep it out of repositories that others read.
";

/// The drop-in where there are keys among the files of a node that starts `program`.
pub(super) fn drop_in(files: &[NodeFile], program: &str) -> Option<NodeFile> {
    let keys = files.iter().filter(|file| file.mode == Mode::Key);
    let paths: Vec<String> = keys.map(|file| in_unit(file.path.as_str())).collect();
    let text = DROP_IN.replace("{files}", &paths.join(" ")).replace("{program}", program);
    let path = NodePath::known(PATH);
    (!paths.is_empty()).then(|| NodeFile { path, mode: Mode::Data, bytes: text.into_bytes() })
}

/// What it means that they are in it.
pub(super) fn remark(files: &[NodeFile]) -> Option<Diagnostic> {
    let count = files.iter().filter(|file| file.mode == Mode::Key).count();
    let held = if count == 1 { "a secret file".to_owned() } else { format!("{count} secret files") };
    let message = format!("this MachineConfig holds {held}: keys are not secret in it");
    let remark = "whoever may read MachineConfigs in the cluster, a must-gather or a backup of etcd has them, and can sign for \
                  these zones; on the nodes they are for root and edgedns alone";
    let fault = Diagnostic::placeless(Severity::Warning, message).remark(remark);
    (count > 0).then(|| {
        fault
            .help("keep the document as you keep the keys, and roll them when somebody had it who should not")
    })
}

/// A path as an argument in a unit (systemd.service(5)).
fn in_unit(path: &str) -> String {
    let escaped = path.replace('\\', "\\\\").replace('"', "\\\"").replace('%', "%%").replace('$', "$$");
    format!("\"{escaped}\"")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn file(path: &str, mode: Mode) -> NodeFile {
        NodeFile { path: NodePath::new(Path::new(path)).unwrap(), mode, bytes: Vec::new() }
    }

    #[test]
    fn the_service_gets_the_keys_and_nothing_else() {
        let data = file("/etc/edgedns/keys/Ka.+013+00001.key", Mode::Data);
        assert_eq!(drop_in(std::slice::from_ref(&data), "/usr/bin/edgedns"), None);
        let files = [data, file("/etc/edgedns/keys/Ka%b.+013+00001.private", Mode::Key)];
        let made = drop_in(&files, "/usr/local/bin/edgedns").unwrap();
        let text = String::from_utf8(made.bytes).unwrap();
        let given = "-- \"/etc/edgedns/keys/Ka%%b.+013+00001.private\"\n";
        assert_eq!(text.matches(given).count(), 3, "{text}");
        assert!(
            text.contains("\nExecReload=\n") && text.contains("\nExecReload=/usr/local/bin/edgedns reload\n")
        );
        assert!(!text.contains(".key"), "{text}");
    }
}
