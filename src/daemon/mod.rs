//! The daemon: start order, the one loop, the only Publisher.
//!
//! Responsible for who does what when: it alone acts on requests, starts and
//! stops the other rooms, and publishes.
//! Not responsible for how any of it is done.

mod clock;
mod descriptors;
mod folders;
mod forcing;
mod kept;
mod last_fault;
mod load;
mod log;
mod own;
mod places;
mod served;
mod server;
mod state_file;
mod watching;

pub use log::{LogFormat, start_logging};
pub use server::{Error, run};

pub(crate) use load::{LoadedZone, Purpose, Reading, is_error};
pub(crate) use own::{known_addresses, own_addresses};
pub(crate) use served::Served;
