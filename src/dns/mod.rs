//! DNS on the wire and in text: names, types, RDATA, messages.
//!
//! Knows what the RFCs say of single pieces of a message and of their presentation format. Which pieces form
//! a zone is decided by `zone`.

#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice
)]

pub mod presentation;

pub mod name;

mod name_hash;

mod order_key;

mod ttl;

pub mod rtype;

pub mod rdata;

pub mod message;

pub mod message_writer;

pub mod edns;

pub mod client_subnet;

pub mod compression;

pub mod truncation;

pub mod response;

pub use name::{Name, NameError, NameRef};
pub use name_hash::NameHash;
pub use order_key::OrderKey;
pub use rtype::Rtype;
pub use ttl::{Ttl, TtlError, TtlForm, parse_timer, powerdns_reading};
