//! What the handshake of a connection says of its client, for transfers and updates.

use std::sync::Arc;

use crate::tls::ShownCertificate;

/// What is known of a client by its connection besides its address.
#[derive(Clone, Debug, Default)]
pub(in crate::transport) struct ClientSession {
    /// Why no zone may be sent over it; none: zones may.
    pub(in crate::transport) transfer_bar: Option<&'static str>,
    /// The certificate that the client has shown; none: it has shown none.
    pub(in crate::transport) certificate: Option<Arc<ShownCertificate>>,
}
