//! After `edgedns import` the same names resolve, for the same clients: beside PowerDNS, pdns-recursor and BIND, run on
//! loopback with the files that were imported.
//!
//! Not responsible for what an import says of a file, and for the files that it writes: that is `program::import`.

mod access;
mod answers;
mod lua;
mod servers;
