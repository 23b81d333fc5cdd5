//! From the keys of etcd that hold a zone to its versions.
//!
//! ```text
//!   image on the disk ─┐
//!   pages, a watch ────┴─▶ Keys ─ names that have changed ─▶ making ─▶ the next version ─▶ its text on the disk
//! ```
//!
//! Pure, but for the image and the text. Not responsible for what keys mean (`crate::layout`), or for asking the store: that is
//! `etcd_zones`.

mod values;
mod keys;
mod image;
mod made_text;
mod serial;
mod making;

pub(super) use image::{
    Image, ImageHead, confirm as confirm_image, read as read_image, read_head as read_image_head,
    write as write_image,
};
pub(super) use keys::Keys;
pub(super) use made_text::{
    MadeText, is_kept as is_made_text_kept, is_worth_keeping as is_text_worth_keeping,
    read as read_made_text, remove_others as remove_other_texts, write as write_made_text,
};
pub(super) use making::{Made, Making, make};
pub(super) use serial::serial_of;
