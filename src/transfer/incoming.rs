//! Zones that come from a primary.
//!
//! ```text
//!   messages ─ message ─▶ records ─ receiver ─▶ Received { as it is | whole | changes }
//! ```
//!
//! Responsible for what a primary says being whole and sound before anybody uses it. Not responsible for what is
//! served meanwhile: that stays as it is, whatever comes.

mod fault;
mod message;
mod condensed;
mod whole;
mod receiver;
mod refresh;
mod query;
mod primary;
mod notify;

pub use fault::TransferFault;
pub use notify::Notify;
pub use primary::{FetchError, Fetched, Primary, PrimaryClient, PrimaryKey, Seen};
pub use receiver::{Asked, Progress, Received, Receiver};
pub use refresh::{Held, Refresh, Standing, expiry};
pub use whole::{LuaRecords, Whole};
