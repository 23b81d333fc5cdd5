//! Zones: where they come from, which version of each is good, and what outlives a restart.
//!
//! Responsible for reading zones, for the last good text of each, and for noticing that a file has changed.
//! Not responsible for the config file (`config`), or for publishing what was read (`daemon`).
//!
//! ```text
//!   watching ─ changed ─▶ daemon ─ settings ─▶ load ─ version ─▶ daemon publishes
//!                                               ▲ │
//!                                     last_good ┘ └▶ last_good (kept for a start with a broken file)
//! ```

mod clients;
mod zone_id;
mod last_fault;
mod file_digests;
pub mod state_file;
mod local_addresses;
mod source;
mod settings;
mod watching;
mod version;
mod proposal;
mod state;
mod last_good;
mod mark;
mod load;
mod store;

pub use clients::Clients;
pub use file_digests::FileDigests;
pub use last_fault::LastFault;
pub use last_good::{Good, Keeper};
pub use load::{Cause, LoadedZone, Purpose, READERS_MAX, Serving, load, readers_max};
pub use local_addresses::{known_addresses, known_networks, networks_of, of_others, own_addresses};
pub use mark::{Marks, Stamp};
pub use proposal::{Contents, Proposal, ProposalError};
pub use settings::{Settings, ZoneSettings};
pub use source::{Reading, ReverseOf, Source, ZoneFile, ZoneSources};
pub use state::{Event, Fault, ZoneState};
pub use store::{Store, StoredZone};
pub use version::{Inputs, VersionOrigin, ZoneVersion};
pub use watching::{QUIET, Watching, Writing};
pub use zone_id::ZoneId;
