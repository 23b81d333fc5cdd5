//! `edgedns support`: gathers what helps somebody who was not there.
//!
//! Arguments only; `tools` gathers.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use edgedns::tools::{self, RemoteError, SupportOutput, SupportRequest};

use super::exit_code::exit_code;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns support                                       # as root: the journal and secret files are root's
  ssh core@192.0.2.13 sudo edgedns support --output - > master-0.tar.gz

In it:
  README.txt   what is there, and what is not and why
  files/       config, zones and what they include
  check.txt    what `edgedns check --system` says
  status.txt, status.json, metrics.txt, explain.txt of all pools
  journal.txt  the last 5,000 lines of the service's log
  host/        resolv.conf, hosts, kernel, memory

Left out:
  values of `secret` and `cookie-secret`, files of keys, tokens and passwords, private keys, passwords and tokens in URLs;
  names and addresses are not

Exit status:
  0  the archive is written, and its name printed
  1  it cannot be written
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// Config file of the server; its `[admin] socket` says where the server is asked.
    #[arg(long, value_name = "FILE", default_value = "/etc/edgedns.toml")]
    config: PathBuf,
    /// Write to this new file, or to standard output where it is `-`; by default edgedns-support-HOST-TIME.tar.gz.
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let output = match self.output {
            None => SupportOutput::Usual,
            Some(file) if file == Path::new("-") => SupportOutput::Standard,
            Some(file) => SupportOutput::File(file),
        };
        let request = SupportRequest { config: self.config, output };
        exit_code(tools::support(&request).map(|()| true).map_err(RemoteError::Output))
    }
}
