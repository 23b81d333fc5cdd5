//! Answers, in this process: zones are compiled and asked with the library, without the program and without sockets
//! but those of an upstream.
//!
//! `served` and `invariant` are shared with the fuzz targets and the benchmarks, and `properties` belongs to the former.

mod invariant;
mod served;

#[path = "../fuzz/properties/mod.rs"]
mod properties;

mod allocations;
mod large_zone;
mod replay;
mod scenarios;
