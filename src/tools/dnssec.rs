//! `edgedns dnssec`: keys of zones for people: made, listed, told to the parent, and rolled.
//!
//! Touches key files only. The server signs with what they say when their times come.

use std::fmt;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::dns::message::Header;
use crate::dns::response::Response;
use crate::dns::{Name, Rtype, rdata};
use crate::dnssec::{
    Algorithm, Event, FolderError, KeyFile, Pair, PairError, Parent, PublicKey, RollError, RollStep,
    RollTimes, SEP, Time, Timing, Waits, ZONE_KEY, ds, plan, read_folder, read_foreign, write_key,
    write_timing,
};
use crate::requestor::{Case, Form, Protocol, Query, Remote, Request, Requestor};
use crate::tls::{Random, Verify};

/// How long the parent may take to answer.
const PARENT_WAIT_MAX: Duration = Duration::from_secs(5);

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
    fn flags(self) -> u16 {
        match self {
            KeyRole::SecureEntryPoint => ZONE_KEY | SEP,
            KeyRole::ZoneSigning => ZONE_KEY,
        }
    }
}

/// What a roll depends on.
#[derive(Clone, Debug)]
pub struct Roll {
    /// Which key is rolled.
    pub role: KeyRole,
    /// What caches and servers may take.
    pub times: RollTimes,
    /// Who is asked for the DS records; none: nobody.
    pub parent: Option<SocketAddr>,
}

/// Why nothing was done.
#[derive(Debug)]
pub enum DnssecError {
    /// The keys cannot be read or written.
    Folder(FolderError),
    /// No key can be made.
    Key(PairError),
    /// There is a key already.
    HasKey(u16),
    /// The keys are in no state of a roll.
    Roll(RollError),
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
            DnssecError::HasKey(tag) => {
                write!(
                    f,
                    "the zone has key {tag} already; `edgedns dnssec roll` puts another one in its place"
                )
            }
            DnssecError::Roll(error) => error.fmt(f),
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

fn now() -> Time {
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
fn make(
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
    Ok(keys.iter().any(|file| file.key.timing().is_active(now)))
}

/// What a key does at a time.
fn state(timing: &Timing, now: Time) -> &'static str {
    match (timing.is_active(now), timing.is_published(now)) {
        (true, _) => "signs",
        (false, true) => "in the zone",
        (false, false) if timing.is_deleted(now) => "gone",
        (false, false) => "not in the zone",
    }
}

/// Prints the DS records that the parent shall have: of the keys that sign now, or of those that it is told of by CDS
/// records.
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
    for file in &wanted {
        let mut text = String::new();
        rdata::write(Rtype::DS, &ds(at.zone.as_ref(), file.key.public()), &mut text);
        writeln!(out, "{} IN DS {text}", at.zone)?;
    }
    Ok(!wanted.is_empty())
}

/// What is left of a roll after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RollProgress {
    /// A step was done.
    Done,
    /// Nothing is due yet, or somebody else is.
    Waiting,
}

/// Does the step of a roll that is due, and says which; one that is not due is not done.
///
/// # Errors
///
/// When keys cannot be read or written, or the parent cannot be asked.
pub fn roll(at: &ZoneFolder, roll: &Roll) -> Result<RollProgress, DnssecError> {
    let (files, now) = (read_folder(&at.folder, at.zone.as_ref())?, now());
    let keys: Vec<_> =
        files.iter().map(|file| (file.key.public().clone(), file.key.timing().clone())).collect();
    let step_with =
        |parent: &Parent| plan(&keys, roll.role.flags(), &roll.times, parent, now).map_err(DnssecError::Roll);
    let mut parent = Parent::Unknown;
    let mut step = step_with(&parent)?;
    if let (RollStep::TellParent { .. }, Some(server)) = (&step, roll.parent) {
        parent = Parent::Has(tags_at_parent(&at.zone, server)?);
        step = step_with(&parent)?;
    }
    let progress = carry_out(at, &files, &step)?;
    say(at, &step, &parent, roll)?;
    Ok(progress)
}

fn carry_out(at: &ZoneFolder, files: &[KeyFile], step: &RollStep) -> Result<RollProgress, DnssecError> {
    let file = |tag: u16| files.iter().find(|file| file.key.public().tag() == tag);
    match step {
        RollStep::Wait { .. } | RollStep::TellParent { .. } => return Ok(RollProgress::Waiting),
        RollStep::Begin { old, timing, old_timing } => {
            make(at, old.algorithm(), old.flags(), timing)?;
            if let (Some(times), Some(file)) = (old_timing, file(old.tag())) {
                write_timing(file, times)?;
            }
        }
        RollStep::Retire { old, timing } => {
            if let Some(file) = file(*old) {
                write_timing(file, timing)?;
            }
        }
    }
    Ok(RollProgress::Done)
}

/// Says what was done, and what comes next.
fn say(at: &ZoneFolder, step: &RollStep, parent: &Parent, roll: &Roll) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let zone = &at.zone;
    match step {
        RollStep::Begin { old, timing, .. } => {
            let signs = timing.get(Event::Activate).map_or_else(String::new, |time| time.to_string());
            writeln!(out, "{zone}: a key is made that follows {}; it signs from {signs} on", old.tag())?;
            writeln!(
                out,
                "put its files on every server of the zone, with the changed ones of {}, before that",
                old.tag()
            )
        }
        RollStep::Wait { new, until, then } => {
            let then = match then {
                Waits::ItSigns => "it signs",
                Waits::ParentIsTold => "the parent may be told of it",
                Waits::OldIsGone => "the key before it has left the zone, and the roll is over",
            };
            writeln!(out, "{zone}: key {new} waits until {until}: then {then}")
        }
        RollStep::TellParent { new, old } => {
            writeln!(out, "{zone}: the parent is to have the DS record of key {new}, and none of {old}:")?;
            drop(out);
            print_ds(at).map_err(io::Error::other)?;
            let mut out = io::stdout().lock();
            match (parent, roll.parent) {
                (Parent::Has(tags), Some(server)) => {
                    let tags: Vec<String> = tags.iter().map(u16::to_string).collect();
                    let has = if tags.is_empty() { "none".to_owned() } else { tags.join(", ") };
                    writeln!(out, "{server} has those of: {has}")
                }
                _ => writeln!(
                    out,
                    "when that is so: `edgedns dnssec roll {zone} --parent ADDRESS` looks and goes on"
                ),
            }
        }
        RollStep::Retire { old, timing } => {
            let gone = timing.get(Event::Delete).map_or_else(String::new, |time| time.to_string());
            writeln!(
                out,
                "{zone}: key {old} leaves the zone at {gone}; put its changed files on every server"
            )
        }
    }
}

/// The tags of the DS records that a server has for a zone.
fn tags_at_parent(zone: &Name, server: SocketAddr) -> Result<Vec<u16>, DnssecError> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let random = Random::new();
    let request = Request { qname: zone.as_ref(), qtype: Rtype::DS, flags: Header::RD, edns_flags: 0 };
    let query = Query::new(&request, Form::WithEdns, Case::Lower, &random);
    let requestor = Requestor::new(Remote { address: server, protocol: Protocol::Udp }, Verify::Off);
    let answer = runtime
        .block_on(requestor.send(query, PARENT_WAIT_MAX))
        .map_err(|failure| DnssecError::Parent(format!("{server}: {failure}")))?;
    let response = Response::read(&answer)
        .ok_or_else(|| DnssecError::Parent(format!("{server} sends what is no response")))?;
    if response.rcode != crate::dns::message::Rcode::NOERROR {
        return Err(DnssecError::Parent(format!("{server} answers {}", response.rcode)));
    }
    let is_one = |record: &&crate::dns::response::Record| record.rtype == Rtype::DS && record.owner == *zone;
    let tag = |record: &crate::dns::response::Record| record.rdata.first_chunk::<2>().copied();
    Ok(response.answers().iter().filter(is_one).filter_map(tag).map(u16::from_be_bytes).collect())
}
