//! The running program and whoever supervises it: what a service manager is told and passes, and what the log is.
//!
//! Responsible for sd_notify(3), sd_listen_fds(3) and the formats of the log, with the test in the manager's place.
//! Not responsible for systemd itself: `unit` has it read the unit, and boot with it where it can.

mod files;
mod log;
mod manager;
mod notify;
mod passed;
mod watchdog;
