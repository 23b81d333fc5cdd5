//! Beside the servers and checkers of others: NSD, Knot DNS, BIND, PowerDNS.
//!
//! `PEERS=required` in the environment makes a missing one a failure.

mod compare;
mod forward;
mod import;
mod loads;
mod records;
mod side_by_side;
