//! `edgedns explain`: what the running server answers a question, and why.
//!
//! Responsible for the command's arguments.
//! Not responsible for explaining: that is the server's, and `control`'s for how it is drawn.

use std::net::{IpAddr, Ipv4Addr};
use std::process::ExitCode;

use clap::Args;
use edgedns::control::ExplainOrder;
use edgedns::daemon;
use edgedns::dns::{Name, Rtype};

use super::server::ServerArguments;
use super::{OutputFormat, rtype};

#[derive(Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    server: ServerArguments,
    /// The name, absolute; the final dot may be left out.
    name: Name,
    /// The type of the records.
    #[arg(value_name = "TYPE", value_parser = rtype, default_value = "A")]
    qtype: Rtype,
    /// Who asks: some pools answer by the client's address.
    #[arg(long, value_name = "CLIENT", default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST))]
    from: IpAddr,
    /// How to write it.
    #[arg(long, value_enum, default_value_t = OutputFormat::Text)]
    format: OutputFormat,
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let order = ExplainOrder { qname: self.name, qtype: self.qtype, client: self.from };
        super::exit(daemon::explain(&self.server.into(), &order, self.format.into()))
    }
}
