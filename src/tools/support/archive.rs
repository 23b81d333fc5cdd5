//! The archive: one tar, packed by gzip, with what was gathered and a list of what was not.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::time::{SystemTime, UNIX_EPOCH};

use flate2::{Compression, GzBuilder};

use super::redaction::Redaction;

/// What archives are told to be read with, at their beginning.
const READ_ME: &str = "README.txt";

/// What was gathered.
#[derive(Debug, Default)]
pub(super) struct Archive {
    pub(super) redaction: Redaction,
    /// By their paths.
    members: BTreeMap<String, Vec<u8>>,
    /// What is not there, and why, one sentence each.
    missing: Vec<String>,
}

impl Archive {
    /// Takes in a text; its secrets go.
    pub(super) fn add(&mut self, path: impl Into<String>, text: impl Into<Vec<u8>>) {
        self.members.insert(path.into(), self.redaction.of(text.into()));
    }

    /// Takes in a text, or why there is none.
    pub(super) fn add_or_tell<E: std::fmt::Display>(
        &mut self,
        path: &str,
        text: Result<impl Into<Vec<u8>>, E>,
    ) {
        match text {
            Ok(text) => self.add(path, text),
            Err(why) => self.tell(&format!("{path}: {why}")),
        }
    }

    /// Says of something why it is not there.
    pub(super) fn tell(&mut self, sentence: &str) {
        // An error may draw a line of the config.
        let sentence = self.redaction.of(sentence.trim_end().replace('\n', "\n  ").into_bytes());
        self.missing.push(String::from_utf8_lossy(&sentence).into_owned());
    }

    /// What is not there, and why.
    pub(super) fn missing(&self) -> &[String] {
        &self.missing
    }

    /// Writes all of it, below a folder of this name.
    pub(super) fn write(&self, folder: &str, head: &str, out: impl Write) -> io::Result<()> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let mut tar = tar::Builder::new(GzBuilder::new().write(out, Compression::default()));
        let mut append = |path: &str, bytes: &[u8]| {
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o600);
            header.set_mtime(now);
            tar.append_data(&mut header, format!("{folder}/{path}"), bytes)
        };
        append(READ_ME, self.read_me(head).as_bytes())?;
        for (path, bytes) in &self.members {
            append(path, bytes)?;
        }
        tar.into_inner()?.finish()?.flush()
    }

    fn read_me(&self, head: &str) -> String {
        let mut text = head.to_owned();
        for path in self.members.keys() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {path}");
        }
        if !self.missing.is_empty() {
            text.push_str("\nNot there:\n");
        }
        for sentence in &self.missing {
            let _ = writeln!(text, "  {sentence}");
        }
        text
    }
}
