//! The MachineConfig around an Ignition config, and the same as Butane.

use std::fmt;
use std::str::FromStr;

use super::super::yaml::{Value, fits_block};
use super::ignition::{Content, Unit, units_of};
use super::node_file::NodeFile;

/// Translated to Ignition 3.2.0, which OpenShift 4.7 and later take.
const BUTANE_VERSION: &str = "4.10.0";

/// The label that says which pool a MachineConfig is for.
const ROLE_LABEL: &str = "machineconfiguration.openshift.io/role";

/// Longest name of an object in a cluster, in bytes (a subdomain of RFC 1123).
pub(super) const NAME_BYTES_MAX: usize = 253;

/// Longest value of a label in a cluster, in bytes.
const ROLE_BYTES_MAX: usize = 63;

/// The name of an object in a cluster: labels of small letters, digits and inner hyphens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectName(String);

/// The name of a pool: `master`, `worker`, or one of the cluster's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role(String);

/// This is not the name of an object or a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ObjectNameError(String);

impl fmt::Display for ObjectNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a name in a cluster: lower-case letters, digits, inner hyphens and dots",
            self.0
        )
    }
}

impl std::error::Error for ObjectNameError {}

impl ObjectName {
    /// The default name of a MachineConfig of edgedns: after the cluster's own, which begin with smaller
    /// numbers.
    pub(super) fn usual(role: &Role) -> Self {
        Self(format!("99-{role}-edgedns"))
    }

    /// Its text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Whether a cluster takes it as a name.
pub(super) fn is_name(text: &str, bytes_max: usize) -> bool {
    let is_label = |label: &str| {
        !label.is_empty()
            && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= bytes_max && text.split('.').all(is_label)
}

impl FromStr for ObjectName {
    type Err = ObjectNameError;

    fn from_str(text: &str) -> Result<Self, ObjectNameError> {
        let name = is_name(text, NAME_BYTES_MAX).then(|| Self(text.to_owned()));
        name.ok_or_else(|| ObjectNameError(text.to_owned()))
    }
}

impl FromStr for Role {
    type Err = ObjectNameError;

    fn from_str(text: &str) -> Result<Self, ObjectNameError> {
        let role = is_name(text, ROLE_BYTES_MAX).then(|| Self(text.to_owned()));
        role.ok_or_else(|| ObjectNameError(text.to_owned()))
    }
}

impl fmt::Display for ObjectName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The object that holds `config`, and names the image that its nodes boot.
pub(super) fn machine_config(
    name: &ObjectName,
    role: &Role,
    config: Value,
    image: Option<(&'static str, Value)>,
) -> Value {
    let spec = std::iter::once(("config", config)).chain(image).collect();
    Value::Map(vec![
        ("apiVersion", "machineconfiguration.openshift.io/v1".into()),
        ("kind", "MachineConfig".into()),
        ("metadata", metadata(name, role)),
        ("spec", Value::Map(spec)),
    ])
}

fn metadata(name: &ObjectName, role: &Role) -> Value {
    let labels = Value::Map(vec![(ROLE_LABEL, role.0.as_str().into())]);
    Value::Map(vec![("labels", labels), ("name", name.as_str().into())])
}

/// The same as Butane, with texts that can be read.
pub(super) fn butane_text(
    name: &ObjectName,
    role: &Role,
    files: &[NodeFile],
    contents: &[Content],
    units: &[Unit],
) -> String {
    let files = files.iter().zip(contents).map(|(file, content)| {
        let text = std::str::from_utf8(&file.bytes).ok().filter(|text| fits_block(text));
        let contents = match text {
            Some(text) => Value::Map(vec![("inline", text.into())]),
            None => content.value(),
        };
        Value::Map(vec![
            ("path", file.path.as_str().into()),
            ("mode", Value::Octal(file.mode.bits())),
            ("overwrite", Value::Truth(true)),
            ("contents", contents),
        ])
    });
    let mut config = vec![
        ("variant", "openshift".into()),
        ("version", BUTANE_VERSION.into()),
        ("metadata", metadata(name, role)),
        ("storage", Value::Map(vec![("files", Value::List(files.collect()))])),
    ];
    config.extend(units_of(units));
    let head =
        format!("# Made by `edgedns machineconfig`.\n#   butane --strict {name}.bu --output {name}.yaml\n");
    head + &Value::Map(config).to_yaml()
}
