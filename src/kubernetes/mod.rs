//! A client of the API server of a cluster: nodes and pods by their labels, and what becomes of them.
//!
//! Responsible for asking whichever API server is well, for what it says being read without trust, and for saying when all
//! is to be listed anew. Not responsible for what is made of it: this room knows no zones.
//!
//! ```text
//!   kubeconfig ─▶ Access ─▶ Client ─ list, page by page ─▶ every member
//!                             └───── watch from there ───▶ what changes; 410 Gone: list again
//! ```
//!
//! `kube` would bring some eighty crates; what is asked here are two lists.

// What these lints are for, and when `saturating_add` satisfies them: "Numbers" in docs/architecture.md.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod selector;

mod error;

mod access;

mod yaml;

mod kubeconfig;

mod wire;

mod watch;

mod client;

pub use access::{Access, Token};
pub use client::{Client, Listed};
pub use error::Error;
pub use kubeconfig::{Kubeconfig, KubeconfigError, PORT};
pub use selector::{Selector, SelectorError};
pub use watch::{Watch, Watched};
pub use wire::{Member, NodeOfCluster, NodeRole, nodes_of};
