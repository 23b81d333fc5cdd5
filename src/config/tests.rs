//! What an operator gets from a config file: settings, or faults at their
//! places.

mod catalogs;
mod drawn;
mod etcd_zones;
mod faults;
mod forward;
mod host_zones;
mod keys;
mod primaries;
mod probe_kinds;
mod settings;
mod tsig_keys;
mod vantage;
mod zone_sources;
mod zone_transfer;

use std::path::Path;

use super::{Config, read_file};
use crate::source::{Diagnostics, Look, Sources};

/// What came of a text that lies at `/etc/edgedns.toml`.
struct Outcome {
    config: Option<Config>,
    sources: Sources,
    found: Diagnostics,
}

fn read(text: impl AsRef<[u8]>) -> Outcome {
    read_in(Path::new("/etc"), text)
}

/// What came of a text that lies in `folder`.
fn read_in(folder: &Path, text: impl AsRef<[u8]>) -> Outcome {
    let mut sources = Sources::default();
    let mut found = Diagnostics::default();
    let file = sources.add("edgedns.toml", text.as_ref().to_vec());
    let config = read_file(&mut sources, file, &folder.join("edgedns.toml"), &mut found);
    Outcome { config, sources, found }
}

impl Outcome {
    /// The faults, each in one line, as the log shows them.
    fn sentences(&self) -> Vec<String> {
        self.found.iter().map(|one| self.sources.sentence(one)).collect()
    }

    /// The only fault, in one line.
    #[track_caller]
    fn sentence(&self) -> String {
        let sentences = self.sentences();
        assert_eq!(sentences.len(), 1, "{sentences:#?}");
        sentences.concat()
    }

    /// The only fault, as a terminal shows it.
    #[track_caller]
    fn drawing(&self) -> String {
        self.sentence();
        self.found.iter().map(|one| self.sources.render(one, Look::Plain)).collect()
    }

    /// The settings of a file without any fault.
    #[track_caller]
    fn settings(self) -> Config {
        assert_eq!(self.sentences(), Vec::<String>::new());
        self.config.expect("no fault was told")
    }
}

/// The smallest zone with a probe, to which more keys of the probe can be added.
const ZONE: &str = "\
[[zone]]
name = \"lab.example\"
file = \"lab.zone\"
[[zone.probe]]
names = [\"api\"]
tcp = 6443
";
