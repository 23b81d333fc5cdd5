//! From the keys of etcd that hold a zone to its versions.
//!
//! ```text
//!   image on the disk ─┐
//!   pages, a watch ────┴─▶ Keys ─ names that have changed ─▶ making ─▶ the next version
//! ```
//!
//! Pure, but for the image. Not responsible for what keys mean (`crate::layout`), or for asking the store: that is
//! `etcd_zones`.

mod keys;
mod image;
mod serial;
mod making;

pub(super) use image::{Image, read as read_image, write as write_image};
pub(super) use keys::Keys;
pub(super) use making::{Made, Making, make};
pub(super) use serial::serial_of;
