//! `http`: a request is answered as wanted.
//!
//! Decides what is asked and which responses pass. `exchange` sends the request.

mod request;
mod status;
mod parameters;
mod keys;
mod redirect;
mod connection;
mod kept;
mod exchange;

use std::path;
use std::sync::Arc;

pub use parameters::{BODY_LIMIT_BYTES, BODY_LIMIT_BYTES_MAX, Http, REDIRECTS_MAX};
pub use request::{Header, HeaderError, Host, Method, Path};
pub use status::Statuses;

pub(super) use connection::{Connection, Question};
pub(super) use exchange::{Exchanges, Security, USER_AGENT, host_of};
pub(super) use kept::{KeptConnection, OpenConnection};
pub(super) use keys::{REQUEST_KEYS, read_request};

use super::entry::{KindEntry, KindForm, Reach};
use super::outcome::{Failure, Phase};
use super::port::Port;
use super::session::{Ends, Evidence, Session};
use super::written::Written;
use crate::setting::{Absent, KeyEntry};
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
    form: KindForm::Table { keys: &[&[PORT], REQUEST_KEYS], short: Some(&PORT) },
    reach: Reach::Network,
};

/// Reads the table of a probe.
pub(super) fn read(written: Written<'_, '_>, _: &path::Path, found: &mut Diagnostics) -> Option<Arc<Http>> {
    let port = written.port(&PORT, found);
    // The rest is read in any case, so that its faults are told, too.
    let request = read_request(port.unwrap_or(Port::MIN), &written.table(), found);
    port.and(request).map(Arc::new)
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
