//! Keys that PowerDNS signs a zone with, as files of a folder of keys here: all that sign it, or none.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::SystemTime;

use super::stored::StoredKey;
use crate::delivery::{File, Readers};
use crate::dns::Name;
use crate::dnssec::{
    Event, ForeignKey, Key, KeyFault, Pair, PublicKey, Time, Timing, ZoneKeys, key_texts, read_foreign,
};

/// The folder of keys, seen from the config file.
pub(super) const FOLDER: &str = "edgedns/dnssec";

/// The keys of a zone in the database.
pub(super) struct DatabaseKeys<'k> {
    pub(super) zone: &'k Name,
    pub(super) keys: &'k [&'k StoredKey],
    /// Whether the zone above is told of them (CDS, CDNSKEY).
    pub(super) tells_parent: bool,
}

/// What becomes of them.
pub(super) struct KeyFiles {
    pub(super) files: Vec<File<'static>>,
    /// How many keys these are.
    pub(super) count: usize,
    /// Why keys that do not sign are not among them.
    pub(super) left_out: Vec<String>,
    /// Whether the zone above is told of one of them.
    pub(super) is_told: bool,
}

/// A key, and what it is for.
struct ReadKey {
    public: PublicKey,
    /// In base64.
    secret: String,
    is_active: bool,
    is_published: bool,
}

impl DatabaseKeys<'_> {
    /// Whether a key signs the zone.
    pub(super) fn sign(&self) -> bool {
        self.keys.iter().any(|key| key.is_active)
    }

    /// The files of the keys that sign or are in the zone.
    ///
    /// # Errors
    ///
    /// Why the zone cannot be signed with them.
    pub(super) fn files(&self) -> Result<KeyFiles, String> {
        const ROLL: &str = "roll it to 13 with PowerDNS and import again";
        const MEND: &str = "mend its keys with PowerDNS and import again";
        let unsigned = |why: &dyn std::fmt::Display, remedy: &str| {
            format!(
                "{why}: it is served unsigned; {remedy}, or take its DS records out of its parent first, or it becomes bogus"
            )
        };
        let mut left_out = Vec::new();
        let mut read: Vec<ReadKey> = Vec::new();
        for key in self.keys.iter().filter(|key| key.is_active || key.is_published) {
            match self.read(key) {
                // One that is stored twice is one key.
                Ok(ForeignKey { public, secret }) => match read.iter_mut().find(|it| it.public == public) {
                    Some(known) => {
                        known.is_active |= key.is_active;
                        known.is_published |= key.is_published;
                    }
                    None => {
                        let (is_active, is_published) = (key.is_active, key.is_published);
                        read.push(ReadKey { public, secret, is_active, is_published });
                    }
                },
                Err(fault) if key.is_active => return Err(unsigned(&fault, ROLL)),
                Err(fault) => left_out.push(fault.to_string()),
            }
        }
        // Where a key is in the zone, its algorithm signs there (RFC 4035, section 2.2).
        let signing: BTreeSet<u8> =
            read.iter().filter(|key| key.is_active).map(|key| key.public.algorithm().number()).collect();
        read.retain(|ReadKey { public, .. }| {
            let signs = signing.contains(&public.algorithm().number());
            if !signs {
                left_out.push(format!("no key of its algorithm, {}, signs", public.algorithm()));
            }
            signs
        });
        // Nobody could check what it signs beside a key of its algorithm that is in the zone (`ZoneKeys::in_effect`).
        let published: BTreeSet<u8> =
            read.iter().filter(|key| key.is_published).map(|key| key.public.algorithm().number()).collect();
        read.retain(|key| {
            let is_hidden = !key.is_published && published.contains(&key.public.algorithm().number());
            if is_hidden {
                left_out
                    .push(format!("it is not in the zone, and another key of {} is", key.public.algorithm()));
            }
            !is_hidden
        });
        self.check(&read).map_err(|why| unsigned(&why, MEND))?;
        let file = |name: String, text: String, readers| File {
            path: Path::new(FOLDER).join(name),
            bytes: text.into_bytes().into(),
            readers,
        };
        let files = read.iter().flat_map(|key| {
            let texts = key_texts(self.zone, &key.public, &key.secret, &self.timing(key));
            [
                file(format!("{}.private", texts.stem), texts.secret, Readers::Owner),
                file(format!("{}.key", texts.stem), texts.public, Readers::Usual),
            ]
        });
        let is_told = read.iter().any(|key| self.is_told_of(key));
        Ok(KeyFiles { files: files.collect(), count: read.len(), left_out, is_told })
    }

    fn read(&self, key: &StoredKey) -> Result<ForeignKey, KeyFault> {
        let read = read_foreign(self.zone, &key.secret, None, key.flags)?;
        if read.public.signs_zones() { Ok(read) } else { Err(KeyFault::BadRecord) }
    }

    /// Whether the zone can be signed with these keys, as the server sees it.
    fn check(&self, keys: &[ReadKey]) -> Result<(), String> {
        let key = |it: &ReadKey| {
            let pair = Pair::new(&it.public, &it.secret).map_err(|error| error.to_string())?;
            Ok(Key::new(self.zone.clone(), it.public.clone(), pair, self.timing(it)))
        };
        let keys: Vec<Key> = keys.iter().map(key).collect::<Result<_, String>>()?;
        let now = Time::of(SystemTime::now());
        let in_effect = ZoneKeys::new(keys).and_then(|keys| keys.in_effect(now));
        in_effect.map(|_| ()).map_err(|error| error.to_string())
    }

    fn is_told_of(&self, key: &ReadKey) -> bool {
        self.tells_parent && key.is_active && key.is_published && key.public.is_sep()
    }

    fn timing(&self, key: &ReadKey) -> Timing {
        let ever = Time::from_seconds(0);
        match (key.is_active, key.is_published) {
            (true, true) if !self.is_told_of(key) => Timing::ALWAYS,
            (true, true) => Timing::ALWAYS.as_dated().with(Event::SyncPublish, ever),
            (true, false) => Timing::default().with(Event::Activate, ever),
            (false, _) => Timing::default().with(Event::Publish, ever),
        }
    }
}
