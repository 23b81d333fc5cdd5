//! Zone files that are copied into the new folder unchanged: their names there, and the files they include.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::folders::Folders;
use super::word::Word;
use crate::source::{Diagnostic, Diagnostics, FileId, Sources, Span, offset};

/// The folder of zone files, seen from the config file: as `/etc/edgedns/zones` is seen from
/// `/etc/edgedns.toml`.
const FOLDER: &str = "edgedns/zones";

/// Files included in one zone. More is a file that includes itself, which the check of the result draws.
const INCLUDES_MAX: usize = 1000;

/// A file to be written.
#[derive(Clone, Debug)]
pub(super) struct Copy {
    /// Below the folder of the config file.
    pub(super) to: PathBuf,
    pub(super) bytes: Arc<Vec<u8>>,
}

/// All files to be copied.
#[derive(Debug, Default)]
pub(super) struct Copies {
    /// By the place they go to; the path they come from beside it.
    list: BTreeMap<PathBuf, (PathBuf, Copy)>,
    /// The first LUA record of each zone file that has one.
    lua: Vec<Span>,
    /// Where LUA records test the port of an API server.
    api_ports: Vec<ApiPort>,
    /// What zone files include and is not copied, by the place they go to.
    left: BTreeMap<PathBuf, Vec<Left>>,
}

/// A test of the port of an API server in a LUA record.
#[derive(Debug)]
pub(super) struct ApiPort {
    /// `ifportup(6443`
    pub(super) span: Span,
    /// The line, as it tests what the API server says of itself.
    pub(super) better: String,
}

/// A file that a zone file includes and that is not copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Left {
    /// It is named by a path that stays the same, and read there if it is there.
    Elsewhere(String),
    /// It is nowhere, or its name is that of another.
    Lost(String),
}

impl Copies {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Copy> {
        self.list.values().map(|(_, copy)| copy)
    }

    /// Where LUA records are, one place for each file.
    pub(super) fn lua_records(&self) -> &[Span] {
        &self.lua
    }

    /// Where LUA records test the port of an API server.
    pub(super) fn api_ports(&self) -> &[ApiPort] {
        &self.api_ports
    }

    /// What the zone file that is called so in the config file includes, and is not copied.
    pub(super) fn left_of(&self, copied: &str) -> &[Left] {
        self.left.get(Path::new(copied)).map(Vec::as_slice).unwrap_or_default()
    }

    /// Takes the zone file at `path`, which `word` names, and what it includes. What it is called in the
    /// config file; none when it cannot be read, which is pushed to `found`.
    pub(super) fn take(
        &mut self,
        sources: &mut Sources,
        (folders, directory): (&mut Folders, Option<&Path>),
        path: &Path,
        word: &Word,
        found: &mut Diagnostics,
    ) -> Option<String> {
        let file = match sources.read(path) {
            Ok(file) => file,
            Err(error) => {
                found.push(Diagnostic::error(word.span, error.to_string()).help(folders.advice(&word.text)));
                return None;
            }
        };
        let to = self.free_place(path);
        let known = self.list.contains_key(&to);
        self.put(sources, file, path, &to);
        if !known {
            self.take_included(sources, (folders, directory), (file, to.clone()), found);
        }
        Some(to.display().to_string())
    }

    /// Takes a zone file that is made here. What it is called in the config file: files of one name and text are
    /// one.
    pub(super) fn make(&mut self, name: &str, text: String) -> String {
        // Where no file is read from.
        let from = Path::new("made").join(name);
        let mut made = self.list.iter().filter(|(_, (known, _))| *known == from);
        if let Some((to, _)) = made.find(|(_, (_, copy))| *copy.bytes == text.as_bytes()) {
            return to.display().to_string();
        }
        let to = self.free_place(&from);
        self.list.insert(to.clone(), (from, Copy { to: to.clone(), bytes: Arc::new(text.into_bytes()) }));
        to.display().to_string()
    }

    /// Where a file goes: under its own name, unless another has that.
    fn free_place(&self, path: &Path) -> PathBuf {
        let name = path.file_name().unwrap_or(OsStr::new("zone")).to_owned();
        let taken = |place: &PathBuf| self.list.get(place).is_some_and(|(from, _)| from != path);
        let numbered = (2_u32..).map(|number| {
            let mut name = name.clone();
            name.push(format!(".{number}"));
            Path::new(FOLDER).join(name)
        });
        let mut places = std::iter::once(Path::new(FOLDER).join(&name)).chain(numbered);
        places.find(|place| !taken(place)).unwrap_or_default()
    }

    fn put(&mut self, sources: &Sources, file: FileId, from: &Path, to: &Path) {
        let copy = Copy { to: to.to_owned(), bytes: sources.bytes(file) };
        self.list.insert(to.to_owned(), (from.to_owned(), copy));
    }

    /// Takes what `$INCLUDE` names, which goes to the same place relative to the file that includes it: there
    /// it is looked for.
    fn take_included(
        &mut self,
        sources: &mut Sources,
        (folders, directory): (&mut Folders, Option<&Path>),
        first: (FileId, PathBuf),
        found: &mut Diagnostics,
    ) {
        let zone = first.1.clone();
        let mut left = Vec::new();
        let mut waiting = vec![first];
        let mut count = 0;
        while let Some((file, to)) = waiting.pop() {
            let bytes = sources.bytes(file);
            self.lua.extend(first_lua_record(file, &bytes));
            self.api_ports.extend(api_ports(file, &bytes));
            for included in includes(file, &bytes) {
                count += 1;
                let path = Path::new(&included.text);
                if count > INCLUDES_MAX {
                    continue;
                }
                if !path.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir)) {
                    let message = format!("`{}` lies elsewhere and is not copied", included.text);
                    let help = "copy it into the folder of the zone files, and name it relative to that";
                    found.push(Diagnostic::warning(included.span, message).help(help));
                    left.push(if path.is_absolute() {
                        Left::Elsewhere(included.text)
                    } else {
                        Left::Lost(included.text)
                    });
                    continue;
                }
                let by = sources.path(file).to_owned();
                let from = folders.find(&included, directory, by.as_ref(), found);
                let beside = to.parent().unwrap_or(Path::new(FOLDER)).join(path);
                if let Some((other, _)) = self.list.get(&beside) {
                    if *other != from {
                        let message =
                            format!("`{}` has the name of another file that is copied", included.text);
                        let fault = Diagnostic::warning(included.span, message);
                        let fault =
                            fault.remark(format!("{} is copied, {} is not", other.display(), from.display()));
                        found.push(fault.help("give one of them another name, and import again"));
                        left.push(Left::Lost(included.text));
                    }
                    continue;
                }
                match sources.read(&from) {
                    Ok(file) => {
                        self.put(sources, file, &from, &beside);
                        waiting.push((file, beside));
                    }
                    Err(error) => {
                        found.push(Diagnostic::warning(included.span, error.to_string()));
                        left.push(Left::Lost(included.text));
                    }
                }
            }
        }
        self.left.insert(zone, left);
    }
}

/// The lines of a zone file without comments, each with the place where it begins.
fn lines(bytes: &[u8]) -> impl Iterator<Item = (usize, &[u8])> {
    bytes.split(|&byte| byte == b'\n').scan(0, |start, line| {
        let begin = *start;
        *start += line.len() + 1;
        Some((begin, line.split(|&byte| byte == b';').next().unwrap_or_default()))
    })
}

fn span(file: FileId, start: usize, len: usize) -> Span {
    Span::new(file, offset(start), offset(start + len))
}

/// The paths behind `$INCLUDE`.
fn includes(file: FileId, bytes: &[u8]) -> Vec<Word> {
    let path = |(start, line): (usize, &[u8])| {
        let (keyword, rest) = line.split_at_checked(b"$INCLUDE".len())?;
        if !keyword.eq_ignore_ascii_case(b"$INCLUDE") || !rest.first()?.is_ascii_whitespace() {
            return None;
        }
        let blank = rest.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
        let word = &rest[blank..];
        let (skipped, end) = match word.first()? {
            b'"' => (1, word.iter().skip(1).position(|&byte| byte == b'"')?),
            _ => (0, word.iter().position(u8::is_ascii_whitespace).unwrap_or(word.len())),
        };
        let text = String::from_utf8(word[skipped..skipped + end].to_vec()).ok()?;
        let begin = start + keyword.len() + blank + skipped;
        Some(Word { span: span(file, begin, text.len()), text })
    };
    lines(bytes).filter_map(path).collect()
}

/// The word `LUA` in front of the first quote of a line.
fn first_lua_record(file: FileId, bytes: &[u8]) -> Option<Span> {
    lines(bytes).find_map(|(start, line)| {
        let head = line.split(|&byte| byte == b'"').next()?;
        let mut at = 0;
        for word in head.split(u8::is_ascii_whitespace) {
            // Not as an owner.
            if at > 0 && word.eq_ignore_ascii_case(b"LUA") {
                return Some(span(file, start + at, word.len()));
            }
            at += word.len() + 1;
        }
        None
    })
}

/// The calls `ifportup(6443` of a zone file, the first of each line.
fn api_ports(file: FileId, bytes: &[u8]) -> impl Iterator<Item = ApiPort> {
    lines(bytes).filter_map(move |(start, line)| {
        let (at, len) = api_port(line)?;
        let (before, behind) = (line.get(..at)?, line.get(at + len..)?);
        let words = [before, b"ifurlup('https://kubernetes:6443/readyz'", behind].concat();
        let better = String::from_utf8_lossy(&words).split_whitespace().collect::<Vec<_>>().join(" ");
        Some(ApiPort { span: span(file, start + at, len), better })
    })
}

/// Where a line has `ifportup(6443`, with blanks or without, and how long that is.
fn api_port(line: &[u8]) -> Option<(usize, usize)> {
    const CALL: &[u8] = b"ifportup";
    let at = line.windows(CALL.len()).position(|word| word == CALL)?;
    let rest = line.get(at + CALL.len()..)?.trim_ascii_start().strip_prefix(b"(")?;
    let rest = rest.trim_ascii_start().strip_prefix(b"6443")?;
    let is_whole = rest.first().is_none_or(|byte| !byte.is_ascii_digit());
    is_whole.then_some((at, line.len() - rest.len() - at))
}
