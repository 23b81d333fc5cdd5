//! `[log]`: what is logged besides what the server does.

use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use super::host_path::unix_socket;
use super::table::Table;
use crate::control::LogFormat;
use crate::setting::Value;
use crate::source::{Diagnostic, Diagnostics};

/// Longest path of a Unix socket, in bytes (unix(7)).
const SOCKET_BYTES_MAX: usize = 107;

/// Most queries of which one is logged.
const SAMPLE_MAX: u32 = 1_000_000;

/// Where queries are logged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryLog {
    /// The Unix socket at which somebody reads them.
    pub socket: PathBuf,
    /// How they are written there.
    pub format: LogFormat,
    /// Of how many queries one is logged.
    pub every: NonZeroU32,
}

const FORMATS: &[(&str, LogFormat)] = &[("json", LogFormat::Json), ("dnstap", LogFormat::Dnstap)];

/// Reads `[log]`; none where queries are not logged.
pub(super) fn read(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<QueryLog> {
    let socket = table.read("queries", found, |value| unix_socket(value, folder, SOCKET_BYTES_MAX));
    let format = table.read("format", found, |value| value.word(FORMATS));
    let every = table.read("sample", found, sample);
    for key in ["format", "sample"] {
        if let (None, Some(value)) = (table.get("queries"), table.get(key)) {
            found.push(value.fault(format!("`{key}` has no effect without `queries`")));
        }
    }
    Some(QueryLog {
        socket: socket?,
        format: format.unwrap_or_default(),
        every: every.unwrap_or(NonZeroU32::MIN),
    })
}

fn sample(value: Value<'_>) -> Result<NonZeroU32, Diagnostic> {
    value.whole(format!("1 to {SAMPLE_MAX}"), |every| NonZeroU32::new(every).filter(|_| every <= SAMPLE_MAX))
}
