//! Origins: where a record comes from. Most stand in a text; others were transferred, sent by a client or found in
//! a store.

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use super::span::Span;

/// Where something comes from.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Origin {
    /// A text that was read. Only the [`super::Sources`] it was read into know its lines.
    Text(Span),
    /// A line of a file whose text may be gone.
    Line(FileLine),
    /// A transfer from a primary.
    Transfer(Arc<Transfer>),
    /// An update from a client.
    Update(Arc<Update>),
    /// A key of a store.
    Store(Arc<StoreKey>),
    /// An address of the host of this name, which is a member of a pool by it.
    Host(Arc<str>),
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FileLine {
    /// The file, as the operator named it.
    pub path: Arc<str>,
    /// Line, from 1.
    pub line: u32,
}

/// A transfer of a zone, or of changes to it (RFC 5936, RFC 1995).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Transfer {
    /// The zone.
    pub zone: String,
    /// The primary, as the operator named it.
    pub primary: String,
    /// The serial that the transfer led to.
    pub serial: u32,
}

/// An update of a zone (RFC 2136).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Update {
    /// The zone.
    pub zone: String,
    /// The client that sent it; none: it was read from a journal, which does not say.
    pub client: Option<IpAddr>,
    /// The name of the key that signed it; none: it was not signed.
    pub key: Option<String>,
}

/// A key of a store of records.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StoreKey {
    /// The store, as the operator named it.
    pub store: String,
    /// The key.
    pub key: String,
}

impl From<Span> for Origin {
    fn from(span: Span) -> Origin {
        Origin::Text(span)
    }
}

impl From<&Origin> for Origin {
    fn from(origin: &Origin) -> Origin {
        origin.clone()
    }
}

impl Origin {
    /// The span, where it is a text.
    pub fn span(&self) -> Option<Span> {
        match self {
            Origin::Text(span) => Some(*span),
            Origin::Line(_)
            | Origin::Transfer(_)
            | Origin::Update(_)
            | Origin::Store(_)
            | Origin::Host(_) => None,
        }
    }

    /// What it is called where it is no text: `records of lab.example. from 192.0.2.1, serial 7`.
    pub fn in_words(&self) -> Option<String> {
        match self {
            Origin::Text(_) => None,
            Origin::Line(line) => Some(line.to_string()),
            Origin::Transfer(transfer) => Some(transfer.to_string()),
            Origin::Update(update) => Some(update.to_string()),
            Origin::Store(key) => Some(key.to_string()),
            Origin::Host(host) => Some(format!("address of {host}, a member by name")),
        }
    }
}

impl fmt::Display for FileLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.path, self.line)
    }
}

impl fmt::Display for Transfer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "records of {} from {}, serial {}", self.zone, self.primary, self.serial)
    }
}

impl fmt::Display for Update {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.client {
            Some(client) => write!(f, "update of {} from {client}", self.zone)?,
            None => write!(f, "earlier update of {}", self.zone)?,
        }
        match &self.key {
            Some(key) => write!(f, " with key {key}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for StoreKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key {} of {}", self.key, self.store)
    }
}

/// The origins of many records. Each record holds an [`OriginId`], which is as small as a span; what does not fit
/// there is held once for all records that share it.
#[derive(Clone, Debug, Default)]
pub struct Origins {
    shared: Vec<Shared>,
    places: HashMap<Shared, u32>,
}

/// The part of an origin that is held once.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Shared {
    File(Arc<str>),
    Transfer(Arc<Transfer>),
    Update(Arc<Update>),
    Store(Arc<StoreKey>),
    Host(Arc<str>),
}

/// An origin among the [`Origins`] that it was added to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OriginId(Compact);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Compact {
    Text(Span),
    Shared {
        place: u32,
        /// Of a file; 0 otherwise.
        line: u32,
    },
}

// A million records have a million of them.
const _: () = assert!(size_of::<OriginId>() == size_of::<Span>());

impl OriginId {
    /// Whether both are of one text, file, transfer, update or key.
    pub fn is_of_same(self, other: OriginId) -> bool {
        match (self.0, other.0) {
            (Compact::Text(one), Compact::Text(other)) => one.file == other.file,
            (Compact::Shared { place, .. }, Compact::Shared { place: other, .. }) => place == other,
            (Compact::Text(_), Compact::Shared { .. }) | (Compact::Shared { .. }, Compact::Text(_)) => false,
        }
    }
}

impl Origins {
    /// Adds an origin.
    pub fn add(&mut self, origin: &Origin) -> OriginId {
        let (shared, line) = match origin {
            Origin::Text(span) => return OriginId(Compact::Text(*span)),
            Origin::Line(FileLine { path, line }) => (Shared::File(Arc::clone(path)), *line),
            Origin::Transfer(transfer) => (Shared::Transfer(Arc::clone(transfer)), 0),
            Origin::Update(update) => (Shared::Update(Arc::clone(update)), 0),
            Origin::Store(key) => (Shared::Store(Arc::clone(key)), 0),
            Origin::Host(host) => (Shared::Host(Arc::clone(host)), 0),
        };
        OriginId(Compact::Shared { place: self.place(shared), line })
    }

    fn place(&mut self, shared: Shared) -> u32 {
        // Records mostly come one behind the other from one place.
        let last = self.shared.len().checked_sub(1).filter(|last| self.shared[*last].is_same(&shared));
        // There are no more than records, which are counted in 32 bits.
        let number = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        if let Some(last) = last {
            return number(last);
        }
        let next = number(self.shared.len());
        let place = *self.places.entry(shared.clone()).or_insert(next);
        if place == next {
            self.shared.push(shared);
        }
        place
    }

    /// The origin that was added.
    pub fn get(&self, id: OriginId) -> Origin {
        match id.0 {
            Compact::Text(span) => Origin::Text(span),
            Compact::Shared { place, line } => match &self.shared[place as usize] {
                Shared::File(path) => Origin::Line(FileLine { path: Arc::clone(path), line }),
                Shared::Transfer(transfer) => Origin::Transfer(Arc::clone(transfer)),
                Shared::Update(update) => Origin::Update(Arc::clone(update)),
                Shared::Store(key) => Origin::Store(Arc::clone(key)),
                Shared::Host(host) => Origin::Host(Arc::clone(host)),
            },
        }
    }
}

impl Shared {
    /// Whether it is the very same value: cheaper than to compare what it says.
    fn is_same(&self, other: &Shared) -> bool {
        match (self, other) {
            (Shared::File(one), Shared::File(other)) => Arc::ptr_eq(one, other),
            (Shared::Transfer(one), Shared::Transfer(other)) => Arc::ptr_eq(one, other),
            (Shared::Update(one), Shared::Update(other)) => Arc::ptr_eq(one, other),
            (Shared::Store(one), Shared::Store(other)) => Arc::ptr_eq(one, other),
            (Shared::Host(one), Shared::Host(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    fn transfer(serial: u32) -> Origin {
        let (zone, primary) = ("lab.example.".to_owned(), "192.0.2.1".to_owned());
        Origin::Transfer(Arc::new(Transfer { zone, primary, serial }))
    }

    #[test]
    fn an_origin_is_got_as_it_was_added_and_held_once() {
        let span = Span::new(Sources::default().add("lab.zone", b"text".to_vec()), 1, 3);
        let update = Update { zone: "lab.example.".to_owned(), client: None, key: None };
        let key = StoreKey { store: "etcd".to_owned(), key: "/skydns".to_owned() };
        let added = [
            Origin::Text(span),
            transfer(7),
            transfer(8),
            transfer(7),
            Origin::Update(Arc::new(update)),
            Origin::Store(Arc::new(key)),
            Origin::Line(FileLine { path: "lab.zone".into(), line: 3 }),
            Origin::Line(FileLine { path: "lab.zone".into(), line: 4 }),
        ];
        let mut origins = Origins::default();
        let ids: Vec<OriginId> = added.iter().map(|one| origins.add(one)).collect();
        assert!(ids.iter().zip(&added).all(|(id, one)| origins.get(*id) == *one));
        assert_eq!(origins.shared.len(), 5);
        assert!(ids[1].is_of_same(ids[3]) && !ids[1].is_of_same(ids[2]));
        assert!(ids[6].is_of_same(ids[7]) && ids[6] != ids[7]);
    }
}
