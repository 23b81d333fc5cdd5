//! `edgedns key`: makes a key for signed messages.
//!
//! Arguments only; `tools` makes it.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, builder::PossibleValuesParser, builder::TypedValueParser};
use edgedns::tools::{self, KeyRequest, RemoteError};
use edgedns::tsig::{Algorithm, KeyName};

use super::exit_code::exit_code;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns key transfer
  edgedns key cert-manager --secret-file keys/cert-manager
  edgedns key old-peer --algorithm hmac-sha1

Exit status:
  0  the key is made; standard output has its secret
  1  it cannot be made or written, or the file is there already
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// Name of the key: both ends must call it the same.
    #[arg(value_name = "NAME", value_parser = name)]
    name: KeyName,
    /// What signatures are made with.
    #[arg(long, default_value = Algorithm::names()[0], value_parser = algorithm())]
    algorithm: Algorithm,
    /// Write the secret to this new file, which only its owner may read, and name it in the config.
    #[arg(long, value_name = "FILE")]
    secret_file: Option<PathBuf>,
}

/// A name that needs no quotes in any of the files it goes to.
fn name(text: &str) -> Result<KeyName, String> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if !text.chars().all(is_plain) || text == "." {
        return Err("a name of letters, digits, `-`, `_` and `.` is known by all programs".to_owned());
    }
    text.parse::<KeyName>().map_err(|error| error.to_string())
}

fn algorithm() -> impl TypedValueParser<Value = Algorithm> {
    PossibleValuesParser::new(Algorithm::names()).try_map(|text| text.parse::<Algorithm>())
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let Self { name, algorithm, secret_file } = self;
        let made = tools::make_key(&KeyRequest { name, algorithm, secret_file });
        exit_code(made.map(|()| true).map_err(RemoteError::Output))
    }
}
