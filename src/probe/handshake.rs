//! One TLS handshake, as `tls` and `https` begin with.
//!
//! Completes the handshake, or says why it failed. The room `tls` decides what is sent and demanded in it.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::ClientConfig;
use rustls::pki_types;
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

use super::outcome::{Failure, Phase, Reason};
use crate::tls::{FileError, FromFiles, Handshake, not_after};

/// What is spoken where nothing was agreed on.
const UNSPOKEN: &str = "http/1.1";

/// Shakes hands with one target, time and again.
pub(super) struct Handshaker {
    handshake: Handshake,
    config: FromFiles<Arc<ClientConfig>>,
}

/// A connection after its handshake.
pub(super) struct Secured {
    pub(super) stream: TlsStream<TcpStream>,
    /// When the target's certificate ends.
    pub(super) not_after: Option<SystemTime>,
}

impl Handshaker {
    pub(super) fn new(handshake: Handshake) -> Self {
        Self { handshake, config: FromFiles::new() }
    }

    /// What the next handshake is made with: another one only after a file has changed.
    pub(super) fn config(&mut self) -> Result<Arc<ClientConfig>, FileError> {
        let handshake = &self.handshake;
        self.config.current(&handshake.files(), || handshake.config())
    }

    /// Shakes hands over `stream`, which leads to `address`.
    pub(super) async fn shake(
        &self,
        config: Arc<ClientConfig>,
        stream: TcpStream,
        address: IpAddr,
    ) -> Result<Secured, Failure> {
        let shaken = self.handshake.shake(config, stream, address).await;
        let stream = shaken.map_err(|error| of_handshake(&error, &self.handshake.name_at(address)))?;
        let (_, session) = stream.get_ref();
        let wanted = &self.handshake.protocols;
        let may_be_silent = wanted.is_empty() || wanted.iter().any(|one| one.name() == UNSPOKEN);
        if session.alpn_protocol().is_none() && !may_be_silent {
            return Err(Reason::NoCommonProtocol.into());
        }
        let leaf = session.peer_certificates().and_then(|chain| chain.first());
        let not_after = leaf.and_then(|leaf| not_after(leaf));
        Ok(Secured { stream, not_after })
    }
}

/// Why a handshake failed.
fn of_handshake(error: &io::Error, name: &pki_types::ServerName<'_>) -> Failure {
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(fault)) => of_certificate(fault, name).into(),
        Some(fault) => of_tls(fault).into(),
        None => Reason::of_stream(error, Phase::Handshake).into(),
    }
}

fn of_certificate(fault: &rustls::CertificateError, name: &pki_types::ServerName<'_>) -> Reason {
    use rustls::CertificateError as Fault;
    match fault {
        Fault::Expired | Fault::ExpiredContext { .. } => Reason::Expired,
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => Reason::NotYetValid,
        Fault::UnknownIssuer => Reason::UnknownIssuer,
        // As after a cluster was set up anew: its authority has the name of the old one.
        Fault::BadSignature => {
            Reason::BadCertificate { why: "not signed by the authority whose name it bears".into() }
        }
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => {
            Reason::WrongName { name: name.to_str().into() }
        }
        other => Reason::BadCertificate { why: other.to_string().into() },
    }
}

/// The fault of TLS that an error of a stream stands for.
pub(super) fn tls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

/// What a fault of TLS means.
pub(super) fn of_tls(fault: &rustls::Error) -> Reason {
    match fault {
        rustls::Error::AlertReceived(rustls::AlertDescription::NoApplicationProtocol) => {
            Reason::NoCommonProtocol
        }
        rustls::Error::AlertReceived(alert) => Reason::Alert { alert: format!("{alert:?}").into() },
        rustls::Error::InvalidMessage(fault) => of_message(fault),
        other => Reason::BrokenTls { why: other.to_string().into() },
    }
}

/// What it means that a message cannot be read. Of what is not TLS at all not even the head of a record can.
fn of_message(fault: &rustls::InvalidMessage) -> Reason {
    use rustls::InvalidMessage as Fault;
    match fault {
        Fault::InvalidContentType
        | Fault::UnknownProtocolVersion
        | Fault::MessageTooLarge
        | Fault::InvalidEmptyPayload => Reason::NotTls,
        Fault::HandshakePayloadTooLarge | Fault::CertificatePayloadTooLarge => Reason::BrokenTls {
            why: "a message of the handshake, as its certificate, is longer than 64 kB".into(),
        },
        other => Reason::BrokenTls { why: format!("a message that cannot be read: {other:?}").into() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_speaks_tls_badly_is_told_from_what_is_not_tls() {
        use rustls::InvalidMessage as Fault;
        assert_eq!(of_message(&Fault::InvalidContentType), Reason::NotTls);
        for (fault, told) in [
            (Fault::HandshakePayloadTooLarge, "longer than 64 kB"),
            (Fault::CertificatePayloadTooLarge, "longer than 64 kB"),
            (Fault::UnsupportedCompression, "UnsupportedCompression"),
        ] {
            let reason = of_tls(&rustls::Error::InvalidMessage(fault)).to_string();
            assert!(reason.starts_with("broken TLS: ") && reason.contains(told), "{reason}");
        }
    }
}
