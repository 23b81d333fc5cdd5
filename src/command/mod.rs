//! The commands of `edgedns`, one file each.
//!
//! Reads the arguments of each command and sets its exit status: 0 yes, 1 no or failed, 2 wrong command line,
//! 3 done but not for good. `tools` carries commands out; `daemon` serves.

mod exit_code;
mod output_format;
mod record_type;
mod server;
mod server_address;
mod server_name;
mod serving;

mod certificate;
mod check;
mod compare;
mod dnssec;
mod explain;
mod export;
mod force;
mod import;
mod init;
mod key;
mod machineconfig;
mod manifests;
mod manual;
mod put;
mod reload;
mod status;
mod support;
mod trace;
mod updates;

use std::process::ExitCode;

use clap::Subcommand;
use edgedns::tools;

pub(crate) use serving::{LogFormat, serve};

/// What the help of a command without arguments ends with.
const DEMO_HELP_END: &str = "\
Examples:
  edgedns demo

Exit status:
  0  it was stopped by Ctrl-C
  1  an address on loopback is in use
  2  the command line is wrong";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Read everything the server would read and report every fault; exit 0 or 1.
    Check(check::Arguments),
    /// Ask another server everything about our zones and show the differences; exit 1 if there are any.
    Compare(compare::Arguments),
    /// Make the running server reload its files, and wait for the result.
    ///
    /// Exits with 1 and the reasons unless everything in the files is served.
    Reload(reload::Arguments),
    /// Show what every pool of the running server answers now; exit 1 if a pool is down.
    Status(status::Arguments),
    /// Show what the running server answers a question, and why; exit 1 unless it is NOERROR.
    Explain(explain::Arguments),
    /// Show queries to the running server, with their answers, as they come.
    Trace(trace::Arguments),
    /// Force targets up or down whatever their probes say; `auto` leaves them to their probes again.
    Force(force::Arguments),
    /// Show by which records zones differ from their files through updates, or take them back.
    Updates(updates::Arguments),
    /// Give a name of a zone in etcd records, or take them away; what would not be served is not written.
    Put(put::Arguments),
    /// Print a zone in etcd as the text of a zone file.
    Export(export::Arguments),
    /// Write a first config and zones for a cluster, and check them.
    Init(init::Arguments),
    /// Make a key for signed messages, and print what each program is told of it.
    ///
    /// Signed are transfers, updates and any other query (TSIG, RFC 8945). The lines are for edgedns, BIND, Knot, NSD,
    /// PowerDNS, cert-manager and external-dns. They hold the secret: whoever reads them can sign.
    Key(key::Arguments),
    /// Make a certificate that signs itself, and its key, for encrypted transports.
    ///
    /// It is enough for clients that take any certificate, as resolvers that look for encryption by themselves (RFC
    /// 9539), and for those that are given this one to trust. For all others ask an authority.
    Certificate(certificate::Arguments),
    /// Make, list and roll the keys that zones are signed with (DNSSEC), and print DS records of them.
    ///
    /// Keys are files as BIND has them: `K<zone>.+013+<tag>.key` and `.private`.
    Dnssec(dnssec::Arguments),
    /// Convert another server's files to edgedns.toml and zones, and report what becomes of every setting.
    ///
    /// Reads files only and touches no running server. Checks what it wrote; exits with 1 if that cannot be
    /// served as it is, or if something that was served is missing.
    Import(import::Arguments),
    /// Write a config and its zones as one MachineConfig for OpenShift nodes, to standard output.
    ///
    /// The config becomes /etc/edgedns.toml. Zone files, the files they include and the files of probes go
    /// where the config looks for them on a node. Everything is read as `check` reads it; if there is an
    /// error, nothing is written. The same files give the same bytes.
    Machineconfig(machineconfig::Arguments),
    /// Write objects for a cluster, to standard output: what has its Prometheus and its console watch edgedns.
    Manifests(manifests::Arguments),
    /// Run an example cluster on loopback, with masters that come and go.
    #[command(after_long_help = DEMO_HELP_END)]
    Demo,
    /// Gather config, zones, status, log and what is wrong with this host in one archive, without secrets.
    ///
    /// Gathers what can be had, also while no server runs; the archive says what is missing, and why.
    Support(support::Arguments),
    /// Write man pages and shell completions, for packages.
    #[command(hide = true)]
    Manual(manual::Arguments),
}

impl Command {
    /// Carries the command out; `program` is the whole command line as it is defined.
    pub(crate) fn run(self, program: fn() -> clap::Command) -> ExitCode {
        match self {
            Self::Check(arguments) => arguments.run(),
            Self::Compare(arguments) => arguments.run(),
            Self::Reload(arguments) => arguments.run(),
            Self::Status(arguments) => arguments.run(),
            Self::Explain(arguments) => arguments.run(),
            Self::Trace(arguments) => arguments.run(),
            Self::Force(arguments) => arguments.run(),
            Self::Updates(arguments) => arguments.run(),
            Self::Put(arguments) => arguments.run(),
            Self::Export(arguments) => arguments.run(),
            Self::Init(arguments) => arguments.run(),
            Self::Key(arguments) => arguments.run(),
            Self::Certificate(arguments) => arguments.run(),
            Self::Dnssec(arguments) => arguments.run(),
            Self::Machineconfig(arguments) => arguments.run(),
            Self::Manifests(arguments) => arguments.run(),
            Self::Demo => serve(LogFormat::Auto, tools::demo()),
            Self::Support(arguments) => arguments.run(),
            Self::Import(arguments) => arguments.run(),
            Self::Manual(arguments) => arguments.run(program),
        }
    }
}
