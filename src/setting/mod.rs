//! Settings as they are written: keys, tables and values of the config file, with their places.
//!
//! A room that declares keys of its own (`probe` does for each kind, `zones` for each source) reads them from here;
//! `config` knows where each table stands and which keys it may have.

mod size;
mod duration;
mod key;
mod value;
mod table;
mod client_certificate;
mod server_name;
mod tsig_key;

pub use client_certificate::{both, client_certificate};
pub use duration::{DURATION_MAX, read_duration, show as show_duration};
pub use key::{Absent, Holds, KeyEntry};
pub use server_name::server_name;
pub use table::{Faulty, Table, path_in, read_each};
pub use tsig_key::{KEY_WORD, MAKE_KEY, TsigKey};
pub use value::{Value, keep, list, span_of};
