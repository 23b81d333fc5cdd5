//! Secrets as other servers give them: the private format of BIND, which `pdnsutil export-zone-key` prints too, and PKCS #8 in
//! PEM, as Knot DNS keeps them.
//!
//! Only what stands in the text counts; times do not.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::algorithm::Algorithm;
use super::key_text::{KeyFault, read_public};
use super::pair::{Pair, PairError, SECRET_BYTES};
use super::public_key::PublicKey;
use crate::dns::Name;

/// A secret, and its public key.
pub struct ForeignKey {
    /// The public key.
    pub public: PublicKey,
    /// The secret, in base64.
    pub secret: String,
}

/// Without the secret.
impl std::fmt::Debug for ForeignKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ForeignKey({:?})", self.public)
    }
}

/// What a text has of a key.
struct Parts {
    algorithm: Algorithm,
    secret: Vec<u8>,
    /// None: it says nothing of it.
    public: Option<Vec<u8>>,
}

/// Reads the secret of a key of a zone. Its public key is that of `dnskey`, a DNSKEY record as text; without one it is found
/// in the secret, with these flags.
///
/// # Errors
///
/// When the text is no secret, or is the one of another key.
pub fn read_foreign(
    zone: &Name,
    text: &str,
    dnskey: Option<&str>,
    flags: u16,
) -> Result<ForeignKey, KeyFault> {
    let parts = if text.contains("-----BEGIN PRIVATE KEY-----") { of_pem(text) } else { of_private(text) }?;
    let secret = BASE64_STANDARD.encode(&parts.secret);
    let public = match dnskey {
        Some(record) => {
            let (owner, public) = read_public(record)?;
            if owner != *zone {
                return Err(KeyFault::OtherZone(owner.to_string()));
            }
            if public.algorithm() != parts.algorithm {
                return Err(KeyFault::OtherAlgorithm);
            }
            public
        }
        None => {
            let derived = || Pair::public_of(parts.algorithm, &parts.secret);
            let key = parts.public.or_else(derived).ok_or(KeyFault::Pair(PairError::BadSecret))?;
            PublicKey::new(flags, parts.algorithm, &key).ok_or(KeyFault::BadRecord)?
        }
    };
    Pair::new(&public, &secret).map_err(KeyFault::Pair)?;
    Ok(ForeignKey { public, secret })
}

fn of_private(text: &str) -> Result<Parts, KeyFault> {
    let line = |word: &'static str| {
        let found =
            text.lines().find_map(|line| Some(line.trim().strip_prefix(word)?.strip_prefix(':')?.trim()));
        found.ok_or(KeyFault::Lacks(word))
    };
    let number = line("Algorithm")?.split_ascii_whitespace().next().unwrap_or_default();
    let algorithm = number.parse().ok().and_then(Algorithm::from_number);
    let algorithm = algorithm.ok_or_else(|| KeyFault::Algorithm(number.to_owned()))?;
    let secret = BASE64_STANDARD.decode(line("PrivateKey")?).map_err(|_| KeyFault::BadLine("PrivateKey"))?;
    Ok(Parts { algorithm, secret, public: None })
}

fn of_pem(text: &str) -> Result<Parts, KeyFault> {
    /// What stands before the length of a secret of P-256 (RFC 5915), and before a public key with its point.
    const P256_SECRET: &[u8] = &[2, 1, 1, 4];
    const P256_PUBLIC: &[u8] = &[3, 66, 0, 4];
    /// The object identifier of P-256 and that of Ed25519 (RFC 8410), and what stands before the secret of the latter.
    const P256: &[u8] = &[6, 8, 42, 134, 72, 206, 61, 3, 1, 7];
    const ED25519: &[u8] = &[6, 3, 43, 101, 112];
    const ED25519_SECRET: &[u8] = &[4, 34, 4, 32];
    let body: String = text.lines().map(str::trim).filter(|line| !line.starts_with("-----")).collect();
    let bytes = BASE64_STANDARD.decode(body).map_err(|_| KeyFault::BadLine("PRIVATE KEY"))?;
    let behind = |mark: &[u8], count: usize| -> Option<Vec<u8>> {
        let at = bytes.windows(mark.len()).position(|window| window == mark)? + mark.len();
        bytes.get(at..at + count).map(<[u8]>::to_vec)
    };
    // GnuTLS writes it as a number: with a zero before a high bit, and without zeros at its begin.
    let of_p256 = || {
        let length = usize::from(*behind(P256_SECRET, 1)?.first()?);
        let number = behind(P256_SECRET, 1 + length)?.split_off(1);
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        let number = number.get(zeros..)?;
        let missing = SECRET_BYTES.checked_sub(number.len())?;
        Some([&vec![0; missing][..], number].concat())
    };
    let (algorithm, secret, public) = if behind(P256, 0).is_some() {
        (Algorithm::EcdsaP256Sha256, of_p256(), behind(P256_PUBLIC, 64))
    } else if behind(ED25519, 0).is_some() {
        (Algorithm::Ed25519, behind(ED25519_SECRET, 32), None)
    } else {
        return Err(KeyFault::Algorithm("of this PEM text".to_owned()));
    };
    Ok(Parts { algorithm, secret: secret.ok_or(KeyFault::BadLine("PRIVATE KEY"))?, public })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnssec::{SEP, ZONE_KEY};

    fn zone() -> Name {
        "example.org.".parse().unwrap()
    }

    fn private(algorithm: Algorithm, secret: &str) -> String {
        format!(
            "Private-key-format: v1.2\nAlgorithm: {} ({algorithm})\nPrivateKey: {secret}\n",
            algorithm.number()
        )
    }

    fn dnskey(public: &PublicKey) -> String {
        let key = BASE64_STANDARD.encode(public.key());
        format!("example.org. IN DNSKEY {} 3 {} {key}", public.flags(), public.algorithm().number())
    }

    #[test]
    fn a_secret_of_powerdns_is_taken_with_its_dnskey_record_and_without_it() {
        for algorithm in Algorithm::ALL {
            let (public, secret) = Pair::generate(algorithm, ZONE_KEY | SEP).unwrap();
            let text = private(algorithm, &secret);
            let read = |record: Option<&str>| read_foreign(&zone(), &text, record, ZONE_KEY | SEP);
            let taken = read(Some(&dnskey(&public))).unwrap();
            assert_eq!((&taken.public, &taken.secret), (&public, &secret));
            assert!(!format!("{taken:?}").contains(&secret));
            assert_eq!(read(None).unwrap().public, public);
            let (other, _) = Pair::generate(algorithm, ZONE_KEY | SEP).unwrap();
            assert!(matches!(read(Some(&dnskey(&other))), Err(KeyFault::Pair(_))));
            let elsewhere = dnskey(&other).replace("example.org.", "example.net.");
            assert_eq!(read(Some(&elsewhere)).unwrap_err(), KeyFault::OtherZone("example.net.".to_owned()));
        }
    }

    #[test]
    fn keys_in_pem_have_all_that_is_needed() {
        let wrapped = |bytes: &[u8]| {
            format!(
                "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
                BASE64_STANDARD.encode(bytes)
            )
        };
        let (public, secret) = Pair::generate(Algorithm::Ed25519, ZONE_KEY | SEP).unwrap();
        let seed = BASE64_STANDARD.decode(&secret).unwrap();
        let pem =
            wrapped(&[&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 43, 101, 112, 4, 34, 4, 32], &seed[..]].concat());
        assert_eq!(read_foreign(&zone(), &pem, None, ZONE_KEY | SEP).unwrap().public, public);
        let random = crate::crypto::rand::SystemRandom::new();
        let form = &crate::crypto::signature::ECDSA_P256_SHA256_FIXED_SIGNING;
        let document = crate::crypto::signature::EcdsaKeyPair::generate_pkcs8(form, &random).unwrap();
        let taken = read_foreign(&zone(), &wrapped(document.as_ref()), None, ZONE_KEY).unwrap();
        assert_eq!((taken.public.algorithm(), taken.public.flags()), (Algorithm::EcdsaP256Sha256, ZONE_KEY));
        let bytes = document.as_ref();
        let at = bytes.windows(5).position(|window| window == [2, 1, 1, 4, 32]).unwrap();
        let (head, rest) = (&bytes[..at + 4], &bytes[at + 5..]);
        let as_number = wrapped(&[head, &[33, 0], rest].concat());
        let again = read_foreign(&zone(), &as_number, None, ZONE_KEY).unwrap();
        assert_eq!(
            (again.public, again.secret),
            (taken.public, taken.secret),
            "with a zero before it, as GnuTLS has it"
        );
        let rsa = wrapped(&[0x30, 3, 6, 1, 1]);
        assert!(matches!(read_foreign(&zone(), &rsa, None, ZONE_KEY), Err(KeyFault::Algorithm(_))));
    }

    #[test]
    fn rsa_keys_are_refused_by_their_number() {
        let text = "Private-key-format: v1.2\nAlgorithm: 8 (RSASHA256)\nModulus: AQAB\n";
        let fault = read_foreign(&zone(), text, None, ZONE_KEY).unwrap_err();
        assert!(fault.to_string().contains("not signed with algorithm 8 here"), "{fault}");
    }
}
