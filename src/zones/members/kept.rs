//! The members of a catalog as they are served, kept for the next start.
//!
//! Itself a catalog, whose serial is that of the version which was taken last: a start with a broken one, or without any,
//! serves what is in here.
//!
//! Responsible for where it is, and for it being whole. Not responsible for when it is written.

use std::fmt::Write as _;
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};

use super::membership::Owned;
use crate::dns::{Name, NameRef};
use crate::source::{Diagnostics, Sources, Span};
use crate::transfer::catalog::{Catalog, MemberLabel};
use crate::zone::Builder;
use crate::zonefile;
use crate::zones::state_file::{self, Filled, file_name};

/// Below the state directory: nothing else is there.
const FOLDER: &str = "catalogs";

/// The end of a file's name, and that of one that is not whole yet.
const ENDS: [&str; 2] = [".zone", ".zone.new"];

/// The members that were kept of a catalog; none where none were.
///
/// # Errors
///
/// When they are there but cannot be read.
pub(super) fn read(folder: &Path, catalog: &Name) -> io::Result<Option<Catalog>> {
    let [path, _] = paths(folder, catalog);
    let Some(mut file) = state_file::open(&path)? else { return Ok(None) };
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    let mut sources = Sources::default();
    let file = sources.add(path.display().to_string(), text);
    let mut found = Diagnostics::default();
    let mut builder = Builder::new(catalog.clone(), Span::new(file, 0, 0));
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    let zone = builder.finish(&mut found).ok_or_else(|| {
        let first = found.first_error();
        io::Error::other(first.map_or_else(|| "it is no zone".to_owned(), |fault| sources.sentence(fault)))
    })?;
    Catalog::of(&zone).map(Some).map_err(io::Error::other)
}

/// Keeps the members of a catalog.
///
/// # Errors
///
/// When they cannot be written. Those that were kept before are still there.
pub(super) fn write<'m>(
    folder: &Path,
    catalog: &Name,
    serial: u32,
    members: impl Iterator<Item = (&'m Name, &'m Owned)>,
) -> io::Result<()> {
    state_file::make_folder(&folder.join(FOLDER))?;
    let mut text = format!(
        "; the members of the catalog {catalog} that edgedns serves\n\
         {catalog} 0 IN SOA invalid. invalid. {serial} 3600 600 2147483646 0\n{catalog} 0 IN NS invalid.\n\
         version.{} 0 IN TXT \"2\"\n",
        below(catalog)
    );
    let mut lines: Vec<String> = members.filter_map(|(zone, owned)| lines(catalog, zone, owned)).collect();
    lines.sort_unstable();
    lines.iter().for_each(|line| text.push_str(line));
    let [path, unfinished] = paths(folder, catalog);
    state_file::replace(&path, &unfinished, |file| {
        file.write_all(text.as_bytes())?;
        Ok(Filled::Whole)
    })?;
    Ok(())
}

fn paths(folder: &Path, catalog: &Name) -> [PathBuf; 2] {
    ENDS.map(|end| folder.join(FOLDER).join(file_name(&catalog.clone().into(), end)))
}

/// What stands behind a label below a name.
fn below(name: &Name) -> String {
    if name.as_ref().is_root() { String::new() } else { name.to_string() }
}

/// The records of a member; none where its node has no name, as nobody can have read it then.
fn lines(catalog: &Name, zone: &Name, owned: &Owned) -> Option<String> {
    let node = node(catalog, &owned.member.label)?;
    let mut lines = format!("{node} 0 IN PTR {zone}\n");
    // Writing to a text never fails.
    for group in &owned.member.groups {
        let _ = writeln!(lines, "group.{node} 0 IN TXT {group}");
    }
    if let Some(coo) = &owned.member.coo {
        let _ = writeln!(lines, "coo.{node} 0 IN PTR {coo}");
    }
    Some(lines)
}

fn node(catalog: &Name, label: &MemberLabel) -> Option<Name> {
    let length = u8::try_from(label.bytes().len()).ok()?;
    let wire = [&[length][..], label.bytes(), b"\x05zones", NameRef::wire(catalog.as_ref())].concat();
    Name::from_wire(&wire).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transfer::catalog::Member;

    fn name(text: &str) -> Name {
        text.parse().unwrap()
    }

    fn catalog(text: &str) -> Catalog {
        let mut sources = Sources::default();
        let text = format!("@ 0 IN SOA a. a. 1 1 1 1 1\n@ 0 IN NS invalid.\nversion 0 IN TXT 2\n{text}");
        let file = sources.add("catalog.zone", text.into_bytes());
        let mut found = Diagnostics::default();
        let mut builder = Builder::new(name("catalog.example."), Span::new(file, 0, 1));
        zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
        Catalog::of(&builder.finish(&mut found).unwrap()).unwrap()
    }

    #[test]
    fn members_are_read_as_they_were_written_odd_labels_and_groups_too() {
        let folder = tempfile::tempdir().unwrap();
        let apex = name("catalog.example.");
        assert!(read(folder.path(), &apex).unwrap().is_none());
        let said = catalog(
            "a\\.b\\000.zones 0 IN PTR x.test.\ngroup.a\\.b\\000.zones 0 IN TXT \"q\\\"uote\" \"two words\"\n\
             group.a\\.b\\000.zones 0 IN TXT plain\ncoo.a\\.b\\000.zones 0 IN PTR other.example.\n\
             n.zones 0 IN PTR y\\;.test.\n",
        );
        let owned: Vec<(Name, Owned)> = said
            .members()
            .map(|(zone, member): (&Name, &Member)| {
                (zone.clone(), Owned { catalog: apex.clone(), member: member.clone() })
            })
            .collect();
        let members = || owned.iter().map(|(zone, owned)| (zone, owned));
        write(folder.path(), &apex, 7, members()).unwrap();
        assert_eq!(read(folder.path(), &apex).unwrap().unwrap(), said);
        write(folder.path(), &apex, 8, members().take(0)).unwrap();
        assert!(read(folder.path(), &apex).unwrap().unwrap().is_empty());
    }
}
