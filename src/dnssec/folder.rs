//! A folder of keys: `K<zone>.+<algorithm>+<tag>.key` and `.private`, as BIND names them.
//!
//! Keys of other zones in the folder are passed over. Beside them stands, as `K<zone>.leaving`, how far a zone is on its way
//! out of DNSSEC. Not responsible for which keys sign.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use super::key::Key;
use super::key_text::{KeyFault, read_private, read_public, with_timing, write_private, write_public};
use super::leaving::Leaving;
use super::public_key::PublicKey;
use super::timing::Timing;
use crate::dns::{Name, NameRef};
use crate::source::{open_regular, patiently};
use crate::sync::lock;

/// Bits of a mode that a secret must not have: of others than its owner, and to run it.
const OTHERS: u32 = 0o177;

/// Longest file of a key, in bytes. They have some hundred.
const FILE_BYTES_MAX: u64 = 1 << 16;

/// Most files that a folder is looked through for.
const FILES_MAX: usize = 100_000;

/// A key with its files.
#[derive(Debug)]
pub struct KeyFile {
    /// The key.
    pub key: Key,
    /// The path of its files, without what they end with.
    pub stem: PathBuf,
}

/// Why the keys of a zone cannot be used.
#[derive(Debug)]
pub enum FolderError {
    /// The folder cannot be read.
    Folder(PathBuf, io::Error),
    /// A file cannot be read.
    File(PathBuf, io::Error),
    /// Others than the owner may do something with the secret.
    Mode {
        /// The file.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// A file does not hold what it should.
    Key(PathBuf, KeyFault),
    /// The name of a file has another zone, algorithm or tag than the key in it.
    OtherName(PathBuf, String),
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FolderError::Folder(path, error) | FolderError::File(path, error) => {
                write!(f, "cannot read {}: {error}", path.display())
            }
            FolderError::Mode { path, mode } => {
                let path = path.display();
                write!(f, "others than its owner may use {path} (mode {mode:04o}): `chmod 600 {path}`")
            }
            FolderError::Key(path, fault) => write!(f, "{}: {fault}", path.display()),
            FolderError::OtherName(path, name) => {
                write!(f, "{}: the key in it would be named {name}", path.display())
            }
        }
    }
}

impl std::error::Error for FolderError {}

/// What is in folders of keys: one that many zones share is listed once for all of them, until something comes or goes there.
#[derive(Debug, Default)]
pub struct KeyFolders(Mutex<HashMap<PathBuf, Listing>>);

/// The names of the keys in a folder.
#[derive(Clone, Debug)]
struct Listing {
    /// When something came or went.
    changed: SystemTime,
    /// The paths of the keys of each zone, without what they end with.
    stems: Arc<HashMap<Name, Vec<PathBuf>>>,
}

/// After so long a folder that changes once more has another time: file systems count in ticks of the kernel, and some in
/// seconds.
const TICK_MAX: Duration = Duration::from_secs(3);

impl KeyFolders {
    /// The keys of a zone, by their tags.
    ///
    /// # Errors
    ///
    /// What cannot be used of it: a zone that is signed with some of its keys only may be bogus.
    pub fn read(&self, folder: &Path, zone: NameRef<'_>) -> Result<Vec<KeyFile>, FolderError> {
        let stems =
            self.stems(folder, zone).map_err(|error| FolderError::Folder(folder.to_owned(), error))?;
        let mut keys: Vec<KeyFile> =
            stems.into_iter().map(|stem| read(stem, zone)).collect::<Result<_, _>>()?;
        keys.sort_by_key(|file| (file.key.public().tag(), file.key.public().algorithm()));
        Ok(keys)
    }

    /// The paths of the keys of a zone, without what they end with.
    fn stems(&self, folder: &Path, zone: NameRef<'_>) -> io::Result<Vec<PathBuf>> {
        let named = folder.to_owned();
        let changed = patiently(folder, move |_| fs::metadata(named)?.modified())?;
        let known = lock(&self.0).get(folder).filter(|known| known.changed == changed).cloned();
        let listing = match known {
            Some(known) => known,
            None => {
                let listing = Listing { changed, stems: Arc::new(listed(folder, FILES_MAX)?) };
                if changed.elapsed().is_ok_and(|since| since > TICK_MAX) {
                    lock(&self.0).insert(folder.to_owned(), listing.clone());
                }
                listing
            }
        };
        Ok(listing.stems.get(&zone.to_name()).cloned().unwrap_or_default())
    }
}

/// The keys of a zone, by their tags.
///
/// # Errors
///
/// As [`KeyFolders::read`].
pub fn read_folder(folder: &Path, zone: NameRef<'_>) -> Result<Vec<KeyFile>, FolderError> {
    KeyFolders::default().read(folder, zone)
}

/// The keys in a folder of at most so many files.
fn listed(folder: &Path, files_max: usize) -> io::Result<HashMap<Name, Vec<PathBuf>>> {
    let named = folder.to_owned();
    let entries: Vec<PathBuf> = patiently(folder, move |_| {
        let entries = fs::read_dir(named)?.take(files_max.saturating_add(1));
        entries.map(|entry| entry.map(|entry| entry.path())).collect()
    })?;
    if entries.len() > files_max {
        return Err(io::Error::other(format!("it has more than {files_max} files: divide it")));
    }
    let mut stems: HashMap<Name, Vec<PathBuf>> = HashMap::new();
    for path in entries {
        let name = path.file_name().and_then(|name| name.to_str());
        let stem = name.and_then(|name| name.strip_prefix('K')?.strip_suffix(".key"));
        let owner = stem.and_then(|stem| zone_of(stem.split_once('+')?.0));
        if let Some(owner) = owner {
            stems.entry(owner).or_default().push(path.with_extension(""));
        }
    }
    Ok(stems)
}

fn with_end(stem: &Path, end: &str) -> PathBuf {
    let mut path = stem.as_os_str().to_owned();
    path.push(end);
    path.into()
}

/// Reads both files of a key.
fn read(stem: PathBuf, zone: NameRef<'_>) -> Result<KeyFile, FolderError> {
    let public_path = with_end(&stem, ".key");
    let (text, _) = read_text(&public_path)?;
    let (owner, public) = read_public(&text).map_err(|fault| FolderError::Key(public_path.clone(), fault))?;
    let wanted = file_name(&owner, &public);
    let is_named = stem
        .file_name()
        .and_then(|name| name.to_str())
        .is_some_and(|name| name.eq_ignore_ascii_case(&wanted));
    if owner.as_ref() != zone || !is_named {
        return Err(FolderError::OtherName(public_path, wanted));
    }
    let path = with_end(&stem, ".private");
    let (text, mode) = read_text(&path)?;
    if mode & OTHERS != 0 {
        return Err(FolderError::Mode { path, mode });
    }
    let key = read_private(&text, owner, public).map_err(|fault| FolderError::Key(path, fault))?;
    Ok(KeyFile { key, stem })
}

/// The text of a file, and its mode.
fn read_text(path: &Path) -> Result<(String, u32), FolderError> {
    let named = path.to_owned();
    let read = patiently(path, move |_| {
        let (file, meta) = open_regular(&named)?;
        let mut text = String::new();
        file.take(FILE_BYTES_MAX).read_to_string(&mut text)?;
        Ok((text, meta.permissions().mode() & 0o7777))
    });
    read.map_err(|error| FolderError::File(path.to_owned(), error))
}

/// The name of the files of a key, without what they end with.
fn file_name(zone: &Name, public: &PublicKey) -> String {
    let zone = zone_in_names(zone.as_ref());
    format!("K{zone}.+{:03}+{:05}", public.algorithm().number(), public.tag())
}

/// A zone as names of files have it, without the final dot: in small letters, and each byte that is none of the usual ones as
/// `%2F`, as BIND writes it. A label may have a slash (RFC 2317, section 4).
fn zone_in_names(zone: NameRef<'_>) -> String {
    let written = |byte: &u8| match byte {
        b'-' | b'_' => char::from(*byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte.to_ascii_lowercase()).to_string(),
        byte => format!("%{byte:02X}"),
    };
    zone.labels().map(|label| label.iter().map(written).collect()).collect::<Vec<String>>().join(".")
}

/// The zone that the name of a file has; none where it is not one.
fn zone_of(text: &str) -> Option<Name> {
    let mut pieces = text.split('%');
    let mut escaped = pieces.next()?.to_owned();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        // As a zone file has it (RFC 1035, section 5.1).
        escaped += &format!("\\{:03}{rest}", u8::from_str_radix(digits, 16).ok()?);
    }
    escaped.parse().ok()
}

/// A key that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrittenKey {
    /// The path of its files, without what they end with.
    pub stem: PathBuf,
    /// Its public half.
    pub public: PublicKey,
}

/// The files of a key.
pub struct KeyTexts {
    /// What both are called, without what they end with.
    pub stem: String,
    /// The text of `.key`.
    pub public: String,
    /// The text of `.private`, which is for its owner alone.
    pub secret: String,
}

/// Without the secret.
impl fmt::Debug for KeyTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyTexts({})", self.stem)
    }
}

/// What the files of a key are called, and what is in them; `secret` is base64.
pub fn key_texts(zone: &Name, public: &PublicKey, secret: &str, timing: &Timing) -> KeyTexts {
    KeyTexts {
        stem: file_name(zone, public),
        public: write_public(zone, public, timing),
        secret: write_private(public.algorithm(), secret, timing),
    }
}

/// Writes both files of a new key; `secret` is base64. Files that are there stay as they are. They are whose the other keys
/// of the zone are, or the folder, as far as the system allows that: the server must be able to read them.
///
/// # Errors
///
/// When they are there already or cannot be written.
pub fn write_key(
    folder: &Path,
    zone: &Name,
    public: PublicKey,
    secret: &str,
    timing: &Timing,
) -> io::Result<WrittenKey> {
    let texts = key_texts(zone, &public, secret, timing);
    let stem = folder.join(texts.stem);
    let others = KeyFolders::default()
        .stems(folder, zone.as_ref())?
        .into_iter()
        .map(|stem| with_end(&stem, ".private"));
    let owner = others.chain([folder.to_owned()]).find_map(|path| Owner::of(&path).ok());
    // The secret first: a public key without it would keep the zone from being signed.
    for (end, mode, text) in [(".private", 0o600, texts.secret), (".key", 0o644, texts.public)] {
        let file = create(&with_end(&stem, end), mode, &text)?;
        if let Some(owner) = owner {
            // Only root may give a file away; whoever else makes a key owns it.
            drop(owner.take(&file));
        }
    }
    Ok(WrittenKey { stem, public })
}

/// Gives a key other times. Its files stay whose they are.
///
/// # Errors
///
/// When its files cannot be read or replaced, or would not be their owner's any more.
pub fn write_timing(file: &KeyFile, timing: &Timing) -> Result<(), FolderError> {
    let path = with_end(&file.stem, ".private");
    let (text, _) = read_text(&path)?;
    let zone = file.key.zone().to_name();
    let public = write_public(&zone, file.key.public(), timing);
    let put = |path: PathBuf, mode: u32, text: &str| {
        let unfinished = with_end(&path, ".new");
        let _ = fs::remove_file(&unfinished);
        let put = || {
            let owner = Owner::of(&path)?;
            owner.take(&create(&unfinished, mode, text)?)?;
            put_in_place(&unfinished, &path)
        };
        let put = put().inspect_err(|_| _ = fs::remove_file(&unfinished));
        put.map_err(|error| FolderError::File(path, error))
    };
    put(with_end(&file.stem, ".key"), 0o644, &public)?;
    put(path, 0o600, &with_timing(&text, timing))
}

/// How far a zone is on its way out of DNSSEC; none: it does not leave.
///
/// # Errors
///
/// When that cannot be read.
pub fn read_leaving(folder: &Path, zone: NameRef<'_>) -> Result<Option<Leaving>, FolderError> {
    let path = leaving_path(folder, zone);
    match read_text(&path) {
        Ok((text, _)) => {
            Leaving::read(&text).map(Some).map_err(|fault| FolderError::Key(path.clone(), fault))
        }
        Err(FolderError::File(_, error)) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes down how far a zone is on its way out of DNSSEC. The file is whose the folder is.
///
/// # Errors
///
/// When it cannot be written.
pub fn write_leaving(folder: &Path, zone: NameRef<'_>, leaving: &Leaving) -> Result<(), FolderError> {
    let path = leaving_path(folder, zone);
    let unfinished = with_end(&path, ".new");
    let _ = fs::remove_file(&unfinished);
    let put = || {
        let file = create(&unfinished, 0o644, &leaving.text())?;
        // Only root may give a file away; whoever else makes one owns it.
        drop(Owner::of(folder)?.take(&file));
        put_in_place(&unfinished, &path)
    };
    put().inspect_err(|_| _ = fs::remove_file(&unfinished)).map_err(|error| FolderError::File(path, error))
}

/// Has a zone stay in DNSSEC, or begin anew; whether it was on its way out.
///
/// # Errors
///
/// When the file that says so cannot be removed.
pub fn forget_leaving(folder: &Path, zone: NameRef<'_>) -> Result<bool, FolderError> {
    let path = leaving_path(folder, zone);
    match fs::remove_file(&path) {
        Ok(()) => sync_folder(&path).map(|()| true).map_err(|error| FolderError::File(path, error)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(FolderError::File(path, error)),
    }
}

fn leaving_path(folder: &Path, zone: NameRef<'_>) -> PathBuf {
    folder.join(format!("K{}.leaving", zone_in_names(zone)))
}

fn create(path: &Path, mode: u32, text: &str) -> io::Result<File> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(file)
}

/// Has a file that is whole take the place of another; it lasts when this returns.
fn put_in_place(unfinished: &Path, path: &Path) -> io::Result<()> {
    fs::rename(unfinished, path)?;
    sync_folder(path)
}

/// What came to, or went from, the folder of a file lasts when this returns.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Whose a file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    fn of(path: &Path) -> io::Result<Owner> {
        let meta = fs::metadata(path)?;
        Ok(Owner { user: meta.uid(), group: meta.gid() })
    }

    /// Makes a file theirs.
    fn take(self, file: &File) -> io::Result<()> {
        let meta = file.metadata()?;
        if self == (Owner { user: meta.uid(), group: meta.gid() }) {
            return Ok(());
        }
        fchown(file, Some(self.user), Some(self.group))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dnssec::{Algorithm, Pair, Time, ZONE_KEY};

    #[test]
    fn a_folder_of_too_many_files_is_an_error_and_no_key_of_it_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        for number in 1..=3 {
            fs::write(folder.path().join(format!("Kexample.org.+015+{number:05}.key")), "").unwrap();
        }
        let zone: Name = "example.org.".parse().unwrap();
        assert_eq!(listed(folder.path(), 3).unwrap().get(&zone).map(Vec::len), Some(3));
        assert!(listed(folder.path(), 2).unwrap_err().to_string().contains("more than 2 files"));
    }

    #[test]
    fn keys_of_a_zone_with_a_slash_are_in_the_folder_as_bind_names_them() {
        let folder = tempfile::tempdir().unwrap();
        let zone: Name = "0/25.2.0.192.in-addr.arpa.".parse().unwrap();
        let (public, secret) = Pair::generate(Algorithm::Ed25519, ZONE_KEY).unwrap();
        let written = write_key(folder.path(), &zone, public, &secret, &Timing::ALWAYS).unwrap();
        let name = written.stem.file_name().unwrap().to_str().unwrap();
        assert!(name.starts_with("K0%2F25.2.0.192.in-addr.arpa.+015+"), "{name}");
        let read = read_folder(folder.path(), zone.as_ref()).unwrap();
        assert_eq!(read.iter().map(|file| &file.stem).collect::<Vec<_>>(), [&written.stem]);
        write_timing(&read[0], &Timing::ALWAYS.as_dated()).unwrap();
        assert!(
            !read_folder(folder.path(), zone.as_ref()).unwrap()[0]
                .key
                .timing()
                .is_deleted(Time::from_seconds(1))
        );
    }

    #[test]
    fn every_zone_has_a_name_of_files_that_is_its_own() {
        for (zone, wanted) in [
            (".", ""),
            ("_Tcp.Example-1.org.", "_tcp.example-1.org"),
            (r"a\.b.%.\000\032.org.", "a%2Eb.%25.%00%20.org"),
        ] {
            let zone: Name = zone.parse().unwrap();
            let written = zone_in_names(zone.as_ref());
            assert_eq!(written, wanted);
            assert_eq!(zone_of(&format!("{written}.")), Some(zone));
        }
        assert_eq!([zone_of("a%2.org."), zone_of("a%zz.org."), zone_of("%é.org.")], [None, None, None]);
    }

    #[test]
    fn a_folder_is_listed_once_until_a_key_comes() {
        let folder = tempfile::tempdir().unwrap();
        let zone: Name = "example.org.".parse().unwrap();
        let put = |number: u32, at: SystemTime| {
            fs::write(folder.path().join(format!("Kexample.org.+015+{number:05}.key")), "").unwrap();
            File::open(folder.path()).unwrap().set_modified(at).unwrap();
        };
        let folders = KeyFolders::default();
        let known = |folders: &KeyFolders| folders.stems(folder.path(), zone.as_ref()).unwrap().len();
        let (now, hour) = (SystemTime::now(), Duration::from_secs(3600));
        put(1, now - 2 * hour);
        assert_eq!(known(&folders), 1);
        put(2, now - 2 * hour);
        assert_eq!(known(&folders), 1, "nothing has changed, as the folder says");
        put(3, now - hour);
        assert_eq!(known(&folders), 3);
        // What has changed just now may change again within the same tick.
        put(4, now);
        assert_eq!(known(&folders), 4);
        put(5, now);
        assert_eq!(known(&folders), 5);
    }
}
