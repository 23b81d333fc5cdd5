//! The cluster of three masters, over real sockets: the program is run as on a node, with the zone files that
//! nodes have today.
//!
//! Responsible for what operators rely on: answers that follow the masters, reloads that lose nothing, faults that
//! are found before they are served.
//! Not responsible for corners of the DNS: `peers` has those.

mod hard_files;
mod last_good;
mod limit;
mod links;
mod masters;
mod reload;
mod start;
mod views;
mod watch;
mod zone_faults;
