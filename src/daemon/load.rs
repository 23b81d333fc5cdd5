//! Reading everything the server needs: config file, zone files, guards.
//!
//! Responsible for the way from a path to compiled zones, the same for start,
//! reload and `edgedns check`.
//! Not responsible for what happens with them.

mod abreast;
mod mark;
mod others;
mod reverse;
mod serving;
mod version;
mod zone_id;
mod zone_source;

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::own::{known_addresses, known_networks, networks_of};
use super::{folders, kept};
use crate::answer::{Access, Prefix};
use crate::config::{self, Config, Exempt, ZoneProbe};
use crate::dns::Rtype;
use crate::source::{
    Diagnostic, Diagnostics, Digest, FileId, Look, Naming, Severity, Sources, TextFile, patiently_for,
};
use crate::zone::{self, Apexes, GuardTemplate, Guarding, NodeId, Test, Zone};
use crate::zonefile;

use others::Others;
use reverse::{Given, Wanting, given};

pub(crate) use mark::Marks;
pub(crate) use serving::{Cause, Serving};
pub(crate) use version::{Basis, Version};
pub(crate) use zone_id::ZoneId;
pub(crate) use zone_source::ZoneSource;

/// Errors of a zone that are kept as they are drawn, for whoever looks at the status. Where there are many, the first
/// ones tell what to mend.
const ERRORS_DRAWN_MAX: usize = 3;

/// How long the text that is kept of a zone may take to come. It is on a disk of this node, and may be long.
const KEPT_WAIT_MAX: Duration = Duration::from_secs(30);

/// A zone of which no text is kept is left alone after so many processes have ended over it.
const TIMES_WITHOUT_KEPT_TEXT: u32 = 2;

/// What a reading is for.
pub(crate) enum Purpose {
    /// To say what is wrong: everything is read.
    Check,
    /// To be served. Of what has not changed since one of its versions was
    /// read nothing is read again; a zone that cannot be read and has none there
    /// is taken from the state directory.
    Serve(Serving),
}

/// What one reading gave: everything that was wrong, and what can be served.
pub(crate) struct Reading {
    pub(crate) sources: Sources,
    /// None when the config file cannot be used; then nothing else was read.
    pub(crate) loaded: Option<Loaded>,
    /// What is wrong with the config file.
    pub(crate) config_faults: Diagnostics,
}

/// A config file and its zones.
pub(crate) struct Loaded {
    pub(crate) config: Config,
    /// In the order of the config file.
    pub(crate) zones: Vec<LoadedZone>,
    /// What is to outlive a restart is kept here; none: it is not.
    pub(crate) state_directory: Option<PathBuf>,
}

/// A zone as it was read just now.
pub(crate) struct LoadedZone {
    pub(crate) id: ZoneId,
    pub(crate) source: ZoneSource,
    /// Whom it answers; none: everybody.
    pub(crate) access: Option<Box<Access>>,
    pub(crate) faults: Diagnostics,
    /// None when it cannot be served as it stands, and no text of it is kept.
    pub(crate) version: Option<Version>,
    /// Why it cannot be served as it stands, in one sentence.
    pub(crate) error: Option<String>,
    /// The same, drawn, with the errors that come next.
    pub(crate) drawn: Option<String>,
    /// Why the text that is kept of it is of no use.
    pub(crate) kept_error: Option<String>,
    /// Why it stays as it is for now, though there is nothing wrong with it.
    pub(crate) waits: Option<String>,
    /// What was read of it just now and is held back until it is read again.
    pub(crate) held: Option<Vec<TextFile>>,
    /// Files that were not read, as they stand: what happens to them is news.
    unread: Stands,
}

/// The files of a reading, each with the digest of what was read; none where
/// it could not be read.
pub(crate) type Stands = BTreeMap<PathBuf, Option<Digest>>;

impl Reading {
    /// Reads the config file at `path` and every zone it names. In a check `each` sees every zone that is read before
    /// it is compiled and let go; what is to be served may be read by several threads, and nobody looks.
    pub(crate) fn new(path: &Path, purpose: &Purpose, each: impl FnMut(&ZoneId, &Zone)) -> Reading {
        Reading::by(abreast::readers_max(purpose), path, purpose, each)
    }

    /// As [`Reading::new`], with so many zones at once at most.
    fn by(readers: usize, path: &Path, purpose: &Purpose, mut each: impl FnMut(&ZoneId, &Zone)) -> Reading {
        let mut sources = Sources::default();
        let mut config_faults = Diagnostics::default();
        let config = config::read(&mut sources, path, &mut config_faults);
        let loaded = config.map(|config| {
            let state_directory = folders::state_directory(&config);
            let reader = ZoneReader {
                path,
                purpose,
                config: &config,
                wanting: Wanting::of(&config),
                apexes: Arc::new(config.zones.iter().map(|zone| zone.name.as_ref()).collect()),
                served: served(purpose),
                state_directory: state_directory.as_deref(),
                own: known_addresses(),
                networks: LazyLock::new(known_networks),
                readers,
            };
            let zones = reader.load_all(&mut sources, &mut each);
            Loaded { zones, state_directory, config }
        });
        Reading { sources, loaded, config_faults }
    }

    /// Everything that was found, the config file's first.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &Diagnostic> {
        let zones = self.loaded.iter().flat_map(|loaded| &loaded.zones);
        self.config_faults.iter().chain(zones.flat_map(|zone| zone.faults.iter()))
    }

    /// How the files stood; also those that were not read again because they
    /// had not changed.
    pub(crate) fn stands(&self) -> Stands {
        let zones = self.loaded.iter().flat_map(|loaded| &loaded.zones);
        let versions = zones.filter_map(|zone| zone.version.as_ref());
        let unchanged = versions.flat_map(|version| &version.basis.texts);
        let read = unchanged.chain(self.sources.files()).map(|text| (text.path.clone(), Some(text.digest)));
        let zones = self.loaded.iter().flat_map(|loaded| &loaded.zones);
        let left_alone = zones.flat_map(|zone| zone.unread.clone());
        self.sources.unread().map(|path| (path.to_owned(), None)).chain(read).chain(left_alone).collect()
    }
}

impl LoadedZone {
    /// Nothing is known of it yet.
    fn new(zone: &config::Zone, access: Option<Box<Access>>) -> LoadedZone {
        LoadedZone {
            id: ZoneId::of(zone),
            source: ZoneSource::of(zone),
            access,
            faults: Diagnostics::default(),
            version: None,
            error: None,
            drawn: None,
            kept_error: None,
            waits: None,
            held: None,
            unread: Stands::new(),
        }
    }

    /// Whether it is served as its file stands.
    pub(crate) fn is_whole(&self) -> bool {
        self.version.is_some() && self.error.is_none() && self.waits.is_none()
    }
}

/// What is the same for all zones of a reading.
struct ZoneReader<'r> {
    /// The config file.
    path: &'r Path,
    purpose: &'r Purpose,
    config: &'r Config,
    /// Which zones want to know the addresses of others.
    wanting: Wanting<'r>,
    /// The apexes of all zones.
    apexes: Arc<Apexes>,
    /// The versions that are served now.
    served: HashMap<&'r ZoneId, &'r Version>,
    state_directory: Option<&'r Path>,
    /// The addresses of this node.
    own: Vec<IpAddr>,
    /// The networks this node is in.
    networks: LazyLock<Vec<Prefix>>,
    /// How many zones are read at once at most.
    readers: usize,
}

impl ZoneReader<'_> {
    /// Loads all zones; those that say something of others' addresses behind these.
    fn load_all(&self, sources: &mut Sources, each: &mut impl FnMut(&ZoneId, &Zone)) -> Vec<LoadedZone> {
        let mut zones: Vec<(usize, &config::Zone)> = self.config.zones.iter().enumerate().collect();
        zones.sort_by_key(|(_, zone)| reverse::turn(zone));
        let (read, made) = zones.split_at(zones.partition_point(|(_, zone)| zone.reverse_of.is_none()));
        let abreast = self.load_abreast(sources, read);
        let others = if abreast.is_empty() { &zones } else { made };
        let mut loaded = Others::gathering(self.compared());
        abreast.into_iter().for_each(|(place, zone)| loaded.push(place, zone));
        for &(place, zone) in others {
            let one = self.load(sources, zone, &loaded, each);
            loaded.push(place, one);
        }
        loaded.into_zones()
    }

    fn load(
        &self,
        sources: &mut Sources,
        zone: &config::Zone,
        others: &Others,
        each: &mut impl FnMut(&ZoneId, &Zone),
    ) -> LoadedZone {
        let mut loaded = LoadedZone::new(zone, self.access(zone));
        let forward = self.forward(zone, others);
        let basis = self.basis(zone, forward);
        let before = self.before(&loaded.id);
        let says_enough = |version: &&Version| version.hosts.is_some() || !self.wants_hosts(&zone.name);
        if let Some(version) = before.filter(|version| version.is_current(&basis)).filter(says_enough) {
            loaded.version = Some(version.clone());
            return loaded;
        }
        if let Some(version) = before.filter(|version| self.is_written(&version.basis.texts)) {
            loaded.version = Some(version.clone());
            loaded.waits = Some("somebody is writing its file; it is read when that is done".to_owned());
            loaded.unread.extend(self.open_for_writing(&version.basis.texts));
            return loaded;
        }
        if self.is_left_alone(zone, &mut loaded) {
            if before.is_none() {
                self.load_kept(sources, zone, forward, basis, &mut loaded);
            }
            return loaded;
        }
        let _mark = self.mark(zone, &loaded.id);
        self.load_text(sources, zone, (forward, basis), &mut loaded, |read, faults| {
            if let Some(known) = others.addresses() {
                zone::check_reverse(read, known, faults);
            }
            each(&ZoneId::of(zone), read);
        });
        loaded
    }

    /// Reads a zone and all it includes; `seen` sees what can be served.
    fn load_text(
        &self,
        sources: &mut Sources,
        zone: &config::Zone,
        (forward, mut basis): (Option<&Version>, Basis),
        loaded: &mut LoadedZone,
        seen: impl FnOnce(&Zone, &mut Diagnostics),
    ) {
        let first = sources.next();
        let faults = &mut loaded.faults;
        let read = read_file(sources, zone, faults)
            .and_then(|file| Some((file, given(zone, forward, faults)?)))
            .and_then(|(file, hosts)| self.read_zone(sources, file, hosts, zone, &basis, faults));
        let Some(read) = read else {
            faults.sort();
            return self.fall_back(sources, zone, (forward, basis), loaded);
        };
        basis.texts = sources.files_from(first).cloned().collect();
        let same_serial = self.same_serial(&read, &loaded.id, &basis.texts);
        seen(&read, faults);
        faults.sort();
        let nothing_to_draw = same_serial.is_none() && loaded.faults.iter().next().is_none();
        if matches!(self.purpose, Purpose::Serve(_)) && nothing_to_draw {
            // Nothing will be drawn from the text, and compiling takes memory as well.
            sources.let_go(first);
        }
        let Some(version) = self.version(&read, basis, zone.name_span, &mut loaded.faults) else {
            return self.fall_back(sources, zone, (forward, self.basis(zone, forward)), loaded);
        };
        self.take(version, loaded);
        if loaded.waits.is_none() {
            loaded.faults.extend(same_serial);
        }
    }

    /// Says why what was read is not served; a zone that is not served takes the text that is kept of it.
    fn fall_back(
        &self,
        sources: &mut Sources,
        zone: &config::Zone,
        (forward, basis): (Option<&Version>, Basis),
        loaded: &mut LoadedZone,
    ) {
        loaded.error = Some(why_not(sources, self.path, &loaded.faults));
        loaded.drawn = Some(drawn_errors(sources, &loaded.faults));
        if self.before(&loaded.id).is_none() {
            self.load_kept(sources, zone, forward, basis, loaded);
        }
    }

    /// What was read is what is to be served, unless it is held back.
    fn take(&self, read: Version, loaded: &mut LoadedZone) {
        if let (Purpose::Serve(serving), Some(before)) = (self.purpose, self.before(&loaded.id)) {
            loaded.waits = serving.held(&loaded.id, before, &read);
            if loaded.waits.is_some() {
                let texts = &read.basis.texts;
                if serving.is_written(texts) {
                    loaded.unread.extend(self.open_for_writing(texts));
                } else {
                    loaded.held = Some(texts.clone());
                }
                return;
            }
        }
        loaded.version = Some(read);
    }

    /// A remark that whoever compares serials will not see what has changed.
    fn same_serial(&self, read: &Zone, id: &ZoneId, texts: &[TextFile]) -> Option<Diagnostic> {
        let before = self.before(id).filter(|before| before.kept_at.is_none())?;
        let same_digests =
            || texts.iter().map(|text| text.digest).eq(before.basis.texts.iter().map(|text| text.digest));
        if before.serial != read.serial() || texts.is_empty() || same_digests() {
            return None;
        }
        let soa = read.node(NodeId::APEX).rrset(Rtype::SOA)?;
        let message = format!("the text has changed, the serial is still {}", before.serial);
        Some(
            Diagnostic::warning(soa.span(), message)
                .remark(
                    "it is served all the same; secondaries, and people who compare serials, see no change",
                )
                .help("raise the serial with each change"),
        )
    }

    /// Whether one of these files is not finished yet.
    fn is_written(&self, texts: &[TextFile]) -> bool {
        matches!(self.purpose, Purpose::Serve(serving) if serving.is_written(texts))
    }

    /// Those of these files that somebody is writing, as files that were not read: that one is closed is news then,
    /// also when it has the text that was seen once before.
    fn open_for_writing<'t>(
        &'t self,
        texts: &'t [TextFile],
    ) -> impl Iterator<Item = (PathBuf, Option<Digest>)> + 't {
        let is_open = |text: &&TextFile| match self.purpose {
            Purpose::Check => false,
            Purpose::Serve(serving) => serving.writing.holds(&text.path),
        };
        texts.iter().filter(is_open).map(|text| (text.path.clone(), None))
    }

    /// Marks a zone that is about to be read to be served.
    fn mark(&self, zone: &config::Zone, id: &ZoneId) -> Option<mark::Mark<'_>> {
        let (Purpose::Serve(serving), Some(folder)) = (self.purpose, self.state_directory) else {
            return None;
        };
        let stamp = mark::Stamp::of(&zone.file.as_ref()?.path)?;
        serving.marks.put(folder, id, stamp)
    }

    /// Whether a zone is not read, because a process ended while it did so, and nobody has asked for it or changed it
    /// since. One of which no text is kept is tried once more: it may have been a coincidence.
    fn is_left_alone(&self, zone: &config::Zone, loaded: &mut LoadedZone) -> bool {
        let (Purpose::Serve(serving), Some(folder), Some(file)) =
            (self.purpose, self.state_directory, &zone.file)
        else {
            return false;
        };
        let left = || mark::left(folder, &loaded.id, mark::Stamp::of(&file.path)?);
        let Some(left) = (serving.cause != Cause::Operator).then(left).flatten() else { return false };
        if left.times < TIMES_WITHOUT_KEPT_TEXT && !kept::path(folder, &loaded.id).exists() {
            return false;
        }
        loaded.unread.insert(file.path.clone(), Digest::of_file(&file.path).ok());
        let why = format!(
            "the server was ended while it read {}, as it is when a zone takes all memory; that file is not read before \
             it changes, or `edgedns reload` or SIGHUP asks for it",
            file.path.display()
        );
        loaded.faults.push(Diagnostic::placeless(Severity::Error, why.clone()));
        loaded.error = Some(why);
        true
    }

    /// What a version of the zone is made from besides its text.
    fn basis(&self, zone: &config::Zone, forward: Option<&Version>) -> Basis {
        Basis {
            source: ZoneSource::of(zone),
            forward: forward.map(|version| Arc::clone(&version.basis)),
            settings: zonefile::Settings {
                lua: lua_settings(self.config),
                include_from: Some(self.include_from()),
                memory_limit: zone.memory_limit,
                ..zonefile::Settings::default()
            },
            guards: zone.guards.iter().flat_map(guardings).collect(),
            own: self.own.clone(),
            texts: Vec::new(),
        }
    }

    /// The folders that zones may include files from, besides their own.
    fn include_from(&self) -> Vec<PathBuf> {
        let own = self.path.parent().unwrap_or(Path::new("")).to_owned();
        std::iter::once(own).chain(self.config.server.include_folders.iter().cloned()).collect()
    }

    /// Whom a zone answers.
    fn access(&self, zone: &config::Zone) -> Option<Box<Access>> {
        let networks = |clients: &Vec<Exempt>| networks_of(clients, &self.networks);
        Access::new(zone.when_client_in.as_ref().map(networks), zone.allow_query.as_ref().map(networks))
    }

    /// The version that is served now.
    fn before(&self, zone: &ZoneId) -> Option<&Version> {
        self.served.get(zone).copied()
    }

    /// Reads one zone from its text and all that it includes. None when it cannot
    /// be served; `found` says why.
    fn read_zone(
        &self,
        sources: &mut Sources,
        file: Option<FileId>,
        given: Option<Given<'_>>,
        zone: &config::Zone,
        basis: &Basis,
        found: &mut Diagnostics,
    ) -> Option<Zone> {
        let mut builder = zone::Builder::new(zone.name.clone(), zone.name_span);
        if let Some(file) = file {
            zonefile::read(sources, file, &mut builder, &basis.settings, found);
        }
        if let Some(Given { hosts, span }) = given {
            builder.add_reverse(hosts, span, found);
        }
        builder.set_own_addresses(basis.own.clone());
        builder.set_apexes(Arc::clone(&self.apexes));
        basis.guards.iter().cloned().for_each(|guarding| builder.guard(guarding));
        builder.finish(found)
    }

    /// Takes the text that is kept of the zone, if there is one.
    fn load_kept(
        &self,
        sources: &Sources,
        zone: &config::Zone,
        forward: Option<&Version>,
        basis: Basis,
        loaded: &mut LoadedZone,
    ) {
        let (Purpose::Serve(_), Some(folder)) = (self.purpose, self.state_directory) else { return };
        let (named, id) = (folder.to_owned(), loaded.id.clone());
        let read = patiently_for(&kept::path(folder, &loaded.id), KEPT_WAIT_MAX, move |_| {
            Ok(kept::read(&named, &id))
        });
        let kept = match read.unwrap_or_else(|error| Err(error.into())) {
            Ok(None) => return,
            Ok(Some(kept)) => kept,
            Err(fault) => {
                loaded.kept_error = Some(fault.to_string());
                return;
            }
        };
        let (own, loaded_at) = (PathBuf::from(kept.own_file()), kept.loaded_at);
        let mut sources = sources.closed_over(kept.texts);
        let mut faults = Diagnostics::default();
        let hosts = given(zone, forward, &mut faults);
        let read = sources.read(&own).ok().zip(hosts).and_then(|(file, hosts)| {
            self.read_zone(&mut sources, Some(file), hosts, zone, &basis, &mut faults)
        });
        match read.and_then(|read| self.version(&read, basis, zone.name_span, &mut faults)) {
            Some(version) => loaded.version = Some(Version { kept_at: Some(loaded_at), ..version }),
            None => {
                faults.sort();
                loaded.kept_error = Some(why_not(&sources, self.path, &faults));
            }
        }
    }
}

/// The versions that are served now, by their zones.
fn served(purpose: &Purpose) -> HashMap<&ZoneId, &Version> {
    match purpose {
        Purpose::Check => HashMap::new(),
        Purpose::Serve(serving) => serving.versions.iter().map(|(id, version)| (id, version)).collect(),
    }
}

/// Why a zone is not served: the first error in its files; one in the config file may be its echo.
fn why_not(sources: &Sources, config: &Path, faults: &Diagnostics) -> String {
    let in_config =
        |fault: &&Diagnostic| fault.span().is_none_or(|span| Path::new(&sources.place(span).path) == config);
    let errors: Vec<&Diagnostic> = faults.iter().filter(|fault| is_error(fault)).collect();
    let first = errors.iter().find(|fault| !in_config(fault)).or(errors.first());
    first.map_or_else(|| "it cannot be read".to_owned(), |first| sources.sentence(first))
}

/// The first errors as they are drawn in the terminal.
fn drawn_errors(sources: &Sources, faults: &Diagnostics) -> String {
    let errors: Vec<&Diagnostic> = faults.iter().filter(|fault| is_error(fault)).collect();
    let drawn = errors.iter().take(ERRORS_DRAWN_MAX).map(|fault| sources.render(fault, Look::Plain));
    let more = errors.len().saturating_sub(ERRORS_DRAWN_MAX);
    let more = (more > 0).then(|| format!("and {more} more: `edgedns check` shows all of them"));
    drawn.chain(more).collect::<Vec<String>>().join("\n\n")
}

/// Reads the zone's own file. None where that cannot be done; a zone that has none has nothing to read.
fn read_file(sources: &mut Sources, zone: &config::Zone, found: &mut Diagnostics) -> Option<Option<FileId>> {
    let Some(named) = &zone.file else { return Some(None) };
    let file = match sources.read(&named.path) {
        Ok(file) => file,
        Err(error) => {
            let fault = Diagnostic::error(named.span, error.to_string());
            found.push(fault.label(format!("the zone file of `{}`", zone.name)));
            return None;
        }
    };
    sources.note_naming(Naming { by: named.span, path: named.path.clone(), file });
    Some(Some(file))
}

fn lua_settings(config: &Config) -> zonefile::lua_record::Settings {
    zonefile::lua_record::Settings {
        selector: config.lua.selector,
        interval: config.probe.interval,
        timeout: config.probe.timeout,
        retry: config.probe.retry,
        rise: config.probe.rise,
        fall: config.probe.fall,
    }
}

/// What a `[[zone.probe]]` block says about each of its owners.
fn guardings(block: &ZoneProbe) -> impl Iterator<Item = Guarding> {
    let guards: Vec<GuardTemplate> = block
        .probes
        .iter()
        .map(|probe| GuardTemplate {
            test: Test::Same(probe.kind.clone()),
            source: probe.source,
            timeout: probe.timeout,
            interval: probe.interval,
            retry: probe.retry,
            rise: probe.rise,
            fall: probe.fall,
        })
        .chain(block.target.as_ref().map(|times| target_guard(times, block.source)))
        .collect();
    block.names.iter().map(move |(owner, span)| Guarding {
        owner: owner.clone(),
        span: *span,
        guards: guards.clone(),
        choice: block.choice.clone(),
    })
}

fn target_guard(times: &config::Probe, source: Option<IpAddr>) -> GuardTemplate {
    let config::Probe { interval, timeout, retry, rise, fall, .. } = *times;
    GuardTemplate { test: Test::TargetPort, source, timeout, interval, retry, rise, fall }
}

/// Whether something found is an error.
pub(crate) fn is_error(diagnostic: &Diagnostic) -> bool {
    diagnostic.severity == Severity::Error
}

#[cfg(test)]
mod tests;
