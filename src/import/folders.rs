//! Finds the files that a settings file names: relative ones, and absolute ones of a machine of which there
//! is a copy.

use std::io;
use std::path::{Component, Path, PathBuf};

use super::word::Word;
use crate::source::{Diagnostic, Diagnostics};

/// Folders where servers have their settings. A folder there is not a copy: a path in it that begins at the
/// root means the file of this machine.
const HOMES: &[&str] = &[
    "/etc",
    "/etc/bind",
    "/etc/coredns",
    "/etc/dnsmasq.d",
    "/etc/gdnsd",
    "/etc/haproxy",
    "/etc/named",
    "/etc/namedb",
    "/etc/pdns",
    "/etc/pdns-recursor",
    "/etc/powerdns",
    "/usr/local/etc",
    "/usr/local/etc/bind",
    "/usr/local/etc/namedb",
    "/usr/local/etc/pdns",
    "/usr/local/etc/powerdns",
];

/// The folders that an import looks in.
#[derive(Clone, Debug)]
pub(super) struct Folders {
    trees: Vec<Tree>,
    /// Files outside of them that have been warned of.
    warned: Vec<PathBuf>,
}

/// A folder that was named on the command line.
#[derive(Clone, Debug)]
struct Tree {
    folder: PathBuf,
    /// That folder and those above it, nearest first, without the root. In a copy of a file tree one of them
    /// takes the place of the root: `backup/etc/pdns` is the copy of `/etc/pdns`.
    above: Vec<PathBuf>,
    kind: TreeKind,
}

/// Whose files a folder has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum TreeKind {
    /// This machine's: servers read their settings there.
    Home,
    /// Perhaps those of another machine, of which it is a copy.
    Copy,
}

/// The files of a folder, sorted, those that are hidden among them; not those of folders in it.
///
/// # Errors
///
/// When the folder cannot be read.
pub(super) fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = std::fs::read_dir(folder)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    let mut files: Vec<PathBuf> = paths.into_iter().filter(|path| path.is_file()).collect();
    files.sort_unstable();
    Ok(files)
}

/// What a file or a folder is called.
pub(super) fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

impl Folders {
    /// For an import that begins at `from`, a folder or a file.
    pub(super) fn new(from: &Path) -> Self {
        Self { trees: vec![Tree::new(from)], warned: Vec::new() }
    }

    /// Looks at `from`, too.
    pub(super) fn add(&mut self, from: &Path) {
        self.trees.push(Tree::new(from));
    }

    /// The file that `written` names in the file `by`, relative to `directory` if there is one. If it is in
    /// none of the places where it could be, the named one, for the message. Warns of a file outside of
    /// everything that was named on the command line.
    pub(super) fn find(
        &mut self,
        written: &Word,
        directory: Option<&Path>,
        by: &Path,
        found: &mut Diagnostics,
    ) -> PathBuf {
        let text = Path::new(&written.text);
        let beside = by.parent().unwrap_or(Path::new(""));
        let trees = self.trees_for(by);
        let whole = match directory {
            Some(directory) if directory.is_absolute() => directory.join(text),
            Some(directory) => beside.join(directory).join(text),
            None => beside.join(text),
        };
        let is_meant_from_root = text.is_absolute() || directory.is_some_and(Path::is_absolute);
        let own_tree = trees.iter().find(|tree| absolute(by).starts_with(&tree.folder));
        let root = own_tree.map_or(beside, |tree| &tree.folder).to_owned();
        let near = |path: PathBuf| Candidate { path, root: Some(root.clone()) };
        let candidates = if is_meant_from_root {
            let bare =
                whole.file_name().map(|name| beside.join(name)).into_iter().chain(Some(beside.join(text)));
            from_root(&trees, &whole, bare.map(near).collect())
        } else {
            vec![near(whole.clone()), near(beside.join(text))]
        };
        let Some(candidate) = candidates.into_iter().find(|candidate| candidate.path.exists()) else {
            return whole;
        };
        let is_home = trees.first().is_some_and(|tree| tree.kind == TreeKind::Home);
        if !is_home && candidate.is_outside() {
            self.warn_of(&candidate.path, written, found);
        }
        candidate.path
    }

    /// The file that every machine has at this path, of the machine whose files are imported; none where there is
    /// no copy of it. `by` is the file that is read.
    pub(super) fn find_of_host(&self, path: &Path, by: &Path) -> Option<PathBuf> {
        let trees = self.trees_for(by);
        let is_home = trees.first().is_some_and(|tree| tree.kind == TreeKind::Home);
        let mut candidates = from_root(&trees, path, Vec::new()).into_iter();
        let found = candidates.find(|it| it.path.exists() && (is_home || !it.is_outside()));
        found.map(|candidate| candidate.path)
    }

    /// The files of a folder that a word names, as [`files_in`] has them. A folder that cannot be read is pushed, with
    /// what to do.
    pub(super) fn files_of(
        &self,
        folder: &Path,
        word: &Word,
        found: &mut Diagnostics,
    ) -> Option<Vec<PathBuf>> {
        let read = files_in(folder).map_err(|error| {
            let message = format!("cannot read {}: {error}", folder.display());
            found.push(Diagnostic::error(word.span, message).help(self.advice(&word.text)));
        });
        read.ok()
    }

    /// What to do about a file that is not there.
    pub(super) fn advice(&self, written: &str) -> String {
        let folder = self.trees.first().map(|tree| tree.folder.display().to_string()).unwrap_or_default();
        let name = Path::new(written).file_name().unwrap_or_default().to_string_lossy();
        format!(
            "copy it beside the file that names it, or to the end of its path below {folder}, as {name}; and import again"
        )
    }

    /// The trees, that of the file `by` first.
    fn trees_for(&self, by: &Path) -> Vec<Tree> {
        let by = absolute(by);
        let (mut own, others): (Vec<Tree>, Vec<Tree>) =
            self.trees.iter().cloned().partition(|tree| by.starts_with(&tree.folder));
        own.extend(others);
        own
    }

    /// Says that a file is this machine's own.
    fn warn_of(&mut self, path: &Path, written: &Word, found: &mut Diagnostics) {
        if self.warned.iter().any(|known| known == path) {
            return;
        }
        self.warned.push(path.to_owned());
        let message =
            format!("{} is read from this machine, outside of what was named to be imported", path.display());
        let fault = Diagnostic::warning(written.span, message);
        found.push(fault.help(
            "where that is a copy of another machine's files, copy this one into it, and import again",
        ));
    }
}

/// A place where a file could be.
struct Candidate {
    path: PathBuf,
    /// The copy that it belongs to; none for the file of this machine.
    root: Option<PathBuf>,
}

impl Candidate {
    /// Whether the file there is not part of the copy: a link may lead out of it.
    fn is_outside(&self) -> bool {
        let Some(root) = &self.root else { return true };
        match (self.path.canonicalize(), root.canonicalize()) {
            (Ok(path), Ok(root)) => !path.starts_with(root),
            (Ok(_) | Err(_), _) => false,
        }
    }
}

/// Where a file could be that is named from the root on; `beside` is what lies beside the file that names it.
/// The files of a copy come before those of this machine, unless the servers of this machine read them there,
/// too.
fn from_root(trees: &[Tree], whole: &Path, beside: Vec<Candidate>) -> Vec<Candidate> {
    let inside = trees.iter().find(|tree| whole.starts_with(&tree.folder));
    let itself = Candidate { path: whole.to_owned(), root: inside.map(|tree| tree.folder.clone()) };
    let copied = trees.iter().flat_map(|tree| tree.copies(whole));
    let below = trees.iter().flat_map(|tree| tree.ends(whole)).chain(beside);
    let is_home = trees.first().is_some_and(|tree| tree.kind == TreeKind::Home);
    if is_home || inside.is_some() {
        copied.chain([itself]).chain(below).collect()
    } else {
        copied.chain(below).chain([itself]).collect()
    }
}

fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

impl Tree {
    fn new(from: &Path) -> Self {
        let from = absolute(from);
        let folder = if from.is_file() { from.parent().unwrap_or(&from) } else { &from };
        let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
        let kind =
            if HOMES.iter().any(|home| real == Path::new(home)) { TreeKind::Home } else { TreeKind::Copy };
        let above = folder.ancestors().filter(|folder| folder.parent().is_some());
        Self { folder: folder.to_owned(), above: above.map(Path::to_owned).collect(), kind }
    }

    /// Where an absolute path would lie in a copy that has all folders from the root on.
    fn copies<'f>(&'f self, written: &'f Path) -> impl Iterator<Item = Candidate> + 'f {
        let inside = downward(written);
        let place = move |folder: &PathBuf| {
            Some(Candidate { path: folder.join(inside?), root: Some(folder.clone()) })
        };
        self.above.iter().filter_map(place)
    }

    /// Where it would lie if the folder is one that the path leads through: the longest end first.
    fn ends<'f>(&'f self, written: &'f Path) -> impl Iterator<Item = Candidate> + 'f {
        let mut parts = downward(written).unwrap_or(Path::new("")).components();
        std::iter::from_fn(move || {
            parts.next()?;
            let end = parts.as_path();
            let candidate = || Candidate { path: self.folder.join(end), root: Some(self.folder.clone()) };
            (!end.as_os_str().is_empty()).then(candidate)
        })
    }
}

/// A path from the root on that never leads up again, without the root.
fn downward(path: &Path) -> Option<&Path> {
    let inside = path.strip_prefix("/").unwrap_or(path);
    inside.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)).then_some(inside)
}
