//! The log as JSON: one object per line.
//!
//! Scripts rely on its keys.

use std::fmt;
use std::time::SystemTime;

use serde_json::{Map, Value};
use tracing::Event;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use super::entry::{LogEntry, Values};
use crate::control::UtcTime;

/// `{"time":"2026-11-21T02:18:00Z","level":"warn","message":"…","target":"…","pool":["…"]}`
pub(super) struct Json;

impl<S, N> FormatEvent<S, N> for Json
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
        let mut object = Map::new();
        object.insert("time".to_owned(), UtcTime(SystemTime::now()).to_string().into());
        object.insert("level".to_owned(), entry.level.as_str().to_ascii_lowercase().into());
        object.insert("message".to_owned(), entry.message.into());
        for (index, text) in entry.indexes {
            let value = match index.values {
                Values::One => Value::from(text),
                Values::Many => text.split_whitespace().map(Value::from).collect(),
            };
            object.insert(index.name.to_owned(), value);
        }
        writeln!(writer, "{}", Value::Object(object))
    }
}
