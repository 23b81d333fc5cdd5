//! Files that settings of pdns-recursor name: lists, a value in each line or in YAML.

use std::path::Path;

use super::super::server_setting::ServerSetting;
use super::super::word::Word;
use super::super::work::Work;
use super::super::yaml;
use crate::source::{Diagnostic, FileId, Span, offset};

/// Whether a file is YAML: its first line that says something ends a key with a colon.
pub(super) fn is_yaml(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let Some(first) = lines.next() else { return false };
    let key = first.find([':', '=']).and_then(|at| first.get(at..=at));
    first.starts_with("---") || first.starts_with(['{', '[', '-', '%']) || key == Some(":")
}

/// The networks in the file that a setting names: one a line, or a YAML list; none when it cannot be read.
pub(super) fn networks_file(work: &mut Work, by: &Path, setting: &ServerSetting) -> Option<Vec<Word>> {
    let file = named_file(work, by, setting)?;
    let bytes = work.sources.bytes(file);
    if is_yaml(&bytes) {
        return yaml::read(file, &bytes, &mut work.found).map(|root| root.words());
    }
    let mut words = Vec::new();
    for line in lines(file, &bytes) {
        let text = line.text.split('#').next().unwrap_or_default().trim();
        if !text.is_empty() {
            words.push(line.part(text));
        }
    }
    Some(words)
}

/// The file that a setting names; none when it cannot be read.
pub(super) fn named_file(work: &mut Work, by: &Path, setting: &ServerSetting) -> Option<FileId> {
    let word = setting.text();
    let path = work.folders.find(&word, None, by, &mut work.found);
    let help = work.folders.advice(&word.text);
    let file = work.sources.read(&path);
    file.map_err(|error| work.found.push(Diagnostic::error(word.span, error.to_string()).help(help))).ok()
}

/// The lines of a file.
pub(super) fn lines(file: FileId, bytes: &[u8]) -> Vec<Word> {
    let mut start = 0_usize;
    let mut lines = Vec::new();
    for line in bytes.split(|&byte| byte == b'\n') {
        let span = Span::new(file, offset(start), offset(start + line.len()));
        lines.push(Word { text: String::from_utf8_lossy(line).into_owned(), span });
        start += line.len() + 1;
    }
    lines
}
