//! From what a primary has sent to the version that is to be served.
//!
//! Responsible for it being checked like any other zone. Pure; it may take seconds.

use std::sync::Arc;

use super::settings::SecondarySettings;
use crate::source::{Diagnostics, Origin};
use crate::transfer::incoming::Received;
use crate::zone::Hosts;
use crate::zones::proposal::{Contents, Proposal};
use crate::zones::version::{VersionOrigin, ZoneVersion};

/// Why no version comes of what was sent, in words.
pub(super) type Unmade = String;

/// The version that `received` makes; changes are to `current`, and come from `origin`.
///
/// # Errors
///
/// When it cannot be served, or the changes do not fit.
pub(super) fn make(
    settings: &SecondarySettings,
    current: Option<&ZoneVersion>,
    received: Received,
    origin: Origin,
) -> Result<ZoneVersion, Unmade> {
    let inputs = settings.inputs();
    let contents = match (received, current) {
        (Received::Nothing, _) => return Err("it says that it has nothing newer".to_owned()),
        (Received::Whole(whole), _) => {
            let mut found = Diagnostics::default();
            let apexes = Arc::clone(&settings.apexes);
            let zone = whole.finish(&inputs.settings, &inputs.guards, inputs.own.clone(), apexes, &mut found);
            Contents::Whole(Box::new(zone.ok_or_else(|| first(&found))?))
        }
        (Received::Changes(_), None) => {
            return Err("it sends changes, and there is nothing to change".to_owned());
        }
        (Received::Changes(changes), Some(current)) => {
            Contents::Changes { base: current.serial, changes, origin }
        }
    };
    let (zone, inputs, origin) = (settings.id().clone(), Arc::new(inputs), VersionOrigin::Sources);
    let proposal = Proposal { zone, contents, inputs, origin };
    let version = proposal.accept(current).map_err(|error| error.to_string())?;
    let contents = version.contents.as_deref().filter(|_| settings.wants_hosts);
    let hosts = contents.map(|zone| Arc::new(Hosts::of(zone)));
    Ok(ZoneVersion { hosts, ..version })
}

/// The first error in words.
fn first(found: &Diagnostics) -> String {
    let first = found.iter().find(|fault| fault.is_error());
    first.map_or_else(|| "it is no zone".to_owned(), |fault| fault.message.clone())
}
