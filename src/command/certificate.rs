//! `edgedns certificate`: makes a certificate that signs itself.
//!
//! Arguments only; `tools` makes it.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use clap::builder::RangedU64ValueParser;
use edgedns::tls::ServerName;
use edgedns::tools::{self, CertificateRequest, RemoteError};

use super::exit_code::{exit_code, fail};
use super::server_name::read_server_name;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns certificate ns1.lab.example 192.0.2.1
  edgedns certificate ns1.lab.example --certificate tls/server.crt --key tls/server.key

Exit status:
  0  both files are written
  1  they cannot be made or written, or one of them is there already
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// Names and addresses that clients know the server by.
    #[arg(value_name = "NAME", required = true, value_parser = read_server_name)]
    names: Vec<ServerName>,
    /// Write the certificate to this new file.
    #[arg(long, value_name = "FILE", default_value = "server.crt")]
    certificate: PathBuf,
    /// Write its key to this new file, which only its owner may read.
    #[arg(long, value_name = "FILE", default_value = "server.key")]
    key: PathBuf,
    /// For how many days it is valid.
    #[arg(long, value_name = "DAYS", default_value_t = 365, value_parser = RangedU64ValueParser::<u16>::new().range(1..=3650))]
    days: u16,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let Self { names, certificate, key, days } = self;
        match tools::make_certificate(&CertificateRequest { names, certificate, key, days }) {
            Ok(lines) => {
                let told = io::stdout().lock().write_all(lines.as_bytes());
                exit_code(told.map(|()| true).map_err(RemoteError::Output))
            }
            Err(error) => fail(&error),
        }
    }
}
