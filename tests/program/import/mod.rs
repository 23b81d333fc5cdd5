//! `edgedns import`: other servers' files, and whether the same names resolve afterwards.
//!
//! Responsible for the report, for the files written, and for the comparison with the servers that are replaced:
//! PowerDNS and pdns-recursor, run beside edgedns on loopback.
//! Not responsible for zone text or for answering as such.
//!
//! `PEERS=required` in the environment makes a missing server a failure.

mod access;
mod answers;
mod copies;
mod faults;
mod lua;
mod named;
mod node;
mod pdns;
mod recursor;
mod seeds;
mod servers;
