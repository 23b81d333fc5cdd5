//! `edgedns import`: another server's files to ours.
//!
//! Responsible for the command's arguments, and for checking what was written.
//! Not responsible for reading or writing: that is the room `import`.

use std::io::{self, Write};
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

Files of a copy:
  PATH may be a copy of another machine's folder, wherever it lies. A file that the settings name from the root on is
  looked for in the copy first, by the end of its path: for /etc/pdns/zones/a.zone that is PATH/zones/a.zone, or
  PATH/a.zone. A file that is missing can be copied beside the one that names it. What is read from outside of the
  copy is warned of. Where PATH is the folder that the server itself reads, such as /etc/pdns, its paths mean the
  files of this machine.

Exit status:
  0  the files are written, and whatever the other server answered to whomever is answered; refused is at most what
     concerns nothing that is served: then the totals say so
  1  something that was served is missing, or differs, or its clients are refused; or what was written cannot be
     served as it stands. The last line says which settings that is about
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
    /// named.conf, or its folder; a copy of the node's folders will do. What it includes is found beside it, too.
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
    let is_served = match &imported.config {
        Some(config) => daemon::check(&Check { config: config.clone(), format: Format::Text, dump: None })?,
        None => false,
    };
    // Last, so that nobody takes the end of the check for the end of all.
    if let Some(lacking) = imported.lacks() {
        writeln!(io::stderr().lock(), "{lacking}")?;
    }
    Ok(is_served && imported.is_whole())
}
