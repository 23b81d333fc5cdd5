//! `http`: a request is answered as wanted.
//!
//! Decides what is asked and which responses pass. `exchange` sends the request.

mod request;
mod status;
mod parameters;
mod keys;
mod redirect;
mod connection;
mod exchange;

use std::path;
use std::sync::Arc;

pub use parameters::{BODY_LIMIT_BYTES, BODY_LIMIT_BYTES_MAX, Http, REDIRECTS_MAX};
pub use request::{Header, HeaderError, Host, Method, Path};
pub use status::Statuses;

pub(super) use exchange::{Exchanges, Security};
pub(super) use keys::{REQUEST_KEYS, read_request};

use super::entry::{KindEntry, KindForm};
use super::outcome::{Failure, Phase};
use super::port::Port;
use super::session::{Ends, Evidence, Session};
use crate::setting::{Absent, KeyEntry, Table};
use crate::source::Diagnostics;

/// The port.
const PORT: KeyEntry = KeyEntry::new(
    "port",
    Absent::Required { example: "1936" },
    "the port; `http = 1936` is the same as a table with nothing else",
);

pub(super) const ENTRY: KindEntry = KindEntry {
    name: "http",
    help: "an HTTP request is answered with the status, and the text, that is wanted",
    form: KindForm::Table(&[&[PORT], REQUEST_KEYS]),
};

/// Reads the table of a probe.
pub(super) fn read(
    port: Port,
    table: &Table<'_>,
    _: &path::Path,
    found: &mut Diagnostics,
) -> Option<Arc<Http>> {
    read_request(port, table, found).map(Arc::new)
}

/// The runs at one target.
pub(super) struct HttpSession(Exchanges);

impl HttpSession {
    pub(super) fn new(test: &Arc<Http>) -> Self {
        Self(Exchanges::new(Http::clone(test), None))
    }
}

impl Session for HttpSession {
    async fn run(&mut self, ends: Ends, phase: &mut Phase) -> Result<Evidence, Failure> {
        self.0.run(ends, phase).await
    }

    async fn ended(&mut self) {
        self.0.ended().await;
    }
}
