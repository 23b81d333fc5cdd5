//! Forwarding, by the running program: to real name servers, and to one that behaves as badly as a test wants.
//!
//! Responsible for what clients get while upstreams are well, slow, wrong, forged, gone or looping.
//! Not responsible for bytes and times in detail: those are tested in the room.

mod aliases;
mod chains;
mod faults;
mod habits;
mod limits;
mod link_local;
mod local;
mod resolv_conf;
mod stale;
mod tls;
mod usual;
