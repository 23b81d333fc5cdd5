//! A file on a node: the paths and modes that the Machine Config Operator can write, and should.

use std::fmt;
use std::path::{Component, Path, PathBuf};

/// The config file, where the service looks for it.
pub const CONFIG: &str = "/etc/edgedns.toml";

/// The folder that is edgedns' own.
pub const FOLDER: &str = "/etc/edgedns";

/// What the cluster itself keeps on a node, and writes anew when it likes.
const OF_CLUSTER: [&str; 6] =
    ["/etc/kubernetes", "/etc/machine-config-daemon", "/etc/mco", "/etc/ostree", "/etc/pki", "/etc/ssh"];

/// A file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeFile {
    /// Its path.
    pub path: NodePath,
    /// Who may read or run it.
    pub mode: Mode,
    /// All of it.
    pub bytes: Vec<u8>,
}

/// The mode of a file, which is root's. The service runs as a user of its own, made at its start, so that what it reads
/// everybody can read; but for keys, which it is given. MCO takes no special bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To be read by all.
    Data,
    /// To be run by all.
    Script,
    /// For its owner alone: see `keys.rs`.
    Key,
}

impl Mode {
    /// As chmod takes it.
    pub(super) fn bits(self) -> u32 {
        match self {
            Mode::Data => 0o644,
            Mode::Script => 0o755,
            Mode::Key => 0o600,
        }
    }
}

/// The path of a file below `/etc` that nothing else writes: absolute, without `.` and `..`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodePath(String);

/// Why there can be no file at a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PathError {
    /// It is not absolute, or leads above the root.
    Nowhere(PathBuf),
    /// It contains a character that a path in a MachineConfig should not have.
    Odd(PathBuf),
    /// It is below /usr, which is read-only on a node.
    ReadOnly(PathBuf),
    /// It is elsewhere outside of /etc.
    Outside(PathBuf),
    /// It is in a folder that the cluster keeps.
    OfCluster(PathBuf, &'static str),
    /// It is a folder.
    Folder(PathBuf),
}

impl fmt::Display for PathError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PathError::Nowhere(path) => write!(f, "`{}` leads nowhere on a node", path.display()),
            PathError::Odd(path) => write!(f, "`{}` is not a path for a MachineConfig", path.display()),
            PathError::ReadOnly(path) => {
                write!(f, "on a node this would be {}, and /usr is read-only there", path.display())
            }
            PathError::Outside(path) => {
                write!(f, "on a node this would be {}, outside of /etc", path.display())
            }
            PathError::OfCluster(path, folder) => {
                write!(f, "on a node this would be {}, and {folder} is the cluster's own", path.display())
            }
            PathError::Folder(path) => {
                write!(f, "on a node this would be {}, which is a folder there", path.display())
            }
        }
    }
}

impl std::error::Error for PathError {}

impl NodePath {
    /// The path of a file on a node.
    ///
    /// # Errors
    ///
    /// When MCO cannot write there or should not: see [`PathError`].
    pub fn new(path: &Path) -> Result<Self, PathError> {
        let plain = plain(path).ok_or_else(|| PathError::Nowhere(path.to_owned()))?;
        let is_usual = |c: char| c.is_ascii_graphic() || c == ' ' || c.is_alphanumeric();
        let text = plain.to_str().filter(|text| text.chars().all(is_usual));
        let text = text.ok_or_else(|| PathError::Odd(path.to_owned()))?.to_owned();
        if plain.starts_with("/usr") {
            return Err(PathError::ReadOnly(plain));
        }
        if !plain.starts_with("/etc") || text == "/etc" {
            return Err(PathError::Outside(plain));
        }
        if let Some(folder) = OF_CLUSTER.iter().find(|folder| plain.starts_with(folder)) {
            return Err(PathError::OfCluster(plain, folder));
        }
        if text == FOLDER || path.as_os_str().as_encoded_bytes().ends_with(b"/") {
            return Err(PathError::Folder(plain));
        }
        Ok(Self(text))
    }

    /// A path that is known to be one.
    pub(super) fn known(path: &'static str) -> Self {
        Self(path.to_owned())
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is the config file's, or in the folder that is edgedns' own.
    pub fn is_own(&self) -> bool {
        self.0 == CONFIG || Path::new(&self.0).starts_with(FOLDER)
    }

    /// Whether it is in `other`, were that a folder.
    pub(super) fn is_below(&self, other: &NodePath) -> bool {
        self != other && Path::new(&self.0).starts_with(&other.0)
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An absolute path without `.` and `..`; none for one that leads nowhere.
fn plain(path: &Path) -> Option<PathBuf> {
    if !path.is_absolute() {
        return None;
    }
    let mut plain = PathBuf::from("/");
    for part in path.components() {
        match part {
            Component::Normal(name) => plain.push(name),
            Component::ParentDir if !plain.pop() => return None,
            Component::ParentDir | Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
        }
    }
    Some(plain)
}
