//! What is a command and no server: reading for somebody, asking a running server, an example to look at.
//!
//! Responsible for carrying out what the command line asks for.
//! Not responsible for the arguments of a command, nor for serving: that is `daemon`.

mod format;

mod terminal;

mod check;

mod compare;

mod demo;

mod machineconfig;

mod remote;

pub use check::{Check, check, check_with_system};
pub use compare::{COMPARE_RATE_MAX, CompareError, Comparison, compare};
pub use demo::demo;
pub use format::Format;
pub use machineconfig::{Request as MachineConfigRequest, machineconfig};
pub use remote::{RemoteError, Server, USUAL_SOCKET, explain, force, reload, status, trace, watch};
