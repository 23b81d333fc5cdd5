//! Forwarding by the running program: what clients get while upstreams are well, slow, wrong, forged, gone or
//! looping.
//!
//! Bytes and times are tested in `src/forward`, upstreams of others in `peers`.

mod aliases;
mod chains;
mod encrypted;
mod faults;
mod quirks;
mod limits;
mod probed;
mod link_local;
mod local;
mod resolv_conf;
mod stale;
mod usual;
