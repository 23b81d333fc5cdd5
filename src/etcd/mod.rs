//! A client of etcd: keys with their values, at one revision, and what becomes of them from there.
//!
//! Responsible for asking whichever member is well, over its JSON gateway, and for not taking a member that is cut off
//! for the store. Not responsible for what keys mean: this room knows no zones.
//!
//! ```text
//!   Client ─ one request after the other ─▶ Connection ─▶ a member, else the next one
//!      └──── watch ─▶ Watch ─ a connection of its own ──▶ what changes, by revision
//! ```
//!
//! Besides, it carries verdicts between servers (`vantage`): what this one sees, and what the others do.
//!
//! The gateway speaks HTTP and JSON, which are in the program for other reasons. gRPC would bring the crate
//! `etcd-client` with some twenty others and `protoc`; what it has beyond the gateway is client certificates with a
//! CommonName where authentication is enabled, which the gateway refuses.

// What these lints are for, and when `saturating_add` satisfies them: "Numbers" in docs/architecture.md.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod access;

pub mod access_keys;

mod error;

mod wire;

mod prefix;

mod connection;

mod watch;

mod client;

mod pages;

mod vantage_keys;

mod vantage;

pub use crate::http_client::{Endpoint, EndpointError, Scheme};
pub use access::{Access, Login, PORT};
pub use client::{Client, Kept, Page, WRITES_MAX, Write};
pub use error::Error;
pub use pages::read_all;
pub use vantage::{VantageFeed, VantageStatus, VantageStore};
pub use vantage_keys::is_vantage_name;
pub use watch::{Change, Watch, Watched};
pub use wire::{KeyValue, LeaseId, Mark};
