//! `edgedns explain`: shows what the running server answers a question, and why.
//!
//! Arguments only; the server explains, and `control` draws it.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use clap::Args;
use edgedns::answer::Prefix;
use edgedns::control::ExplainOrder;
use edgedns::dns::{Name, Rtype};
use edgedns::tls::ServerName;
use edgedns::tools;
use edgedns::tsig::KeyName;

use super::exit_code::exit_code;
use super::output_format::OutputFormat;
use super::record_type::parse_record_type;
use super::server::ServerArguments;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns explain api.ocp4.example.com
  edgedns explain console.apps.ocp4.example.com AAAA
  edgedns explain api.ocp4.example.com --from 192.0.2.7   # for this client
  edgedns explain api.ocp4.example.com --from 192.0.2.53 --subnet 198.51.100.0/24   # for whom a resolver asks
  edgedns explain ocp4.example.com AXFR --from 192.0.2.53 --key transfer   # who gets the zone

Exit status:
  0  the response is NOERROR, with or without records
  1  the response is another one, NXDOMAIN included, or the server cannot be reached
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// Name to ask for, absolute; the final dot may be left out.
    name: Name,
    /// Record type.
    #[arg(value_name = "TYPE", value_parser = parse_record_type, default_value = "A")]
    qtype: Rtype,
    /// Address of the client: some zones and pools answer by it.
    #[arg(long, value_name = "CLIENT", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    from: IpAddr,
    /// Network that the client asks for, if it is a resolver that `client-subnet-from` names.
    #[arg(long, value_name = "NETWORK")]
    subnet: Option<Prefix>,
    /// Key that the client signs with: some servers get a zone (AXFR, IXFR) by it.
    #[arg(long, value_name = "KEY")]
    key: Option<KeyName>,
    /// Name in the certificate of the client: some servers get a zone (AXFR, IXFR) by it.
    #[arg(long, value_name = "NAME", value_parser = certificate_name)]
    certificate: Option<ServerName>,
    /// Output format.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

fn certificate_name(text: &str) -> Result<ServerName, String> {
    let name = ServerName::new(text.trim_end_matches('.'));
    name.ok_or_else(|| "not a name that a certificate can have".to_owned())
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let Self { name, qtype, from, subnet, key, certificate, .. } = self;
        let order = ExplainOrder { qname: name, qtype, client: from, subnet, key, certificate };
        exit_code(tools::explain(&self.server.into(), &order, self.format.into()))
    }
}
