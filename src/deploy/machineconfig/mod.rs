//! A config with its zones as what OpenShift writes to its nodes: one MachineConfig.
//!
//! ```text
//! files of a site ─ NodePath, NodeFile ─┐
//! parts asked for ─ dispatcher, layering┴▶ manifest ─▶ YAML or JSON
//!                 └ cluster ─────────────────────────▶ further documents
//! ```
//!
//! Responsible for what a MachineConfig may hold, for what goes with one, and for the same bytes from
//! the same input.
//! Not responsible for reading a config or its zones, or for whether they are sound.

mod cluster;
mod dispatcher;
mod ignition;
mod layering;
mod node_file;
mod object;
mod yaml;

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

pub use layering::{Url, UrlError};
pub use node_file::{CONFIG, FOLDER, Mode, NodeFile, NodePath, PathError};
pub use object::{ObjectName, ObjectNameError, Role};

use crate::dns::Name;
use crate::source::{Diagnostic, Severity};

use ignition::{Enablement, Unit};
use yaml::Value;

/// The JSON of all MachineConfigs of a pool together, in bytes: what etcd takes in one object.
pub const POOL_BYTES_MAX: usize = 1_572_864;

/// From this size on one MachineConfig is told to be large, in bytes: the cluster's own take their share.
pub const LARGE_BYTES: usize = 500 << 10;

/// What the assisted installer calls its MachineConfig for a single node.
const DNSMASQ_CONFIG: &str = "50-master-dnsmasq-configuration";

/// How a MachineConfig is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// YAML for `oc apply`.
    MachineConfig,
    /// Butane, variant openshift: to be read, changed and translated.
    Butane,
    /// The Ignition config alone, in JSON.
    Ignition,
}

/// What can go with the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// A NetworkManager dispatcher script: the node's own address first in resolv.conf.
    Dispatcher,
    /// No dnsmasq: the assisted installer sets one up where there is one node.
    MaskDnsmasq,
    /// A unit that layers the RPM from this place, once.
    Layering(Url),
    /// What lets a change of the files reload edgedns rather than reboot the node.
    NodeDisruptionPolicy,
    /// What has cluster DNS ask for the zones at these addresses; none: at those that are listened on.
    DnsOperator(Vec<IpAddr>),
}

/// What the config says that parts are made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Site {
    /// Where is listened.
    pub listen: Vec<SocketAddr>,
    /// The zones that are served.
    pub zones: Vec<Name>,
}

/// All that one MachineConfig is made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The pool it is for.
    pub role: Role,
    /// What it is called; none: `99-`, the role and `-edgedns`.
    pub name: Option<ObjectName>,
    /// How it is written.
    pub form: Form,
    /// What goes with the files, none twice.
    pub parts: Vec<Part>,
    /// The files, in any order.
    pub files: Vec<NodeFile>,
    /// What parts are made from.
    pub site: Site,
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// All documents.
    pub text: String,
    /// What the MachineConfig is called.
    pub name: ObjectName,
    /// Its size as the cluster keeps it, JSON, in bytes.
    pub bytes: usize,
    /// Its files: path, bytes before and bytes after gzip, where that was taken.
    pub files: Vec<(NodePath, usize, Option<usize>)>,
    /// What should be known before it is applied.
    pub remarks: Vec<Diagnostic>,
}

/// Why nothing was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// Two files would be at this path.
    Twice(NodePath),
    /// The first would be a folder of the second.
    FileAndFolder(NodePath, NodePath),
    /// More than a pool can have, in bytes.
    TooLarge(usize),
    /// No address of a node is listened on at port 53.
    NoNodeAddress,
    /// It is not known where cluster DNS should ask.
    NoUpstream,
    /// More addresses than cluster DNS takes.
    TooManyUpstreams(usize),
    /// No zone can be told to cluster DNS.
    NoZone,
    /// These are documents of their own, which this form has no place for.
    NoPlace(Form),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Twice(path) => write!(f, "two different files would be {path} on a node"),
            Error::FileAndFolder(file, other) => {
                write!(f, "{file} cannot be a file, and a folder with {other} in it")
            }
            Error::TooLarge(bytes) => write!(
                f,
                "{} KiB of JSON: all MachineConfigs of a pool have {} KiB together",
                bytes >> 10,
                POOL_BYTES_MAX >> 10
            ),
            Error::NoNodeAddress => f.write_str("no address of a node is listened on at port 53"),
            Error::NoUpstream => f.write_str("it is not known at which addresses cluster DNS should ask"),
            Error::TooManyUpstreams(count) => {
                write!(f, "cluster DNS asks at {} addresses at most, not {count}", cluster::UPSTREAMS_MAX)
            }
            Error::NoZone => f.write_str("no zone can be told to cluster DNS"),
            Error::NoPlace(_) => f.write_str("these are documents for the cluster, not for a node"),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Error::Twice(_) | Error::FileAndFolder(..) => "give one of them another name",
            Error::TooLarge(_) => "serve large zones from elsewhere, or deliver them without a MachineConfig",
            Error::NoNodeAddress => {
                "resolv.conf can name neither loopback, which pods would take for their own, nor a port: \
                 add the nodes' addresses to [server] listen"
            }
            Error::NoUpstream => "name the masters: --upstream 192.0.2.13 --upstream 192.0.2.14",
            Error::TooManyUpstreams(_) => "choose among them with --upstream",
            Error::NoZone => "leave --dns-operator out",
            Error::NoPlace(_) => "make them apart, with --format machineconfig",
        }
    }
}

/// Makes a MachineConfig and what goes with it. The same order makes the same bytes, whatever the
/// order of its files.
///
/// # Errors
///
/// Where a node, MCO or cluster DNS would refuse it: see [`Error`].
pub fn make(order: &Order) -> Result<Made, Error> {
    let Order { role, form, parts, site, .. } = order;
    let name = order.name.clone().unwrap_or_else(|| ObjectName::usual(role));
    let mut remarks = Vec::new();
    let mut files = order.files.clone();
    let mut units = Vec::new();
    for part in parts {
        match part {
            Part::Dispatcher => {
                files.push(dispatcher::file(&site.listen)?);
                remarks.push(dispatcher::remark());
            }
            Part::MaskDnsmasq => {
                units.push(Unit { name: "dnsmasq.service", does: Enablement::Masked });
                remarks.extend(sorts_too_early(&name));
            }
            Part::Layering(url) => {
                units.push(layering::unit(url));
                remarks.extend(layering::remarks(url));
            }
            Part::NodeDisruptionPolicy | Part::DnsOperator(_) => {}
        }
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    refuse_clashes(&files)?;
    let contents = ignition::contents(&files);
    let config = ignition::config(&files, &contents, &units);
    let object = object::machine_config(&name, role, config.clone());
    let bytes = object.to_json().len();
    if bytes > POOL_BYTES_MAX {
        return Err(Error::TooLarge(bytes));
    }
    remarks.extend((bytes > LARGE_BYTES).then(|| large(bytes)));
    let documents = cluster_documents(order, &mut remarks)?;
    let text = match form {
        Form::MachineConfig => stream(&name, &object, &documents),
        Form::Butane => object::butane_text(&name, role, &files, &contents, &units),
        Form::Ignition => config.to_pretty_json(),
    };
    let files = files.into_iter().zip(&contents).map(|(file, content)| {
        let packed = content.packed_bytes();
        (file.path, file.bytes.len(), packed)
    });
    Ok(Made { text, name, bytes, files: files.collect(), remarks })
}

/// A document for the cluster, and what is to be known of it.
struct Document {
    remark: &'static str,
    value: Value,
}

/// The documents beside the MachineConfig.
fn cluster_documents(order: &Order, remarks: &mut Vec<Diagnostic>) -> Result<Vec<Document>, Error> {
    let mut documents = Vec::new();
    for part in &order.parts {
        documents.push(match part {
            Part::NodeDisruptionPolicy => cluster::node_disruption_policy(&order.parts),
            Part::DnsOperator(upstreams) => cluster::dns_operator(&order.site, upstreams, remarks)?,
            Part::Dispatcher | Part::MaskDnsmasq | Part::Layering(_) => continue,
        });
    }
    match order.form {
        Form::Butane | Form::Ignition if !documents.is_empty() => Err(Error::NoPlace(order.form)),
        _ => Ok(documents),
    }
}

/// All documents as one stream of YAML.
fn stream(name: &ObjectName, object: &Value, documents: &[Document]) -> String {
    // On the server's side, because on the client's the whole text goes into an annotation, of 256 KiB at most.
    let mut text = format!(
        "# Made by `edgedns machineconfig`: change the config and make it again.\n\
         #   oc apply --server-side -f {name}.yaml\n"
    );
    text.push_str(&object.to_yaml());
    for Document { remark, value } in documents {
        text.push_str("---\n");
        for line in remark.lines() {
            text.push_str("# ");
            text.push_str(line);
            text.push('\n');
        }
        text.push_str(&value.to_yaml());
    }
    text
}

/// No path twice, and none a folder of another; `files` are sorted by path.
fn refuse_clashes(files: &[NodeFile]) -> Result<(), Error> {
    for (place, file) in files.iter().enumerate() {
        for other in files.iter().skip(place + 1) {
            if other.path == file.path {
                return Err(Error::Twice(file.path.clone()));
            }
            if other.path.is_below(&file.path) {
                return Err(Error::FileAndFolder(file.path.clone(), other.path.clone()));
            }
        }
    }
    Ok(())
}

fn large(bytes: usize) -> Diagnostic {
    let message = format!("{} KiB of JSON, which is large for a MachineConfig", bytes >> 10);
    let limit = format!("all MachineConfigs of a pool have {} KiB together", POOL_BYTES_MAX >> 10);
    Diagnostic::placeless(Severity::Warning, message).remark(limit)
}

/// Of what several MachineConfigs say of one unit, the last holds, by name.
fn sorts_too_early(name: &ObjectName) -> Option<Diagnostic> {
    (name.as_str() < DNSMASQ_CONFIG).then(|| {
        let message = format!("`{name}` sorts before `{DNSMASQ_CONFIG}`, which starts dnsmasq again");
        Diagnostic::placeless(Severity::Warning, message).help("choose a --name that begins with 99-")
    })
}

/// Where a file is found on a node: as `found` is seen from `folder`, so it is seen from `node_folder`
/// there; an absolute path is the same everywhere.
pub fn node_place(
    found: &std::path::Path,
    folder: &std::path::Path,
    node_folder: &std::path::Path,
) -> PathBuf {
    found.strip_prefix(folder).map_or_else(|_| found.to_owned(), |below| node_folder.join(below))
}

#[cfg(test)]
mod tests;
