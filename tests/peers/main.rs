//! The program beside servers and checkers of others: NSD, Knot DNS, BIND, PowerDNS, etcd.
//!
//! What is not installed is left out. `PEERS=required` in the environment makes that a failure.

mod acme;
mod catalogs;
mod compare;
mod dnssec;
mod dnstap;
mod encrypted;
mod encrypted_upstreams;
mod etcd;
mod forward;
mod https_quic;
mod hickory;
mod import;
mod loads;
mod primaries;
mod records;
mod rolls;
mod side_by_side;
mod signed_pools;
mod transfers;
mod tsig;
