//! The words of DNS: names, types, RDATA, messages.
//!
//! Responsible for what the RFCs say about single pieces of a message and
//! their presentation format.
//! Not responsible for zones (which pieces belong together) or for sockets.

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

mod ttl;

pub mod rtype;

pub mod rdata;

pub mod message;

pub mod message_writer;

pub mod edns;

pub mod compression;

pub mod response;

pub use name::{Name, NameError, NameRef};
pub use name_hash::NameHash;
pub use rtype::Rtype;
pub use ttl::{Ttl, TtlError, TtlForm, parse_timer, powerdns_reading};
