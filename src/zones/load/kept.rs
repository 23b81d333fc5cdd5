//! Zones whose records come while they are served, at a start and at a reload.
//!
//! Asks nobody for records: a reload makes the served version anew under the new settings, a start takes what is kept of
//! the time before.

use std::sync::Arc;

use super::fed::FedZone;
use super::loaded::{LoadedAs, LoadedZone};
use super::{etcd, secondary};
use crate::source::{Diagnostic, Diagnostics, Severity, Sources};
use crate::zones::version::ZoneVersion;

/// Takes what is kept of a zone whose records come from a source of one kind; false: from another, nothing is done.
type Take = fn(&FedZone<'_>, &Sources, &mut LoadedZone) -> bool;

/// A line for each source whose records come while its zone is served.
const TAKES: &[Take] = &[secondary::take, etcd::take];

/// Makes the served version anew; where none is served, takes what is kept.
pub(super) fn load(
    fed: &FedZone<'_>,
    sources: &Sources,
    before: Option<&Arc<ZoneVersion>>,
    loaded: &mut LoadedZone,
) {
    let Some(before) = before else {
        TAKES.iter().any(|take| take(fed, sources, loaded));
        return;
    };
    let mut faults = Diagnostics::default();
    if let Some(version) = fed.remade(before, &mut faults) {
        loaded.version = Some(Arc::new(version));
        loaded.loaded_as = LoadedAs::Remade { from: Arc::clone(before) };
        return;
    }
    let why = faults.first_error_or("it is no zone");
    let why = format!("its records cannot be served with these settings: {why}");
    faults.push(Diagnostic::placeless(Severity::Error, why.clone()));
    loaded.error = Some(why);
    loaded.faults = faults;
}
