//! What a reader of the log gets, in each format.

use std::io::Write;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex};

use tracing::{error, info, warn};

use super::*;

/// A socket in the journal's place.
struct Reader {
    folder: tempfile::TempDir,
    socket: UnixDatagram,
}

impl Reader {
    fn new() -> Reader {
        let folder = tempfile::tempdir().unwrap();
        let socket = UnixDatagram::bind(folder.path().join("socket")).unwrap();
        socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
        Reader { folder, socket }
    }

    fn open(&self) -> Journal {
        let journal = Journal::open(&self.folder.path().join("socket")).unwrap();
        assert_eq!(self.datagram(), Vec::<u8>::new());
        journal
    }

    fn datagram(&self) -> Vec<u8> {
        let mut buffer = vec![0; 64 << 10];
        let length = self.socket.recv(&mut buffer).unwrap();
        buffer[..length].to_vec()
    }

    /// The fields of the next entry, in their order.
    fn entry(&self) -> Vec<(String, String)> {
        let datagram = self.datagram();
        let mut rest = datagram.as_slice();
        let mut fields = Vec::new();
        while !rest.is_empty() {
            let name = rest.iter().position(|byte| *byte == b'\n').unwrap();
            let (length, value) = rest[name + 1..].split_first_chunk::<8>().unwrap();
            let length = usize::try_from(u64::from_le_bytes(*length)).unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            fields.push((text(&rest[..name]), text(&value[..length])));
            assert_eq!(value[length], b'\n');
            rest = &value[length + 1..];
        }
        fields
    }
}

fn say_down() {
    let pools = "api.lab.example. api-int.lab.example.";
    warn!(probe_target = "192.0.2.1:6443", verdict = "down", pools, "192.0.2.1:6443 down:\nrefused");
}

#[test]
fn the_journal_gets_every_index_as_a_field_and_the_message_as_it_is() {
    let reader = Reader::new();
    let subscriber = tracing_subscriber::registry().with(reader.open());
    tracing::subscriber::with_default(subscriber, || {
        say_down();
        let fault = io::Error::other("no");
        error!(zone = "lab.example.", serial = 7_u32, %fault, "zone lab.example. is not loaded");
    });
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    assert_eq!(
        reader.entry(),
        [
            field("PRIORITY", "4"),
            field("SYSLOG_IDENTIFIER", "edgedns"),
            field("MESSAGE", "192.0.2.1:6443 down:\nrefused"),
            field("TARGET", "192.0.2.1:6443"),
            field("VERDICT", "down"),
            field("POOL", "api.lab.example."),
            field("POOL", "api-int.lab.example."),
        ]
    );
    assert_eq!(
        reader.entry(),
        [
            field("PRIORITY", "3"),
            field("SYSLOG_IDENTIFIER", "edgedns"),
            field("MESSAGE", "zone lab.example. is not loaded fault=no"),
            field("ZONE", "lab.example."),
            field("SERIAL", "7"),
        ]
    );
}

#[test]
fn a_journal_that_hangs_costs_a_moment_and_says_later_what_is_lost() {
    let reader = Reader::new();
    let subscriber = tracing_subscriber::registry().with(reader.open());
    let others = UnixDatagram::unbound().unwrap();
    others.set_nonblocking(true).unwrap();
    let mut queued = 0;
    while others.send_to(b"of others", reader.folder.path().join("socket")).is_ok() {
        queued += 1;
        assert!(queued < 10_000, "the queue of the socket does not fill");
    }
    tracing::subscriber::with_default(subscriber, || {
        info!("one that is lost");
        for _ in 0..queued {
            assert_eq!(reader.datagram(), b"of others");
        }
        info!("there is room again");
        assert_eq!(reader.entry()[2].1, "there is room again");
        assert_eq!(reader.entry()[2].1, "the journal did not keep up; entries lost before the last one: 1");
    });
}

#[test]
fn a_message_beyond_all_bounds_is_cut() {
    let reader = Reader::new();
    let subscriber = tracing_subscriber::registry().with(reader.open());
    let long = "ü".repeat(100_000);
    tracing::subscriber::with_default(subscriber, || info!("a{long}"));
    let message = &reader.entry()[2].1;
    assert!(message.starts_with("aü") && message.len() == (16 << 10) - 1, "{} bytes", message.len());
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Lines {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn plain_lines_say_nothing_twice() {
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone()).with_ansi(false);
    let layer = layer.without_time().with_target(false).fmt_fields(debug_fn(write_field));
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), || {
        info!(zone = "lab.example.", serial = 7, "zone lab.example. serial 7");
        let error = io::Error::other("no");
        warn!(%error, "it goes on trying");
    });
    assert_eq!(lines.text(), " INFO zone lab.example. serial 7\n WARN it goes on trying error=no\n");
}

#[test]
fn json_has_one_object_per_line() {
    let lines = Lines::default();
    let writer = lines.clone();
    let layer = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    let layer = layer.with_ansi(false).event_format(Json);
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), say_down);
    let text = lines.text();
    assert_eq!(text.lines().count(), 1, "{text}");
    let mut object: serde_json::Value = serde_json::from_str(&text).unwrap();
    let time = object["time"].take();
    assert!(time.as_str().unwrap().parse::<crate::control::UtcTime>().is_ok(), "{time}");
    assert_eq!(
        object,
        serde_json::json!({
            "time": null,
            "level": "warn",
            "message": "192.0.2.1:6443 down:\nrefused",
            "target": "192.0.2.1:6443",
            "verdict": "down",
            "pool": ["api.lab.example.", "api-int.lab.example."],
        })
    );
}
