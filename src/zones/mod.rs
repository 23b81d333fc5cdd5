//! Zones: where they come from, which version of each is good, and what outlives a restart.
//!
//! Sources propose, one store accepts, and the daemon only publishes. Not responsible for the config file
//! (`config` fills the settings), or for publishing.
//!
//! ```text
//!   watching ─ a file has changed ─▶ daemon ─ Settings ─▶ load
//!                                                          │ each zone: its sources read into a builder
//!                                                          ▼
//!                     last good text ─── no version ──▶ Proposal { whole | changes }
//!                          ▲                               │ accepted: compiled, a value      │ refused: every fault
//!                          └── what is served is kept ─────▼                                  ▼
//!                                                    Store: one state per zone ─▶ daemon publishes
//! ```

mod clients;
mod zone_id;
mod view;
mod member_of;
mod last_fault;
mod file_digests;
mod host_name;
pub mod state_file;
mod local_addresses;
mod kept_members;
pub mod source;
mod signing;
mod settings;
mod watching;
mod since;
mod version;
mod signature_keeper;
mod host_members;
mod proposal;
mod state;
mod last_good;
pub mod journal;
pub mod live;
mod mark;
mod copy;
mod members;
mod etcd;
mod load;
mod store;
mod publication;
mod feed;
mod saving;
mod secondary;
mod catalogs;
mod etcd_zones;
mod cluster_members;

pub use catalogs::{CatalogStatus, Catalogs};
pub use clients::Clients;
pub use cluster_members::{ClusterMembersFeed, ClusterMembersStatus};
pub use etcd_zones::{EtcdStatus, EtcdZones, FromEtcd, Held, from_etcd};
pub use feed::{Feed, FeedContext, FeedStatus, Feeds, StartFeed};
pub use file_digests::FileDigests;
pub use host_members::{HostTable, LookedUp, NotKnown, UnknownHost, are_moved};
pub use host_name::host_name;
pub use last_fault::LastFault;
pub use last_good::{Good, LastGoodKeeper};
pub use load::{LoadedZone, Purpose, READERS_MAX, ReadCause, Serving, load, readers_max};
pub use local_addresses::{known_addresses, known_networks, networks_of, of_others, own_addresses};
pub use mark::{Marks, Stamp};
pub use member_of::MemberOf;
pub use members::{Clash, Losses};
pub use proposal::{Contents, Proposal, ProposalError};
pub use publication::{MemberChange, NotPublished, Publication, Publications, ZoneChange, ZoneRequest};
pub use secondary::Secondaries;
pub use settings::{CatalogSettings, ClusterSettings, MemberSettings, Settings, ZoneSettings};
pub use signature_keeper::{Keeping, SignatureKeeper};
pub use signing::{DnssecSettings, SigningFault, ZoneSigning, signing_time};
pub use since::Since;
pub use source::ZoneSources;
pub use state::{Event, Fault, ZoneState};
pub use store::{Store, StoredZone};
pub use version::{Inputs, VersionOrigin, ZoneVersion};
pub use view::view_for;
pub use watching::{Moment, QUIET, Watching, Writing};
pub use zone_id::ZoneId;

/// Every feed: a line for each source whose records come while its zone is served.
pub const FEEDS: &[StartFeed] = &[Secondaries::feed, EtcdZones::feed, ClusterMembersFeed::feed];
