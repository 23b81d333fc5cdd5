//! Listen addresses, and what is served at one: a file and a line for each combination of protocols.
//!
//! Another transport is a file beside `tls`, with its key in `[server]`, a line in the list below, and one of
//! [`Transport`](crate::answer::Transport).

mod entry;
mod register_error;

mod https;
mod quic;
mod tcp;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;

use socket2::Socket;

pub use self::entry::ProtocolsEntry;
pub(super) use self::register_error::RegisterError;
use super::responder::Responder;
use super::stream::{StreamContext, StreamListener};
use super::threads::Threads;

/// A listen address, and what is served there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListenAddress {
    /// Address and port.
    pub address: SocketAddr,
    /// What is served there.
    pub protocols: Protocols,
}

/// Serves a socket that is registered, where it is.
pub(super) type Registered = Box<dyn FnOnce() -> StreamListener>;

/// Makes the enum, the list and the calls from one line for each combination of protocols. Its file offers `ENTRY` and
/// `register`.
macro_rules! protocols {
    ($($(#[$doc:meta])* $name:ident in $file:ident;)+) => {
        /// What is served at an address.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Protocols {
            $($(#[$doc])* $name,)+
        }

        impl Protocols {
            /// All of them, in the order in which their keys are shown.
            pub const ALL: &[Protocols] = &[$(Protocols::$name),+];

            /// What there is to say of them.
            pub fn entry(self) -> ProtocolsEntry {
                match self { $(Protocols::$name => $file::ENTRY),+ }
            }

            /// Registers the socket that their connections come to with one of the `threads`; what is returned
            /// serves it.
            pub(super) fn register<R: Responder>(
                self,
                socket: Socket,
                shared: &Arc<StreamContext<R>>,
                threads: &mut Threads,
            ) -> Result<Registered, RegisterError> {
                Ok(match self { $(Protocols::$name => Box::new($file::register(socket, shared, threads)?)),+ })
            }
        }
    };
}

protocols! {
    /// DNS over UDP and TCP (RFC 1035, section 4.2).
    Plain in tcp;
    /// DNS over TLS (RFC 7858).
    Tls in tls;
    /// DNS over HTTPS (RFC 8484).
    Https in https;
    /// DNS over QUIC (RFC 9250).
    Quic in quic;
}

impl Protocols {
    /// Where they are served unless the configuration says otherwise.
    pub fn usual_addresses(self) -> impl Iterator<Item = ListenAddress> {
        let ProtocolsEntry { absent, port, .. } = self.entry();
        absent.iter().map(move |&ip| ListenAddress { address: (ip, port).into(), protocols: self })
    }
}

/// DNS over UDP and TCP.
impl From<SocketAddr> for ListenAddress {
    fn from(address: SocketAddr) -> Self {
        ListenAddress { address, protocols: Protocols::Plain }
    }
}
