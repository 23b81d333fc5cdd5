//! `$INCLUDE`: another file in the middle of this one.
//!
//! Finds the file, limits depth and cycles, and restores what the file must not change: it leaves the
//! previous owner behind, but no origin. `reader` reads it.

use std::ffi::OsStr;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::dns::{Name, rdata::Token};
use crate::source::{Diagnostic, Diagnostics, Error, FileId, Naming, Sources, Span};

use super::lexer::shown;
use super::opened::Opened;
use super::reader::{Owner, Reader};

/// Files included in one zone, each time counted: files that include each other's neighbours twice would
/// otherwise grow as powers of two.
const INCLUDES_MAX: u32 = 10_000;

/// What the including file had.
struct Before {
    origin: Name,
    owner: Owner,
    /// The origin the `$INCLUDE` gave.
    given: Option<Name>,
}

/// Why a file is not included.
enum IncludeFailure {
    /// Another path may help.
    Unreadable(Error),
    /// It is not to be read: it is being read already, and would never end, or it lies elsewhere.
    Refused(Diagnostic),
}

impl Reader<'_> {
    /// Reads the file that `path` names, under `origin` if there is one.
    pub(super) fn include(
        &mut self,
        sources: &mut Sources,
        directive: &Token<'_>,
        path: &Token<'_>,
        origin: Option<&Token<'_>>,
        found: &mut Diagnostics,
    ) -> Result<(), Diagnostic> {
        let origin = origin.map(|word| self.read_origin(word).map(|(name, _)| (word, name))).transpose()?;
        self.refuse_too_many(path.span)?;
        let (file, opened) = self.open(sources, path, found)?;
        let given = origin.as_ref().map(|(_, name)| name.clone());
        let before = Before { origin: self.origin.clone(), owner: self.owner.clone(), given };
        if let Some((word, name)) = origin {
            if name != self.origin {
                found.push(
                    Diagnostic::warning(word.span, format!("the file is read under the origin `{name}`"))
                        .remark(format!("PowerDNS ignores this word and stays at `{}`", self.doubts.theirs))
                        .help("begin the included file with an `$ORIGIN` line, and leave this word out"),
                );
            }
            self.set_origin(name);
            // Who reads the file otherwise has just been told.
            self.doubts.origin = None;
        }
        self.opened.push(opened);
        self.file(sources, file, found);
        self.opened.pop();
        self.leave(before, directive.span);
        Ok(())
    }

    fn refuse_too_many(&mut self, span: Span) -> Result<(), Diagnostic> {
        self.include_count += 1;
        if self.include_count > INCLUDES_MAX {
            return Err(Diagnostic::error(span, format!("more than {INCLUDES_MAX} files are included")));
        }
        let depth_max = self.settings.include_depth_max;
        if self.opened.len() > usize::from(depth_max) {
            let fault =
                Diagnostic::error(span, format!("files include each other more than {depth_max} deep"));
            return Err(self
                .opened
                .iter()
                .filter_map(|opened| opened.by)
                .fold(fault, |fault, by| fault.and_at(by, "included here")));
        }
        Ok(())
    }

    /// Finds and reads the file: beside the one that includes it or, where there is none, in the folder the
    /// settings name.
    fn open(
        &mut self,
        sources: &mut Sources,
        word: &Token<'_>,
        found: &mut Diagnostics,
    ) -> Result<(FileId, Opened), Diagnostic> {
        let written = Path::new(OsStr::from_bytes(word.text));
        let folder = self.opened.last().map(|opened| opened.folder.clone()).unwrap_or_default();
        let beside = folder.join(written);
        let error = match self.read_once(sources, &beside, word.span, found) {
            Err(IncludeFailure::Unreadable(error)) => error,
            Err(IncludeFailure::Refused(fault)) => return Err(fault),
            Ok(opened) => return Ok(opened),
        };
        let missing = matches!(&error, Error::Read { error, .. } if error.kind() == ErrorKind::NotFound);
        let fault = Diagnostic::error(word.span, error.to_string());
        let elsewhere = self.settings.include_folder.as_ref().map(|folder| folder.join(written));
        let Some(elsewhere) = elsewhere.filter(|path| missing && *path != beside) else { return Err(fault) };
        match self.read_once(sources, &elsewhere, word.span, found) {
            Err(IncludeFailure::Unreadable(also)) => Err(fault.remark(also.to_string())),
            Err(IncludeFailure::Refused(fault)) => Err(fault),
            Ok(opened) => {
                found.push(
                    Diagnostic::note(word.span, format!("`{}` is read", elsewhere.display()))
                        .remark(format!("there is no `{}`", beside.display())),
                );
                Ok(opened)
            }
        }
    }

    /// Reads a file, or takes it as it was read before.
    fn read_once(
        &mut self,
        sources: &mut Sources,
        path: &Path,
        span: Span,
        found: &mut Diagnostics,
    ) -> Result<(FileId, Opened), IncludeFailure> {
        let opened = Opened::new(sources, path, Some(span));
        let is_same = |other: &Opened| other.path.is_some() && other.path == opened.path;
        if let Some(same) = self.opened.iter().position(is_same) {
            return Err(IncludeFailure::Refused(self.cycle(same, path, span)));
        }
        let known = self.included.iter().find(|(known, _)| opened.path.as_ref() == Some(known));
        if let Some(&(_, file)) = known {
            sources.note_naming(Naming { by: span, path: path.to_owned(), file });
            return Ok((file, opened));
        }
        self.refuse_outside(sources, &opened, span).map_err(IncludeFailure::Refused)?;
        let file = sources.read(path).map_err(IncludeFailure::Unreadable)?;
        if self.settings.include_from.is_some() && sources.canonical(path) != opened.path {
            let message = format!("`{}` leads elsewhere than a moment ago", path.display());
            return Err(IncludeFailure::Refused(
                Diagnostic::error(span, message).help("reload when it stays as it is"),
            ));
        }
        self.take_text(sources, file, found);
        sources.note_naming(Naming { by: span, path: path.to_owned(), file });
        self.included.extend(opened.path.clone().map(|path| (path, file)));
        Ok((file, opened))
    }

    /// Who may write a zone's text need not be allowed to read every file that the server can read, and a
    /// fault shows the line it is in: a text includes what lies beside it or below, and what the operator
    /// allows.
    fn refuse_outside(&self, sources: &Sources, opened: &Opened, span: Span) -> Result<(), Diagnostic> {
        let (Some(from), Some(path)) = (&self.settings.include_from, &opened.path) else { return Ok(()) };
        // A text that was kept was read from its file before.
        if !sources.reads_files() {
            return Ok(());
        }
        let own = self.opened.first();
        // Also where a link to the zone's file leads: others that belong to it lie there.
        let behind_link = own.and_then(|own| own.path.as_deref()).and_then(Path::parent);
        let is_below = |folder: &Path| {
            let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
            sources.canonical(folder).is_some_and(|folder| path.starts_with(folder))
        };
        let mut folders =
            own.map(|own| own.folder.as_path()).into_iter().chain(from.iter().map(PathBuf::as_path));
        if behind_link.is_some_and(|folder| path.starts_with(folder)) || folders.any(is_below) {
            return Ok(());
        }
        let message =
            format!("`{}` lies in none of the folders that a zone may include from", path.display());
        Err(Diagnostic::error(span, message)
            .remark(
                "those are the folder of the zone's file and that of the config file, with all below them",
            )
            .help("put the file there, or name its folder in `include-folders` of `[server]`"))
    }

    /// The way round, from the first `$INCLUDE` that leads to this one.
    fn cycle(&self, same: usize, path: &Path, span: Span) -> Diagnostic {
        let message = format!("`{}` includes itself", shown(path.as_os_str().as_bytes()));
        let fault = Diagnostic::error(span, message).label("and back to its beginning");
        let way = self.opened.get(same + 1..).unwrap_or_default();
        way.iter().filter_map(|opened| opened.by).fold(fault, |fault, by| fault.and_at(by, "from here"))
    }

    /// Goes back to the including file, and to its origin: "a $INCLUDE entry never changes the relative
    /// origin of the parent file, regardless of changes to the relative origin made within the included file"
    /// (RFC 1035, section 5.1). PowerDNS stays at what the included file set. The first record that means
    /// another name by that says so.
    fn leave(&mut self, before: Before, span: Span) {
        self.doubts.origin = (before.origin != self.doubts.theirs).then(|| {
            Diagnostic::warning(span, format!("behind this line the origin is `{}` again", before.origin))
                .remark(format!("RFC 1035, section 5.1; PowerDNS stays at `{}`", self.doubts.theirs))
                .help("write an absolute `$ORIGIN` behind the `$INCLUDE`, or absolute names")
        });
        if self.owner.wire != before.owner.wire {
            let remark = match (&before.given, before.owner.wire.is_empty()) {
                (None, false) => format!("BIND takes `{}`, as before the `$INCLUDE`", before.owner.name()),
                (None, true) => "BIND takes none, as before the `$INCLUDE`".to_owned(),
                (Some(_), _) => {
                    format!("PowerDNS takes `{}`, the last owner of the included file", self.owner.name())
                }
            };
            self.doubts.owner = Some((span, remark));
        }
        if before.given.is_some() {
            self.owner = before.owner;
        }
        self.set_origin(before.origin);
    }
}
