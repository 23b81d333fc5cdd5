//! Whether the service can read its files: it runs under a user made at its start, so as any other user.
//!
//! Looks at modes of files and folders, and at places that the unit hides. A secret is not made readable for all: systemd
//! hands it over, or a group may read it. Missing files are reported by their readers.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::finding::{Finding, Grade};
use super::host::Host;
use super::service::{UNIT, has_groups};
use super::wanted::Wanted;

const SUBJECT: &str = "files";

/// What others need to read a file, and to pass through a folder.
const OTHERS_READ: u32 = 0o004;
const OTHERS_PASS: u32 = 0o001;

/// What a group needs to read a file.
const GROUP_READS: u32 = 0o040;

/// Where systemd puts what the unit has it hand over (`LoadCredential=`), at each start.
const CREDENTIALS: &str = "/run/credentials/edgedns.service";

/// The bits of a mode that `chmod` shows.
const MODE_BITS: u32 = 0o7777;

/// Places that the unit does not show to the service, and by which line of it.
const HIDDEN: [(&str, &str); 7] = [
    ("/home", "ProtectHome=yes"),
    ("/root", "ProtectHome=yes"),
    // Where these two lead on a system of OSTree.
    ("/var/home", "ProtectHome=yes"),
    ("/var/roothome", "ProtectHome=yes"),
    ("/run/user", "ProtectHome=yes"),
    ("/tmp", "PrivateTmp=yes"),
    ("/var/tmp", "PrivateTmp=yes"),
];

/// What keeps the service from a file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Obstacle {
    /// A place that the unit hides, and the line that does.
    Hidden(&'static str, &'static str),
    /// A folder or a file, and its mode.
    Closed { path: PathBuf, mode: u32, needed: u32 },
    /// A secret that the service cannot read, and its mode.
    Secret { path: PathBuf, mode: u32 },
    /// A secret that everybody can read, and its mode.
    Shown { path: PathBuf, mode: u32 },
    /// We may not look ourselves.
    Unknown(PathBuf),
}

pub(super) fn look(host: &Host, wanted: &Wanted) -> Vec<Finding> {
    let mut obstacles: BTreeMap<Obstacle, Vec<&Path>> = BTreeMap::new();
    let files = wanted.files.iter().map(|file| (obstacle(host, file), file));
    let secrets = wanted.secrets.iter().map(|file| (secret_obstacle(host, file), file));
    for (obstacle, file) in files.chain(secrets) {
        if let Some(obstacle) = obstacle {
            obstacles.entry(obstacle).or_default().push(file);
        }
    }
    if obstacles.is_empty() {
        let count = wanted.files.len() + wanted.secrets.len();
        let message = format!("the service's user can read what it needs: {count} files");
        return vec![Finding::new(SUBJECT, Grade::Fine, message)];
    }
    obstacles.iter().map(|(obstacle, files)| obstacle.finding(files)).collect()
}

/// The first thing on the way to a file that stops a stranger.
fn obstacle(host: &Host, file: &Path) -> Option<Obstacle> {
    let real = match host.resolved(file) {
        Ok(real) => real,
        Err(error) if error.kind() == ErrorKind::PermissionDenied => {
            return Some(Obstacle::Unknown(file.to_owned()));
        }
        Err(_) => return None,
    };
    let hidden = |path: &Path| HIDDEN.iter().find(|(place, _)| path.starts_with(place));
    if let Some((place, line)) = hidden(file).or_else(|| hidden(&real)) {
        return Some(Obstacle::Hidden(place, line));
    }
    // The way as it is written leads through other folders than the one behind its links.
    let ways = [file, real.as_path()];
    let mut folders = ways.iter().flat_map(|way| way.ancestors().skip(1));
    let is_of_group = |mode: u32| mode & GROUP_READS != 0 && has_groups(host);
    folders.find_map(|folder| closed(host, folder, OTHERS_PASS)).or_else(|| {
        let closed = closed(host, &real, OTHERS_READ);
        closed.filter(|one| !matches!(one, Obstacle::Closed { mode, .. } if is_of_group(*mode)))
    })
}

/// The same of a secret; and one that everybody can read stops nobody, but should.
fn secret_obstacle(host: &Host, file: &Path) -> Option<Obstacle> {
    if file.starts_with(CREDENTIALS) {
        return None;
    }
    match obstacle(host, file) {
        Some(Obstacle::Closed { path, mode, needed: OTHERS_READ }) => Some(Obstacle::Secret { path, mode }),
        Some(obstacle) => Some(obstacle),
        None => {
            let mode = host.place(file).metadata().ok()?.mode() & MODE_BITS;
            (mode & OTHERS_READ != 0).then(|| Obstacle::Shown { path: file.to_owned(), mode })
        }
    }
}

fn closed(host: &Host, path: &Path, needed: u32) -> Option<Obstacle> {
    // The root of a host is open to all; that of a copy of one need not be.
    path.parent()?;
    let mode = host.place(path).metadata().ok()?.mode();
    (mode & needed == 0).then(|| Obstacle::Closed { path: path.to_owned(), mode: mode & MODE_BITS, needed })
}

/// How the service, and nobody else, may read a file.
fn by_group(file: &str) -> String {
    format!(
        "a group of its own, `chgrp GROUP {file}`, `chmod 640 {file}`, and `SupplementaryGroups=GROUP` below `[Service]` \
         (`systemctl edit {UNIT}`)"
    )
}

impl Obstacle {
    fn finding(&self, files: &[&Path]) -> Finding {
        let first = files.first().map(|file| file.display().to_string()).unwrap_or_default();
        let which = match files.len() {
            0 | 1 => first,
            more => format!("{first} and {} more", more - 1),
        };
        match self {
            Obstacle::Hidden(place, line) => Finding::new(
                SUBJECT,
                Grade::Error,
                format!("the service does not see {which}: the unit has {line}"),
            )
            .note(format!("for the service {place} is empty"))
            .help("put the files below /etc/edgedns, and the config at /etc/edgedns.toml"),
            Obstacle::Closed { path, mode, needed } => {
                let shown = path.display();
                let (what, letter) = if *needed == OTHERS_READ { ("read", 'r') } else { ("pass", 'x') };
                let message = format!("the service's user may not {what} {shown}: its mode is {mode:04o}");
                let finding = Finding::new(SUBJECT, Grade::Error, message).note(
                    "DynamicUser=yes: the user is made at each start, so it owns no file and is in no group",
                );
                let finding = if *needed == OTHERS_READ {
                    finding
                } else {
                    finding.note(format!("behind it: {which}"))
                };
                let finding =
                    finding.help(format!("`chmod o+{letter} {shown}`; in a MachineConfig, mode 420 (0644)"));
                if *needed != OTHERS_READ {
                    return finding;
                }
                finding.help(format!("where it has secrets: {}", by_group(&shown.to_string())))
            }
            Obstacle::Secret { path, mode } => {
                let shown = path.display();
                let name = path.file_name().unwrap_or_default().display();
                let message = format!("the service's user may not read {shown}: its mode is {mode:04o}");
                Finding::new(SUBJECT, Grade::Error, message)
                    .note("it is a secret: leave it closed to others")
                    .help(format!(
                        "`systemctl edit {UNIT}`: `LoadCredential={name}:{shown}` below `[Service]`, and \
                         \"{CREDENTIALS}/{name}\" in the config; a new one is seen after a restart"
                    ))
                    .help(format!(
                        "for a key or token that is renewed while the server runs: {}",
                        by_group(&shown.to_string())
                    ))
            }
            Obstacle::Shown { path, mode } => {
                let shown = path.display();
                let message =
                    format!("everybody on this host may read the secret {shown}: its mode is {mode:04o}");
                Finding::new(SUBJECT, Grade::Warning, message)
                    .help(format!("`chmod 600 {shown}`, and `LoadCredential=` in a drop-in of {UNIT}"))
            }
            Obstacle::Unknown(_) => Finding::new(
                SUBJECT,
                Grade::Warning,
                format!("whether the service can read {which} is not known"),
            )
            .help("run it again as root"),
        }
    }
}
