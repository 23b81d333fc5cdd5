//! After `edgedns import` the same names resolve for the same clients as with PowerDNS, pdns-recursor,
//! BIND, dnsmasq, HAProxy and gdnsd, which run on loopback with the files that were imported.
//!
//! What an import reports and writes is tested in `program::import`.

mod access;
mod answers;
mod dnsmasq;
mod gdnsd;
mod haproxy;
mod lua;
mod servers;
mod signing;
mod target;
