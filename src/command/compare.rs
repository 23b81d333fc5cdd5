//! `edgedns compare`: shows what another server answers differently, before ours takes its place.
//!
//! Arguments only; `tools` asks and compares.

use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use edgedns::tools::{self, CompareError, Comparison, RemoteError};

use super::exit_code::{exit_code, fail};
use super::output_format::OutputFormat;

/// Where a server is asked when nothing else is said (RFC 1035, section 4.2).
const USUAL_PORT: u16 = 53;

const HELP_END: &str = "\
Examples:
  edgedns compare --with 192.0.2.1                               # the server to be replaced
  edgedns compare --with 192.0.2.1:5300 --local 127.0.0.1        # two running servers
  edgedns compare --with 192.0.2.1 --sample 1000 --format json   # large zones, for scripts

Exit status:
  0  both answer the same
  1  they differ, or one of them does not answer
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    /// The server to compare with: PowerDNS, BIND, another edgedns.
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = server)]
    with: SocketAddr,
    /// Config file with the zones to ask about. Our answers are computed from it, as if every member were up.
    #[arg(long, value_name = "FILE", default_value = "/etc/edgedns.toml")]
    config: PathBuf,
    /// Ask this running edgedns for our answers instead of computing them.
    #[arg(long, value_name = "ADDRESS[:PORT]", value_parser = server)]
    local: Option<SocketAddr>,
    /// Questions per second, at most.
    #[arg(long, value_name = "QUESTIONS", default_value = "200", value_parser = rate)]
    rate: NonZeroU32,
    /// Ask about this many names of each zone only, spread evenly; apex, pools and wildcards are always
    /// included.
    #[arg(long, value_name = "NAMES")]
    sample: Option<NonZeroUsize>,
    /// Output format; `json` writes one object per line, the totals last.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let Self { with, config, local, rate, sample, format } = self;
        match tools::compare(&Comparison { with, config, local, rate, sample, format: format.into() }) {
            Err(CompareError::Output(error)) => exit_code(Err(RemoteError::Output(error))),
            Err(error) => fail(&error),
            Ok(same) => exit_code(Ok(same)),
        }
    }
}

/// Reads an address with or without a port; an IPv6 address with a port is in brackets.
fn server(text: &str) -> Result<SocketAddr, String> {
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let address = match bare.parse::<IpAddr>() {
        Ok(address) => Ok(SocketAddr::new(address, USUAL_PORT)),
        Err(_) => text.parse::<SocketAddr>(),
    };
    match address {
        Ok(address) if address.port() == 0 => Err("port 0 cannot be asked".to_owned()),
        Ok(address) => Ok(address),
        Err(_) => {
            Err("write it as 192.0.2.1, 192.0.2.1:5300 or [2001:db8::1]:5300; names are not looked up"
                .to_owned())
        }
    }
}

/// Reads a rate, within what a server can take.
fn rate(text: &str) -> Result<NonZeroU32, String> {
    let rate = text.parse::<NonZeroU32>().ok().filter(|rate| rate.get() <= tools::COMPARE_RATE_MAX);
    rate.ok_or_else(|| format!("from 1 to {}", tools::COMPARE_RATE_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_an_address_with_a_port_or_without() {
        for (text, address) in [
            ("192.0.2.1", "192.0.2.1:53"),
            ("192.0.2.1:5300", "192.0.2.1:5300"),
            ("2001:db8::1", "[2001:db8::1]:53"),
            ("[2001:db8::1]", "[2001:db8::1]:53"),
            ("[2001:db8::1]:5300", "[2001:db8::1]:5300"),
        ] {
            assert_eq!(server(text), Ok(address.parse().unwrap()), "{text}");
        }
        for text in ["", "ns1.example.com", "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.300"] {
            assert!(server(text).is_err(), "{text}");
        }
    }
}
