//! `systemd/edgedns.service`: systemd accepts every line, finds little exposed, and runs the unit as an
//! operator wants it.

mod booted;
mod fetched;
mod machine;

use std::fs;
use std::path::Path;
use std::process::Output;

use harness::program::executable;
use harness::tools::tool;

/// The highest exposure that is accepted, in tenths: other name servers have 21 (PowerDNS) to 96.
const EXPOSURE_MAX: u32 = 15;

/// The unit as it is installed.
fn unit() -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd/edgedns.service");
    fs::read_to_string(file).expect("the unit")
}

/// What systemd-analyze says of the unit; none where it is not installed.
fn analyze(arguments: &[&str]) -> Option<Output> {
    let mut analyze = tool("systemd-analyze")?;
    let folder = tempfile::tempdir().expect("a scratch folder");
    let file = folder.path().join("edgedns.service");
    // The program is where it was built.
    let unit = unit().replace("/usr/bin/edgedns", &executable().display().to_string());
    fs::write(&file, unit).expect("a scratch file");
    Some(analyze.args(arguments).arg(&file).output().expect("systemd-analyze runs"))
}

#[test]
fn systemd_understands_every_line_of_the_unit() {
    let Some(output) = analyze(&["verify", "--man=no"]) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{said}");
}

#[test]
fn little_is_exposed() {
    let Some(output) = analyze(&["security", "--offline=true", "--no-pager"]) else { return };
    let table = String::from_utf8_lossy(&output.stdout);
    let (_, level) = table.rsplit_once("exposure level for edgedns.service: ").expect("a level");
    let (whole, tenths) = level.split(' ').next().and_then(|level| level.split_once('.')).expect("a number");
    let number = |text: &str| text.parse::<u32>().expect("a number");
    assert!(number(whole) * 10 + number(tenths) <= EXPOSURE_MAX, "{table}");
}

#[test]
fn nothing_that_needs_names_can_be_taken_along_or_held_up() {
    let unit = unit();
    let keys = || unit.lines().filter_map(|line| line.split_once('='));
    for key in ["Requires", "BindsTo", "PartOf", "RequiredBy", "ExecStartPre", "ExecCondition"] {
        assert!(keys().all(|(name, _)| name != key), "{key}=");
    }
    let before: Vec<&str> =
        keys().filter(|(name, _)| *name == "Before").flat_map(|(_, units)| units.split(' ')).collect();
    for late in ["kubelet.service", "crio.service", "nodeip-configuration.service", "network-online.target"] {
        assert!(before.contains(&late), "{late} is not behind it: {before:?}");
    }
}
