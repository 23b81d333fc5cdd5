//! `edgedns check`: reads everything the server would read, and reports every fault.

mod catalogs;
mod certificate;
mod stores;
mod system;
mod upstreams;

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use catalogs::CatalogResult;
use system::Searched;

use super::findings::{self, FindingView};
use super::format::Format;
use crate::daemon::LoadResult;
use crate::deploy::system as host;
use crate::dns::Name;
use crate::dnssec;
use crate::source::{Diagnostic, Diagnostics, FileLine, Label, Look, Origin, Place, RemarkKind, Sources};
use crate::zonefile;
use crate::zones::Purpose;

/// What is to be checked.
#[derive(Clone, Debug)]
pub struct Check {
    /// The config file.
    pub config: PathBuf,
    /// How the result is written.
    pub format: Format,
    /// A zone to be printed canonically to standard output.
    pub dump: Option<Name>,
}

/// The whole result, for machines.
#[derive(Serialize)]
struct Result {
    ok: bool,
    errors: usize,
    warnings: usize,
    zones: Vec<ZoneResult>,
    /// Catalogs that are files.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    catalogs: Vec<CatalogResult>,
    diagnostics: Vec<CheckFinding>,
    /// What was found on this host; absent without `--system`.
    #[serde(skip_serializing_if = "Option::is_none")]
    system: Option<Vec<FindingView>>,
}

#[derive(Serialize)]
struct ZoneResult {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    view: Option<String>,
    file: String,
    ok: bool,
    serial: Option<u32>,
    records: Option<usize>,
    pools: Option<usize>,
}

#[derive(Serialize)]
struct CheckFinding {
    severity: &'static str,
    message: String,
    places: Vec<FindingPlace>,
    help: Vec<String>,
    notes: Vec<String>,
}

/// A place in a file, or an `origin` in words.
#[derive(Serialize)]
struct FindingPlace {
    #[serde(skip_serializing_if = "Option::is_none")]
    file: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<String>,
    text: String,
}

/// Checks; true when everything can be served.
///
/// # Errors
///
/// When the output cannot be written.
pub fn check(check: &Check) -> io::Result<bool> {
    run(check, Searched::default(), |_, _| None).write(check)
}

/// As [`check`], and looks at this host, too: true when everything can be served, and here.
///
/// # Errors
///
/// When the output cannot be written.
pub fn check_with_system(check: &Check) -> io::Result<bool> {
    run_with_system(check).write(check)
}

fn run_with_system(check: &Check) -> Checked {
    run(check, Searched::by_this_host(), |reading, searched| {
        Some(system::examine(&check.config, reading, searched))
    })
}

/// What [`check_with_system`] would print about a config file, and what it read for that.
pub(super) fn read_with_system(config: &Path) -> io::Result<(LoadResult, String)> {
    let check = Check { config: config.to_owned(), format: Format::Text, dump: None };
    let checked = run_with_system(&check);
    let mut text = Vec::new();
    checked.write_text(&mut text, Look::Plain)?;
    Ok((checked.reading, String::from_utf8_lossy(&text).into_owned()))
}

/// What was read, and what came of it.
struct Checked {
    reading: LoadResult,
    result: Result,
    /// What was found on this host.
    found: Vec<host::Finding>,
    /// The zone that was to be printed; none: it was not read.
    dumped: Option<String>,
}

fn run(
    check: &Check,
    mut searched: Searched,
    look: impl FnOnce(&LoadResult, Searched) -> Option<Vec<host::Finding>>,
) -> Checked {
    let mut dumped = None;
    let mut signatures = Vec::new();
    let mut reading = LoadResult::new(&check.config, &Purpose::Check, |id, zone| {
        searched.see(zone);
        let mut faults = Diagnostics::default();
        dnssec::check_signatures(zone, now(), &mut faults);
        signatures.push((id.clone(), faults));
        if check.dump.as_ref().is_some_and(|name| name.as_ref() == zone.apex()) {
            let dumped = dumped.get_or_insert_with(String::new);
            if let Some(view) = &id.view {
                *dumped += &format!("; view {view}\n");
            }
            zonefile::write(zone, dumped);
        }
    });
    certificate::look(&mut reading);
    let mut zones: Vec<_> = reading.loaded.iter_mut().flat_map(|loaded| &mut loaded.zones).collect();
    for (id, faults) in signatures {
        if let Some(zone) = zones.iter_mut().find(|zone| zone.id == id) {
            zone.faults.append(faults);
        }
    }
    upstreams::look(&mut reading);
    let catalogs = catalogs::look(&mut reading);
    let found = look(&reading, searched);
    let result = Result::of(&reading, catalogs, found.as_deref());
    Checked { reading, result, found: found.unwrap_or_default(), dumped }
}

impl Checked {
    /// Writes it where `check` says; true when everything can be served.
    fn write(&self, check: &Check) -> io::Result<bool> {
        match check.format {
            Format::Text => {
                let mut out = io::stderr().lock();
                let look = Look::on(&out);
                self.write_text(&mut out, look)?;
            }
            Format::Json => {
                let text = serde_json::to_string_pretty(&self.result).map_err(io::Error::other)?;
                writeln!(io::stdout().lock(), "{text}")?;
            }
        }
        match (&check.dump, &self.dumped) {
            (Some(_), Some(zone)) => io::stdout().lock().write_all(zone.as_bytes())?,
            (Some(name), None) => {
                writeln!(io::stderr().lock(), "error: no zone `{name}` was read: nothing to dump")?;
                return Ok(false);
            }
            (None, _) => {}
        }
        Ok(self.result.ok)
    }

    /// For people.
    fn write_text(&self, out: &mut impl Write, look: Look) -> io::Result<()> {
        let Checked { reading, result, found, .. } = self;
        for fault in reading.faults() {
            writeln!(out, "{}\n", reading.sources.render(fault, look))?;
        }
        findings::draw_troubles(found, out, look)?;
        for zone in &result.zones {
            let file = &zone.file;
            let view = zone.view.as_ref().map(|view| format!(" (view {view})")).unwrap_or_default();
            let name = format!("{}{view}", zone.name);
            match (zone.serial, zone.records, zone.pools) {
                (Some(serial), Some(records), Some(pools)) => {
                    writeln!(
                        out,
                        "zone {name}: serial {serial}, {records} records, {pools} pools, from {file}"
                    )?;
                }
                _ if zone.ok => writeln!(out, "zone {name}: copied from {file}, which is not asked")?,
                _ => writeln!(out, "zone {name}: cannot be served, from {file}")?,
            }
        }
        for catalog in &result.catalogs {
            writeln!(out, "{}", catalog.line())?;
        }
        findings::list_fine(found, out)?;
        let word = if result.ok { findings::ALL_WELL } else { findings::NOT_WELL };
        writeln!(out, "{}", findings::conclusion(word, result.errors, result.warnings))
    }
}

/// Seconds since 1970, modulo 2^32, as signatures count them.
fn now() -> u32 {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u32::try_from(since_1970.as_secs() & u64::from(u32::MAX)).unwrap_or(0)
}

impl Result {
    fn of(reading: &LoadResult, catalogs: Vec<CatalogResult>, found: Option<&[host::Finding]>) -> Result {
        let graded = |grade| findings::graded(found.unwrap_or_default(), grade);
        let (host_errors, host_warnings) = (graded(host::Grade::Error), graded(host::Grade::Warning));
        let zones = reading.loaded.iter().flat_map(|loaded| &loaded.zones);
        let counted = zones.clone().map(|zone| &zone.faults).chain([&reading.config_faults]);
        let (errors, warnings) = counted.fold((0, 0), |(errors, warnings), faults| {
            (errors + faults.errors(), warnings + faults.warnings())
        });
        let zones = zones.map(|zone| ZoneResult {
            name: zone.id.name.to_string(),
            view: zone.id.view.clone(),
            file: zone.sources.to_string(),
            // What is copied is not looked at: it is on other servers.
            ok: zone.version.is_some() || zone.sources.arrive_while_serving(),
            serial: zone.version.as_ref().map(|version| version.serial),
            records: zone.version.as_ref().map(|version| version.records),
            pools: zone.version.as_ref().map(|version| version.pools.len()),
        });
        let readable = reading.loaded.is_some() && !reading.faults().any(Diagnostic::is_error);
        Result {
            ok: readable && host_errors == 0,
            errors: errors + host_errors,
            warnings: warnings + host_warnings,
            zones: zones.collect(),
            catalogs,
            diagnostics: reading.faults().map(|fault| CheckFinding::of(fault, &reading.sources)).collect(),
            system: found.map(|found| found.iter().map(FindingView::of).collect()),
        }
    }
}

impl FindingPlace {
    fn of(label: &Label, sources: &Sources) -> FindingPlace {
        let text = label.text.clone();
        let nowhere = FindingPlace { file: None, line: None, column: None, origin: None, text };
        match &label.origin {
            Origin::Text(span) => {
                let Place { path, line, column } = sources.place(*span);
                FindingPlace { file: Some(path), line: Some(line), column: Some(column), ..nowhere }
            }
            Origin::Line(FileLine { path, line }) => {
                FindingPlace { file: Some(path.to_string()), line: Some(*line), ..nowhere }
            }
            other => FindingPlace { origin: other.in_words(), ..nowhere },
        }
    }
}

impl CheckFinding {
    fn of(fault: &Diagnostic, sources: &Sources) -> CheckFinding {
        let remarks = |kind: RemarkKind| {
            let wanted = fault.remarks.iter().filter(move |remark| remark.kind == kind);
            wanted.map(|remark| remark.text.clone()).collect()
        };
        let places = fault.labels.iter().map(|label| FindingPlace::of(label, sources));
        CheckFinding {
            severity: fault.severity.word(),
            message: fault.message.clone(),
            places: places.collect(),
            help: remarks(RemarkKind::Help),
            notes: remarks(RemarkKind::Note),
        }
    }
}
