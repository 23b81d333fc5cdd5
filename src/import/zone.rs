//! What all servers have in common about a zone: its name, its file, and the block it becomes.

use std::path::Path;

use super::copies::Left;
use super::draft::{Source, Zone};
use super::report::Fate;
use super::statement::Statement;
use super::word::Word;
use super::work::Work;
use crate::dns::{Name, NameRef};
use crate::source::{Diagnostic, Span};

/// Where a zone is given again.
pub(super) fn given_again(name: &Name, later: &[Statement]) -> Option<Span> {
    let zones = later.iter().filter(|statement| statement.keyword() == "zone");
    let mut names = zones.filter_map(|statement| statement.word(1));
    let same =
        |word: &&Word| Name::parse(word.text.as_bytes(), NameRef::ROOT).is_ok_and(|other| other == *name);
    names.find(same).map(|word| word.span)
}

/// The apex that a `zone` statement names, if it is a name.
pub(super) fn apex<'s>(work: &mut Work, statement: &'s Statement) -> Option<(Name, &'s Word)> {
    let Some(word) = statement.word(1) else {
        work.found.push(Diagnostic::error(statement.span, "a zone without a name"));
        return None;
    };
    match Name::parse(word.text.as_bytes(), NameRef::ROOT) {
        Ok(name) => Some((name, word)),
        Err(error) => {
            work.found.push(Diagnostic::error(word.span, format!("`{}`: {error}", word.text)));
            None
        }
    }
}

/// Takes a zone and the file that its statement names over.
pub(super) fn serve(
    work: &mut Work,
    name: &Name,
    word: &Word,
    file: Option<&Statement>,
    directory: Option<&Path>,
) -> Fate {
    let Some(file) = file.and_then(|file| file.word(1)) else {
        let fault = Diagnostic::error(word.span, format!("zone `{name}` has no `file`"));
        work.found.push(fault.help("write file \"…\"; into its block"));
        work.missing.push(name.clone());
        return Fate::refused("it has no file: name one, and import again");
    };
    serve_file(work, name, word, file, directory)
}

/// Takes a zone, named by `word`, and its file over.
pub(super) fn serve_file(
    work: &mut Work,
    name: &Name,
    word: &Word,
    file: &Word,
    directory: Option<&Path>,
) -> Fate {
    let by = work.sources.path(file.span.file).to_owned();
    let path = work.folders.find(file, directory, by.as_ref(), &mut work.found);
    let remark = work.whence(word.span);
    let folders = (&mut work.folders, directory);
    let copied = work.copies.take(&mut work.sources, folders, &path, file, &mut work.found);
    let Some(copied) = copied else {
        work.missing.push(name.clone());
        return Fate::refused(format!("{} cannot be read: copy it, and import again", path.display()));
    };
    let fate = fate_of(format!("→ [[zone]], {} as {copied}", path.display()), work.copies.left_of(&copied));
    work.draft.zones.push(Zone::new(name.clone(), Source::File(copied), remark));
    fate
}

/// Takes a zone, named by `word`, that is copied from these servers.
pub(super) fn copy_from(work: &mut Work, name: &Name, word: &Word, servers: Vec<String>) -> Fate {
    let remark = work.whence(word.span);
    let fate = Fate::honoured(format!("→ [[zone]], primary {}", servers.join(", ")));
    work.draft.zones.push(Zone::new(name.clone(), Source::Primaries(servers), remark));
    fate
}

/// What becomes of a zone whose file is copied, but for what it includes and is not.
fn fate_of(text: String, left: &[Left]) -> Fate {
    let lost = left.iter().find_map(|left| match left {
        Left::Lost(path) => Some(path),
        Left::Elsewhere(_) => None,
    });
    let elsewhere = left.iter().find_map(|left| match left {
        Left::Elsewhere(path) => Some(path),
        Left::Lost(_) => None,
    });
    match (lost, elsewhere) {
        (Some(path), _) => Fate::refused(format!("{text}, without {path}, which it includes")),
        (None, Some(path)) => Fate::changed(format!("{text}; it includes {path}, which is not copied")),
        (None, None) => Fate::honoured(text),
    }
}
