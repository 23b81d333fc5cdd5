//! A webhook: changes of verdict, told to one URL of the operator.
//!
//! ```text
//!   the loop ─▶ Outbox ── bounded, never waits ──▶ batch ─▶ signed POST ─▶ 2xx: told
//!                 └── full: counted, logged once              └─ else: again, later and later; in the end given up
//! ```
//!
//! Responsible for nothing waiting for a receiver that is slow, gone or wrong, and for the receiver being able to prove who
//! told it. Not responsible for what is told: that is handed over as JSON.

// What these lints are for, and when `saturating_add` satisfies them: "Numbers" in docs/architecture.md.
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects
)]

mod settings;

mod letter;

mod outbox;

pub use letter::SIGNATURE_HEADER;
pub use outbox::{Outbox, OutboxStatus, Sender};
pub use settings::{SECRET_BYTES_MIN, Url, UrlError, WebhookSettings, look_at_secret};
