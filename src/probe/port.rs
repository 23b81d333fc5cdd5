//! Ports that can be connected to.

use std::num::NonZeroU16;

/// A port that can be connected to: never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Port(NonZeroU16);

impl Port {
    /// The lowest.
    pub const MIN: Port = Port(NonZeroU16::MIN);

    /// A port; none for 0.
    pub fn new(port: u16) -> Option<Self> {
        NonZeroU16::new(port).map(Port)
    }
    /// The number.
    pub fn get(self) -> u16 {
        self.0.get()
    }
}
