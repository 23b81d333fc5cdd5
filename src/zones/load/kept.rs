//! Zones whose records come while they are served, at a start and at a reload.
//!
//! Asks nobody for records: a reload makes the served version anew under the new settings, a start takes what is kept of
//! the time before.

use std::sync::Arc;

use super::fed::FedZone;
use super::loaded::{LoadedAs, LoadedZone};
use super::{etcd, secondary};
use crate::source::{Diagnostic, Diagnostics, Severity, Sources};
use crate::zones::live::{SigningKeys, sign_feed};
use crate::zones::signing::ZoneSigning;
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
    take_or_remake(fed, sources, before, loaded);
    let Some(signing) = &fed.signing else { return };
    if let Some(version) = loaded.version.take() {
        sign(fed, before, &version, signing, loaded);
    }
}

/// Signs what came, under the lock of the zone, which goes along.
fn sign(
    fed: &FedZone<'_>,
    before: Option<&Arc<ZoneVersion>>,
    unsigned: &Arc<ZoneVersion>,
    signing: &Arc<ZoneSigning>,
    loaded: &mut LoadedZone,
) {
    let mut hold = fed.live.zone(&loaded.id).hold_blocking(fed.folder);
    let (zone, state) = hold.parts();
    let keys = SigningKeys::Read(Arc::clone(signing));
    match sign_feed(zone, state, before.map(Arc::as_ref), unsigned, keys) {
        Ok(version) => {
            loaded.version = version.map(Arc::new).or_else(|| before.cloned());
            loaded.hold = Some(hold);
        }
        // Never unsigned: whoever has the DS records would take it for forged.
        Err(why) => {
            loaded.faults.push(Diagnostic::error(fed.zone.name_span, why.clone()));
            loaded.error = Some(why);
            loaded.keys.clone_from(&fed.zone.dnssec);
        }
    }
}

fn take_or_remake(
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
    if let Some(version) = fed.remade(&ZoneVersion::as_it_came(before), &mut faults) {
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
