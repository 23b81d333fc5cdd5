//! `edgedns trace`: shows queries and their answers as they come.
//!
//! Arguments only; `transport` copies the queries, `control` draws them.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use edgedns::answer::Prefix;
use edgedns::config::read_duration;
use edgedns::control::{TRACE_LASTS_MAX, TRACE_QUERIES_MAX, TraceOrder};
use edgedns::dns::Rtype;
use edgedns::tools;
use edgedns::transport::{Filter, Names};

use super::exit_code::exit_code;
use super::output_format::OutputFormat;
use super::record_type::parse_record_type;
use super::server::ServerArguments;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns trace
  edgedns trace --name apps.ocp4.example.com --client 192.0.2.0/24
  edgedns trace --type AAAA --limit 1000 --for 2m --format json

Exit status:
  0  the trace reached its limit or its time
  1  the server cannot be reached, or already has as many traces as it allows
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// Only this name and names below it, or a pattern: '*.apps.example.com', 'api*'.
    #[arg(long, value_name = "NAME")]
    name: Option<Names>,
    /// Only clients in this prefix: 192.0.2.7, 192.0.2.0/24.
    #[arg(long, value_name = "PREFIX")]
    client: Option<Prefix>,
    /// Only this type.
    #[arg(long = "type", value_name = "TYPE", value_parser = parse_record_type)]
    qtype: Option<Rtype>,
    /// Stop after this many queries.
    #[arg(long, value_name = "QUERIES", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=i64::from(TRACE_QUERIES_MAX)))]
    limit: u32,
    /// Stop after this time, as in 30s; at most 10m.
    #[arg(long = "for", value_name = "DURATION", value_parser = lasting, default_value = "30s")]
    lasts: Duration,
    /// Output format; `json` writes one object per line.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let filter = Filter { names: self.name, clients: self.client, qtype: self.qtype };
        let order = TraceOrder { filter, queries_max: self.limit, lasts: self.lasts };
        exit_code(tools::trace(&self.server.into(), &order, self.format.into()).map(|()| true))
    }
}

/// A duration of whole seconds that a trace may last.
fn lasting(text: &str) -> Result<Duration, String> {
    let lasts = read_duration(text).map_err(|fault| fault.to_string())?;
    if lasts < Duration::from_secs(1) || lasts > TRACE_LASTS_MAX {
        return Err(format!("from 1s to {}m", TRACE_LASTS_MAX.as_secs() / 60));
    }
    Ok(Duration::from_secs(lasts.as_secs()))
}
