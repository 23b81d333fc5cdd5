//! `edgedns dnssec`: keys of zones for people: made, listed, and told to the parent.
//!
//! Touches key files only. The server signs with what they say when their times come. Not responsible for rolls.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::dns::{Name, Rtype, rdata};
use crate::dnssec::{
    Algorithm, Event, FolderError, KeyFile, Pair, PairError, PublicKey, RollError, SEP, Time, Timing,
    ZONE_KEY, ds, forget_leaving, read_folder, read_foreign, read_leaving, write_key,
};

/// So long after it was made, a first key is announced to the parent (RFC 7344): no cache has the zone unsigned any more.
const FIRST_ANNOUNCED_AFTER: u64 = 25 * 3600;

/// The keys of a zone, and where they are.
#[derive(Clone, Debug)]
pub struct ZoneFolder {
    /// The zone.
    pub zone: Name,
    /// The folder.
    pub folder: PathBuf,
}

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRole {
    /// DS records are made of it; alone, it signs everything.
    SecureEntryPoint,
    /// It signs what is in the zone, beside another that DS records are made of.
    ZoneSigning,
}

impl KeyRole {
    pub(super) fn flags(self) -> u16 {
        match self {
            KeyRole::SecureEntryPoint => ZONE_KEY | SEP,
            KeyRole::ZoneSigning => ZONE_KEY,
        }
    }
}

/// Why nothing was done.
#[derive(Debug)]
pub enum DnssecError {
    /// The keys cannot be read or written.
    Folder(FolderError),
    /// No key can be made.
    Key(PairError),
    /// There is none.
    NoKey(ZoneFolder),
    /// There is a key already.
    HasKey(u16),
    /// The keys are in no state of a roll.
    Roll(RollError),
    /// The zone is on its way out of DNSSEC.
    Leaves(Name),
    /// The parent does not say what it has.
    Parent(String),
    /// Output, or the system.
    Io(io::Error),
}

impl fmt::Display for DnssecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DnssecError::Folder(error) => error.fmt(f),
            DnssecError::Key(error) => error.fmt(f),
            DnssecError::NoKey(at) => write!(f, "{} has no key in {}", at.zone, at.folder.display()),
            DnssecError::HasKey(tag) => {
                write!(
                    f,
                    "the zone has key {tag} already; `edgedns dnssec roll` puts another one in its place"
                )
            }
            DnssecError::Roll(error) => error.fmt(f),
            DnssecError::Leaves(zone) => write!(
                f,
                "{zone} leaves DNSSEC, and its keys are not rolled; `edgedns dnssec leave {zone} --cancel` has it stay"
            ),
            DnssecError::Parent(why) => write!(f, "the DS records of the zone cannot be asked for: {why}"),
            DnssecError::Io(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for DnssecError {}

impl From<FolderError> for DnssecError {
    fn from(error: FolderError) -> Self {
        DnssecError::Folder(error)
    }
}

impl From<io::Error> for DnssecError {
    fn from(error: io::Error) -> Self {
        DnssecError::Io(error)
    }
}

pub(super) fn now() -> Time {
    Time::of(SystemTime::now())
}

/// Makes the first key of a zone, or of a role in it, and says where it is. It signs from now on.
///
/// # Errors
///
/// When there is one, or none can be made.
pub fn generate_key(at: &ZoneFolder, algorithm: Algorithm, role: KeyRole) -> Result<(), DnssecError> {
    let now = now();
    let is_there =
        |file: &&KeyFile| file.key.public().flags() == role.flags() && file.key.timing().is_published(now);
    let keys = if at.folder.exists() { read_folder(&at.folder, at.zone.as_ref())? } else { Vec::new() };
    if let Some(file) = keys.iter().find(is_there) {
        return Err(DnssecError::HasKey(file.key.public().tag()));
    }
    let begin =
        Timing::default().with(Event::Created, now).with(Event::Publish, now).with(Event::Activate, now);
    let timing = match role {
        KeyRole::SecureEntryPoint => begin.with(Event::SyncPublish, now.after(FIRST_ANNOUNCED_AFTER)),
        KeyRole::ZoneSigning => begin,
    };
    std::fs::create_dir_all(&at.folder)?;
    let (_, stem) = make(at, algorithm, role.flags(), &timing)?;
    if keys.is_empty() {
        // A zone that left once, and whose keys went, comes back.
        forget_leaving(&at.folder, at.zone.as_ref())?;
    }
    let mut out = io::stdout().lock();
    writeln!(out, "{}.key", stem.display())?;
    writeln!(out, "{}.private", stem.display())?;
    Ok(())
}

/// Takes over a key of another server, and says where it is. It signs from now on.
///
/// # Errors
///
/// When the files cannot be read, have no key, or the zone has it already.
pub fn import_key(
    at: &ZoneFolder,
    secret: &Path,
    dnskey: Option<&Path>,
    role: KeyRole,
) -> Result<(), DnssecError> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).map_err(|error| FolderError::File(path.to_owned(), error))
    };
    let (text, record) = (read(secret)?, dnskey.map(read).transpose()?);
    let key = read_foreign(&at.zone, &text, record.as_deref(), role.flags())
        .map_err(|fault| FolderError::Key(secret.to_owned(), fault))?;
    let now = now();
    let begin =
        Timing::default().with(Event::Created, now).with(Event::Publish, now).with(Event::Activate, now);
    std::fs::create_dir_all(&at.folder)?;
    let tag = key.public.tag();
    let there = read_folder(&at.folder, at.zone.as_ref())?;
    if there.iter().any(|file| file.key.public().tag() == tag) {
        return Err(DnssecError::HasKey(tag));
    }
    let written = write_key(&at.folder, &at.zone, key.public, &key.secret, &begin)?;
    writeln!(io::stdout().lock(), "{}.key", written.stem.display())?;
    Ok(())
}

/// Makes a key, and writes its files; a tag that another key of the zone has would confuse both.
pub(super) fn make(
    at: &ZoneFolder,
    algorithm: Algorithm,
    flags: u16,
    timing: &Timing,
) -> Result<(PublicKey, PathBuf), DnssecError> {
    let there = read_folder(&at.folder, at.zone.as_ref())?;
    loop {
        let (public, secret) = Pair::generate(algorithm, flags).map_err(DnssecError::Key)?;
        if there.iter().all(|file| file.key.public().tag() != public.tag()) {
            let written = write_key(&at.folder, &at.zone, public, &secret, timing)?;
            return Ok((written.public, written.stem));
        }
    }
}

/// Lists the keys of a zone, and what each does now. True when one signs.
///
/// # Errors
///
/// When they cannot be read.
pub fn list_keys(at: &ZoneFolder) -> Result<bool, DnssecError> {
    let (keys, now) = (read_folder(&at.folder, at.zone.as_ref())?, now());
    let mut out = io::stdout().lock();
    for KeyFile { key, stem } in &keys {
        let (public, timing) = (key.public(), key.timing());
        let role = if public.is_sep() { "DS" } else { "zone" };
        let state = state(timing, now);
        write!(out, "{:5}  {:15}  {role:4}  {state}", public.tag(), public.algorithm().mnemonic())?;
        if let Some((time, event)) = timing.next(now) {
            write!(out, ", {event} at {time}")?;
        }
        writeln!(out, "  {}", stem.display())?;
    }
    if keys.is_empty() {
        writeln!(out, "{} has no key in {}", at.zone, at.folder.display())?;
    }
    if let Some(leaving) = read_leaving(&at.folder, at.zone.as_ref())? {
        writeln!(out, "{} leaves DNSSEC since {}", at.zone, leaving.since)?;
    }
    Ok(keys.iter().any(|file| file.key.timing().is_active(now)))
}

/// What a key does at a time.
fn state(timing: &Timing, now: Time) -> &'static str {
    match (timing.is_active(now), timing.is_published(now)) {
        (true, true) => "signs",
        (true, false) if timing.is_deleted(now) => "signs, out of the zone",
        (true, false) => "signs, not yet in the zone",
        (false, true) => "in the zone",
        (false, false) if timing.is_deleted(now) => "gone",
        (false, false) => "not in the zone",
    }
}

/// Prints the DS records that the parent shall have: of the keys that sign now, or of those that it is told of by CDS
/// records; none while the zone leaves DNSSEC.
///
/// # Errors
///
/// When the keys cannot be read.
pub fn print_ds(at: &ZoneFolder) -> Result<bool, DnssecError> {
    let (keys, now) = (read_folder(&at.folder, at.zone.as_ref())?, now());
    let told = |file: &&KeyFile| file.key.timing().is_for_parent(now);
    let signing = |file: &&KeyFile| file.key.timing().is_active(now);
    let sep = || keys.iter().filter(|file| file.key.public().is_sep());
    let mut wanted: Vec<&KeyFile> = sep().filter(told).collect();
    if wanted.is_empty() {
        wanted = sep().filter(signing).collect();
    }
    let mut out = io::stdout().lock();
    if read_leaving(&at.folder, at.zone.as_ref())?.is_some() {
        writeln!(out, "; {} leaves DNSSEC: the zone above is to have no DS record of it", at.zone)?;
        return Ok(true);
    }
    for file in &wanted {
        let mut text = String::new();
        rdata::write(Rtype::DS, &ds(at.zone.as_ref(), file.key.public()), &mut text);
        writeln!(out, "{} IN DS {text}", at.zone)?;
    }
    Ok(!wanted.is_empty())
}
