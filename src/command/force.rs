//! `edgedns force`: drains a master before it is rebooted.
//!
//! Arguments only; `health` knows what a forced verdict does.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use edgedns::config::read_duration;
use edgedns::control::ForceOrder;
use edgedns::health::force::{Order, Remark};
use edgedns::pattern::Pattern;
use edgedns::tools;

use super::exit_code::exit_code;
use super::server::ServerArguments;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns force '192.0.2.14:*' down --for 30m --reason \"new kernel\"   # before a reboot
  edgedns force '192.0.2.14:*' auto                                   # after it
  edgedns force '192.0.2.14:*' drain --for 2h                         # no new clients; not down, no alert
  edgedns force '*:6443' up --for 10m --reason \"probes are wrong\"

Exit status:
  0  the verdict is in force; the output names the targets
  1  it is not, or the server cannot be reached
  2  the command line is wrong
  3  it is in force, but will not outlive a restart: it could not be written";

/// The exit status of what is in force, but only until a restart.
const NOT_KEPT: u8 = 3;

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// Targets as `status` shows them, or their address and port; `*` stands for any text: '192.0.2.1:*'.
    target: Pattern,
    /// Verdict to force: up or down; drain ends new answers and leaves the verdict to the probes; auto leaves all to them again.
    verdict: Order,
    /// How long it lasts, as in 30m; without it until `auto`.
    #[arg(long = "for", value_name = "DURATION", value_parser = read_duration)]
    lasts: Option<Duration>,
    /// Reason, shown in log and status.
    #[arg(long, value_name = "TEXT")]
    reason: Option<Remark>,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let Self { server, target, verdict, lasts, reason } = self;
        let order = ForceOrder { pattern: target, order: verdict, lasts, remark: reason };
        match tools::force(&server.into(), &order) {
            Ok(false) => ExitCode::from(NOT_KEPT),
            said => exit_code(said),
        }
    }
}
