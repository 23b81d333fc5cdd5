//! Cryptography: the module that this program computes with.
//!
//! It is chosen when the program is built, here and nowhere else: ring, or with the feature `fips` the FIPS module of AWS-LC, by
//! the crate `aws-lc-rs`, which has ring's names. Where the two differ, what is offered here is the same. Not responsible for
//! what is computed with it, nor for what needs no module: DNS cookies (RFC 9018) and digests of files, which are SipHash.

use std::sync::{Arc, LazyLock};
#[cfg(not(feature = "fips"))]
use std::{fs::File, io::Read};

use rustls::crypto::CryptoProvider;
use rustls::server::ProducesTickets;

#[cfg(feature = "fips")]
use {aws_lc_rs as library, rustls::crypto::aws_lc_rs as tls};
#[cfg(not(feature = "fips"))]
use {ring as library, rustls::crypto::ring as tls};

use library::signature::{EcdsaKeyPair, EcdsaSigningAlgorithm};

pub use library::{digest, hmac, rand, signature};

#[cfg(all(feature = "ring", feature = "fips"))]
compile_error!("ring or the FIPS module, not both: build with `--no-default-features --features fips`");

#[cfg(not(any(feature = "ring", feature = "fips")))]
compile_error!("no cryptography: build with the feature `ring`, which is a default, or with `fips`");

/// What is known of the module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Module {
    /// Its name and, of the FIPS module, its version.
    pub name: &'static str,
    /// Whose rules it keeps.
    pub rules: Rules,
}

/// Whose rules a module keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rules {
    /// Nobody's but its authors'.
    Own,
    /// FIPS 140-3: it tests itself when the program starts, and TLS is spoken by what is approved alone. Whether this version has
    /// a certificate is NIST's to say.
    Fips140,
}

/// The module does not do what it promises; nothing may be computed with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfitModule;

impl std::fmt::Display for UnfitModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let name = module().name;
        write!(
            f,
            "{name} does not run as a FIPS module: build edgedns anew, docs/openshift.md, \"FIPS\", says how"
        )
    }
}

impl std::error::Error for UnfitModule {}

/// The module in this program.
#[cfg(not(feature = "fips"))]
pub fn module() -> Module {
    Module { name: "ring", rules: Rules::Own }
}

/// The module in this program.
#[cfg(feature = "fips")]
pub fn module() -> Module {
    static NAME: LazyLock<String> = LazyLock::new(|| format!("AWS-LC FIPS {}", library::awslc_version()));
    Module { name: &NAME, rules: Rules::Fips140 }
}

/// Looks whether the module keeps its rules: to be asked before anything listens. A FIPS module that fails a self-test ends the
/// program by itself.
///
/// # Errors
///
/// When it does not.
pub fn check() -> Result<(), UnfitModule> {
    keeps(module().rules, &provider())
}

fn keeps(rules: Rules, provider: &CryptoProvider) -> Result<(), UnfitModule> {
    match rules {
        Rules::Own => Ok(()),
        // It asks the module.
        Rules::Fips140 if provider.fips() => Ok(()),
        Rules::Fips140 => Err(UnfitModule),
    }
}

/// What TLS computes with. Whoever configures TLS says so each time, so that no other part of the program can change it.
pub fn provider() -> Arc<CryptoProvider> {
    static PROVIDER: LazyLock<Arc<CryptoProvider>> = LazyLock::new(|| Arc::new(tls::default_provider()));
    Arc::clone(&PROVIDER)
}

/// Makes session tickets, and reads them; none where there are no random numbers.
pub fn tickets() -> Option<Arc<dyn ProducesTickets>> {
    tls::Ticketer::new().ok()
}

/// The pair for ECDSA of a secret and its public key, an uncompressed point; none where they are not a pair.
pub fn ecdsa_pair(
    form: &'static EcdsaSigningAlgorithm,
    secret: &[u8],
    public: &[u8],
) -> Option<EcdsaKeyPair> {
    #[cfg(not(feature = "fips"))]
    let pair =
        EcdsaKeyPair::from_private_key_and_public_key(form, secret, public, &rand::SystemRandom::new());
    #[cfg(feature = "fips")]
    let pair = EcdsaKeyPair::from_private_key_and_public_key(form, secret, public);
    pair.ok()
}

/// Fills `bytes` with random ones of the system, fit for a secret that is kept; none where there are none. It does not wait, also
/// while a host starts: ring's own function would.
#[cfg(not(feature = "fips"))]
pub fn fill_random(bytes: &mut [u8]) -> Option<()> {
    File::open("/dev/urandom").and_then(|mut source| source.read_exact(bytes)).ok()
}

/// Fills `bytes` with random ones of the module, which alone are approved for keys. It takes its seeds from the processor and the
/// system.
#[cfg(feature = "fips")]
pub fn fill_random(bytes: &mut [u8]) -> Option<()> {
    rand::fill(bytes).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_module_keeps_the_rules_that_it_names() {
        assert_eq!(check(), Ok(()));
        assert_eq!(provider().fips(), module().rules == Rules::Fips140, "{:?}", module());
    }

    #[test]
    fn a_module_that_is_no_fips_module_though_it_should_be_one_is_unfit() {
        let own = CryptoProvider { kx_groups: vec![tls::kx_group::X25519], ..(*provider()).clone() };
        assert_eq!((keeps(Rules::Own, &own), keeps(Rules::Fips140, &own)), (Ok(()), Err(UnfitModule)));
        assert!(UnfitModule.to_string().contains("does not run as a FIPS module: build"));
    }

    #[test]
    fn a_pair_for_ecdsa_is_made_of_what_belongs_together_alone() {
        let form = &signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        assert!(ecdsa_pair(form, &[1; 32], &[4; 65]).is_none());
        assert!(ecdsa_pair(form, &[0; 32], &[4; 65]).is_none());
    }

    #[test]
    fn random_bytes_are_others_each_time() {
        let [mut one, mut other] = [[0; 32]; 2];
        assert_eq!((fill_random(&mut one), fill_random(&mut other)), (Some(()), Some(())));
        assert!(one != other && one != [0; 32]);
    }
}
