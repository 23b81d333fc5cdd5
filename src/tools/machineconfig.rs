//! `edgedns machineconfig`: what the server would read, as one MachineConfig.
//!
//! Reads as `edgedns check` does, and finds every file that belongs to the config and its place on a node.
//! What a MachineConfig may hold is decided in `deploy`.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::making::{say_nothing_was_made, tell};
use crate::config::{Referenced, Secrecy, Zone, referenced};
use crate::daemon::LoadResult;
use crate::deploy::machineconfig::{
    self, CONFIG, Form, Made, Mode, NodeFile, NodePath, ObjectName, POOL_BYTES_MAX, Part, Recipe, Role, Site,
    node_place,
};
use crate::dnssec::read_folder;
use crate::source::{Diagnostic, Diagnostics, FileId, Severity, Sources, Span};
use crate::transport::Protocols;
use crate::zones::Purpose;

/// The key of a file that edgedns takes only if it is for its owner alone.
const SECRET_FILE: &str = "secret-file";

/// What is to be made, and from which config.
#[derive(Clone, Debug)]
pub struct Request {
    /// The config file, which becomes /etc/edgedns.toml.
    pub config: PathBuf,
    /// The pool of nodes.
    pub role: Role,
    /// What it is called; none: the usual name.
    pub name: Option<ObjectName>,
    /// How it is written.
    pub form: Form,
    /// What goes with the files.
    pub parts: Vec<Part>,
    /// Whether keys go along.
    pub keys: Keys,
}

/// What becomes of keys, which are not secret in a MachineConfig.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keys {
    /// They are left out.
    Left,
    /// They go along: those of zones that are signed, and secrets in files.
    Taken,
}

/// Makes a MachineConfig and writes it to standard output, with what is to be said of it on standard error;
/// false, and nothing is written, where there is an error.
///
/// # Errors
///
/// When the output cannot be written.
pub fn machineconfig(request: &Request) -> io::Result<bool> {
    let reading = LoadResult::new(&request.config, &Purpose::Check, |_, _| {});
    tell(&reading.sources, reading.faults())?;
    let read = reading.loaded.as_ref().zip(reading.sources.first());
    let Some((loaded, config)) = read.filter(|_| !reading.faults().any(Diagnostic::is_error)) else {
        return say_nothing_was_made().map(|()| false);
    };
    let mut gathering = Gathering::new(&reading.sources, config, request.keys);
    gathering.namings();
    gathering.add_referenced(&referenced(&reading.sources, config, &request.config));
    for zone in &loaded.config.zones {
        match (&zone.dnssec, request.keys) {
            (None, _) => {}
            (Some(_), Keys::Left) => gathering.tell_of_keys(zone),
            (Some(settings), Keys::Taken) => gathering.add_keys(zone, &settings.keys),
        }
    }
    let Gathering { files, found, .. } = gathering;
    tell(&reading.sources, found.iter())?;
    if found.errors() > 0 {
        return say_nothing_was_made().map(|()| false);
    }
    let made = machineconfig::make(&Recipe {
        role: request.role.clone(),
        name: request.name.clone(),
        form: request.form,
        parts: request.parts.clone(),
        files: files.into_values().collect(),
        site: Site {
            listen: loaded.config.server.addresses_of(Protocols::Plain),
            zones: loaded.config.zones.iter().map(|zone| zone.name.clone()).collect(),
        },
    });
    match made {
        Ok(made) => {
            tell(&reading.sources, made.remarks.iter())?;
            io::stdout().lock().write_all(made.text.as_bytes())?;
            summarise(&made)?;
            Ok(true)
        }
        Err(error) => {
            let fault = Diagnostic::placeless(Severity::Error, error.to_string()).help(error.help());
            tell(&reading.sources, [&fault])?;
            say_nothing_was_made().map(|()| false)
        }
    }
}

/// Which files there are, and how much of the room that a pool has they take.
fn summarise(made: &Made) -> io::Result<()> {
    let mut out = io::stderr().lock();
    for (path, bytes, packed) in &made.files {
        match packed {
            Some(packed) => writeln!(out, "{path}: {bytes} bytes, {packed} as gzip")?,
            None => writeln!(out, "{path}: {bytes} bytes")?,
        }
    }
    let (size, most) = (made.bytes.div_ceil(1 << 10), POOL_BYTES_MAX >> 10);
    writeln!(
        out,
        "{}: {size} KiB of the {most} KiB that all MachineConfigs of a pool have together",
        made.name
    )
}

/// The files of a site, each at its place on a node.
struct Gathering<'g> {
    sources: &'g Sources,
    /// Where on a node the folder of each text is.
    folders: BTreeMap<FileId, PathBuf>,
    files: BTreeMap<NodePath, NodeFile>,
    found: Diagnostics,
    keys: Keys,
}

impl<'g> Gathering<'g> {
    /// With the config file alone.
    fn new(sources: &'g Sources, config: FileId, keys: Keys) -> Self {
        let folders = BTreeMap::from([(config, folder_of(Path::new(CONFIG)))]);
        let (files, found) = (BTreeMap::new(), Diagnostics::default());
        let mut gathering = Self { sources, folders, files, found, keys };
        if let Ok(path) = NodePath::new(Path::new(CONFIG)) {
            gathering.add(path, sources.bytes(config).to_vec(), None);
        }
        gathering
    }

    /// Every zone file, and what they include, in the order of reading: a file comes behind the one that
    /// names it.
    fn namings(&mut self) {
        for naming in self.sources.namings() {
            let Some(path) = self.place(naming.by, &naming.path) else { continue };
            self.folders.entry(naming.file).or_insert_with(|| folder_of(Path::new(path.as_str())));
            self.add(path, self.sources.bytes(naming.file).to_vec(), Some(naming.by));
        }
    }

    /// The files that keys name, and what is to be said of secrets.
    fn add_referenced(&mut self, list: &[Referenced]) {
        for Referenced { key, span, file, secrecy } in list {
            let is_secret = *secrecy == Secrecy::Secret;
            let mode =
                if is_secret && file.is_some() && self.keys == Keys::Taken { Mode::Key } else { Mode::Data };
            if is_secret {
                let message = format!("`{key}` is not a secret in a MachineConfig");
                let fault = Diagnostic::warning(*span, message);
                self.found.push(fault.remark(match mode {
                    Mode::Key => "whoever may read MachineConfigs can read it",
                    Mode::Data | Mode::Script => {
                        "whoever may read MachineConfigs can read it, and so can every process on a node: files are \
                         for all to read, as edgedns runs under a user made at its start"
                    }
                }));
            }
            if *key == SECRET_FILE && self.keys == Keys::Left {
                let message =
                    format!("`{key}` would be a file for all to read on a node, which edgedns does not take");
                let help = "take --with-keys, or bring the file to the nodes by other means";
                self.found.push(Diagnostic::error(*span, message).help(help));
                continue;
            }
            let Some((file, path)) = file.as_ref().and_then(|file| Some((file, self.place(*span, file)?)))
            else {
                continue;
            };
            self.add_file(file, path, mode, *span);
        }
    }

    /// Adds a file that is named at `by`.
    fn add_file(&mut self, file: &Path, path: NodePath, mode: Mode, by: Span) {
        match std::fs::read(file) {
            Ok(bytes) => self.add_as(mode, path, bytes, Some(by)),
            Err(error) => {
                let message = format!("cannot read {}: {error}", file.display());
                self.found.push(Diagnostic::error(by, message));
            }
        }
    }

    /// Says of a zone that is signed that its keys do not go along.
    fn tell_of_keys(&mut self, zone: &Zone) {
        let message = format!("the keys of `{}` do not go along", zone.name);
        let fault = Diagnostic::warning(zone.name_span, message);
        let fault = fault.remark("a node without them answers SERVFAIL for the zone, never unsigned");
        self.found.push(fault.help(
            "take --with-keys, and whoever may read MachineConfigs has them; or bring the folder to each node by other means, \
             as in /var/lib/edgedns/keys, for the user of the service",
        ));
    }

    /// The files of the keys of a zone that is signed, which are in `folder`.
    fn add_keys(&mut self, zone: &Zone, folder: &Path) {
        let by = zone.name_span;
        let stems = match read_folder(folder, zone.name.as_ref()) {
            Ok(files) => files.into_iter().map(|file| file.stem),
            Err(error) => return self.found.push(Diagnostic::error(by, error.to_string())),
        };
        let config = self.sources.bytes(by.file);
        for stem in stems {
            for (end, mode) in [("key", Mode::Data), ("private", Mode::Key)] {
                // Their names have dots of their own.
                let file = PathBuf::from(format!("{}.{end}", stem.display()));
                // An absolute path stands in the config as it is, and is the same on a node.
                let is_absolute =
                    folder.is_absolute() && holds(&config, folder.as_os_str().as_encoded_bytes());
                let path = if is_absolute { self.place_of(by, &file) } else { self.place(by, &file) };
                if let Some(path) = path {
                    self.add_file(&file, path, mode, by);
                }
            }
        }
    }

    /// Where the file at `found` is on a node, which is named at `by`; none, and a fault, where it cannot be.
    fn place(&mut self, by: Span, found: &Path) -> Option<NodePath> {
        let word = self.sources.slice(by);
        // Behind its quotes, which TOML lets be followed by a newline.
        let is_absolute = word.iter().find(|byte| !matches!(byte, b'"' | b'\'' | b'\n')) == Some(&b'/');
        let place = match self.folders.get(&by.file) {
            Some(node_folder) if !is_absolute => {
                node_place(found, &folder_of(Path::new(self.sources.path(by.file))), node_folder)
            }
            _ => found.to_owned(),
        };
        self.place_of(by, &place)
    }

    /// The path of a file that is at `place` on a node.
    fn place_of(&mut self, by: Span, place: &Path) -> Option<NodePath> {
        match NodePath::new(place) {
            Ok(path) => {
                if !path.is_own() {
                    let message = format!("on a node this is {path}, outside of edgedns' own folder");
                    let fault = Diagnostic::warning(by, message);
                    let fault =
                        fault.remark("each change of it reboots the nodes, whatever their disruption policy");
                    self.found.push(fault.help("keep it in a folder `edgedns` beside the config file"));
                }
                Some(path)
            }
            Err(error) => {
                let help = "name it relative to the config file, below a folder `edgedns`, as in \"edgedns/zones/a.zone\"";
                self.found.push(Diagnostic::error(by, error.to_string()).help(help));
                None
            }
        }
    }

    /// Adds a file that all may read.
    fn add(&mut self, path: NodePath, bytes: Vec<u8>, by: Option<Span>) {
        self.add_as(Mode::Data, path, bytes, by);
    }

    /// Adds a file; the same one may be named several times, and is a secret if any of these says so.
    fn add_as(&mut self, mode: Mode, path: NodePath, bytes: Vec<u8>, by: Option<Span>) {
        match (self.files.get_mut(&path), by) {
            (Some(known), Some(by)) if known.bytes != bytes => {
                let message = format!("two different files would be {path} on a node");
                self.found.push(Diagnostic::error(by, message).help("give one of them another name"));
            }
            (Some(known), _) if mode == Mode::Key => known.mode = mode,
            (Some(_), _) => {}
            (None, _) => {
                self.files.insert(path.clone(), NodeFile { path, mode, bytes });
            }
        }
    }
}

/// Whether `word` is in a text.
fn holds(text: &[u8], word: &[u8]) -> bool {
    !word.is_empty() && text.windows(word.len()).any(|some| some == word)
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().map(Path::to_owned).unwrap_or_default()
}
