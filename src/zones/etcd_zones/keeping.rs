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
    ImageHead, Keys, confirm_image, is_text_worth_keeping, remove_other_texts, write_image, write_made_text,
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
            let rest =
                image.and_then(|()| remove_other_texts(&folder, &id, contents.is_some().then_some(&mark)));
            text.map(drop).and(rest).map_err(|error| error.to_string())
        }))
    }
}
