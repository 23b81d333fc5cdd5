//! TSIG: messages signed with a secret that both ends know (RFC 8945).
//!
//! Responsible for keys, for signing and for verifying, all on bytes and at a time that is passed in. Not
//! responsible for who may do what with a key, nor for where secrets are kept.
//!
//! ```text
//!   server:  request ──receive──▶ Verified ── message without TSIG ──▶ …
//!                        │           └─ sign ◀── every response to it
//!                        └──▶ Refused ── response ──▶ BADKEY, BADSIG, BADTIME, BADTRUNC
//!   client:  sign_request ──▶ ClientExchange ── verify ◀── every response
//! ```

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod time;

mod algorithm;

mod key;

mod record;

mod digest;

mod server;

mod client;

pub use algorithm::{Algorithm, AlgorithmError};
pub use client::{ClientExchange, Unverified};
pub use key::{Key, KeyName, KeyRing, SECRET_BYTES_SHORT, Secret, SecretError};
pub use record::{Mac, TooLong, TsigError};
pub use server::{Received, Refused, Verified, receive};
pub use time::Time;

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
