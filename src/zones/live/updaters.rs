//! Who updated a zone lately, in the forms that its records and its journal have it: held once for all that one has changed.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::answer::Requester;
use crate::dns::Name;
use crate::source::{Origin, Update};

/// Clients that are known: more than change one zone together. Another one is made anew when it comes back, and takes
/// some memory more.
const KNOWN_MAX: usize = 16;

/// The clients that updated a zone lately.
#[derive(Debug, Default)]
pub(super) struct Updaters {
    /// The newest last.
    known: VecDeque<(Requester, Updater)>,
}

/// One of them.
#[derive(Clone, Debug)]
pub(super) struct Updater {
    /// Where its records come from.
    pub(super) origin: Origin,
    /// What it is called in the journal.
    pub(super) by: Arc<str>,
}

impl Updaters {
    /// A client of a zone.
    pub(super) fn get(&mut self, zone: &Name, requester: &Requester) -> Updater {
        if let Some((_, known)) = self.known.iter().find(|(known, _)| known == requester) {
            return known.clone();
        }
        let update = Update {
            zone: zone.to_string(),
            client: Some(requester.address),
            key: requester.key.as_ref().map(ToString::to_string),
        };
        let updater =
            Updater { origin: Origin::Update(Arc::new(update)), by: Arc::from(requester.to_string()) };
        if self.known.len() >= KNOWN_MAX {
            self.known.pop_front();
        }
        self.known.push_back((requester.clone(), updater.clone()));
        updater
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::ClientProof;

    #[test]
    fn who_comes_again_is_held_once_and_many_clients_take_bounded_memory() {
        let mut updaters = Updaters::default();
        let zone: Name = "example.".parse().unwrap();
        let client = |last: u8| Requester {
            address: [192, 0, 2, last].into(),
            key: None,
            proof: ClientProof::Nothing,
        };
        let first = updaters.get(&zone, &client(1));
        assert_eq!(first.origin.in_words().unwrap(), "update of example. from 192.0.2.1");
        assert!(Arc::ptr_eq(&first.by, &updaters.get(&zone, &client(1)).by));
        (2..=99).for_each(|last| drop(updaters.get(&zone, &client(last))));
        assert_eq!(updaters.known.len(), KNOWN_MAX);
        assert_eq!(updaters.get(&zone, &client(1)).by, first.by);
    }
}
