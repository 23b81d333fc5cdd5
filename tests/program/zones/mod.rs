//! Zone files while they are served: reloads that lose nothing, files that change by themselves, files that are broken,
//! that cost too much or that never come, and the last good texts.
//!
//! Responsible for which version of a zone is answered from, and for what is said of it.
//! Not responsible for each fault of zone text: those are tested in `zonefile`.

mod costly_files;
mod faults;
mod last_good;
mod reload;
mod watch;
