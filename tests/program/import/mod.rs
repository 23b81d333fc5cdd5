//! `edgedns import`: what becomes of other servers' files.
//!
//! Responsible for the report and for the files written.
//! Not responsible for what is answered from them: `peers::import` asks that beside the servers that are replaced.

mod access;
mod copies;
mod faults;
mod named;
mod pdns;
mod recursor;
mod seeds;
