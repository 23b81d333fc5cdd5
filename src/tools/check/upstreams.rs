//! The resolv.conf files that a config forwards to, checked as the server reads them at its start.

use std::path::Path;

use crate::config::Forward;
use crate::daemon::LoadResult;
use crate::forward::{OwnAddresses, PassedOver, ResolvConf, Upstreams};
use crate::source::{Diagnostic, Diagnostics, Severity, Span, offset};
use crate::zones::known_addresses;

/// Adds what is wrong with each resolv.conf that the config names to what is wrong with the config.
pub(super) fn look(reading: &mut LoadResult) {
    let Some(loaded) = &reading.loaded else { return };
    let own =
        OwnAddresses { listen: loaded.config.server.addresses(), addresses: || known_addresses().into() };
    let followed = loaded.config.forwards.iter().filter_map(|forward| match &forward.zone.upstreams {
        Upstreams::System(path) => Some((forward, path)),
        Upstreams::Listed(_) => None,
    });
    let mut told: Vec<&Path> = Vec::new();
    let mut found = Diagnostics::default();
    for (forward, path) in followed {
        let file = match reading.sources.read(path) {
            Ok(file) => file,
            Err(error) => {
                found.push(nobody(forward, error.to_string()));
                continue;
            }
        };
        let ResolvConf { mut upstreams, passed_over } = ResolvConf::of(&reading.sources.bytes(file));
        if !told.contains(&path.as_path()) {
            told.push(path);
            for PassedOver { bytes, why, .. } in passed_over {
                let span = Span { file, start: offset(bytes.start), end: offset(bytes.end) };
                found.push(Diagnostic::warning(span, why).label("not understood"));
            }
        }
        upstreams.retain(|upstream| !own.include(upstream.address));
        if upstreams.is_empty() {
            found.push(nobody(forward, format!("{} names no upstream but this server", path.display())));
        }
    }
    reading.config_faults.append(found);
}

/// No upstream can be asked.
fn nobody(forward: &Forward, why: String) -> Diagnostic {
    let what = format!("names below `{}` are answered SERVFAIL until there is one", forward.zone.apex);
    Diagnostic::placeless(Severity::Warning, why)
        .remark(what)
        .help("it is looked at again when the file changes")
}
