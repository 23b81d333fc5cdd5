//! Keeps signatures on the disk, on a thread beside the loop, where new ones were made, and forgets those of zones that are not
//! signed here any more. Nobody else writes them. Logs once that it cannot.

use std::collections::{HashMap, HashSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing::{debug, warn};

use super::signing::{ServedContents, ZoneSigning, forget, kept_at, kept_files};
use super::version::ZoneVersion;
use super::zone_id::ZoneId;
use crate::dnssec::Time;

/// How long a stop waits for the disk.
const STOP_WAIT: Duration = Duration::from_secs(5);

/// How seldom those of one zone are written while it is served: a large zone that changes every second has 20 MB of them.
const INTERVAL: Duration = Duration::from_secs(10 * 60);

/// When signatures are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeping {
    /// Unless those of the zone were written a short while ago.
    Now,
    /// In any case: the server ends.
    AtTheEnd,
}

/// The state directory, and the versions that are served. One that was served for a moment only is not held: the next one
/// has what there is to keep.
type Wanted = Option<(PathBuf, Vec<Weak<ZoneVersion>>, Keeping)>;

/// Writes signatures of one zone after the other. Nobody waits for it but the end of the server.
pub struct SignatureKeeper {
    wanted: watch::Sender<Wanted>,
    task: JoinHandle<()>,
}

impl SignatureKeeper {
    /// Starts a keeper in the runtime.
    pub fn start() -> SignatureKeeper {
        let (wanted, mut newest) = watch::channel(None);
        let task = tokio::spawn(async move {
            let mut work = Work::default();
            while newest.changed().await.is_ok() {
                let wanted: Wanted = newest.borrow_and_update().clone();
                let done = tokio::task::spawn_blocking(move || {
                    if let Some((folder, served, keeping)) = wanted {
                        let served: Vec<_> = served.iter().filter_map(Weak::upgrade).collect();
                        work.keep(&folder, &served, keeping, Instant::now());
                    }
                    work
                });
                // After a panic, nothing is known to be written.
                work = done.await.unwrap_or_default();
            }
        });
        SignatureKeeper { wanted, task }
    }

    /// Keeps what signs these versions in this state directory: all that are served. Without a state directory, keeps
    /// nothing.
    pub fn keep(&self, folder: Option<&Path>, served: Vec<Weak<ZoneVersion>>, keeping: Keeping) {
        self.wanted.send_replace(folder.map(|folder| (folder.to_owned(), served, keeping)));
    }

    /// Writes what it was told last, and ends.
    pub async fn stop(self) {
        drop(self.wanted);
        let _ = tokio::time::timeout(STOP_WAIT, self.task).await;
    }
}

/// What has been written so far.
#[derive(Default)]
struct Work {
    /// The state directory where it was.
    folder: PathBuf,
    /// The names of the files of signatures there.
    files: HashSet<OsString>,
    /// Of which moment the signatures of each zone are that were written.
    written: HashMap<ZoneId, Written>,
    /// Those that could not be written the last time: when that was, and why.
    failed: HashMap<ZoneId, (Instant, String)>,
    /// The last error, which is logged once.
    fault: Option<String>,
}

/// Signatures that were written.
struct Written {
    until: Time,
    /// How many had been made.
    made: (u64, u64),
    at: Instant,
}

impl Work {
    fn keep(&mut self, folder: &Path, served: &[Arc<ZoneVersion>], keeping: Keeping, now: Instant) {
        if self.folder != folder {
            let (folder, files) = (folder.to_owned(), kept_files(folder));
            *self = Work { folder, files, fault: self.fault.take(), ..Work::default() };
        }
        let served_zones: HashSet<&ZoneId> = served.iter().map(|version| &version.id).collect();
        // One that comes again has other signatures.
        self.written.retain(|zone, _| served_zones.contains(zone));
        self.failed.retain(|zone, _| served_zones.contains(zone));
        let mut faults = served.iter().filter_map(|version| {
            let path = kept_at(folder, &version.id);
            let file = path.display();
            match &version.inputs.signing {
                Some(signing) => self.keep_one((&path, version), signing, keeping, now).err().map(|why| {
                    format!(
                        "cannot keep signatures in {file}: {why}; a restart signs the zone anew, and its secondaries \
                         transfer all of it"
                    )
                }),
                None => self.forget(&path, &version.id).err().map(|error| {
                    format!(
                        "cannot remove {file}: {error}; the zone is not signed any more, and may keep its serial where it \
                         is signed again after a restart: remove the file before that"
                    )
                }),
            }
        });
        let first = faults.next();
        // The others are written all the same.
        faults.for_each(drop);
        if let Some(fault) = first.as_ref().filter(|_| self.fault != first) {
            warn!("{fault}");
        }
        self.fault = first;
    }

    fn keep_one(
        &mut self,
        (path, version): (&Path, &ZoneVersion),
        signing: &ZoneSigning,
        keeping: Keeping,
        now: Instant,
    ) -> Result<(), String> {
        let zone = &version.id;
        let (made, until) = (signing.made(), signing.end());
        match self.written.get(zone) {
            Some(written) if written.until != until => {}
            Some(written) if written.made == made => return Ok(()),
            Some(written) if keeping == Keeping::Now && now - written.at < INTERVAL => return Ok(()),
            // All of them come from the disk.
            None if signing.is_as_kept() => return Ok(()),
            Some(_) | None => {}
        }
        // Putting them together costs as much as writing them.
        if let (Keeping::Now, Some((at, why))) = (keeping, self.failed.get(zone))
            && now.saturating_duration_since(*at) < INTERVAL
        {
            return Err(why.clone());
        }
        let came = version.unsigned.as_ref().and_then(|unsigned| unsigned.contents.as_ref());
        let served = came.map(|came| ServedContents::of(version.serial, came));
        if let Err(error) = signing.keep(&self.folder, zone, served) {
            let why = error.to_string();
            self.failed.insert(zone.clone(), (now, why.clone()));
            return Err(why);
        }
        self.failed.remove(zone);
        debug!("kept the signatures of zone {zone}");
        self.files.extend(path.file_name().map(OsString::from));
        self.written.insert(zone.clone(), Written { until, made, at: now });
        Ok(())
    }

    /// Forgets those of a zone that is served unsigned: were it signed again, other servers would have something else with the
    /// same serial.
    fn forget(&mut self, path: &Path, zone: &ZoneId) -> std::io::Result<()> {
        let Some(name) = path.file_name().filter(|name| self.files.contains(*name)) else { return Ok(()) };
        forget(&self.folder, zone)?;
        debug!("forgot the signatures of zone {zone}");
        self.files.remove(name);
        self.written.remove(zone);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::Name;
    use crate::dnssec::{Algorithm, DenialKind, Pair, SEP, Timing, ZONE_KEY, write_key};
    use crate::source::{Diagnostics, Origin, Sources, Span};
    use crate::zone::Builder;
    use crate::zones::proposal::{Contents, Proposal};
    use crate::zones::signing::DnssecSettings;
    use crate::zones::signing_time;
    use crate::zones::version::{Inputs, VersionOrigin};

    /// A signed zone, with its keys in this folder.
    fn signed(keys: &Path) -> Arc<ZoneVersion> {
        let apex: Name = "example.".parse().unwrap();
        let (public, secret) = Pair::generate(Algorithm::Ed25519, ZONE_KEY | SEP).unwrap();
        write_key(keys, &apex, public, &secret, &Timing::ALWAYS).unwrap();
        let (settings, zone) =
            (DnssecSettings { keys: keys.to_owned(), denial: DenialKind::default() }, ZoneId::from(apex));
        let now = signing_time(None);
        let signing = ZoneSigning::read(&settings, &zone, now, (None, &Arc::default()), None).unwrap();
        let named: Origin = Span::new(Sources::default().add("config", b"example".to_vec()), 0, 7).into();
        let mut builder = Builder::new(zone.name.clone(), named.clone());
        let soa = [&[0, 0][..], &[0, 0, 0, 60].repeat(5)].concat();
        for (rtype, rdata) in
            [(crate::dns::Rtype::SOA, &soa[..]), (crate::dns::Rtype::NS, b"\x02ns\x04test\x00")]
        {
            let ttl = crate::dns::Ttl::from_seconds(60).unwrap();
            builder.add(zone.name.as_ref(), rtype, ttl, rdata, named.clone()).unwrap();
        }
        builder.sign_here();
        let contents = Contents::Whole(Box::new(builder.finish(&mut Diagnostics::default()).unwrap()));
        let inputs = Inputs { signing: Some(Arc::new(signing)), ..Inputs::default() };
        let proposal = Proposal { zone, contents, inputs: Arc::new(inputs), origin: VersionOrigin::Sources };
        Arc::new(proposal.accept(None).unwrap())
    }

    /// A signed version, and a state directory that nothing can be written into.
    struct Site {
        _folder: tempfile::TempDir,
        state: PathBuf,
        version: Arc<ZoneVersion>,
    }

    impl Site {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            let (keys, state) = (folder.path().join("keys"), folder.path().join("state"));
            std::fs::create_dir(&keys).unwrap();
            // No folder can be made in it.
            std::fs::write(&state, "").unwrap();
            Self { _folder: folder, state, version: signed(&keys) }
        }
    }

    /// Makes it one that can be written into.
    fn mend(state: &Path) {
        std::fs::remove_file(state).unwrap();
        std::fs::create_dir(state).unwrap();
    }

    #[test]
    fn signatures_that_cannot_be_written_are_tried_again_no_sooner_than_those_that_were() {
        let Site { _folder, state, version } = Site::new();
        let (begin, mut work) = (Instant::now(), Work::default());
        let mut keep = |keeping, seconds| {
            work.keep(&state, std::slice::from_ref(&version), keeping, begin + Duration::from_secs(seconds));
            (work.written.len(), work.fault.is_some())
        };
        assert_eq!(keep(Keeping::Now, 0), (0, true));
        mend(&state);
        assert_eq!(keep(Keeping::Now, 60), (0, true), "it is told once");
        assert_eq!(keep(Keeping::Now, 600), (1, false));
        assert!(kept_at(&state, &version.id).exists());
    }

    #[test]
    fn the_end_of_the_server_is_a_reason_to_try_again() {
        let Site { _folder, state, version } = Site::new();
        let (now, mut work) = (Instant::now(), Work::default());
        let served = std::slice::from_ref(&version);
        work.keep(&state, served, Keeping::Now, now);
        mend(&state);
        work.keep(&state, served, Keeping::AtTheEnd, now);
        assert!(work.fault.is_none() && kept_at(&state, &version.id).exists());
    }
}
