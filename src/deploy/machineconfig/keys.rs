//! Keys on a node: files that are for edgedns alone.
//!
//! What a MachineConfig writes is root's, and edgedns runs under a user that is made at its start. So a drop-in of its unit
//! gives it these files before it starts and before it reads them again, and takes them back at the end: no other service
//! that gets the same user then may read them.
//!
//! The drop-in finds the files in edgedns' own folder by their mode, and names none of them: a key that comes or goes changes
//! no unit, so that a reload of the service takes it in.

use super::node_file::{FOLDER, Mode, NodeFile, NodePath};
use crate::source::{Diagnostic, Severity};

/// Where systemd looks for it. It sorts before what an operator writes with `systemctl edit`.
const PATH: &str = "/etc/systemd/system/edgedns.service.d/10-keys.conf";

/// The user whose folder this is: that of the service.
const SERVICE: &str = "--reference=/run/edgedns";

/// What a MachineConfig with keys begins with.
pub(super) const WARNING: &str = "\
# SECRET: this holds keys. Whoever may read MachineConfigs (`oc get machineconfigs`, must-gather, backups of etcd), or has this
# file, has them, and can do with each what edgedns does: sign zones, sign transfers and updates, or ask others in its name. Keep
# it out of repositories that others read.
";

/// The drop-in where there are keys among the files of a node that starts `program`.
pub(super) fn drop_in(files: &[NodeFile], program: &str) -> Option<NodeFile> {
    let keys = || files.iter().filter(|file| file.mode == Mode::Key);
    let elsewhere: Vec<&NodePath> = keys().map(|file| &file.path).filter(|path| !path.is_own()).collect();
    let given = |when: &str, owner: &str| {
        let own = format!(
            "{when}=+/usr/bin/find {FOLDER} -type f -perm 0600 -exec /usr/bin/chown {owner} -- {{}} +\n"
        );
        // One that has gone holds up none of the others.
        let each = elsewhere
            .iter()
            .map(|path| format!("{when}=-+/usr/bin/chown {owner} -- {}\n", in_unit(path.as_str())));
        std::iter::once(own).chain(each).collect::<String>()
    };
    let text = format!(
        "# Keys are root's in a MachineConfig. They are edgedns' while it runs.\n\
         [Service]\n{}ExecReload=\n{}ExecReload={program} reload\n{}",
        given("ExecStartPre", SERVICE),
        given("ExecReload", SERVICE),
        given("ExecStopPost", "root:root"),
    );
    keys().next().map(|_| NodeFile {
        path: NodePath::known(PATH),
        mode: Mode::Data,
        bytes: text.into_bytes(),
    })
}

/// What it means that they are in it.
pub(super) fn remark(files: &[NodeFile]) -> Option<Diagnostic> {
    let count = files.iter().filter(|file| file.mode == Mode::Key).count();
    let held = if count == 1 { "a secret file".to_owned() } else { format!("{count} secret files") };
    let message = format!("this MachineConfig holds {held}: keys are not secret in it");
    let remark = "whoever may read MachineConfigs in the cluster, a must-gather or a backup of etcd has them, and can do \
                  with each what edgedns does, such as sign zones or ask others in its name; on the nodes they are for root \
                  and edgedns alone";
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
        let key = |number: u8| file(&format!("/etc/edgedns/keys/Ka.+013+0000{number}.private"), Mode::Key);
        let text = |files: &[NodeFile]| {
            String::from_utf8(drop_in(files, "/usr/local/bin/edgedns").unwrap().bytes).unwrap()
        };
        let one = text(&[data.clone(), key(1)]);
        assert_eq!(one, text(&[data.clone(), key(1), key(2)]), "another key makes another unit");
        assert!(one.contains("\nExecReload=\nExecReload=+/usr/bin/find "), "{one}");
        assert!(one.ends_with(
            "\nExecReload=/usr/local/bin/edgedns reload\n\
             ExecStopPost=+/usr/bin/find /etc/edgedns -type f -perm 0600 -exec /usr/bin/chown root:root -- {} +\n"
        ));
        // What is kept elsewhere is named, as nothing else there is edgedns'.
        let elsewhere = text(&[data, key(1), file("/etc/site/a%b.private", Mode::Key)]);
        assert_eq!(elsewhere.matches(" -- \"/etc/site/a%%b.private\"\n").count(), 3, "{elsewhere}");
        assert!(!elsewhere.contains(".key"), "{elsewhere}");
    }
}
