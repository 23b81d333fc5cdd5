//! `edgedns updates`: shows what updates did to zones, and takes it back.
//!
//! Arguments only; the server's writers do it.

use std::process::ExitCode;

use clap::{Args, Subcommand};
use edgedns::dns::{Name, Rtype};
use edgedns::tools;

use super::exit_code::exit_code;
use super::output_format::OutputFormat;
use super::record_type::parse_record_type;
use super::server::ServerArguments;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns updates show
  edgedns updates show ocp4.example.com --format json
  edgedns updates drop ocp4.example.com _acme-challenge.apps.ocp4.example.com
  edgedns updates drop ocp4.example.com www.ocp4.example.com A

Exit status:
  0  all records of updates are served; the records were dropped
  1  some do not fit the zone file; there were none to drop, or the server cannot be reached
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// Show by which records zones differ from their files.
    Show {
        /// Zone; without it all that can be updated.
        zone: Option<Name>,
        /// Output format.
        #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
        format: OutputFormat,
    },
    /// Take back what updates did to a name: the zone file decides about its records again.
    Drop {
        /// Zone.
        zone: Name,
        /// Owner of the records, absolute; the final dot may be left out.
        name: Name,
        /// Record type; without it all types.
        #[arg(value_name = "TYPE", value_parser = parse_record_type)]
        rtype: Option<Rtype>,
    },
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let server: tools::Server = self.server.into();
        exit_code(match self.action {
            Action::Show { zone, format } => tools::show_updates(&server, zone.as_ref(), format.into()),
            Action::Drop { zone, name, rtype } => tools::drop_updates(&server, &zone, &name, rtype),
        })
    }
}
