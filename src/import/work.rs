//! An import under way: what was read so far, and what is to be written.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::copies::Copies;
use super::draft::Draft;
use super::folders::Folders;
use super::imported::{Imported, Planned};
use super::report::Report;
use super::word::plain;
use crate::delivery::{File, Readers};
use crate::dns::Name;
use crate::source::{Diagnostic, Diagnostics, Sources, Span};

/// The config file in its folder.
const CONFIG: &str = "edgedns.toml";

/// An import under way.
pub(super) struct Work {
    pub(super) sources: Sources,
    pub(super) found: Diagnostics,
    pub(super) report: Report,
    pub(super) draft: Draft,
    pub(super) copies: Copies,
    /// Files of keys that zones are signed with.
    pub(super) keys: Vec<File<'static>>,
    pub(super) folders: Folders,
    /// Zones that were served and are not, as the report says of each.
    pub(super) missing: Vec<Name>,
}

/// The files of the other server cannot be understood; what is wrong has been pushed.
pub(super) struct Unreadable;

impl Work {
    pub(super) fn new(from: &Path) -> Self {
        Self {
            sources: Sources::default(),
            found: Diagnostics::default(),
            report: Report::default(),
            draft: Draft::default(),
            copies: Copies::default(),
            keys: Vec::new(),
            folders: Folders::new(from),
            missing: Vec::new(),
        }
    }

    /// The file and the line of something, as a remark in the config file says it.
    pub(super) fn whence(&self, span: Span) -> String {
        let place = self.sources.place(span);
        let file = Path::new(&place.path).file_name().unwrap_or_default().to_string_lossy();
        format!("{file}:{}", place.line)
    }

    /// What was read, ready to be written.
    pub(super) fn finish(self, read: Result<String, Unreadable>) -> Planned {
        let Self { sources, found: all, report, draft, copies, keys, .. } = self;
        let mut found = Diagnostics::default();
        let mut known = BTreeSet::new();
        for fault in all.iter().map(on_one_line) {
            // A list that is read for two purposes gives its faults twice. What is an error for one of them stays one.
            if known.insert((fault.span(), fault.message.clone(), fault.severity)) {
                found.push(fault);
            }
        }
        found.sort();
        let mut files = Vec::new();
        if let Ok(origin) = read {
            let copied = copies.iter().map(|copy| File {
                path: copy.to.clone(),
                bytes: copy.bytes.to_vec().into(),
                readers: Readers::Usual,
            });
            files.extend(copied);
            files.extend(keys);
            // Last, as it names the others.
            let readers = if draft.has_secrets() { Readers::Owner } else { Readers::Usual };
            files.push(File { readers, ..File::of_text(CONFIG, draft.text(&origin)) });
        }
        Planned { imported: Imported { report, found, sources, config: None, written: Vec::new() }, files }
    }
}

/// A fault whose words of the other server's files are on one line.
fn on_one_line(fault: &Diagnostic) -> Diagnostic {
    let mut fault = fault.clone();
    let labels = fault.labels.iter_mut().map(|label| &mut label.text);
    let remarks = fault.remarks.iter_mut().map(|remark| &mut remark.text);
    for text in labels.chain(remarks).chain([&mut fault.message]) {
        *text = plain(text);
    }
    fault
}

/// The file at `path`, or the first of `names` that is in the folder there.
pub(super) fn file_at(path: &Path, names: &[&str]) -> PathBuf {
    if !path.is_dir() {
        return path.to_owned();
    }
    let mut files = names.iter().map(|name| path.join(name));
    files.clone().find(|file| file.exists()).or_else(|| files.next()).unwrap_or_else(|| path.to_owned())
}
