//! What there is to say of an encrypted transport.

/// What there is to say of an encrypted transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TransportEntry {
    /// What a server that is asked over it begins with in the configuration, before `://`.
    pub scheme: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// The port that servers usually have.
    pub port: u16,
    /// A port at which they must not be.
    pub barred_port: Option<u16>,
    /// The path at which servers usually take queries; none: there are no paths.
    pub path: Option<&'static str>,
    /// Whether zones are copied over it.
    pub carries_transfers: bool,
}
