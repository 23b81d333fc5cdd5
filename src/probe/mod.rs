//! Probes: what can be tested, one file per kind.
//!
//! Responsible for what a probe is and for running it once.
//! Not responsible for when to probe, or for what several outcomes mean
//! together: that is `health`.

mod connect;
mod outcome;
mod tcp;

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU16;
use std::time::{Duration, Instant};

pub use outcome::{Outcome, Reason, Trouble};
pub use tcp::Tcp;

use outcome::Failure;

/// What to test at one address, with all its parameters. Two probes that are
/// equal need to run only once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Probe {
    /// The address that is tested.
    pub address: IpAddr,
    /// The address to test from; none: the system chooses.
    pub source: Option<IpAddr>,
    /// How long one run may take, all of it.
    pub timeout: Duration,
    /// What to do there.
    pub kind: Kind,
}

impl Probe {
    /// Runs the probe once, in a tokio runtime with I/O and time. It ends within the timeout; when
    /// the future is dropped earlier, its socket is closed with it.
    pub async fn run(&self) -> Outcome {
        let started = Instant::now();
        match tokio::time::timeout(self.timeout, self.kind.run(self.address, self.source)).await {
            Ok(Ok(())) => Outcome::Pass { latency: started.elapsed() },
            Ok(Err(Failure::Target(reason))) => Outcome::Fail { reason },
            Ok(Err(Failure::Local(trouble))) => Outcome::Local { trouble },
            Err(_) => Outcome::Fail { reason: Reason::TimedOut { after: self.timeout } },
        }
    }
}

/// As log lines and the status name it: `192.0.2.1:6443`, `[2001:db8::1]:443`, with the source
/// where one was asked for.
impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt_at(self.address, f)?;
        self.source.map_or(Ok(()), |source| write!(f, " from {source}"))
    }
}

/// A port that can be connected to: never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port(NonZeroU16);

impl Port {
    /// A port; none for 0.
    pub fn new(port: u16) -> Option<Self> {
        NonZeroU16::new(port).map(Port)
    }
    /// The number.
    pub fn get(self) -> u16 {
        self.0.get()
    }
}

/// What people are told about a kind of probe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KindEntry {
    /// Its name: the key in the configuration and the label in metrics.
    pub name: &'static str,
    /// What a pass means, in one line.
    pub help: &'static str,
}

/// Makes the enum, the list and the calls from one line per kind, so that none can be forgotten.
/// A kind's file offers `ENTRY` and a type with `run` and `fmt_at`.
macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident in $file:ident;)+) => {
        /// What to do at the address.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        pub enum Kind {
            $($(#[$doc])* $kind($kind),)+
        }

        /// Every kind of probe, in the order in which help shows them.
        pub const KINDS: &[KindEntry] = &[$($file::ENTRY),+];

        impl Kind {
            /// What people are told about it.
            pub fn entry(&self) -> KindEntry {
                match self { $(Kind::$kind(_) => $file::ENTRY),+ }
            }

            async fn run(&self, address: IpAddr, source: Option<IpAddr>) -> Result<(), Failure> {
                match self { $(Kind::$kind(test) => test.run(address, source).await),+ }
            }

            fn fmt_at(&self, address: IpAddr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match self { $(Kind::$kind(test) => test.fmt_at(address, f)),+ }
            }
        }
    };
}

kinds! {
    /// A TCP connection is accepted.
    Tcp in tcp;
}

#[cfg(test)]
mod tests;
