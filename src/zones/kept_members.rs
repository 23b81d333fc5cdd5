//! The last known members of pools, kept on the disk: what zones are read with, and where the next start begins.
//!
//! ```text
//! ; nodes node-role.kubernetes.io/master, as the cluster had them last
//! 192.0.2.13 master-0
//! 2001:db8::13 master-0
//! ```
//!
//! Responsible for where they are, for being whole, and for what a line says. Not responsible for when they are written.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::state_file::{self, Filled};
use crate::kubernetes::{Member, Selector};
use crate::source::Digest;

/// Below the state directory: nothing else is there.
const FOLDER: &str = "cluster-members";

/// The end of a file's name.
const END: &str = "members";

/// Longest part of a file's name that a selector makes.
const NAME_BYTES_MAX: usize = 200;

/// Where members are kept.
pub(super) fn folder(state: &Path) -> PathBuf {
    state.join(FOLDER)
}

/// Where the members of a selector are kept.
pub(super) fn path(state: &Path, selector: &Selector) -> PathBuf {
    folder(state).join(format!("{}.{END}", file_name(selector)))
}

/// A selector as the name of a file.
fn file_name(selector: &Selector) -> String {
    let mut name = String::new();
    for byte in selector.to_string().bytes() {
        if byte.is_ascii_alphanumeric() || b".-".contains(&byte) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("_{byte:02x}"));
        }
    }
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let digest = Digest::of(name.as_bytes()).bytes();
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The text of members.
pub(super) fn text(selector: &Selector, members: impl Iterator<Item = Member>) -> String {
    let mut text = format!("; {selector}, as the cluster had them last\n");
    for Member { name, addresses } in members {
        addresses.iter().for_each(|address| text.push_str(&format!("{address} {name}\n")));
    }
    text
}

/// The members of a text. A line that makes no sense says nothing.
pub(super) fn members(text: &[u8]) -> Vec<Member> {
    let mut members: BTreeMap<&str, Vec<IpAddr>> = BTreeMap::new();
    let text = std::str::from_utf8(text).unwrap_or_default();
    for line in text.lines() {
        let Some((address, name)) = line.split_once(' ') else { continue };
        let Ok(address) = address.parse() else { continue };
        members.entry(name).or_default().push(address);
    }
    let member = |(name, addresses): (&str, Vec<IpAddr>)| Member { name: name.to_owned(), addresses };
    members.into_iter().map(member).collect()
}

/// The text that is kept; none where there is none.
///
/// # Errors
///
/// When it cannot be read.
pub(super) fn read(state: &Path, selector: &Selector) -> io::Result<Option<Vec<u8>>> {
    let Some(mut file) = state_file::open(&path(state, selector))? else { return Ok(None) };
    let mut text = Vec::new();
    io::Read::read_to_end(&mut file, &mut text)?;
    Ok(Some(text))
}

/// Keeps a text.
///
/// # Errors
///
/// When it cannot be written. The one before is still there.
pub(super) fn write(state: &Path, selector: &Selector, text: &str) -> io::Result<()> {
    state_file::make_folder(&folder(state))?;
    let place = path(state, selector);
    let unfinished = place.with_extension("members.new");
    state_file::replace(&place, &unfinished, |file| {
        file.write_all(text.as_bytes())?;
        Ok(Filled::Whole)
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let selector = Selector::nodes("node-role.kubernetes.io/master").unwrap();
        assert!(read(folder.path(), &selector).unwrap().is_none());
        let member = |name: &str, addresses: &[&str]| Member {
            name: name.to_owned(),
            addresses: addresses.iter().map(|one| one.parse().unwrap()).collect(),
        };
        let all = vec![member("m0", &["192.0.2.1", "2001:db8::1"]), member("m1", &["192.0.2.2"])];
        write(folder.path(), &selector, &text(&selector, all.iter().cloned())).unwrap();
        let again = read(folder.path(), &selector).unwrap().unwrap();
        assert_eq!(members(&again), all);
        assert!(members(b"nonsense\n192.0.2 m0\n; 192.0.2.1\n\xff").is_empty());
        let long = Selector::nodes(&"a/".repeat(100)).unwrap();
        assert!(path(folder.path(), &long).file_name().unwrap().len() < 100);
    }
}
