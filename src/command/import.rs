//! `edgedns import`: converts another server's files to ours.
//!
//! Arguments, and a check of what was written; the room `import` reads and writes.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Subcommand};
use edgedns::delivery::Existing;
use edgedns::dns::Name;
use edgedns::import::{self, Forwarder, Gdnsd, Haproxy, Imported, Named, Pdns};
use edgedns::source::Look;
use edgedns::tools::{self, Check, Format, RemoteError};

use super::exit_code::{exit_code, fail_to_write};

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns import pdns --from /etc/pdns --recursor /etc/pdns-recursor --into /etc
  edgedns import pdns --from ./copy-of-etc-pdns --into ./edgedns
  edgedns import named --from /etc/named.conf --into ./edgedns
  edgedns import dnsmasq --from /etc/dnsmasq.conf --zone ocp4.example.com --into ./edgedns
  edgedns import haproxy --from /etc/haproxy/haproxy.cfg --zone ocp4.example.com \\
      --name api-server-6443=api,api-int --name ingress-router-443='*.apps' --into ./edgedns

Files of a copy:
  PATH may be a copy of another machine's folder, anywhere. /etc/pdns/zones/a.zone is then read
  from PATH/zones/a.zone or PATH/a.zone, and any file may be beside the one that names it. Reading
  from outside the copy is warned about. A PATH that the server itself reads, such as /etc/pdns,
  is no copy: its paths mean the files of this machine.

Exit status:
  0  the files are written and serve everything the other server did, to the same clients;
     the totals count refused settings that concern nothing served
  1  something that was served is missing, or not served to all of its clients, or the result
     cannot be served as it is; the last line names the settings
  2  the command line is wrong";

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    server: Server,
}

#[derive(Subcommand)]
enum Server {
    /// Import a PowerDNS node: pdns.conf, the zones of its BIND backend, and pdns-recursor in front of it.
    Pdns(PdnsArguments),
    /// Import a BIND node: named.conf and its primary zones.
    Named(NamedArguments),
    /// Import a node of CoreDNS: a Corefile with its zones, hosts, templates and forwarders.
    Corefile(ForwarderArguments),
    /// Import a node of dnsmasq: dnsmasq.conf with the files it names, and the hosts files.
    Dnsmasq(ForwarderArguments),
    /// Import a node of gdnsd: its config and zones, whose DYNA and DYNC records become pools.
    Gdnsd(GdnsdArguments),
    /// Import a node of HAProxy: haproxy.cfg, whose backends become pools with the same checks.
    Haproxy(HaproxyArguments),
}

#[derive(Args)]
struct PdnsArguments {
    /// Folder of pdns.conf, or that file: /etc/pdns, on Debian /etc/powerdns. A copy of the node's folders
    /// will do.
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    /// Folder of recursor.conf or recursor.yml, or that file, if pdns-recursor runs in front.
    #[arg(long, value_name = "PATH")]
    recursor: Option<PathBuf>,
    #[command(flatten)]
    result: ResultArguments,
}

#[derive(Args)]
struct NamedArguments {
    /// named.conf or its folder. A copy of the node's folders will do; included files may be beside it.
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    #[command(flatten)]
    result: ResultArguments,
}

#[derive(Args)]
struct ForwarderArguments {
    /// Corefile or dnsmasq.conf, or its folder. A copy of the node's folders will do.
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    #[command(flatten)]
    domains: DomainArguments,
    #[command(flatten)]
    result: ResultArguments,
}

#[derive(Args)]
struct GdnsdArguments {
    /// Folder of `config` and `zones`, usually /etc/gdnsd. A copy will do.
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    #[command(flatten)]
    result: ResultArguments,
}

#[derive(Args)]
struct HaproxyArguments {
    /// haproxy.cfg or its folder.
    #[arg(long, value_name = "PATH")]
    from: PathBuf,
    /// The domain that the names of backends are in. It becomes a zone: names that no backend has do not
    /// exist. A backend without --name is called there what it is called in the file. Without --zone each
    /// name is a zone of its own.
    #[arg(long, value_name = "DOMAIN")]
    zone: Option<Name>,
    /// What clients ask for to reach a backend: names in the domain, or complete ones. Two backends with the
    /// same names and the same servers are one pool, in which both checks must pass. May be repeated.
    #[arg(long = "name", value_name = "BACKEND=NAME,…", value_parser = backend_names)]
    names: Vec<(String, Vec<String>)>,
    /// A file of the form of /etc/hosts that has the addresses of servers given by name; nothing is looked up.
    #[arg(long, value_name = "FILE")]
    hosts: Option<PathBuf>,
    #[command(flatten)]
    result: ResultArguments,
}

/// Reads `api-server=api,api-int`.
fn backend_names(text: &str) -> Result<(String, Vec<String>), String> {
    let (backend, names) =
        text.split_once('=').ok_or("write BACKEND=NAME, as in `api-server=api,api-int`")?;
    let names: Vec<String> = names.split(',').map(str::trim).map(str::to_owned).collect();
    if backend.is_empty() || names.iter().any(String::is_empty) {
        return Err("a backend and a name are wanted, as in `api-server=api,api-int`".to_owned());
    }
    Ok((backend.to_owned(), names))
}

#[derive(Args)]
struct DomainArguments {
    /// A domain that is answered whole: its names go into one zone, and those that have no record do not
    /// exist. Without it a name that belongs to no such domain is a zone of its own. May be repeated.
    #[arg(long = "zone", value_name = "DOMAIN")]
    whole: Vec<Name>,
}

#[derive(Args)]
struct ResultArguments {
    /// Folder to write to: edgedns.toml, and zone files in edgedns/zones.
    #[arg(long, value_name = "DIR")]
    into: PathBuf,
    /// Replace existing files.
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
            Server::Corefile(ForwarderArguments { from, domains, result }) => {
                let (whole, existing) = (domains.whole, result.existing());
                import::corefile(&Forwarder { from, whole, into: result.into, existing })
            }
            Server::Dnsmasq(ForwarderArguments { from, domains, result }) => {
                let (whole, existing) = (domains.whole, result.existing());
                import::dnsmasq(&Forwarder { from, whole, into: result.into, existing })
            }
            Server::Gdnsd(GdnsdArguments { from, result }) => {
                let existing = result.existing();
                import::gdnsd(&Gdnsd { from, into: result.into, existing })
            }
            Server::Haproxy(HaproxyArguments { from, zone, names, hosts, result }) => {
                let existing = result.existing();
                import::haproxy(&Haproxy { from, zone, names, hosts, into: result.into, existing })
            }
        };
        match imported {
            Ok(imported) => exit_code(tell(&imported).map_err(RemoteError::Output)),
            Err(error) => fail_to_write(&error),
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
        Some(config) => tools::check(&Check { config: config.clone(), format: Format::Text, dump: None })?,
        None => false,
    };
    // Last, so that the end of the check is not taken for the result.
    if let Some(lacking) = imported.lacks() {
        writeln!(io::stderr().lock(), "{lacking}")?;
    }
    Ok(is_served && imported.is_whole())
}
