//! The running server: starts the rooms in order and turns the one loop.
//!
//! ```text
//!   requests ─┐                      ┌─ Publishing   snapshot, verdicts, workers
//!   verdicts ─┼─▶ the loop ─ events ─┼─ Reloading    files, what was read, what waits
//!   ended ────┤                      ├─ Updating     writers of zones that clients may change
//!   writers ──┘                      └─ Operator     listeners, rules, state directory
//! ```
//!
//! Each owner has its own fields; the loop hands them events and waits for nothing. Not responsible for
//! reading (`load`) or for what is served (`served`).

mod settings;
mod signatures;
mod signed_queries;
mod dispatcher;
mod notify_treatment;
mod worker_counters;
mod selector_text;
mod transitions;
mod certificate;
mod admin_listener;
mod control_listener;
mod locals;
mod forwarding;
mod own_host;
mod supervision;
mod update_counters;
mod vantage;
mod webhook;
mod telling;
mod zone_writer;
mod passing_on;
mod hosts;
mod updating;
mod update_treatment;
mod reloads;
mod waiting_changes;
mod transferring;
mod signing_ahead;
mod free_memory;
mod publishing;
mod member_changes;
mod zone_changes;
mod reloading;
mod operator;
mod owners;
mod status;
mod report;
mod pulse;
mod explaining_transfers;
mod explaining_signatures;
mod explaining;
mod apply;
mod turn;
mod run;

pub use run::{Error, run};
pub(crate) use vantage::vantage_name;
