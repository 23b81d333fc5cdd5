//! The Ignition config in a MachineConfig: files and units, in version 3.2.0.
//!
//! Writes what the Machine Config Operator and every Ignition from OpenShift 4.7 on accept: files and units,
//! and nothing else that Ignition knows.

use std::borrow::Cow;
use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::{Compression, GzBuilder};

use super::super::yaml::Value;
use super::node_file::NodeFile;

/// Taken by OpenShift 4.7 and later, which translate it to what they have themselves.
const VERSION: &str = "3.2.0";

/// Longest content that is written as it is, in bytes: below it gzip saves nothing worth the reading.
const PLAIN_BYTES_MAX: usize = 1 << 10;

/// What a file holds, as it is written down.
pub(super) struct Content {
    source: String,
    /// Bytes of the gzip; none: as it is.
    packed: Option<usize>,
}

/// A unit of systemd.
pub(super) struct Unit {
    pub(super) name: &'static str,
    pub(super) does: Enablement,
}

/// What becomes of a unit.
pub(super) enum Enablement {
    /// It is written and starts with the node.
    Enabled {
        /// The text of the unit.
        text: String,
    },
    /// It cannot be started.
    Masked,
}

impl Content {
    /// A data URL (RFC 2397), of the gzip where that is shorter.
    fn of(bytes: &[u8]) -> Content {
        let packed = (bytes.len() > PLAIN_BYTES_MAX).then(|| gzip(bytes)).flatten();
        let packed = packed.filter(|packed| packed.len() < bytes.len());
        let written = packed.as_ref().map_or(Cow::Borrowed(bytes), |packed| Cow::Borrowed(packed.as_slice()));
        let source = format!("data:;base64,{}", STANDARD.encode(written));
        Content { source, packed: packed.map(|packed| packed.len()) }
    }

    pub(super) fn packed_bytes(&self) -> Option<usize> {
        self.packed
    }

    pub(super) fn value(&self) -> Value {
        // Also said where there is none: MachineConfigs are merged, and one that is merged before might say
        // it.
        let compression = if self.packed.is_some() { "gzip" } else { "" };
        Value::Map(vec![("compression", compression.into()), ("source", self.source.as_str().into())])
    }
}

/// Without a time, so that the same bytes come of the same bytes.
fn gzip(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).write(Vec::new(), Compression::best());
    encoder.write_all(bytes).and_then(|()| encoder.finish()).ok()
}

/// The contents of `files`.
pub(super) fn contents(files: &[NodeFile]) -> Vec<Content> {
    files.iter().map(|file| Content::of(&file.bytes)).collect()
}

/// The config.
pub(super) fn config(files: &[NodeFile], contents: &[Content], units: &[Unit]) -> Value {
    let files = files.iter().zip(contents).map(|(file, content)| {
        Value::Map(vec![
            ("path", file.path.as_str().into()),
            ("mode", Value::Number(file.mode.bits())),
            // Without it Ignition stops at a file that is there.
            ("overwrite", Value::Truth(true)),
            ("contents", content.value()),
        ])
    });
    let mut config = vec![
        ("ignition", Value::Map(vec![("version", VERSION.into())])),
        ("storage", Value::Map(vec![("files", Value::List(files.collect()))])),
    ];
    config.extend(units_of(units));
    Value::Map(config)
}

/// The units, if there are any.
pub(super) fn units_of(units: &[Unit]) -> Option<(&'static str, Value)> {
    let list = units.iter().map(|unit| {
        let mut entry = vec![("name", unit.name.into())];
        entry.extend(match &unit.does {
            Enablement::Enabled { text } => {
                vec![("enabled", Value::Truth(true)), ("contents", text.as_str().into())]
            }
            // Disabled as well: a unit that is to be enabled, as an earlier MachineConfig may say, and is
            // masked is a fault to systemctl.
            Enablement::Masked => vec![("enabled", Value::Truth(false)), ("mask", Value::Truth(true))],
        });
        Value::Map(entry)
    });
    let list: Vec<Value> = list.collect();
    (!list.is_empty()).then(|| ("systemd", Value::Map(vec![("units", Value::List(list))])))
}
