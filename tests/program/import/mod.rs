//! `edgedns import`: its report, and the files it writes.
//!
//! What is answered from these files is compared in `peers::import`.

mod access;
mod copies;
mod corefile;
mod dnsmasq;
mod faults;
mod gdnsd;
mod haproxy;
mod named;
mod pdns;
mod recursor;
mod seeds;
mod signing;
