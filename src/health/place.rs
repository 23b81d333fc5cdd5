//! Where a target lies: on this host, or beyond it.

use std::net::{IpAddr, UdpSocket};

/// Where a target lies.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Place {
    /// On this host: no network is between.
    Here,
    /// Beyond it.
    #[default]
    Beyond,
}

impl Place {
    /// Where an address lies, by what this host would answer it from: its own it answers from themselves. Sends nothing.
    pub(super) fn of(address: IpAddr) -> Place {
        let any: IpAddr = match address {
            IpAddr::V4(_) => [0_u8; 4].into(),
            IpAddr::V6(_) => [0_u8; 16].into(),
        };
        // The port is of no interest: a datagram is never sent. Where there is no way, there is none from here to here.
        let reached = UdpSocket::bind((any, 0)).and_then(|socket| {
            socket.connect((address, 9))?;
            socket.local_addr()
        });
        match reached {
            Ok(from) if from.ip() == address || address.is_loopback() => Place::Here,
            Ok(_) | Err(_) => Place::Beyond,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_is_here_and_an_address_of_nobody_is_beyond() {
        assert_eq!(Place::of("127.0.0.1".parse().unwrap()), Place::Here);
        assert_eq!(Place::of("127.9.8.7".parse().unwrap()), Place::Here);
        assert_eq!(Place::of("192.0.2.1".parse().unwrap()), Place::Beyond);
    }
}
