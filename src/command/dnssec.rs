//! `edgedns dnssec`: keys that zones are signed with.
//!
//! Arguments only; `tools` makes, lists and rolls them.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use edgedns::config::read_duration;
use edgedns::dns::Name;
use edgedns::dnssec::{Algorithm, RollTimes};
use edgedns::tools::{self, DnssecError, KeyRole, Roll, RollProgress, RolledKeys, ZoneFolder};

use super::exit_code::{exit_code, fail};
use super::server::ServerArguments;

/// What `--help` and the man page end with.
const HELP_END: &str = "\
Examples:
  edgedns dnssec generate ocp4.example.com --keys keys/dnssec
  edgedns dnssec keys ocp4.example.com --keys keys/dnssec
  edgedns dnssec ds ocp4.example.com --keys keys/dnssec
  edgedns dnssec import ocp4.example.com secret.pem --keys keys/dnssec
  edgedns dnssec roll ocp4.example.com --keys keys/dnssec --parent 192.0.2.1
  edgedns dnssec roll ocp4.example.com --keys keys/dnssec --algorithm ED25519
  edgedns dnssec leave ocp4.example.com --keys keys/dnssec --parent 192.0.2.1

Exit status:
  0  it is done
  1  it cannot be done
  2  the command line is wrong
  3  nothing was done: the roll, or the way out, waits";

/// Exit status of a roll, or a way out, that waits.
const WAITS: u8 = 3;

#[derive(Args)]
#[command(after_long_help = HELP_END)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Subcommand)]
enum Action {
    /// List the keys of a zone, and what each does now; exit 1 if none signs.
    Keys {
        #[command(flatten)]
        zone: ZoneArguments,
    },
    /// Make the first key of a zone.
    Generate {
        #[command(flatten)]
        zone: ZoneArguments,
        /// What signatures are made with.
        #[arg(long, default_value = Algorithm::names()[0], value_parser = algorithm())]
        algorithm: Algorithm,
        #[command(flatten)]
        role: RoleArguments,
    },
    /// Take over the key of another server: its secret as BIND, `pdnsutil export-zone-key` or Knot DNS has it.
    Import {
        #[command(flatten)]
        zone: ZoneArguments,
        /// File with the secret: K*.private, what pdnsutil prints, or PKCS #8 in PEM.
        #[arg(value_name = "FILE")]
        secret: PathBuf,
        /// File with its DNSKEY record, which the secret must fit: `pdnsutil export-zone-dnskey`.
        #[arg(long, value_name = "FILE")]
        dnskey: Option<PathBuf>,
        #[command(flatten)]
        role: RoleArguments,
    },
    /// Print the DS records that the zone above is to have; exit 1 if there is no key for them.
    Ds {
        #[command(flatten)]
        zone: ZoneArguments,
    },
    /// Show until when the signatures of the running server are valid; exit 1 if a zone has less than a week.
    Status {
        #[command(flatten)]
        server: ServerArguments,
        /// Zone; without it all that are signed.
        zone: Option<Name>,
    },
    /// Put another key in the place of one: does the step that is due, or says what is waited for.
    ///
    /// Call it again until it says that the roll is over. It never goes on early: each step waits until no cache can
    /// have what was before.
    Roll {
        #[command(flatten)]
        zone: ZoneArguments,
        #[command(flatten)]
        role: RoleArguments,
        /// Roll all keys to this algorithm: signatures first, then keys, then DS records (RFC 6781).
        #[arg(long, value_parser = algorithm(), conflicts_with = "zone_signing")]
        algorithm: Option<Algorithm>,
        #[command(flatten)]
        waits: WaitArguments,
    },
    /// Take a zone out of DNSSEC: does the step that is due, or says what is waited for.
    ///
    /// CDS and CDNSKEY records ask the zone above to take its DS records away (RFC 8078). Call it again until it says that
    /// signing may end.
    Leave {
        #[command(flatten)]
        zone: ZoneArguments,
        /// Have the zone stay in DNSSEC after all; exit 1 if it was not leaving.
        #[arg(long)]
        cancel: bool,
        #[command(flatten)]
        waits: WaitArguments,
    },
}

#[derive(Args)]
struct WaitArguments {
    /// Server that is asked for the DS records of the zone: one of the zone above, or a resolver.
    #[arg(long, value_name = "ADDRESS", value_parser = server)]
    parent: Option<SocketAddr>,
    /// Longest TTL in the zone.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = read_duration)]
    zone_ttl: Duration,
    /// TTL of the DS records in the zone above.
    #[arg(long, value_name = "DURATION", default_value = "24h", value_parser = read_duration)]
    ds_ttl: Duration,
    /// Until every server of the zone has what one of them has.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = read_duration)]
    propagation: Duration,
}

impl From<WaitArguments> for Roll {
    fn from(WaitArguments { parent, zone_ttl, ds_ttl, propagation }: WaitArguments) -> Self {
        let times = RollTimes {
            dnskey_ttl: zone_ttl.as_secs(),
            zone_ttl_max: zone_ttl.as_secs(),
            ds_ttl: ds_ttl.as_secs(),
            propagation: propagation.as_secs(),
        };
        Roll { times, parent }
    }
}

#[derive(Args)]
struct ZoneArguments {
    /// The zone.
    #[arg(value_name = "ZONE")]
    zone: Name,
    /// Folder with its keys.
    #[arg(long, value_name = "FOLDER", default_value = "/etc/edgedns/keys")]
    keys: PathBuf,
}

#[derive(Args)]
struct RoleArguments {
    /// The key that signs what is in the zone only, beside one that DS records are made of.
    #[arg(long)]
    zone_signing: bool,
}

impl From<RoleArguments> for KeyRole {
    fn from(RoleArguments { zone_signing }: RoleArguments) -> Self {
        if zone_signing { KeyRole::ZoneSigning } else { KeyRole::SecureEntryPoint }
    }
}

impl From<ZoneArguments> for ZoneFolder {
    fn from(ZoneArguments { zone, keys }: ZoneArguments) -> Self {
        ZoneFolder { zone, folder: keys }
    }
}

/// An address, at port 53 where it has none.
fn server(text: &str) -> Result<SocketAddr, String> {
    let plain = text.parse::<IpAddr>().map(|address| SocketAddr::new(address, 53));
    plain.or_else(|_| text.parse()).map_err(|_| "it is no address".to_owned())
}

fn algorithm() -> impl TypedValueParser<Value = Algorithm> {
    PossibleValuesParser::new(Algorithm::names()).try_map(|text| text.parse::<Algorithm>())
}

impl Arguments {
    pub(super) fn run(self) -> ExitCode {
        let said = match self.action {
            Action::Status { server, zone } => {
                return exit_code(tools::signatures(&server.into(), zone.as_ref()));
            }
            Action::Keys { zone } => tools::list_keys(&zone.into()),
            Action::Generate { zone, algorithm, role } => {
                tools::generate_key(&zone.into(), algorithm, role.into()).map(|()| true)
            }
            Action::Import { zone, secret, dnskey, role } => {
                tools::import_key(&zone.into(), &secret, dnskey.as_deref(), role.into()).map(|()| true)
            }
            Action::Ds { zone } => tools::print_ds(&zone.into()),
            Action::Roll { zone, role, algorithm, waits } => {
                let rolled = algorithm.map_or(RolledKeys::Role(role.into()), RolledKeys::ToAlgorithm);
                return progress(tools::roll(&zone.into(), rolled, &waits.into()));
            }
            Action::Leave { zone, cancel: true, waits: _ } => tools::stay(&zone.into()),
            Action::Leave { zone, cancel: false, waits } => {
                return progress(tools::leave(&zone.into(), &waits.into()));
            }
        };
        said.map_or_else(failed, |well| exit_code(Ok(well)))
    }
}

fn progress(made: Result<RollProgress, DnssecError>) -> ExitCode {
    match made {
        Ok(RollProgress::Waiting) => ExitCode::from(WAITS),
        Ok(RollProgress::Done) => exit_code(Ok(true)),
        Err(error) => failed(error),
    }
}

fn failed(error: DnssecError) -> ExitCode {
    match error {
        DnssecError::Io(error) => exit_code(Err(tools::RemoteError::Output(error))),
        error => fail(&error),
    }
}
