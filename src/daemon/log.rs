//! The log: one line per change, to standard error or to the journal.
//!
//! Has its formats and chooses one: structured where the journal reads, with time and colours on a terminal.
//! Not responsible for what is logged.
//!
//! ```text
//!             ┌─ plain ──── 2026-11-21T02:18:00Z  WARN 192.0.2.14:6443 down …
//!  event ─────┼─ json ───── {"time":…,"level":"warn","message":…,"target":…}
//!  (entry)    └─ journal ── MESSAGE=192.0.2.14:6443 down …, TARGET=192.0.2.14:6443, POOL=api.lab.example.
//! ```

mod entry;
mod journal;
mod json;

use std::fmt;
use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use tracing::Event;
use tracing::field::Field;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::{Writer, debug_fn};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::{LookupSpan, Registry};
use tracing_subscriber::util::SubscriberInitExt;

use self::entry::{LogEntry, is_index};
use self::journal::{Journal, priority};
use self::json::Json;
use crate::source::Look;

/// Where the journal takes entries (systemd-journald.service(8)).
const JOURNAL: &str = "/run/systemd/journal/socket";

/// What the log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// As in the journal where standard error is the journal, else as plain text.
    Auto,
    /// Lines for people, on a terminal in colour.
    Plain,
    /// One JSON object per line.
    Json,
    /// Entries of the journal with fields; where its socket is not to be had, lines with a priority.
    Journal,
}

/// Begins logging. `EDGEDNS_LOG` chooses the level (`debug`, `info`, `warn`, `error`); the default is `info`.
pub fn start_logging(format: LogFormat) {
    let filter = EnvFilter::try_from_env("EDGEDNS_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    let started = tracing_subscriber::registry().with(layer(format)).with(filter).try_init();
    // Somebody who uses the library may have begun a log of their own.
    drop(started);
}

fn layer(format: LogFormat) -> Box<dyn Layer<Registry> + Send + Sync> {
    let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    match format {
        LogFormat::Journal => journal(),
        LogFormat::Auto if stderr_is_the_journal() => journal(),
        LogFormat::Auto | LogFormat::Plain => {
            let fields = debug_fn(write_field);
            let look = Look::on(&io::stderr());
            lines.with_ansi(look == Look::Coloured).with_target(false).fmt_fields(fields).boxed()
        }
        LogFormat::Json => lines.with_ansi(false).event_format(Json).boxed(),
    }
}

fn journal() -> Box<dyn Layer<Registry> + Send + Sync> {
    match Journal::open(Path::new(JOURNAL)) {
        Ok(journal) => journal.boxed(),
        // A container that has standard error in common with the journal, and not its socket.
        Err(_) => {
            let lines = tracing_subscriber::fmt::layer().with_writer(io::stderr);
            lines.with_ansi(false).event_format(Prefixed).boxed()
        }
    }
}

/// systemd names the file that the journal reads (systemd.exec(5)); a process that redirects standard error
/// to somewhere else inherits the variable, too.
fn stderr_is_the_journal() -> bool {
    let Some(stream) = std::env::var_os("JOURNAL_STREAM") else { return false };
    let own = io::stderr().as_fd().try_clone_to_owned().and_then(|stderr| File::from(stderr).metadata());
    own.is_ok_and(|own| stream == *format!("{}:{}", own.dev(), own.ino()))
}

/// Indexes repeat what the message says: they are left to the other formats.
fn write_field(writer: &mut Writer<'_>, field: &Field, value: &dyn fmt::Debug) -> fmt::Result {
    match field.name() {
        "message" => write!(writer, "{value:?}"),
        name if is_index(name) => Ok(()),
        name => write!(writer, " {name}={value:?}"),
    }
}

/// Lines with a priority in front, as sd-daemon(3) wants them; the journal has the time.
struct Prefixed;

impl<S, N> FormatEvent<S, N> for Prefixed
where
    S: tracing::Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let entry = LogEntry::of(event);
        writeln!(writer, "<{}>{}", priority(entry.level), entry.message)
    }
}

#[cfg(test)]
mod tests;
