//! Any bytes as a config file: it is read, or every fault in it can be drawn. The zone files it names are not
//! opened.

use std::path::Path;

use edgedns::config;
use edgedns::source::{Diagnostics, Sources};

use super::zone_text;

/// Words of the config file.
pub(crate) const WORDS: &[&[u8]] = &[
    b"[server]\n",
    b"[admin]\n",
    b"[limit]\n",
    b"[probe]\n",
    b"[lua]\n",
    b"[[zone]]\n",
    b"[[zone.probe]]\n",
    b"listen = [\"127.0.0.1:53\"]\n",
    b"workers = ",
    b"name = \"lab.example\"\n",
    b"file = \"lab.zone\"\n",
    b"names = [\"@\", \"*.apps\"]\n",
    b"tcp = [6443, 443]\n",
    b"interval = \"1s\"\n",
    b"exempt = [\"local\"]\n",
    b"\"\"\"",
    b"'''",
    b"= {",
    b"}",
    b"]",
    b"\\u00e9",
    b"\xef\xbb\xbf",
    b"1979-05-27",
    b"0x7f",
    b"1e9",
    b"true",
];

/// Panics unless the property holds.
pub(crate) fn holds(text: &[u8]) {
    let mut sources = Sources::default();
    let file = sources.add("edgedns.toml", text.to_vec());
    let mut found = Diagnostics::default();
    let config = config::read_file(&mut sources, file, Path::new("/etc/edgedns.toml"), &mut found);
    assert_eq!(config.is_none(), found.errors() > 0, "it is read unless there is an error");
    zone_text::draw(&sources, &found);
    if let Some(config) = config {
        assert!(!config.server.listen.is_empty(), "something is listened on");
        assert!(config.limit.slip <= config::SLIP_MAX && config.probe.retry <= config.probe.interval);
    }
}
