//! `edgedns import`: another server's files to ours.
//!
//! Responsible for the command's arguments, and for checking what was written.
//! Not responsible for reading or writing: that is the room `import`.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use edgedns::daemon::{self, Check, Format, RemoteError};
use edgedns::delivery::Existing;
use edgedns::import::{self, Imported, Named, Pdns};
use edgedns::source::Look;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns import pdns --from /etc/pdns --recursor /etc/pdns-recursor --into /etc
  edgedns import pdns --from ./copy-of-etc-pdns --into ./edgedns
  edgedns import named --from /etc/named.conf --into ./edgedns

Exit status:
  0  the files are written, and can be served
  1  something was refused, or what was written cannot be served as it stands
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    server: Server,
}

#[derive(Subcommand)]
enum Server {
    /// A PowerDNS node: pdns.conf, the zones of its BIND backend, and pdns-recursor if it runs in front.
    Pdns(PdnsArguments),
    /// A BIND node: named.conf and its primary zones.
    Named(NamedArguments),
}

#[derive(Args)]
struct PdnsArguments {
    /// The folder of pdns.conf, or that file: /etc/pdns, on Debian /etc/powerdns. A copy of the node's folders will do.
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    /// The folder of recursor.conf or recursor.yml, or that file, if pdns-recursor runs in front.
    #[arg(long, value_name = "PATH")]
    recursor: Option<PathBuf>,
    #[command(flatten)]
    result: ResultArguments,
}

#[derive(Args)]
struct NamedArguments {
    /// named.conf, or its folder; a copy of the node's folders will do.
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    #[command(flatten)]
    result: ResultArguments,
}

#[derive(Args)]
struct ResultArguments {
    /// The folder to write to: edgedns.toml, and the zone files under edgedns/zones/.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Replace files that are there already.
    #[arg(long)]
    force: bool,
}

impl ResultArguments {
    fn existing(&self) -> Existing {
        if self.force { Existing::Replaced } else { Existing::Kept }
    }
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let imported = match self.server {
            Server::Pdns(PdnsArguments { from, recursor, result }) => {
                let existing = result.existing();
                import::pdns(&Pdns { from, recursor, into: result.into, existing })
            }
            Server::Named(NamedArguments { from, result }) => {
                let existing = result.existing();
                import::named(&Named { from, into: result.into, existing })
            }
        };
        match imported {
            Ok(imported) => super::exit(tell(&imported).map_err(RemoteError::Output)),
            Err(error) => super::fail_to_write(&error),
        }
    }
}

/// Prints the report, and checks what was written as `edgedns check` does.
fn tell(imported: &Imported) -> io::Result<bool> {
    imported.write_report(&mut io::stdout().lock())?;
    let mut errors = io::stderr().lock();
    imported.write_faults(Look::on(&errors), &mut errors)?;
    drop(errors);
    let Some(config) = &imported.config else { return Ok(false) };
    let check = Check { config: config.clone(), format: Format::Text, dump: None };
    Ok(daemon::check(&check)? && imported.is_whole())
}
