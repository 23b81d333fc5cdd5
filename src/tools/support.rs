//! `edgedns support`: one archive with what somebody who was not there needs to know, and no secret.
//!
//! ```text
//! config, zones ─┐
//! this host ─────┼▶ redaction ─▶ archive ─▶ a file, or standard output
//! running server ┤
//! journal ───────┘
//! ```
//!
//! What cannot be had is said in the archive and does not stand in the way of the rest: it is made when things are broken.

mod redaction;

mod archive;
mod journal;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use super::check;
use super::remote::USUAL_SOCKET;
use crate::config::{self, Secrecy, referenced};
use crate::control::{self, Client, ClientError, ExplainOrder, PoolStatus, Status, UtcTime};
use crate::daemon::LoadResult;
use crate::dns::Rtype;
use crate::source::Look;
use crate::zones::host_name;
use archive::Archive;
use redaction::Redaction;

/// Longest file that is taken, in bytes. Zones of a cluster have some thousand.
const FILE_BYTES_MAX: u64 = 64 << 20;

/// How many pools are explained, those with trouble first: each has the text of its zone read again.
const EXPLAINED_MAX: usize = 500;

/// How long explaining may take.
const EXPLAINING_MAX: Duration = Duration::from_secs(60);

/// What says something of the host in a few lines, and where it stands in the archive.
const HOST_FILES: [(&str, &str); 9] = [
    ("/etc/os-release", "host/os-release.txt"),
    ("/etc/resolv.conf", "host/resolv.conf.txt"),
    ("/etc/hosts", "host/hosts.txt"),
    ("/etc/nsswitch.conf", "host/nsswitch.conf.txt"),
    ("/proc/version", "host/kernel.txt"),
    ("/proc/uptime", "host/uptime.txt"),
    ("/proc/loadavg", "host/load.txt"),
    ("/proc/meminfo", "host/memory.txt"),
    ("/proc/net/snmp", "host/network-counters.txt"),
];

/// Where the service keeps its state.
const USUAL_STATE_DIRECTORY: &str = "/var/lib/edgedns";

/// What is to be gathered, and where it goes.
#[derive(Clone, Debug)]
pub struct SupportRequest {
    /// The config file of the service.
    pub config: PathBuf,
    /// Where the archive goes.
    pub output: SupportOutput,
}

/// Where the archive goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SupportOutput {
    /// A new file in the working directory, named after host and time.
    Usual,
    /// This new file.
    File(PathBuf),
    /// Standard output.
    Standard,
}

/// Gathers, and writes the archive.
///
/// # Errors
///
/// When the archive cannot be written.
pub fn support(request: &SupportRequest) -> io::Result<()> {
    let archive = gather(&request.config)?;
    let (host, now) = (name_in_paths(), UtcTime(SystemTime::now()));
    let stamp: String = now.to_string().chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    let folder = format!("edgedns-support-{host}-{stamp}");
    let head = format!(
        "What `edgedns support` gathered on {host} at {now}, config {}.\n\
         Secrets were left out: keys, tokens, passwords, private keys. Names and addresses were not.\n\n",
        request.config.display()
    );
    let shown = match &request.output {
        SupportOutput::Standard => {
            archive.write(&folder, &head, io::stdout().lock())?;
            None
        }
        SupportOutput::Usual => Some(PathBuf::from(format!("{folder}.tar.gz"))),
        SupportOutput::File(path) => Some(path.clone()),
    };
    let mut told = io::stderr().lock();
    for sentence in archive.missing() {
        writeln!(told, "not there: {sentence}")?;
    }
    let Some(path) = shown else { return Ok(()) };
    let at = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    // Zones and addresses of a site are nobody else's matter, and what is there already stays.
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(at)?;
    let written = archive.write(&folder, &head, &file).and_then(|()| file.sync_all());
    if let Err(error) = written {
        // Half an archive helps nobody; the first error is the one to tell.
        let _ = fs::remove_file(&path);
        return Err(at(error));
    }
    writeln!(io::stdout().lock(), "{}", path.display())
}

/// The name of this host, as far as it fits into a path.
fn name_in_paths() -> String {
    let is_fit = |c: &char| c.is_ascii_alphanumeric() || *c == '-' || *c == '.';
    let name: String = host_name().chars().filter(is_fit).collect();
    if name.is_empty() { "host".to_owned() } else { name }
}

fn gather(config: &Path) -> io::Result<Archive> {
    let (reading, checked) = check::read_with_system(config)?;
    let mut archive = Archive::default();
    // First of all, so that nothing gets in before it is known what must not.
    let left_out = learn_secrets(&mut archive.redaction, &reading, config);
    archive.add("version.txt", format!("edgedns {}\n", control::version()));
    archive.add("check.txt", checked);
    add_files(&mut archive, &reading, config);
    for sentence in left_out {
        archive.tell(&sentence);
    }
    add_state_directory(&mut archive, &reading);
    ask_server(&mut archive, &reading);
    archive.add_or_tell("journal.txt", journal::recent_log());
    for (file, path) in HOST_FILES {
        archive.add_or_tell(path, read(Path::new(file)));
    }
    Ok(archive)
}

/// Learns what the config calls a secret; returns which files are left out for that.
fn learn_secrets(redaction: &mut Redaction, reading: &LoadResult, path: &Path) -> Vec<String> {
    let sources = &reading.sources;
    let Some(file) = sources.first() else { return Vec::new() };
    let text = sources.bytes(file);
    for range in config::secrets(sources, file) {
        redaction.add_value(text.get(range).unwrap_or_default());
    }
    // Who knows the path of a webhook can call it, with many services that take one.
    let webhook = reading.loaded.as_ref().and_then(|loaded| loaded.config.webhook.as_ref());
    if let Some(webhook) = webhook.filter(|webhook| webhook.url.path != "/") {
        redaction.add_value(webhook.url.path.as_bytes());
        if let Some((path, _)) = webhook.url.path.split_once('?') {
            redaction.add_value(path.as_bytes());
        }
    }
    let secret = referenced(sources, file, path).into_iter().filter(|one| one.secrecy == Secrecy::Secret);
    let files = secret.filter_map(|one| one.file);
    let told = files.map(|file| {
        redaction.add_file(&file);
        let what = match fs::metadata(&file) {
            Ok(meta) => {
                format!("{} bytes, mode {:04o}, of user {}", meta.len(), meta.mode() & 0o7777, meta.uid())
            }
            Err(error) => error.to_string(),
        };
        format!("{}: a secret, left out ({what})", file.display())
    });
    told.collect()
}

/// The config file, zone files and what they include, and files that others may see; each below `files/` as on the host.
fn add_files(archive: &mut Archive, reading: &LoadResult, config: &Path) {
    let sources = &reading.sources;
    let open = sources.first().map(|file| referenced(sources, file, config)).unwrap_or_default();
    let open = open.into_iter().filter(|one| one.secrecy == Secrecy::Open).filter_map(|one| one.file);
    let texts = sources.files().map(|file| file.path.clone());
    let unread = sources.unread().map(Path::to_owned);
    // Of a config that cannot be used no zone was read, and what is wrong may be in one.
    let unusable = sources.first().filter(|_| reading.loaded.is_none());
    let named = unusable.map(|file| named_files(&sources.bytes(file), config)).unwrap_or_default();
    let mut paths: Vec<PathBuf> = texts
        .chain(open)
        .chain(named)
        .chain(unread)
        .filter_map(|path| std::path::absolute(path).ok())
        .collect();
    paths.sort_unstable();
    paths.dedup();
    let config = std::path::absolute(config).ok();
    for path in paths {
        let place = format!("files{}", path.display());
        if Some(&path) == config.as_ref() {
            let Some(file) = sources.first() else { continue };
            let cut = Redaction::without(sources.bytes(file).to_vec(), config::secrets(sources, file));
            archive.add(place, cut);
        } else {
            archive.add_or_tell(&place, read(&path));
        }
    }
}

/// What a text, which need not be TOML, names as zone files: lines with `file = "…"`.
fn named_files(text: &[u8], config: &Path) -> Vec<PathBuf> {
    let folder = config.parent().unwrap_or(Path::new(""));
    let text = String::from_utf8_lossy(text);
    let named = text.lines().filter_map(|line| {
        let value = line.trim_start().strip_prefix("file")?.trim_start().strip_prefix('=')?.trim_start();
        let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''))?;
        let (name, _) = value.get(1..)?.split_once(quote)?;
        Some(folder.join(name))
    });
    named.filter(|path| path.is_file()).collect()
}

/// The bytes of a file, if it is one and not too long.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    let meta = fs::metadata(path)?;
    if !meta.is_file() {
        return Err(io::Error::other("it is not a file"));
    }
    if meta.len() > FILE_BYTES_MAX {
        return Err(io::Error::other(format!("it has {} bytes, which is too many", meta.len())));
    }
    fs::read(path)
}

/// What is kept in the state directory: names, lengths and ages, no contents.
fn add_state_directory(archive: &mut Archive, reading: &LoadResult) {
    let folder = match &reading.loaded {
        Some(loaded) => loaded.state_directory.clone(),
        None => Some(PathBuf::from(USUAL_STATE_DIRECTORY)),
    };
    let Some(folder) = folder else { return };
    let mut lines = String::new();
    let listed = list(&folder, 0, &mut lines);
    archive.add_or_tell("state-directory.txt", listed.map(|()| lines));
}

/// How deep folders are listed: keys of a zone are two below.
const DEPTH_MAX: usize = 4;

fn list(folder: &Path, depth: usize, lines: &mut String) -> io::Result<()> {
    let mut entries: Vec<fs::DirEntry> = fs::read_dir(folder)?.collect::<io::Result<_>>()?;
    entries.sort_unstable_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let meta = entry.metadata()?;
        let changed = meta.modified().map(UtcTime).map(|time| time.to_string()).unwrap_or_default();
        *lines += &format!("{:>12} {changed} {}\n", meta.len(), entry.path().display());
        if meta.is_dir() && depth < DEPTH_MAX {
            list(&entry.path(), depth + 1, lines)?;
        }
    }
    Ok(())
}

/// What the running server says.
fn ask_server(archive: &mut Archive, reading: &LoadResult) {
    let socket = reading.loaded.as_ref().and_then(|loaded| loaded.config.admin.socket.clone());
    let client = Client::new(&socket.unwrap_or_else(|| PathBuf::from(USUAL_SOCKET)));
    let status = match client.status() {
        Ok(status) => status,
        Err(error) => return archive.tell(&format!("status, metrics and explanations: {error}")),
    };
    archive.add("status.txt", control::status_lines(&status, None, Look::Plain));
    archive.add_or_tell("status.json", serde_json::to_vec_pretty(&status));
    archive.add_or_tell("metrics.txt", client.metrics());
    let explained = explain(&client, &status, archive);
    archive.add("explain.txt", explained);
}

/// Why each pool is answered as it is, those with trouble first.
fn explain(client: &Client, status: &Status, archive: &mut Archive) -> String {
    let begin = Instant::now();
    let mut pools: Vec<&PoolStatus> = status.pools.iter().collect();
    pools.sort_by_key(|pool| !has_trouble(pool));
    let mut text = String::new();
    for (done, pool) in pools.iter().enumerate() {
        if done == EXPLAINED_MAX || begin.elapsed() > EXPLAINING_MAX {
            archive.tell(&format!(
                "explain.txt: {} of {} pools were not asked for",
                pools.len() - done,
                pools.len()
            ));
            break;
        }
        match explanation(client, pool) {
            Ok(lines) => text += &format!("== {} {}\n{lines}\n", pool.title(), pool.rtype),
            Err(why) => archive.tell(&format!("explain.txt: {} {}: {why}", pool.title(), pool.rtype)),
        }
    }
    text
}

fn has_trouble(pool: &PoolStatus) -> bool {
    pool.is_all_down() || pool.members.iter().any(|member| member.verdict != "up")
}

fn explanation(client: &Client, pool: &PoolStatus) -> Result<String, String> {
    let order = ExplainOrder {
        qname: pool.owner.parse().map_err(|error| format!("{error}"))?,
        qtype: Rtype::parse(pool.rtype.as_bytes()).ok_or("its type is not known")?,
        client: IpAddr::V4(Ipv4Addr::LOCALHOST),
        subnet: None,
        key: None,
        certificate: None,
    };
    let explained = client.explain(&order).map_err(|error: ClientError| error.to_string())?;
    Ok(control::explain_lines(&explained, Look::Plain))
}
