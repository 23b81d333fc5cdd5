//! NSD, Knot DNS and edgedns as processes with the same zones, and many questions to each at once.

use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::question::{Edns, Question};
use super::zone::{Planted, Which};
use harness::tools::tool;
use harness::{PATIENCE, free_port, loopback};

/// Questions under way to one server: fewer than the socket buffers on both sides hold.
const WINDOW: usize = 64;

/// A question is put again when nothing came back for so long.
const SILENCE_MAX: Duration = Duration::from_secs(1);

/// No response within this time is none: loopback answers in a hundredth of it.
const SILENCE: Duration = Duration::from_millis(300);

/// How often a question is put before it counts as not answered.
const TRIES_MAX: usize = 3;

/// Which program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Nsd,
    Knot,
    Bind,
    Edgedns,
}

/// A server that answers for zones. Killed when dropped.
pub(crate) struct Server {
    child: Child,
    place: SocketAddr,
    folder: TempDir,
}

impl Kind {
    /// A command that runs it; none where it is not installed.
    fn command(self) -> Option<Command> {
        match self {
            Kind::Nsd => tool("nsd"),
            Kind::Knot => tool("knotd"),
            Kind::Bind => tool("named"),
            Kind::Edgedns => Some(harness::program::command()),
        }
    }

    /// Whether the program is there to be run.
    pub(crate) fn is_installed(self) -> bool {
        self.command().is_some()
    }

    /// Starts it with both zones of every pair, and waits until it answers for the last.
    pub(crate) fn serve(self, pairs: &[Planted<'_>]) -> Server {
        let both = |planted: &Planted<'_>| {
            [Which::First, Which::Second].map(|which| (planted.apex(which), planted.text(which)))
        };
        self.serve_with(&pairs.iter().flat_map(both).collect::<Vec<_>>(), "")
    }

    /// Starts it with zones, each an apex and a text, which anybody here may have from edgedns.
    pub(crate) fn serve_texts(self, zones: &[(String, String)]) -> Server {
        self.serve_with(zones, "allow-transfer = [\"127.0.0.0/8\"]\n")
    }

    /// Starts it with zones, of which edgedns is told more, and waits until it answers for the last.
    fn serve_with(self, zones: &[(String, String)], more: &str) -> Server {
        let folder = tempfile::tempdir().expect("a scratch folder");
        // BIND listens at addresses that it sees at an interface.
        let place = free_port(if self == Kind::Bind { Ipv4Addr::LOCALHOST } else { loopback() });
        let mut apexes = Vec::new();
        for (apex, text) in zones {
            fs::write(folder.path().join(format!("{apex}zone")), text).expect("a zone file");
            apexes.push(apex.clone());
        }
        let config = folder.path().join("config");
        let text = match self {
            Kind::Nsd => nsd(folder.path(), place, &apexes),
            Kind::Knot => knot(folder.path(), place, &apexes),
            Kind::Bind => bind(folder.path(), place, &apexes),
            Kind::Edgedns => edgedns(place, &apexes, more),
        };
        fs::write(&config, text).expect("a config file");
        let log = fs::File::create(folder.path().join("log")).expect("a log file");
        let mut command = self.command().expect("the program was there");
        match self {
            Kind::Nsd => command.arg("-d").arg("-c"),
            Kind::Knot => command.arg("-c"),
            Kind::Bind => command.args(["-g", "-n", "1", "-c"]),
            Kind::Edgedns => command.arg("--config"),
        };
        command.arg(config).stdin(Stdio::null()).stdout(log.try_clone().expect("a log file")).stderr(log);
        let child = command.spawn().unwrap_or_else(|error| panic!("{self:?}: {error}"));
        let mut server = Server { child, place, folder };
        server.wait_until_it_serves(&apexes);
        server
    }
}

impl Server {
    /// Asks all questions; the answers in the same order, None where there was none.
    pub(crate) fn ask(&self, questions: &[Question]) -> Vec<Option<Vec<u8>>> {
        let mut answers = self.ask_once(questions, SILENCE_MAX);
        for _ in 1..TRIES_MAX {
            let lost: Vec<usize> = (0..questions.len()).filter(|place| answers[*place].is_none()).collect();
            let again: Vec<Question> = lost.iter().map(|place| questions[*place].clone()).collect();
            for (place, answer) in lost.into_iter().zip(self.ask_once(&again, SILENCE_MAX)) {
                answers[place] = answer;
            }
        }
        answers
    }

    /// Where it listens.
    pub(crate) fn place(&self) -> SocketAddr {
        self.place
    }

    /// Asks a question over TCP.
    pub(crate) fn ask_over_tcp(&self, question: &Question) -> Option<Vec<u8>> {
        let mut stream = TcpStream::connect(self.place).ok()?;
        stream.set_read_timeout(Some(SILENCE_MAX)).expect("a time limit");
        let message = question.message(1);
        let length = u16::try_from(message.len()).expect("a short message");
        stream.write_all(&[&length.to_be_bytes()[..], &message].concat()).ok()?;
        let mut length = [0; 2];
        stream.read_exact(&mut length).ok()?;
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        stream.read_exact(&mut answer).ok()?;
        Some(answer)
    }

    /// Sends a message as it is, and gives back what comes, if anything.
    pub(crate) fn ask_raw(&self, message: &[u8]) -> Option<Vec<u8>> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_read_timeout(Some(SILENCE)).expect("a time limit");
        socket.connect(self.place).expect("a loopback address");
        socket.send(message).expect("a message is sent");
        let mut buffer = [0; 65_535];
        let len = socket.recv(&mut buffer).ok()?;
        Some(buffer[..len].to_vec())
    }

    /// Asks every question once and gives up when nothing has come back for `silence_max`.
    fn ask_once(&self, questions: &[Question], silence_max: Duration) -> Vec<Option<Vec<u8>>> {
        // A message id names one question: no more at a time than there are ids.
        questions.chunks(1 << 15).flat_map(|some| self.ask_some(some, silence_max)).collect()
    }

    fn ask_some(&self, questions: &[Question], silence_max: Duration) -> Vec<Option<Vec<u8>>> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        socket.set_read_timeout(Some(silence_max)).expect("a time limit");
        socket.connect(self.place).expect("a loopback address");
        let mut answers = vec![None; questions.len()];
        let (mut sent, mut received) = (0, 0);
        let mut buffer = [0; 65_535];
        while received < questions.len() {
            while sent < questions.len() && sent - received < WINDOW {
                let id = u16::try_from(sent).expect("no more questions than ids");
                // A port that is not open yet is reported here, or by `recv`.
                let _ = socket.send(&questions[sent].message(id));
                sent += 1;
            }
            let Ok(len) = socket.recv(&mut buffer) else { break };
            let id = usize::from(u16::from_be_bytes([buffer[0], buffer[1]]));
            if answers.get(id).is_some_and(Option::is_none) {
                answers[id] = Some(buffer[..len].to_vec());
                received += 1;
            }
        }
        answers
    }

    fn wait_until_it_serves(&mut self, apexes: &[String]) {
        let log = self.folder.path().join("log");
        let log = || fs::read_to_string(&log).unwrap_or_default();
        let soa = |apex: &String| Question { pair: 0, qname: apex.clone(), qtype: 6, edns: Edns::None };
        // NOERROR with an answer.
        let serves = |response: &[u8]| response.len() > 12 && response[3] & 0xf == 0 && response[7] == 1;
        let mut waiting: Vec<Question> = apexes.iter().map(soa).collect();
        let begin = Instant::now();
        while !waiting.is_empty() {
            if let Some(status) = self.child.try_wait().expect("a child") {
                panic!("the server ended with {status}:\n{}", log());
            }
            assert!(begin.elapsed() < PATIENCE, "{} is not served:\n{}", waiting[0], log());
            // One first, so that nothing is sent in masses while the server is still starting.
            self.ask_once(&waiting[..1], Duration::from_millis(50));
            let mut responses = self.ask_once(&waiting, Duration::from_millis(200)).into_iter();
            waiting.retain(|_| !responses.next().flatten().as_deref().is_some_and(serves));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // SIGTERM, because NSD's first process has to end its others.
        let sent = Command::new("kill").arg(self.child.id().to_string()).status();
        if sent.is_err() {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

fn nsd(folder: &Path, place: SocketAddr, apexes: &[String]) -> String {
    let (folder, ip, port) = (folder.display(), place.ip(), place.port());
    let mut text = format!(
        "server:\n  ip-address: {ip}@{port}\n  database: \"\"\n  zonelistfile: \"{folder}/list\"\n  \
         xfrdfile: \"{folder}/xfrd\"\n  xfrdir: \"{folder}\"\n  pidfile: \"{folder}/pid\"\n  username: \"\"\n  \
         chroot: \"\"\n  zonesdir: \"{folder}\"\n  round-robin: no\n  minimal-responses: no\n  \
         rrl-ratelimit: 0\n  ipv4-edns-size: 4096\n  server-count: 1\nremote-control:\n  control-enable: no\n"
    );
    for apex in apexes {
        _ = writeln!(text, "zone:\n  name: {apex}\n  zonefile: {apex}zone");
    }
    text
}

fn knot(folder: &Path, place: SocketAddr, apexes: &[String]) -> String {
    let (folder, ip, port) = (folder.display(), place.ip(), place.port());
    let mut text = format!(
        "server:\n  rundir: {folder}\n  listen: {ip}@{port}\n  udp-workers: 1\n  tcp-workers: 1\n  \
         background-workers: 1\n  udp-max-payload: 4096\n  answer-rotation: off\nlog:\n  - target: stderr\n    any: warning\n\
         database:\n  storage: {folder}\ntemplate:\n  - id: default\n    storage: {folder}\n    \
         semantic-checks: off\n    zonefile-sync: -1\n    zonefile-load: whole\n    journal-content: none\nzone:\n"
    );
    for apex in apexes {
        _ = writeln!(text, "  - domain: {apex}\n    file: {apex}zone");
    }
    text
}

fn bind(folder: &Path, place: SocketAddr, apexes: &[String]) -> String {
    let (folder, ip, port) = (folder.display(), place.ip(), place.port());
    let mut text = format!(
        "options {{ directory \"{folder}\"; pid-file \"{folder}/pid\"; session-keyfile \"{folder}/session\"; \
         managed-keys-directory \"{folder}\"; listen-on port {port} {{ {ip}; }}; listen-on-v6 {{ none; }}; \
         recursion no; allow-query {{ any; }}; notify no; dnssec-validation no; minimal-responses no-auth; \
         max-udp-size 4096; edns-udp-size 4096; rrset-order {{ order none; }}; check-integrity no; \
         check-names primary ignore; }};\ncontrols {{ }};\n"
    );
    for apex in apexes {
        _ = writeln!(text, "zone \"{apex}\" {{ type primary; file \"{apex}zone\"; }};");
    }
    text
}

fn edgedns(place: SocketAddr, apexes: &[String], more: &str) -> String {
    let mut text = format!("[server]\nlisten = [\"{place}\"]\nworkers = 1\n");
    for apex in apexes {
        _ = write!(text, "[[zone]]\nname = \"{apex}\"\nfile = \"{apex}zone\"\n{more}");
    }
    text
}
