//! Reads one zone: from its settings to a compiled version, or to the reason why there is none. Start, reload
//! and `edgedns check` all go this way.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use super::fed::FedZone;
use super::loaded::LoadedZone;
use super::others::Others;
use super::reverse::{LoadOrder, Wanting};
use super::serving::{Purpose, ReadCause};
use super::{hosts, kept};
use crate::answer::{Access, Prefix};
use crate::dns::{Name, Rtype};
use crate::dnssec::{KeyFolders, Time, check_pools};
use crate::source::{
    Diagnostic, Diagnostics, Digest, Look, Origin, Severity, Sources, TextFile, Update, patiently_for,
};
use crate::zone::{self, Addresses, Apexes, Guarding, Hosts, KeylessSignatures, NodeId, Zone};
use crate::zonefile;
use crate::zones::clients::Clients;
use crate::zones::journal::Journal;
use crate::zones::local_addresses::{known_addresses, known_networks, networks_of};
use crate::zones::proposal::{Contents, Proposal, ProposalError};
use crate::zones::settings::{Settings, ZoneSettings};
use crate::zones::signing::{SigningFault, ZoneSigning, signing_time, warn_of_clock};
use crate::zones::source::{EtcdKeys, Reading};
use crate::zones::version::{Inputs, NamedHosts, VersionOrigin, ZoneVersion};
use crate::zones::view::view_for;
use crate::zones::watching::Moment;
use crate::zones::zone_id::ZoneId;
use crate::zones::{kept_members, last_good, mark};

/// Most errors of a zone that the status shows drawn. Of many, the first ones tell what to mend.
const ERRORS_DRAWN_MAX: usize = 3;

/// Longest wait for a last good text. It is on a disk of this node, and may be large.
const KEPT_WAIT_MAX: Duration = Duration::from_secs(30);

/// How many processes must have been killed while they read a zone before it is left alone, if it has no last
/// good text.
const TIMES_WITHOUT_KEPT_TEXT: u32 = 2;

/// Reads the zones of one reading; holds what is the same for all of them.
pub(super) struct ZoneReader<'r> {
    purpose: &'r Purpose,
    settings: &'r Settings,
    /// Which zones need the addresses of others.
    wanting: Wanting<'r>,
    /// The apexes of all zones.
    apexes: Arc<Apexes>,
    /// The versions that are served now.
    served: HashMap<&'r ZoneId, &'r Arc<ZoneVersion>>,
    /// The addresses of this node.
    own: Vec<IpAddr>,
    /// The networks this node is in.
    networks: LazyLock<Vec<Prefix>>,
    /// The time that zones are signed with.
    signing_time: Time,
    /// What is known of folders of keys.
    key_folders: Arc<KeyFolders>,
}

impl<'r> ZoneReader<'r> {
    /// A reader for the zones of `settings`.
    pub(super) fn new(settings: &'r Settings, purpose: &'r Purpose) -> Self {
        let served = served(purpose);
        let folders =
            |version: &&Arc<ZoneVersion>| Some(Arc::clone(version.inputs.signing.as_ref()?.folders()));
        let key_folders = served.values().find_map(folders).unwrap_or_default();
        ZoneReader {
            purpose,
            settings,
            wanting: Wanting::of(&settings.zones),
            apexes: Arc::new(settings.zones.iter().map(|zone| zone.id.name.as_ref()).collect()),
            served,
            own: known_addresses(),
            networks: LazyLock::new(known_networks),
            signing_time: time_for(settings, purpose),
            key_folders,
        }
    }

    pub(super) fn load(
        &self,
        sources: &mut Sources,
        zone: &ZoneSettings,
        others: &Others,
        each: &mut impl FnMut(&ZoneId, &Zone),
    ) -> LoadedZone {
        let mut loaded = LoadedZone::new(zone, self.access(zone));
        let forward = self.forward(zone, others);
        let before = self.before(&loaded.id);
        let (guards, unknown_hosts) = self.guards(zone, others);
        let mut inputs = match self.signing(zone, before) {
            Ok(signing) => Inputs { signing, guards, ..self.inputs(zone, forward) },
            Err(fault) => {
                // Never unsigned: whoever has the DS records would take it for forged.
                loaded.faults.push(Diagnostic::error(zone.name_span, fault.to_string()));
                loaded.error = Some(fault.to_string());
                loaded.keys.clone_from(&zone.dnssec);
                return loaded;
            }
        };
        if let (Some(before), true) = (before, zone.sources.find::<EtcdKeys>().is_some()) {
            // What keys guard stays guarded: no key is read here.
            let of_keys = |guarding: &&Guarding| matches!(guarding.origin, Origin::Store(_));
            inputs.guards.extend(before.inputs.guards.iter().filter(of_keys).cloned());
        }
        // What other zones are made from follows updates when the file is read again.
        let says_enough = |version: &&Arc<ZoneVersion>| {
            let are_newest = version.hosts.as_ref().is_some_and(|hosts| hosts.serial() == version.serial);
            (are_newest || !self.wants_hosts(&zone.id.name)) && self.wanting.has_all_members(version)
        };
        let is_current =
            |version: &&Arc<ZoneVersion>| version.is_current(&inputs) && self.has_all_texts(zone, version);
        if let Some(version) = before.filter(is_current).filter(says_enough) {
            loaded.version = Some(Arc::clone(version));
            loaded.is_unchanged = true;
            return loaded;
        }
        if zone.sources.arrive_while_serving() {
            // A check reads what stands in files: there is none.
            if let Purpose::Serve(serving) = self.purpose {
                let fed = FedZone {
                    zone,
                    signing: inputs.signing.take(),
                    inputs,
                    live: Arc::clone(&serving.live),
                    apexes: Arc::clone(&self.apexes),
                    folder: self.state_directory(),
                    wants_hosts: self.wants_hosts(&zone.id.name),
                };
                kept::load(&fed, sources, before, &mut loaded);
            }
            return loaded;
        }
        let begin = self.moment();
        if let Some(version) = before.filter(|version| self.waits(&version.inputs.texts, begin, &mut loaded))
        {
            loaded.version = Some(Arc::clone(version));
            return loaded;
        }
        if self.is_left_alone(zone, &mut loaded) {
            if before.is_none() {
                self.load_last_good(sources, zone, forward, inputs, &mut loaded);
            }
            return loaded;
        }
        let _mark = self.mark(zone, &loaded.id);
        loaded.faults.extend(unknown_hosts);
        self.load_text(sources, zone, (forward, inputs), &mut loaded, |read, faults| {
            if let Some(known) = others.addresses() {
                zone::check_reverse(read, known, faults);
            }
            each(&zone.id, read);
        });
        loaded
    }

    /// Reads a zone and the files it includes. Calls `seen` with a zone that can be served.
    fn load_text(
        &self,
        sources: &mut Sources,
        zone: &ZoneSettings,
        (forward, mut inputs): (Option<&ZoneVersion>, Inputs),
        loaded: &mut LoadedZone,
        seen: impl FnOnce(&Zone, &mut Diagnostics),
    ) {
        let (first, begin) = (sources.next(), self.moment());
        let faults = &mut loaded.faults;
        let read = self.read_zone(sources, None, forward, zone, &inputs, faults);
        inputs.texts = sources.files_from(first).cloned().collect();
        if self.waits(&inputs.texts, begin, loaded) {
            // Errors in a half-written file mean nothing.
            loaded.faults = Diagnostics::default();
            return;
        }
        let faults = &mut loaded.faults;
        faults.extend(read.as_ref().and_then(|read| self.goes_unsigned(read, zone)));
        let Some(mut read) = read.filter(|_| faults.errors() == 0) else {
            faults.sort();
            inputs.texts = Vec::new();
            return self.fall_back(sources, zone, (forward, inputs), loaded);
        };
        let same_serial = self.same_serial(&read, &loaded.id, &inputs.texts);
        seen(&read, faults);
        faults.sort();
        if zone.sources.propose_changes() {
            inputs.settle(&mut read, sources);
        }
        let read = self.with_updates(read, &inputs, zone, sources, loaded);
        let nothing_to_draw = same_serial.is_none() && loaded.faults.iter().next().is_none();
        if matches!(self.purpose, Purpose::Serve(_)) && nothing_to_draw {
            // No diagnostic needs the text any more. Free it before compiling, which needs memory as well.
            sources.let_go(first);
        }
        let (signing, guards) = (inputs.signing.clone(), inputs.guards.clone());
        let Some(version) = self.version(read, inputs, zone, VersionOrigin::Sources, &mut loaded.faults)
        else {
            let inputs = Inputs { signing, guards, ..self.inputs(zone, forward) };
            return self.fall_back(sources, zone, (forward, inputs), loaded);
        };
        self.take(version, loaded);
        if loaded.waits.is_none() {
            loaded.faults.extend(same_serial);
        }
    }

    /// What is served of a zone that was read: with what updates made of it. The lock of the zone goes along.
    fn with_updates(
        &self,
        read: Zone,
        inputs: &Inputs,
        zone: &ZoneSettings,
        sources: &Sources,
        loaded: &mut LoadedZone,
    ) -> Zone {
        let Purpose::Serve(serving) = self.purpose else { return read };
        // Records that clients have made stay when nobody may make more.
        let has_journal =
            || self.state_directory().is_some_and(|folder| Journal::is_there(folder, &loaded.id));
        if zone.update.is_none() && !has_journal() {
            return read;
        }
        let mut hold = serving.live.zone(&loaded.id).hold_blocking(self.state_directory());
        let (name, client, key) = (zone.id.name.to_string(), None, None);
        let updates = Origin::Update(Arc::new(Update { zone: name, client, key }));
        let read =
            hold.effective(read, (inputs, self.before(&loaded.id).map(Arc::as_ref)), &updates, sources);
        loaded.hold = Some(hold);
        read
    }

    /// Notes why the zone has no new version. If no version of it is served, loads its last good text.
    fn fall_back(
        &self,
        sources: &mut Sources,
        zone: &ZoneSettings,
        (forward, inputs): (Option<&ZoneVersion>, Inputs),
        loaded: &mut LoadedZone,
    ) {
        loaded.hold = None;
        loaded.error = Some(why_not(sources, &self.settings.config, &loaded.faults));
        loaded.drawn = Some(drawn_errors(sources, &loaded.faults));
        if self.before(&loaded.id).is_none() {
            self.load_last_good(sources, zone, forward, inputs, loaded);
        }
    }

    /// Takes over the version that was read, unless it is held back.
    fn take(&self, read: Arc<ZoneVersion>, loaded: &mut LoadedZone) {
        if let (Purpose::Serve(serving), Some(before)) = (self.purpose, self.before(&loaded.id)) {
            loaded.waits = serving.held(&loaded.id, before, &read);
            if loaded.waits.is_some() {
                loaded.hold = None;
                loaded.held = Some(read.inputs.texts.clone());
                return;
            }
        }
        loaded.version = Some(read);
    }

    /// Whether what is served of a zone was signed by its sources.
    fn came_signed(&self, id: &ZoneId) -> bool {
        let came =
            |before: &&Arc<ZoneVersion>| before.inputs.signing.is_none() && before.compiled.is_signed();
        self.before(id).filter(came).is_some()
    }

    /// Says so if a zone came signed, and its text is not signed any more: an error unless the operator asks for it.
    fn goes_unsigned(&self, read: &Zone, zone: &ZoneSettings) -> Option<Diagnostic> {
        if read.is_signed() || zone.dnssec.is_some() || !self.came_signed(&zone.id) {
            return None;
        }
        let severity = match self.purpose {
            Purpose::Serve(serving) if serving.cause == ReadCause::Change => Severity::Error,
            Purpose::Serve(_) | Purpose::Check => Severity::Warning,
        };
        let soa = read.node(NodeId::APEX).rrset(Rtype::SOA)?;
        Some(
            Diagnostic::new(severity, soa.origin(), "the zone was signed, and this text is not")
                .remark("validators refuse its answers while the zone above has DS records of it")
                .help("sign it; or have the DS records taken away first: then `edgedns reload` serves it unsigned"),
        )
    }

    /// A warning if the text has changed under the same serial.
    fn same_serial(&self, read: &Zone, id: &ZoneId, texts: &[TextFile]) -> Option<Diagnostic> {
        let before = self.before(id).filter(|before| before.last_good_since().is_none())?;
        // Members that a cluster says are no text of the operator's.
        let own = |texts: &[TextFile]| {
            let is_kept = |text: &&TextFile| {
                self.state_directory().is_some_and(|state| text.path.starts_with(kept_members::folder(state)))
            };
            texts.iter().filter(|text| !is_kept(text)).map(|text| text.digest).collect::<Vec<_>>()
        };
        let same_digests = || own(texts) == own(&before.inputs.texts);
        if before.serial != read.serial() || texts.is_empty() || same_digests() {
            return None;
        }
        let soa = read.node(NodeId::APEX).rrset(Rtype::SOA)?;
        let message = format!("the text has changed, the serial is still {}", before.serial);
        Some(
            Diagnostic::warning(soa.origin(), message)
                .remark("it is served anyway; secondaries, and people who compare serials, see no change")
                .help("raise the serial with each change"),
        )
    }

    /// This moment in the order of file events.
    fn moment(&self) -> Moment {
        match self.purpose {
            Purpose::Check => Moment::default(),
            Purpose::Serve(serving) => serving.writing.now(),
        }
    }

    /// Whether a zone waits because one of its files, read after `begin`, may have been half written. Such
    /// files count as skipped, so that the zone is read again when the writer closes them, even if the text
    /// is the same.
    fn waits(&self, texts: &[TextFile], begin: Moment, loaded: &mut LoadedZone) -> bool {
        let Purpose::Serve(serving) = self.purpose else { return false };
        let half = serving.half_written(texts, begin);
        let unread: Vec<_> = half.map(|text| (text.path.clone(), None)).collect();
        if !unread.is_empty() {
            loaded.waits = Some("its file is being written; it is read when that is done".to_owned());
        }
        let waits = !unread.is_empty();
        loaded.unread.extend(unread);
        waits
    }

    /// Marks a zone that is about to be read for serving.
    fn mark(&self, zone: &ZoneSettings, id: &ZoneId) -> Option<mark::Mark<'_>> {
        let (Purpose::Serve(serving), Some(folder)) = (self.purpose, self.state_directory()) else {
            return None;
        };
        let stamp = mark::Stamp::of(zone.sources.file()?)?;
        serving.marks.put(folder, id, stamp)
    }

    /// Whether to skip a zone because a process was killed while it read the same file, and the operator has
    /// not asked for a reload since. A zone without a last good text is tried once more: it may have been a
    /// coincidence.
    fn is_left_alone(&self, zone: &ZoneSettings, loaded: &mut LoadedZone) -> bool {
        let (Purpose::Serve(serving), Some(folder), Some(file)) =
            (self.purpose, self.state_directory(), zone.sources.file())
        else {
            return false;
        };
        let left = || mark::left(folder, &loaded.id, mark::Stamp::of(file)?);
        let Some(left) = (serving.cause != ReadCause::Operator).then(left).flatten() else { return false };
        if left.times < TIMES_WITHOUT_KEPT_TEXT && !last_good::path(folder, &loaded.id).exists() {
            return false;
        }
        loaded.unread.insert(file.to_owned(), Digest::of_file(file).ok());
        let why = format!(
            "the server was ended while it read {}, as it is when a zone takes all memory; that file is not read before \
             it changes, or `edgedns reload` or SIGHUP asks for it",
            file.display()
        );
        loaded.faults.push(Diagnostic::placeless(Severity::Error, why.clone()));
        loaded.error = Some(why);
        true
    }

    /// The inputs of a version of the zone, besides its text.
    fn inputs(&self, zone: &ZoneSettings, forward: Option<&ZoneVersion>) -> Inputs {
        Inputs {
            sources: zone.sources.clone(),
            forward: forward.map(|version| Arc::clone(&version.inputs)),
            settings: zonefile::Settings { memory_limit: zone.memory_limit, ..self.settings.text.clone() },
            guards: Vec::new(),
            own: self.own.clone(),
            texts: Vec::new(),
            signing: None,
        }
    }

    /// What the zone is signed with; none: it is not signed here.
    fn signing(
        &self,
        zone: &ZoneSettings,
        before: Option<&Arc<ZoneVersion>>,
    ) -> Result<Option<Arc<ZoneSigning>>, SigningFault> {
        let Some(settings) = &zone.dnssec else { return Ok(None) };
        let before = before.and_then(|before| before.inputs.signing.as_ref());
        // What was served unsigned since the start has none of the signatures that are kept.
        let is_start = matches!(self.purpose, Purpose::Serve(serving) if serving.cause == ReadCause::Start);
        let signing = ZoneSigning::read(
            settings,
            &zone.id,
            self.signing_time,
            (before.map(Arc::as_ref), &self.key_folders),
            self.state_directory().filter(|_| is_start),
        )?;
        let same = before.filter(|before| ***before == signing).cloned();
        Ok(Some(same.unwrap_or_else(|| Arc::new(signing))))
    }

    /// Whether a version was read with all that is kept for the zone: it may have come later.
    fn has_all_texts(&self, zone: &ZoneSettings, version: &ZoneVersion) -> bool {
        let Some(state) = self.state_directory() else { return true };
        let is_read = |path: &PathBuf| version.inputs.texts.iter().any(|text| text.path == *path);
        zone.sources.kept_texts(state).all(|path| is_read(&path) || !path.exists())
    }

    /// The clients that may ask a zone.
    fn access(&self, zone: &ZoneSettings) -> Option<Box<Access>> {
        let networks = |clients: &Vec<Clients>| networks_of(clients, &self.networks);
        Access::new(zone.when_client_in.as_ref().map(networks), zone.allow_query.as_ref().map(networks))
    }

    /// The folder for what outlives a restart.
    fn state_directory(&self) -> Option<&Path> {
        self.settings.state_directory.as_deref()
    }

    /// The version that is served now.
    fn before(&self, zone: &ZoneId) -> Option<&Arc<ZoneVersion>> {
        self.served.get(zone).copied()
    }

    /// Reads one zone from its sources, or, with `last_good`, from the last good text of the file with that
    /// path. None if the zone cannot be served; `found` says why.
    fn read_zone(
        &self,
        sources: &mut Sources,
        last_good: Option<&Path>,
        forward: Option<&ZoneVersion>,
        zone: &ZoneSettings,
        inputs: &Inputs,
        found: &mut Diagnostics,
    ) -> Option<Zone> {
        let mut builder = zone::Builder::new(zone.id.name.clone(), zone.name_span);
        builder.set_keyless(if zone.dnssec.is_some() {
            KeylessSignatures::Renewed
        } else if self.came_signed(&zone.id) {
            KeylessSignatures::Refused
        } else {
            KeylessSignatures::LeftOut
        });
        let hosts = forward.and_then(|forward| forward.hosts.as_deref());
        let state_directory = self.state_directory();
        let mut reading = Reading { sources, settings: &inputs.settings, last_good, state_directory, hosts };
        zone.sources.read(&mut reading, &mut builder, found)?;
        builder.set_own_addresses(inputs.own.clone());
        builder.set_apexes(Arc::clone(&self.apexes));
        inputs.guards.iter().cloned().for_each(|guarding| builder.guard(guarding));
        if inputs.signing.is_some() {
            builder.sign_here();
        }
        let zone = builder.finish(found)?;
        if inputs.signing.is_some() {
            check_pools(&zone, found);
        }
        (found.errors() == 0).then_some(zone)
    }

    /// Loads the last good text of the zone, if there is one.
    fn load_last_good(
        &self,
        sources: &Sources,
        zone: &ZoneSettings,
        forward: Option<&ZoneVersion>,
        mut inputs: Inputs,
        loaded: &mut LoadedZone,
    ) {
        let (Purpose::Serve(_), Some(folder)) = (self.purpose, self.state_directory()) else { return };
        let (named, id) = (folder.to_owned(), loaded.id.clone());
        let read = patiently_for(&last_good::path(folder, &loaded.id), KEPT_WAIT_MAX, move |_| {
            Ok(last_good::read(&named, &id))
        });
        let kept = match read.unwrap_or_else(|error| Err(error.into())) {
            Ok(None) => return,
            Ok(Some(kept)) => kept,
            Err(fault) => {
                loaded.last_good_error = Some(fault.to_string());
                return;
            }
        };
        let (own, loaded_at) = (PathBuf::from(kept.own_file()), kept.loaded_at);
        let mut sources = sources.closed_over(kept.texts);
        let mut faults = Diagnostics::default();
        let origin = VersionOrigin::LastGood { read_at: loaded_at };
        let mut read = self.read_zone(&mut sources, Some(&own), forward, zone, &inputs, &mut faults);
        if let Some(read) = read.as_mut().filter(|_| zone.sources.propose_changes()) {
            inputs.settle(read, &sources);
        }
        let read = read.map(|read| self.with_updates(read, &inputs, zone, &sources, loaded));
        match read.and_then(|read| self.version(read, inputs, zone, origin, &mut faults)) {
            Some(version) => loaded.version = Some(version),
            None => {
                faults.sort();
                loaded.last_good_error = Some(why_not(&sources, &self.settings.config, &faults));
            }
        }
    }

    /// The version of the zone that a reverse zone is made from.
    pub(super) fn forward<'l>(&'l self, zone: &ZoneSettings, loaded: &'l Others) -> Option<&'l ZoneVersion> {
        let version = self.version_of(zone.sources.made_from()?, zone, loaded)?;
        Some(version).filter(|version| version.hosts.is_some())
    }

    /// What there is of the zone with a name, for this one, which needs something of it.
    pub(super) fn version_of<'l>(
        &'l self,
        name: &Name,
        zone: &ZoneSettings,
        loaded: &'l Others,
    ) -> Option<&'l ZoneVersion> {
        let views = loaded.named(name).map(|view| (&view.id, view.access.as_deref(), view));
        let forward = view_for(&zone.id, views)?;
        forward.version.as_ref().or_else(|| self.before(&forward.id)).map(Arc::as_ref)
    }

    /// When a zone is loaded.
    pub(super) fn load_order(&self, zone: &ZoneSettings) -> LoadOrder {
        self.wanting.load_order(zone)
    }

    /// What guards a zone, and what is to be told of its hosts in other zones.
    fn guards(&self, zone: &ZoneSettings, others: &Others) -> (Vec<Guarding>, Vec<Diagnostic>) {
        let arrives = |one: &ZoneSettings| one.sources.arrive_while_serving();
        hosts::look_up(
            &zone.guards,
            (self.before(&zone.id).map(Arc::as_ref), self.purpose),
            |name| self.version_of(name, zone, others),
            |name| self.settings.zones.iter().any(|one| one.id.name == *name && arrives(one)),
        )
    }

    /// Whether another zone needs the addresses of this one.
    pub(super) fn wants_hosts(&self, name: &Name) -> bool {
        match self.purpose {
            Purpose::Check => self.wanting.reverse,
            Purpose::Serve(_) => self.wanting.origins.contains(name),
        }
    }

    /// Where a check collects the addresses of hosts; none: no zone is compared with them.
    pub(super) fn compared(&self) -> Option<Addresses> {
        let is_compared = matches!(self.purpose, Purpose::Check) && self.wanting.reverse;
        is_compared.then(|| Addresses::new(Arc::clone(&self.apexes)))
    }

    /// Makes a version of a zone. None if it cannot be compiled; `found` says why, at the zone's name in the
    /// config file, since the text of the zone may be freed already.
    pub(super) fn version(
        &self,
        read: Zone,
        inputs: Inputs,
        zone: &ZoneSettings,
        origin: VersionOrigin,
        found: &mut Diagnostics,
    ) -> Option<Arc<ZoneVersion>> {
        let hosts = self.wants_hosts(&zone.id.name).then(|| Hosts::of(&read).into());
        let named = self.wanting.members.get(&zone.id.name).map(|names| {
            let of = |name: &&Name| ((*name).clone(), read.host(name.as_ref(), &inputs.guards));
            Arc::new(names.iter().map(of).collect::<NamedHosts>())
        });
        let (contents, inputs) = (Contents::Whole(Box::new(read)), Arc::new(inputs));
        let proposal = Proposal { zone: zone.id.clone(), contents, inputs, origin };
        let accepted = proposal.accept(self.before(&zone.id).map(Arc::as_ref));
        let refuse = |error: ProposalError| found.push(Diagnostic::error(zone.name_span, error.to_string()));
        let version = accepted.map_err(refuse).ok()?;
        Some(Arc::new(ZoneVersion { hosts, named, ..version }))
    }
}

/// The time that zones are signed with. A check writes nothing down.
fn time_for(settings: &Settings, purpose: &Purpose) -> Time {
    let is_signing = settings.zones.iter().any(|zone| zone.dnssec.is_some());
    let folder = settings.state_directory.as_deref().filter(|_| is_signing);
    match (purpose, folder) {
        (Purpose::Serve(_), Some(folder)) => {
            let time = signing_time(Some(folder));
            warn_of_clock(folder, time);
            time
        }
        (Purpose::Serve(_), None) | (Purpose::Check, _) => signing_time(None),
    }
}

/// The versions that are served now, by zone.
fn served(purpose: &Purpose) -> HashMap<&ZoneId, &Arc<ZoneVersion>> {
    match purpose {
        Purpose::Check => HashMap::new(),
        Purpose::Serve(serving) => serving.versions.iter().map(|version| (&version.id, version)).collect(),
    }
}

/// Why a zone is not served: the first error in its files, else the first in the config file, which may only
/// follow from one in a file.
fn why_not(sources: &Sources, config: &Path, faults: &Diagnostics) -> String {
    let in_config =
        |fault: &&Diagnostic| fault.span().is_none_or(|span| Path::new(&sources.place(span).path) == config);
    let errors: Vec<&Diagnostic> = faults.iter().filter(|fault| fault.is_error()).collect();
    let first = errors.iter().find(|fault| !in_config(fault)).or(errors.first());
    first.map_or_else(|| "it cannot be read".to_owned(), |first| sources.sentence(first))
}

/// The first errors, drawn as in a terminal.
fn drawn_errors(sources: &Sources, faults: &Diagnostics) -> String {
    let errors: Vec<&Diagnostic> = faults.iter().filter(|fault| fault.is_error()).collect();
    let drawn = errors.iter().take(ERRORS_DRAWN_MAX).map(|fault| sources.render(fault, Look::Plain));
    let more = errors.len().saturating_sub(ERRORS_DRAWN_MAX);
    let more = (more > 0).then(|| format!("and {more} more: `edgedns check` shows all of them"));
    drawn.chain(more).collect::<Vec<String>>().join("\n\n")
}
