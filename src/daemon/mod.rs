//! The daemon: start order, the one loop, the only Publisher.
//!
//! Responsible for who does what when: it alone acts on requests, starts and
//! stops the other rooms, and publishes.
//! Not responsible for how any of it is done.

mod clock;
mod descriptors;
mod folders;
mod forcing;
mod log;
mod record_locations;
mod served;
mod zone_settings;
mod load;
mod server;

pub use log::{LogFormat, start_logging};
pub use server::{Error, run};

pub(crate) use load::LoadResult;
pub(crate) use served::Served;
