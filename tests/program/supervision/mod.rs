//! What the program and a service manager say to each other: sd_notify(3), sd_listen_fds(3) and the formats
//! of the log. The test is the manager; systemd itself is tested in `host`.

mod files;
mod log;
mod manager;
mod notify;
mod passed;
mod watchdog;
