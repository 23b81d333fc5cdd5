//! What to compare, and why a comparison can fail.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;

use crate::tools::format::Format;

/// Most questions a second that can be wished for: more is no comparison but a load test.
pub const COMPARE_RATE_MAX: u32 = 10_000;

/// What is to be compared.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// The other server.
    pub with: SocketAddr,
    /// The config file with our zones.
    pub config: PathBuf,
    /// The running edgedns that is asked for our answers; none: they are made in process.
    pub local: Option<SocketAddr>,
    /// Most questions a second, up to [`COMPARE_RATE_MAX`].
    pub rate: NonZeroU32,
    /// Names asked about in each zone; none: all of them.
    pub sample: Option<NonZeroUsize>,
    /// How the result is written; as JSON it is an object per line.
    pub format: Format,
}

/// Why nothing came of comparing.
#[derive(Debug)]
pub enum CompareError {
    /// The config file or a zone cannot be served; the diagnostics, drawn.
    Config(String),
    /// The config file names no zone.
    NoZones(PathBuf),
    /// A server does not answer at all.
    Unreachable {
        /// Which one.
        server: SocketAddr,
        /// What came instead.
        why: String,
    },
    /// A server answered, and then no more.
    Gone {
        /// Which one.
        server: SocketAddr,
        /// Questions it had answered by then.
        asked: u64,
    },
    /// There is no socket, or no thread.
    System(io::Error),
    /// The output cannot be written.
    Output(io::Error),
}

impl fmt::Display for CompareError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CompareError::Config(drawn) => {
                write!(f, "{drawn}\n\nerror: these zones cannot be served yet: nothing was asked")
            }
            CompareError::NoZones(config) => {
                write!(f, "error: {} has no zone: there is nothing to ask", config.display())
            }
            CompareError::Unreachable { server, why } => write!(f, "error: {server} {why}"),
            CompareError::Gone { server, asked } => {
                write!(f, "error: {server} has stopped answering, after {asked} questions")
            }
            CompareError::System(error) | CompareError::Output(error) => write!(f, "error: {error}"),
        }
    }
}

impl std::error::Error for CompareError {}

impl From<io::Error> for CompareError {
    fn from(error: io::Error) -> Self {
        CompareError::Output(error)
    }
}
