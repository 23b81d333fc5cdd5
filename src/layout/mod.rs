//! Layouts of keys: how a store holds a zone in keys with values, one file per layout.
//!
//! ```text
//!   key, value ─ Layout::read ─▶ Items, each for an owner ─ settle ─▶ the records of that owner
//! ```
//!
//! Pure: what a key says depends on the key, its value and the [`Place`] of the zone alone. What a name answers is made of all
//! keys that have an item for it. Not responsible for where keys come from, or for the rules between records of a zone.

mod pool;
mod place;
mod item;
mod settle;
mod skydns;
mod lines;
mod all;

pub use all::{ApexRecords, LAYOUTS, Layout, ReadKey, layout};
pub use item::{Item, KeyFault};
pub use lines::text_of;
pub use place::{Place, Subtree};
pub use pool::{Guards, PoolReader, ReadPool};
pub use settle::{Settled, settle};
