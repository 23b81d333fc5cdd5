//! What a MachineConfig is made from.

use std::net::{IpAddr, SocketAddr};

use super::binary::Sha256;
use super::image::{ImageBuild, ImageDigest};
use super::node_file::NodeFile;
use super::object::{ObjectName, Role};
use super::url::Url;
use crate::dns::Name;

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
    /// The binary in place of the package: where it is, and its digest.
    FetchedBinary(Url, Sha256),
    /// The binary in place of the package: all of it.
    CarriedBinary(Vec<u8>),
    /// The image that the nodes boot.
    OsImage(ImageDigest),
    /// An image that the cluster builds for them.
    ImageBuild(ImageBuild),
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
pub struct Recipe {
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
