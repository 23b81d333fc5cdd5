//! The addresses of this host, which tell its clients from those elsewhere: they come and go while the server runs.
//!
//! Not responsible for finding them (`zones`), or for what either gets (`answer`).

use std::time::{Duration, Instant};

use super::super::served::Served;
use crate::answer::HostAddresses;
use crate::zones::known_addresses;

/// How often it is looked whether this host has other addresses: at boot they come after us.
const ADDRESSES_INTERVAL: Duration = Duration::from_secs(5);

/// When the addresses of this host were read last.
pub(super) struct OwnHost {
    looked: Instant,
}

impl OwnHost {
    /// Has the next snapshot know the addresses that there are.
    pub(super) fn look(served: &mut Served) -> OwnHost {
        served.set_host(HostAddresses::new(known_addresses()));
        OwnHost { looked: Instant::now() }
    }

    /// Whether it is time to look; then the next time is later.
    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.looked.elapsed() >= ADDRESSES_INTERVAL;
        if is_due {
            self.looked = Instant::now();
        }
        is_due
    }

    /// The same; whether there are others than before.
    pub(super) fn look_again(served: &mut Served) -> bool {
        served.set_host(HostAddresses::new(known_addresses()))
    }
}
