//! `edgedns init --add-master`: what a site becomes with one master more, as a diff of its files.
//!
//! Finds the files by the config; `deploy` finds the lines. Nothing is written.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::making::{say_nothing_was_made, tell};
use crate::config::{self, Config};
use crate::deploy::init::{CONFIG, ExistingFile, ExistingSite, Node, diff_with_master};
use crate::source::{Diagnostic, Diagnostics, Severity, Sources};

/// Which master comes, and into which site.
#[derive(Clone, Debug)]
pub struct GrowthRequest {
    /// `ocp4.example.com`, without a final dot.
    pub domain: String,
    /// The master.
    pub node: Node,
    /// The folder of the config file.
    pub site: PathBuf,
}

/// Prints the diff; false, and nothing is printed, where the site cannot be read or the master is there already.
///
/// # Errors
///
/// When the output cannot be written.
pub fn show_growth(request: &GrowthRequest) -> io::Result<bool> {
    let path = request.site.join(CONFIG);
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let config = config::read(&mut sources, &path, &mut found);
    let shown = config.and_then(|config| match diff(request, &path, &config) {
        Ok(diff) => Some(diff),
        Err(why) => {
            found.push(Diagnostic::placeless(Severity::Error, why));
            None
        }
    });
    tell(&sources, found.iter())?;
    match &shown {
        Some(diff) => {
            io::stdout().lock().write_all(diff.as_bytes())?;
            let site = request.site.display();
            writeln!(io::stderr(), "nothing was written; to do it: the same, `| patch -d {site} -p1`")?;
        }
        None => say_nothing_was_made()?,
    }
    Ok(shown.is_some())
}

fn diff(request: &GrowthRequest, path: &Path, config: &Config) -> Result<String, String> {
    let existing = |file: &Path| -> Result<ExistingFile, String> {
        let text =
            fs::read_to_string(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
        let called = file.strip_prefix(&request.site).unwrap_or(file);
        Ok(ExistingFile { path: called.display().to_string(), text })
    };
    let called = |name: &crate::dns::Name| name.to_string().trim_end_matches('.').to_ascii_lowercase();
    let own = config.zones.iter().find(|zone| called(&zone.name) == request.domain);
    let own = own.ok_or_else(|| format!("{} has no zone `{}`", path.display(), request.domain))?;
    let file = own.sources.file().ok_or_else(|| format!("the zone `{}` is not a file", request.domain))?;
    let mut reverse = BTreeMap::new();
    for zone in &config.zones {
        let file = match (zone.sources.made_from(), zone.sources.file()) {
            (None, Some(file)) => Some(existing(file)?),
            (Some(_), None) => None,
            _ => continue,
        };
        reverse.insert(called(&zone.name), file);
    }
    let site = ExistingSite {
        config: existing(path)?,
        domain: request.domain.clone(),
        zone: existing(file)?,
        reverse,
    };
    diff_with_master(&site, &request.node).map_err(|error| error.to_string())
}
