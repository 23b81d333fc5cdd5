//! The runs of one probe at one target: what each is given, and what it brings to light.

use std::net::{IpAddr, SocketAddr};
use std::time::SystemTime;

use super::outcome::{Failure, Phase};
use super::port::Port;
use super::weight::Weight;

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) address: IpAddr,
    pub(super) source: Option<IpAddr>,
}

impl Ends {
    pub(super) fn to(self, port: Port) -> SocketAddr {
        SocketAddr::new(self.address, port.get())
    }
}

/// What a pass has brought to light besides.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Evidence {
    pub(super) not_after: Option<SystemTime>,
    pub(super) weight: Option<Weight>,
}

/// The runs of one kind of probe at one target, one after the other.
pub(super) trait Session {
    /// Runs once; `phase` says at any time how far it has come. When the future is dropped, nothing
    /// half-done is left for the next run.
    async fn run(&mut self, ends: Ends, phase: &mut Phase) -> Result<Evidence, Failure>;

    /// Resolves when a connection that was kept ends.
    async fn ended(&mut self) {
        std::future::pending().await
    }
}
