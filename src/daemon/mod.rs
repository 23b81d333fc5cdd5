//! The daemon: start order, the one loop, the only Publisher.
//!
//! Responsible for who does what when: it alone acts on requests, starts and
//! stops the other rooms, and publishes.
//! Not responsible for how any of it is done.

mod check;
mod clock;
mod compare;
mod demo;
mod descriptors;
mod folders;
mod forcing;
mod kept;
mod last_fault;
mod load;
mod log;
mod machineconfig;
mod own;
mod places;
mod remote;
mod served;
mod server;
mod state_file;
mod terminal;
mod watching;

pub use check::{Check, Format, check, check_with_system};
pub use compare::{COMPARE_RATE_MAX, CompareError, Comparison, compare};
pub use demo::demo;
pub use log::{LogFormat, start_logging};
pub use machineconfig::{Request as MachineConfigRequest, machineconfig};
pub use remote::{RemoteError, Server, USUAL_SOCKET, explain, force, reload, status, trace, watch};

pub use server::{Error, run};
