//! How a server block is asked: the schemes of its keys.

/// How a block is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Transport {
    Dns,
    Tls,
    Https,
    Quic,
}

impl Transport {
    /// All of them: how a key names each, its port, and the key of [server] for its listeners.
    pub(super) const ALL: &[(&str, Transport, u16, &str)] = &[
        ("dns", Transport::Dns, 53, "listen"),
        ("tls", Transport::Tls, 853, "listen-tls"),
        ("https", Transport::Https, 443, "listen-https"),
        ("quic", Transport::Quic, 853, "listen-quic"),
    ];
}
