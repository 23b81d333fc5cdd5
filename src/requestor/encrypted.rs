//! Encrypted transports to a server: a file and a line for each, and what they have alike.
//!
//! One connection is kept to each server and shared by all queries (`kept`); what carries them over it is the file of
//! the transport. Another one is a file beside `tls`, with its entry and its [`Carrier`](carrier::Carrier), and a line
//! in the list below.

mod entry;

mod server;

mod carrier;

mod kept;

mod tls;

mod https;

mod quic;

use std::fmt;
use std::time::Instant;

use super::failure::Failure;
use super::query::Query;
use crate::probe::Path;
use crate::tls::ServerName;
use kept::KeptConnection;

pub(super) use entry::TransportEntry;
pub(super) use server::{EncryptedServer, Purpose};
pub(super) use tls::open_stream;

/// How a server is asked over an encrypted transport.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Encrypted {
    /// The transport.
    pub transport: EncryptedTransport,
    /// Whom its certificate must be for; none: for the address.
    pub name: Option<ServerName>,
    /// Where it takes queries; none: the transport has no paths.
    pub path: Option<Path>,
}

/// The connection to one server, opened again whenever it is needed.
pub(super) struct EncryptedConnection(AnyConnection);

/// Makes the enum, the list and the calls from one line for each transport. Its file offers `ENTRY` and a
/// [`Carrier`](carrier::Carrier).
macro_rules! transports {
    ($($(#[$doc:meta])* $name:ident by $carrier:ident in $file:ident;)+) => {
        /// An encrypted transport.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum EncryptedTransport {
            $($(#[$doc])* $name,)+
        }

        impl EncryptedTransport {
            /// All of them.
            pub const ALL: &[EncryptedTransport] = &[$(EncryptedTransport::$name),+];

            /// What there is to say of it.
            pub fn entry(self) -> TransportEntry {
                match self { $(EncryptedTransport::$name => $file::ENTRY),+ }
            }
        }

        enum AnyConnection {
            $($name(KeptConnection<$file::$carrier>),)+
        }

        impl EncryptedConnection {
            /// Nothing is opened yet.
            pub(super) fn new(transport: EncryptedTransport, server: EncryptedServer) -> Self {
                Self(match transport {
                    $(EncryptedTransport::$name => AnyConnection::$name(KeptConnection::new(server))),+
                })
            }

            /// Asks over the connection that is open, or a new one. The response has the id that the query had.
            ///
            /// # Errors
            ///
            /// When there is no connection, or no response over it. Only connecting has a time limit: the caller
            /// drops the future.
            pub(super) async fn ask(&self, query: Query) -> Result<Vec<u8>, Failure> {
                match &self.0 { $(AnyConnection::$name(connection) => connection.ask(query).await),+ }
            }

            /// Leaves the open connection if nothing has come over it since a query was sent.
            pub(super) fn leave_if_silent_since(&self, asked: Instant) {
                match &self.0 { $(AnyConnection::$name(connection) => connection.leave_if_silent_since(asked)),+ }
            }
        }
    };
}

transports! {
    /// DNS over TLS (RFC 7858).
    Tls by TlsCarrier in tls;
    /// DNS over HTTPS (RFC 8484).
    Https by HttpsCarrier in https;
    /// DNS over QUIC (RFC 9250).
    Quic by QuicCarrier in quic;
}

/// What stands behind the address: `/dns-query#dns.example`.
impl fmt::Display for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.path.iter().try_for_each(|path| path.fmt(f))?;
        self.name.iter().try_for_each(|name| write!(f, "#{name}"))
    }
}
