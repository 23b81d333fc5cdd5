//! Zone files while they are served: reloads, watched files, files that are broken, that cost too much or
//! that cannot be opened, keys, and last good texts.
//!
//! Each fault of zone text is tested in `zonefile`.

mod costly_files;
mod faults;
mod hostile_updates;
mod keys;
mod last_good;
mod reload;
mod updates;
mod watch;
