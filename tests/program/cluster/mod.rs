//! The cluster of three masters, over real sockets: the program is run as on a node, with the zone files that
//! nodes have today.
//!
//! Responsible for answers that follow the masters, and for what a start says of many.

mod masters;
mod start;
