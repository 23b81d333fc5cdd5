//! edgedns.toml(5): every table and key of the config file.
//!
//! Order and form of the page. The text of a key is in `config`, in the list that the reader goes by.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};
use edgedns::config::{Absent, ConfigKey, Section};

use super::pages::{MANUAL, NO_DATE, SOURCE};

/// The file to start from, which tests load.
const EXAMPLE: &str = include_str!("../../../zones/edgedns.toml");

const DESCRIPTION: [&str; 3] = [
    "The file is TOML. Paths in it are relative to its folder. Durations are written as \"200ms\", \"1s\", \"5m\" or \
     \"1h\"; names without a final dot are absolute, except where a key says otherwise.",
    "edgedns check reads everything that the server would read. It reports unknown keys, unfit values and faults in zone \
     files in one run, each with its place and, if it can, a suggestion.",
    "The server reads the file at start, when it changes (unless [server] watch is false), on SIGHUP and on edgedns \
     reload. A file that cannot be used then changes nothing, and the log says why.",
];

const FILES: [(&str, &str); 3] = [
    ("/etc/edgedns.toml", "where the service looks for the file"),
    ("/run/edgedns/control.sock", "the control socket of the service, unless [admin] socket names another"),
    ("/var/lib/edgedns", "the state directory of the service, unless [admin] state-directory names another"),
];

/// The page.
pub(super) fn page() -> String {
    let mut roff = Roff::new();
    roff.control("TH", ["edgedns.toml", "5", NO_DATE, SOURCE, MANUAL]);
    roff.control("SH", ["NAME"]).text([roman("edgedns.toml - config file of edgedns")]);
    roff.control("SH", ["SYNOPSIS"]).text([roman("/etc/edgedns.toml")]);
    roff.control("SH", ["DESCRIPTION"]);
    for paragraph in DESCRIPTION {
        roff.control("PP", []).text([roman(paragraph)]);
    }
    Section::all().for_each(|section| table(&mut roff, section));
    roff.control("SH", ["EXAMPLE"]).control("nf", []);
    for line in EXAMPLE.lines() {
        match line {
            "" => roff.control("sp", []),
            line => roff.text([roman(line)]),
        };
    }
    roff.control("fi", []).control("SH", ["FILES"]);
    for (file, what) in FILES {
        roff.control("TP", []).text([italic(file)]).text([roman(what)]);
    }
    roff.control("SH", ["SEE ALSO"]);
    roff.text([bold("edgedns"), roman("(8), "), bold("edgedns-check"), roman("(8)")]);
    roff.to_roff()
}

/// A table with its keys; nothing where it has none.
fn table(roff: &mut Roff, section: Section) {
    let mut keys = section.keys().peekable();
    if keys.peek().is_none() {
        return;
    }
    roff.control("SH", [section.header()]);
    if section.parent() == Some(Section::ZoneProbe) {
        let inline = format!("{} = {{ … }}", section.name());
        roff.text([
            roman("Also written as "),
            bold(inline),
            roman(" in "),
            bold(Section::ZoneProbe.header()),
        ]);
    } else if section.header().starts_with("[[") {
        roff.text([roman("May be given several times.")]);
    }
    for key in keys {
        roff.control("TP", []).text(title(key)).text([roman(key.help)]);
    }
}

/// A key, and what holds without it.
fn title(key: &ConfigKey) -> Vec<Inline> {
    let (written, without) = match key.absent {
        Absent::Default(value) => (value, "the default"),
        Absent::Unset { example } => (example, "an example; there is no default"),
        Absent::Required { example } => (example, "an example; required"),
        Absent::Inherited => return vec![bold(key.name), roman("    (by default as in [probe])")],
    };
    vec![bold(key.name), roman(" = "), roman(written), roman(format!("    ({without})"))]
}
