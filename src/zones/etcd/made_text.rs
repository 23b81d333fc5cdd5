//! What was made of the keys of an image, kept beside it as zone text: a start reads that several times as fast as the keys.
//!
//! ```text
//! ; lab.example. as edgedns has made it of keys of etcd: 14841639068965178418 3 812 9f3c…
//! the zone as text, one record per line
//! ```
//!
//! The first line has the cluster, the term and the revision of the image, and a digest of what else the zone was made of. A
//! text that says something else of either is of no use: the keys are read then. So they are where they make pools.
//!
//! Its name has the revision, so that several are there at once. It is written before its image, and what others there are
//! goes after that: whenever the server is killed, the image that is there has its text.
//!
//! ```text
//!   +811.zone, image 811 ─▶ +812.zone ─▶ image 812 ─▶ no +811.zone
//! ```
//!
//! Responsible for where it is, and for it being that of an image. Not responsible for when it is written.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use super::image::{FOLDER, LINE_BYTES_MAX};
use crate::etcd::Mark;
use crate::layout::{Layout, Place};
use crate::source::Digest;
use crate::zone::Zone;
use crate::zonefile;
use crate::zones::state_file::{self, Filled, file_name};
use crate::zones::zone_id::ZoneId;

/// The end of its name.
const END: &str = ".zone";

/// What stands before the revision in its name, and in no name of a zone.
const BEFORE_REVISION: char = '+';

/// The end of its name until it is whole.
const END_UNFINISHED: &str = ".zone.new";

/// Fewer keys are read as fast; and their records know which key each comes from.
const KEYS_MIN: usize = 10_000;

/// A text as it was kept.
pub(in crate::zones) struct MadeText {
    /// Where.
    pub(in crate::zones) path: PathBuf,
    /// The text, without the first line.
    pub(in crate::zones) text: Vec<u8>,
}

/// Whether the text of a zone is kept that was made of so many keys.
pub(in crate::zones) fn is_worth_keeping(zone: &Zone, keys: usize) -> bool {
    keys >= KEYS_MIN && zone.pools().is_empty()
}

/// The text of a zone that was made of the image with this mark under these settings; none where there is none.
///
/// # Errors
///
/// When it is there but cannot be read.
pub(in crate::zones) fn read(
    folder: &Path,
    id: &ZoneId,
    mark: &Mark,
    (layout, place): (&Layout, &Place),
) -> io::Result<Option<MadeText>> {
    let Some(mut file) = open(folder, id, mark, (layout, place))? else { return Ok(None) };
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(Some(MadeText { path: path(folder, id, mark), text }))
}

/// Whether there is such a text: then that of it which is served is what the image says.
pub(in crate::zones) fn is_kept(folder: &Path, id: &ZoneId, mark: &Mark, made_of: (&Layout, &Place)) -> bool {
    open(folder, id, mark, made_of).is_ok_and(|file| file.is_some())
}

/// The text, behind its first line; none: there is none of this image under these settings.
fn open(
    folder: &Path,
    id: &ZoneId,
    mark: &Mark,
    (layout, place): (&Layout, &Place),
) -> io::Result<Option<BufReader<File>>> {
    let Some(file) = state_file::open(&path(folder, id, mark))? else { return Ok(None) };
    let (mut file, mut first) = (BufReader::new(file), Vec::new());
    file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', &mut first)?;
    Ok((first == head(id, mark, layout, place).as_bytes()).then_some(file))
}

/// Keeps the text of a zone, for the image that is written next.
///
/// # Errors
///
/// When it cannot be written.
pub(in crate::zones) fn write(
    folder: &Path,
    id: &ZoneId,
    zone: &Zone,
    mark: &Mark,
    (layout, place): (&Layout, &Place),
) -> io::Result<()> {
    state_file::make_folder(&folder.join(FOLDER))?;
    let mut text = head(id, mark, layout, place);
    zonefile::write(zone, &mut text);
    let unfinished = folder.join(FOLDER).join(file_name(id, END_UNFINISHED));
    state_file::replace(&path(folder, id, mark), &unfinished, |file| {
        file.write_all(text.as_bytes())?;
        Ok(Filled::Whole)
    })?;
    Ok(())
}

/// Forgets the texts of a zone, but for that of the image with this mark.
///
/// # Errors
///
/// When one cannot be removed.
pub(in crate::zones) fn remove_others(folder: &Path, id: &ZoneId, kept: Option<&Mark>) -> io::Result<()> {
    let (begin, own) = (file_name(id, ""), kept.map(|kept| file_name(id, &end(kept))));
    let folder = folder.join(FOLDER);
    for entry in fs::read_dir(&folder)? {
        let name = entry?.file_name();
        let Some(name) = name.to_str().filter(|name| own.as_deref() != Some(*name)) else { continue };
        let rest = name.strip_prefix(&begin).and_then(|rest| rest.strip_suffix(END));
        let revision = rest.and_then(|rest| rest.strip_prefix(BEFORE_REVISION));
        // Without a revision: of a server before there were several.
        if rest == Some("") || revision.is_some_and(|revision| revision.parse::<u64>().is_ok()) {
            match fs::remove_file(folder.join(name)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
    }
    Ok(())
}

/// The first line.
fn head(id: &ZoneId, mark: &Mark, layout: &Layout, place: &Place) -> String {
    let Mark { cluster, revision, term } = mark;
    let Place { apex, prefix, ttl, subtree, nameservers, text, pools: _ } = place;
    // Keys include no files: where those would be is no matter.
    let zonefile::Settings { lua, generate_max, .. } = text;
    let settings = (apex, prefix, ttl, subtree, nameservers, lua, generate_max);
    let settings = format!("{} {settings:?}", layout.name);
    let digest = u128::from_be_bytes(Digest::of(settings.as_bytes()).bytes());
    format!("; {id} as edgedns has made it of keys of etcd: {cluster} {term} {revision} {digest:032x}\n")
}

/// Where the text of a zone is kept.
fn path(folder: &Path, id: &ZoneId, mark: &Mark) -> PathBuf {
    folder.join(FOLDER).join(file_name(id, &end(mark)))
}

/// The end of its name.
fn end(mark: &Mark) -> String {
    format!("{BEFORE_REVISION}{}{END}", mark.revision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dns::{Name, Ttl};
    use crate::layout::{PoolReader, Subtree, layout};
    use crate::source::{Diagnostics, Sources, Span};
    use crate::zone::Builder;

    #[test]
    fn a_text_is_found_by_the_image_and_the_settings_that_it_was_made_of() {
        let folder = tempfile::tempdir().unwrap();
        let apex: Name = "lab.example.".parse().unwrap();
        let id = ZoneId::from(apex.clone());
        let place = Place {
            apex: apex.clone(),
            prefix: "/skydns".to_owned(),
            ttl: Ttl::from_seconds(300).unwrap(),
            subtree: Subtree::Apart,
            nameservers: vec!["ns.test.".parse().unwrap()],
            text: zonefile::Settings::default(),
            pools: PoolReader::default(),
        };
        let skydns = layout("skydns").unwrap();
        let zone = |text: &[u8]| {
            let mut sources = Sources::default();
            let file = sources.add("lab.zone", text.to_vec());
            let mut found = Diagnostics::default();
            let mut builder = Builder::new(apex.clone(), Span::new(file, 0, 1));
            zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
            builder.finish(&mut found).unwrap()
        };
        let made = zone(b"@ 60 IN SOA ns h 7 60 60 60 60\n@ 60 IN NS ns.test.\nwww 60 IN A 192.0.2.1\n");
        assert!(is_worth_keeping(&made, KEYS_MIN) && !is_worth_keeping(&made, KEYS_MIN - 1));
        let mark = Mark { cluster: u64::MAX, revision: 812, term: 3 };
        let found = |mark: &Mark, place: &Place| {
            read(folder.path(), &id, mark, (skydns, place))
                .unwrap()
                .map(|made| zone(&made.text).record_count())
        };
        assert_eq!(found(&mark, &place), None);
        write(folder.path(), &id, &made, &mark, (skydns, &place)).unwrap();
        assert_eq!(found(&mark, &place), Some(3));
        assert!(is_kept(folder.path(), &id, &mark, (skydns, &place)));
        assert_eq!(found(&Mark { revision: 813, ..mark }, &place), None);
        assert!(!is_kept(folder.path(), &id, &Mark { revision: 813, ..mark }, (skydns, &place)));
        assert_eq!(found(&Mark { cluster: 1, ..mark }, &place), None);
        assert_eq!(found(&mark, &Place { ttl: Ttl::from_seconds(60).unwrap(), ..place.clone() }), None);
        assert_eq!(found(&mark, &Place { subtree: Subtree::Joined, ..place.clone() }), None);
        let elsewhere =
            zonefile::Settings { include_folder: Some("/elsewhere".into()), ..place.text.clone() };
        assert_eq!(
            found(&mark, &Place { text: elsewhere, ..place.clone() }),
            Some(3),
            "no key includes a file"
        );
        // A newer one leaves that of the image, which is not written yet, and both leave those of other zones.
        let below = ZoneId::from("lab.example.812.".parse::<Name>().unwrap());
        write(folder.path(), &below, &made, &mark, (skydns, &place)).unwrap();
        std::fs::write(folder.path().join(FOLDER).join("lab.example.zone"), "old").unwrap();
        let next = Mark { revision: 813, ..mark };
        write(folder.path(), &id, &made, &next, (skydns, &place)).unwrap();
        assert_eq!((found(&mark, &place), found(&next, &place)), (Some(3), Some(3)));
        remove_others(folder.path(), &id, Some(&next)).unwrap();
        assert_eq!((found(&mark, &place), found(&next, &place)), (None, Some(3)));
        let kept = std::fs::read_dir(folder.path().join(FOLDER)).unwrap();
        let mut kept: Vec<_> = kept.map(|entry| entry.unwrap().file_name()).collect();
        kept.sort();
        assert_eq!(kept, ["lab.example+813.zone", "lab.example.812+812.zone"]);
        remove_others(folder.path(), &id, None).unwrap();
        assert_eq!(found(&next, &place), None);
    }
}
