//! Answers, tested in this process: the library compiles zones and answers from them. There is no program,
//! and no socket but that of an upstream.
//!
//! The fuzz targets and the benchmarks use `served` and `invariant`, too. `properties` belongs to the fuzz
//! targets.

mod invariant;
mod served;

#[path = "../fuzz/properties/mod.rs"]
mod properties;

mod allocations;
mod large_zone;
mod replay;
mod scenarios;
