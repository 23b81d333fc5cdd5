//! The daemon: start order, the one loop, the only Publisher.
//!
//! It alone acts on requests, starts and stops the other rooms, and publishes. How any of that is done is for
//! the other rooms to know.

mod clock;
mod descriptors;
mod folders;
mod forcing;
mod changes;
mod last_hour;
mod log;
mod record_locations;
mod served;
mod zone_settings;
mod load;
mod server;

pub use log::{LogFormat, start_logging};
pub(crate) use server::vantage_name;
pub use server::{Error, run};

pub(crate) use load::LoadResult;
pub(crate) use served::{LoadedZones, Served};
