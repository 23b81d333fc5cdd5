//! What is kept of a zone whose records are keys of etcd: the text that they have made, and an image of them.
//!
//! Responsible for the order in which they are written. Not responsible for when (`saving`), or for their form (`etcd`).

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::settings::EtcdSettings;
use super::status::EtcdStatus;
use crate::etcd::Mark;
use crate::sync::Shared;
use crate::zone::Zone;
use crate::zones::etcd::{
    ImageHead, Keys, confirm_image, is_text_worth_keeping, read_image_head, remove_other_texts, write_image,
    write_made_text,
};
use crate::zones::saving::{Doing, KeptAs, Work};
use crate::zones::version::ZoneVersion;
use crate::zones::zone_id::ZoneId;

/// The image of a zone. It is written at most every ten seconds, however fast keys change.
pub(super) const KEPT_AS: KeptAs = KeptAs {
    what: "an image",
    without: "a restart serves an older one, or none until etcd answers",
    pause: Duration::from_secs(10),
};

/// What is to be kept.
pub(super) struct Kept {
    folder: PathBuf,
    id: ZoneId,
    mark: Mark,
    contents: Option<Arc<Zone>>,
    confirmed_at: SystemTime,
}

impl Kept {
    /// What is served, of keys as they were at this mark; none where there is no place for it.
    pub(super) fn of(
        settings: &EtcdSettings,
        current: Option<&Arc<ZoneVersion>>,
        status: &Shared<EtcdStatus>,
        mark: Option<Mark>,
    ) -> Option<Kept> {
        Some(Kept {
            folder: settings.folder.clone()?,
            id: settings.id().clone(),
            mark: mark?,
            contents: current.and_then(|version| version.contents.clone()),
            confirmed_at: status.get().confirmed_at.unwrap_or_else(SystemTime::now),
        })
    }

    /// How it is kept.
    pub(super) fn work(self, doing: Doing, keys: &mut Keys) -> Option<Work> {
        let Kept { folder, id, mark, contents, confirmed_at } = self;
        if doing == Doing::Confirming {
            let confirm =
                move || confirm_image(&folder, &id, confirmed_at).map_err(|error| error.to_string());
            return Some(Box::new(confirm));
        }
        let contents = contents.filter(|zone| is_text_worth_keeping(zone, keys.len()));
        let (layout, place) = (keys.layout(), keys.place().clone());
        let head = ImageHead { mark, leases: keys.known_leases(), confirmed_at };
        let lent = keys.lend();
        Some(Box::new(move || {
            let write_text = |zone: &Zone| write_made_text(&folder, &id, zone, &mark, (layout, &place));
            let text = contents.as_deref().map(write_text).transpose();
            // Without its text it is read more slowly, and is as new.
            let image = write_image(&folder, &id, &head, &lent);
            drop(lent);
            // A text without its image is of no use: one more would lie there after each attempt.
            let of = match image {
                Ok(()) => Ok(contents.is_some().then_some(mark)),
                Err(_) => read_image_head(&folder, &id).map(|head| head.map(|(mark, _)| mark)),
            };
            let rest = of.and_then(|of| remove_other_texts(&folder, &id, of.as_ref()));
            text.map(drop).and(image).and(rest).map_err(|error| error.to_string())
        }))
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::dns::{Name, Ttl};
    use crate::etcd::KeyValue;
    use crate::layout::{Place, PoolReader, Subtree, layout};
    use crate::source::{Diagnostics, Sources, Span};
    use crate::zone::Builder;
    use crate::zonefile;

    #[test]
    fn a_text_whose_image_cannot_be_written_does_not_stay_and_that_of_the_image_does() {
        let folder = tempfile::tempdir().unwrap();
        let apex: Name = "lab.example.".parse().unwrap();
        let mut sources = Sources::default();
        let text = b"@ 60 IN SOA ns h 7 60 60 60 60\n@ 60 IN NS ns.test.\n";
        let file = sources.add("lab.zone", text.to_vec());
        let (mut builder, mut found) =
            (Builder::new(apex.clone(), Span::new(file, 0, 1)), Diagnostics::default());
        zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
        let contents = Some(Arc::new(builder.finish(&mut found).unwrap()));
        let place = Place {
            apex: apex.clone(),
            prefix: "/skydns".to_owned(),
            ttl: Ttl::from_seconds(300).unwrap(),
            subtree: Subtree::Apart,
            nameservers: vec!["ns.test.".parse().unwrap()],
            text: zonefile::Settings::default(),
            pools: PoolReader::default(),
        };
        let mut keys = Keys::new(layout("skydns").unwrap(), place);
        keys.restate(
            (0..10_000)
                .map(|number| KeyValue {
                    key: format!("/skydns/example/lab/h{number}").into_bytes(),
                    value: br#"{"host":"192.0.2.1"}"#.to_vec(),
                    revision: 812,
                    lease: None,
                })
                .collect(),
        );
        let mut keep = |revision: u64| {
            let kept = Kept {
                folder: folder.path().to_owned(),
                id: ZoneId::from(apex.clone()),
                mark: Mark { cluster: 1, term: 1, revision },
                contents: contents.clone(),
                confirmed_at: SystemTime::now(),
            };
            kept.work(Doing::Writing, &mut keys).unwrap()()
        };
        let files = || {
            let entries = fs::read_dir(folder.path().join("images")).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        keep(812).unwrap();
        assert_eq!(files(), ["lab.example+812.zone", "lab.example.keys"]);
        // Where a folder is, no file can be written.
        let unfinished = folder.path().join("images/lab.example.keys.new");
        fs::create_dir_all(unfinished.join("full")).unwrap();
        keep(813).unwrap_err();
        keep(814).unwrap_err();
        assert_eq!(files(), ["lab.example+812.zone", "lab.example.keys", "lab.example.keys.new"]);
        fs::remove_dir_all(unfinished).unwrap();
        keep(815).unwrap();
        assert_eq!(files(), ["lab.example+815.zone", "lab.example.keys"]);
    }
}
