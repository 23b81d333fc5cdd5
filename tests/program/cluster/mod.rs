//! The cluster of three masters, with the zone files that nodes have today.

mod live;
mod masters;
mod start;
