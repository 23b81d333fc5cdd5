//! What a node, the Machine Config Operator or cluster DNS would refuse.

use std::fmt;

use super::node_file::NodePath;
use super::recipe::Form;

/// The JSON of all MachineConfigs of a pool together, in bytes: what etcd takes in one object.
pub const POOL_BYTES_MAX: usize = 1_572_864;

/// A larger MachineConfig gets a warning, in bytes: the cluster's own take their share.
pub const LARGE_BYTES: usize = 500 << 10;

/// Most upstreams of one server of the DNS operator.
pub(super) const UPSTREAMS_MAX: usize = 15;

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
    /// Cluster DNS can take none of the zones.
    NoZone,
    /// These are documents of their own, which this form has no place for.
    NoPlace(Form),
    /// Only a MachineConfig names the image of a node.
    NoPlaceForImage,
    /// What should be the binary is no program.
    NoProgram,
    /// With the binary in it, more than a pool can have, in bytes.
    BinaryTooLarge(usize),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Twice(path) => write!(f, "two different files would be {path} on a node"),
            Error::FileAndFolder(file, other) => {
                write!(f, "{file} cannot be a file, and a folder with {other} in it")
            }
            Error::TooLarge(bytes) | Error::BinaryTooLarge(bytes) => write!(
                f,
                "{} KiB of JSON: all MachineConfigs of a pool have {} KiB together",
                bytes >> 10,
                POOL_BYTES_MAX >> 10
            ),
            Error::NoNodeAddress => f.write_str("no address of a node is listened on at port 53"),
            Error::NoUpstream => f.write_str("it is not known at which addresses cluster DNS should ask"),
            Error::TooManyUpstreams(count) => {
                write!(f, "cluster DNS asks at {} addresses at most, not {count}", UPSTREAMS_MAX)
            }
            Error::NoZone => f.write_str("there is no zone that cluster DNS can take"),
            Error::NoPlace(_) => f.write_str("these are documents for the cluster, not for a node"),
            Error::NoPlaceForImage => f.write_str("the image of a node stands in a MachineConfig"),
            Error::NoProgram => f.write_str("this is not a program for Linux (ELF)"),
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
            Error::NoPlace(_) | Error::NoPlaceForImage => "make them apart, with --format machineconfig",
            Error::NoProgram => "name the binary that `systemd/build-binary` makes: target/package/edgedns",
            Error::BinaryTooLarge(_) => "offer the binary over HTTP: --binary-from URL --sha256 DIGEST",
        }
    }
}
