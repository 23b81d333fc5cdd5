//! Incoming zone transfers.
//!
//! ```text
//!   messages ─ message ─▶ records ─ receiver ─▶ Received { as it is | whole | changes }
//! ```
//!
//! A transfer is used when it is complete and sound, and not before; until then the served version stays.

mod fault;
mod message;
mod whole;
mod receiver;
mod refresh;
mod query;
mod primary;
mod notify;

pub use fault::TransferFault;
pub use notify::Notify;
pub use primary::{FetchError, Fetched, Primary, PrimaryClient, PrimaryKey, PrimaryVersion};
pub use receiver::{Received, Receiver, TransferProgress, TransferQuery};
pub use refresh::{Held, Refresh, SerialComparison, Told, expiry};
pub use whole::{LuaRecords, Whole};
