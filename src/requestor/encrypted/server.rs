//! A server that is asked over an encrypted transport, and the handshake with it.
//!
//! Not responsible for what is said after the handshake: that is a file for each transport.

use std::net::{IpAddr, SocketAddr};

use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::client::TlsStream;

use crate::probe::Path;
use crate::requestor::failure::Failure;
use crate::tls::{AlpnProtocol, ClientCertificate, Handshake, ServerName, TlsVersions, Verify};

/// A server, and who it must prove to be.
#[derive(Clone, Debug)]
pub(in crate::requestor) struct EncryptedServer {
    /// Address and port.
    pub(in crate::requestor) address: SocketAddr,
    /// Whom its certificate must be for; none: for the address.
    pub(in crate::requestor) name: Option<ServerName>,
    /// Where it takes queries, if its transport has paths.
    pub(in crate::requestor) path: Option<Path>,
    /// Whom its certificate must be from.
    pub(in crate::requestor) verify: Verify,
    /// For what it is asked.
    pub(in crate::requestor) purpose: Purpose,
}

/// For what a server is asked.
#[derive(Clone, Debug)]
pub(in crate::requestor) enum Purpose {
    /// Answers to queries.
    Queries,
    /// Zones that are copied from it, or that it is told of (RFC 9103).
    Zones {
        /// What it is shown if it asks for a certificate.
        client: Option<ClientCertificate>,
        /// The address of this host that it is asked from; none: the system chooses.
        source: Option<IpAddr>,
    },
}

impl EncryptedServer {
    /// What the handshake demands, in which one of these protocols is offered, if any.
    pub(super) fn handshake(&self, protocols: &[&str]) -> Handshake {
        Handshake {
            server_name: self.name.clone(),
            verify: self.verify.clone(),
            protocols: protocols.iter().filter_map(|name| AlpnProtocol::new(name)).collect(),
            client: match &self.purpose {
                Purpose::Queries => None,
                Purpose::Zones { client, .. } => client.clone(),
            },
        }
    }

    /// A connection over TCP with a handshake of one of these versions, in which one of these protocols is offered, if
    /// any.
    ///
    /// # Errors
    ///
    /// When there is none. There is no time limit: the caller drops the future.
    pub(in crate::requestor) async fn connect(
        &self,
        versions: TlsVersions,
        protocols: &[&str],
    ) -> Result<TlsStream<TcpStream>, Failure> {
        let handshake = self.handshake(protocols);
        let config = handshake.config_of(versions).map_err(|error| Failure::File(error.to_string()))?;
        let socket = if self.address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        if let Purpose::Zones { source: Some(source), .. } = &self.purpose {
            socket.bind((*source, 0).into())?;
        }
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        let secured = handshake.shake(config, stream, self.address.ip()).await;
        secured.map_err(|error| Failure::NoConnection(format!("TLS: {error}")))
    }
}
