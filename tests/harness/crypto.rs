//! What clients and servers of tests speak TLS with: the cryptography that the program under test was built with, since a crate
//! that both use cannot be had with two.

use std::sync::Arc;

use rustls::crypto::CryptoProvider;

#[cfg(feature = "fips")]
use rustls::crypto::aws_lc_rs as chosen;
#[cfg(not(feature = "fips"))]
use rustls::crypto::ring as chosen;

/// All that it can.
pub fn provider() -> Arc<CryptoProvider> {
    Arc::new(chosen::default_provider())
}
