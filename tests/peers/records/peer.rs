//! What BIND, Knot DNS and NSD make of one record of zone text: its bytes, and its text.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use edgedns::dns::Rtype;
use edgedns::dns::response::{Record, Response};

use super::{APEX, hex};

use harness::tools::{is_installed, tool};

/// Everything that is run here, and that comes with the servers.
const PROGRAMS: [&str; 5] = ["named-rrchecker", "kzonecheck", "knotd", "knotc", "nsd-checkzone"];

/// How long a server on loopback may say nothing.
const SILENCE_MAX: Duration = Duration::from_secs(2);

/// How many of them run beside each other.
const ABREAST: usize = 4;

/// What a peer makes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    Reads {
        /// RDATA in hexadecimal, where the peer shows it.
        wire: Option<String>,
        /// Type and data in the peer's own text.
        text: String,
    },
    Refuses,
}

/// Whether all peers are there to be run.
pub(crate) fn are_installed() -> bool {
    PROGRAMS.iter().all(|program| is_installed(program))
}

/// A command that runs one of them.
fn peer(program: &str) -> Command {
    tool(program).expect("the program was there")
}

/// Does the same for all items, some of them at once; the results in the same order.
pub(crate) fn at_once<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut done = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(item) = items.get(at) else { return done };
            done.push((at, work(item)));
        }
    };
    let mut all: Vec<(usize, R)> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..ABREAST).map(|_| scope.spawn(worker)).collect();
        workers.into_iter().flat_map(|one| one.join().expect("a worker")).collect()
    });
    all.sort_by_key(|(at, _)| *at);
    all.into_iter().map(|(_, result)| result).collect()
}

/// BIND, by `named-rrchecker`.
pub(crate) struct Bind;

impl Bind {
    pub(crate) fn judge(text: &str) -> Verdict {
        // The type, `\#`, the length, the bytes.
        let Some(unknown) = Self::checked("-u", text) else { return Verdict::Refuses };
        let wire = unknown.split_whitespace().nth(4).unwrap_or_default().to_owned();
        match Self::checked("-p", text) {
            Some(own) => {
                Verdict::Reads { wire: Some(wire), text: own.replacen("IN\t", "", 1).replace('\t', " ") }
            }
            None => Verdict::Refuses,
        }
    }

    fn checked(form: &str, text: &str) -> Option<String> {
        let mut command = peer("named-rrchecker");
        command.args(["-o", APEX, form]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("named-rrchecker runs");
        let mut input = child.stdin.take().expect("a pipe");
        // It does not read on after a fault in the type.
        let _ = writeln!(input, "IN {text}");
        drop(input);
        let output = child.wait_with_output().expect("named-rrchecker ends");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim_end().to_owned())
    }
}

/// NSD, by `nsd-checkzone`; it shows no bytes.
pub(crate) struct Nsd;

impl Nsd {
    pub(crate) fn judge(text: &str) -> Verdict {
        let folder = zone(&[text]);
        let mut command = peer("nsd-checkzone");
        let output = run(command.args(["-p", APEX]).arg(folder.path().join("zone")));
        if !output.status.success() {
            return Verdict::Refuses;
        }
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        let record = printed.lines().find_map(|line| line.strip_prefix("s0\t60\tIN\t"));
        let text = record.unwrap_or_else(|| panic!("{text}: no record in\n{printed}")).replace('\t', " ");
        Verdict::Reads { wire: None, text }
    }
}

/// Knot DNS, by `kzonecheck` and `knotd`.
pub(crate) struct Knot;

impl Knot {
    /// Whether it loads a zone with this record.
    pub(crate) fn takes(text: &str) -> bool {
        let folder = zone(&[text]);
        let mut command = peer("kzonecheck");
        run(command.args(["-o", APEX]).arg(folder.path().join("zone"))).status.success()
    }

    /// Serves a zone of the records that it takes, and reads them back: from a zone transfer, and from the zone
    /// file that it writes.
    pub(crate) fn judge(texts: &[&str], taken: &[bool]) -> Vec<Verdict> {
        let records: Vec<&str> =
            texts.iter().zip(taken).filter(|(_, taken)| **taken).map(|(text, _)| *text).collect();
        let server = Served::start(&records);
        let wires = server.transferred();
        let own = server.written();
        let mut place = 0;
        let verdict = |taken: &bool| {
            if !taken {
                return Verdict::Refuses;
            }
            let owner = format!("s{place}.{APEX}");
            place += 1;
            let find = |all: &[(String, String)]| {
                let found = all.iter().find(|(name, _)| *name == owner);
                found.unwrap_or_else(|| panic!("{owner} in {all:#?}")).1.clone()
            };
            Verdict::Reads { wire: Some(find(&wires)), text: find(&own) }
        };
        taken.iter().map(verdict).collect()
    }
}

/// A Knot DNS with one zone. Killed when dropped.
struct Served {
    child: Child,
    folder: TempDir,
    place: SocketAddr,
}

impl Served {
    fn start(records: &[&str]) -> Served {
        let folder = zone(records);
        let place = harness::free_port(harness::loopback());
        let (at, ip, port) = (folder.path().display(), place.ip(), place.port());
        let config = format!(
            "server:\n  rundir: {at}\n  listen: {ip}@{port}\ncontrol:\n  listen: {at}/control\nlog:\n  - target: stderr\n    \
             any: warning\ndatabase:\n  storage: {at}\nacl:\n  - id: all\n    action: transfer\nzone:\n  - domain: {APEX}\n    \
             storage: {at}\n    file: zone\n    acl: all\n    semantic-checks: off\n    zonefile-sync: -1\n    \
             zonefile-load: whole\n    journal-content: none\n"
        );
        fs::write(folder.path().join("config"), config).expect("a scratch file");
        let mut command = peer("knotd");
        command.arg("-c").arg(folder.path().join("config")).stdin(Stdio::null()).stderr(Stdio::null());
        let child = command.stdout(Stdio::null()).spawn().expect("knotd runs");
        Served { child, folder, place }
    }

    /// Owner and RDATA in hexadecimal of all records, from a transfer of the zone.
    fn transferred(&self) -> Vec<(String, String)> {
        let records = harness::wait_for("Knot DNS serves the zone", harness::PATIENCE, || self.transfer());
        records.iter().map(|record| (record.owner.to_string(), hex(&record.rdata))).collect()
    }

    /// All records, up to the second SOA (RFC 5936, section 2.2); none while the zone is not served.
    fn transfer(&self) -> Option<Vec<Record>> {
        const QUERY: &[u8] = b"\0\x1b\0\x07\0\0\0\x01\0\0\0\0\0\0\x01x\x07example\0\0\xfc\0\x01";
        let mut stream = TcpStream::connect_timeout(&self.place, SILENCE_MAX).ok()?;
        stream.set_read_timeout(Some(SILENCE_MAX)).expect("a time limit");
        stream.write_all(QUERY).ok()?;
        let mut records: Vec<Record> = Vec::new();
        while records.iter().filter(|record| record.rtype == Rtype::SOA).count() < 2 {
            let mut length = [0; 2];
            stream.read_exact(&mut length).ok()?;
            let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
            stream.read_exact(&mut message).ok()?;
            let response = Response::read(&message).expect("a message that decodes");
            if response.answers().is_empty() {
                return None;
            }
            records.extend_from_slice(response.answers());
        }
        Some(records)
    }

    /// Owner, and type with data, as Knot DNS writes them into a zone file.
    fn written(&self) -> Vec<(String, String)> {
        let (folder, out) = (self.folder.path(), self.folder.path().join("out"));
        fs::create_dir(&out).expect("a scratch folder");
        let mut command = peer("knotc");
        command.arg("-b").arg("-s").arg(folder.join("control")).args(["zone-flush", APEX, "+outdir"]);
        let output = run(command.arg(&out));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let text = fs::read_to_string(out.join("zone")).expect("the zone that Knot DNS wrote");
        text.lines()
            .filter(|line| !line.starts_with(';'))
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                let (owner, _ttl) = (words.next()?.to_owned(), words.next()?);
                let at = line.find(words.next()?)?;
                Some((owner, line.get(at..)?.replace('\t', " ")))
            })
            .collect()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It holds nothing that an orderly end would save.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A folder with a zone of these records, each at a name of its own: `s0`, `s1` and so on.
fn zone(records: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let mut text =
        format!("$ORIGIN {APEX}\n$TTL 60\n@ SOA ns.example. h.example. 1 2 3 4 5\n@ NS ns.example.\n");
    for (place, record) in records.iter().enumerate() {
        writeln!(text, "s{place} {record}").expect("a string takes everything");
    }
    fs::write(folder.path().join("zone"), text).expect("a scratch file");
    folder
}

/// Runs a program to its end, which comes soon.
fn run(command: &mut Command) -> Output {
    const LONGEST: Duration = Duration::from_secs(20);
    let begin = Instant::now();
    let output = command.stdin(Stdio::null()).output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(begin.elapsed() < LONGEST, "{command:?} took {:?}", begin.elapsed());
    output
}
