//! How long leases were granted for: no TTL is longer.
//!
//! A key goes when its lease does, and a lease that is not renewed has as long as it was granted for. Who believes an answer
//! for longer would believe it when the key is long gone.

use tokio::task::JoinSet;
use tracing::debug;

use crate::dns::Ttl;
use crate::etcd::{Client, Error, LeaseId};
use crate::zones::etcd::Keys;

/// Most connections over which leases are asked for at once: etcd tells of one at a time.
const CONNECTIONS_MAX: usize = 8;

/// So many are asked for over one connection, before another one is opened.
const ASKED_MIN: usize = 32;

/// What was told of leases.
struct Told {
    granted: Vec<(LeaseId, Ttl)>,
    /// Those of which nothing was told, and why.
    unasked: Option<(Vec<LeaseId>, Error)>,
}

/// Asks for what is not known of the leases of keys.
///
/// # Errors
///
/// When no member answers. What was not asked is asked the next time.
pub(super) async fn learn_leases(client: &mut Client, keys: &mut Keys) -> Result<(), Error> {
    let unknown = keys.take_unknown_leases();
    let mut all = Vec::new();
    if unknown.len() <= ASKED_MIN {
        all.push(ask(client, unknown).await);
    } else {
        let mut asking = JoinSet::new();
        for part in unknown.chunks(unknown.len().div_ceil(CONNECTIONS_MAX).max(ASKED_MIN)) {
            let (mut client, part) = (client.beside(), part.to_vec());
            asking.spawn(async move { ask(&mut client, part).await });
        }
        all.extend(asking.join_all().await);
    }
    let mut error = None;
    for Told { granted, unasked } in all {
        granted.into_iter().for_each(|(lease, ttl)| keys.granted(lease, ttl));
        if let Some((leases, why)) = unasked {
            keys.mark_unknown(leases);
            error = Some(why);
        }
    }
    error.map_or(Ok(()), Err)
}

/// Asks for one after the other.
async fn ask(client: &mut Client, leases: Vec<LeaseId>) -> Told {
    let mut granted = Vec::new();
    for (place, lease) in leases.iter().enumerate() {
        match client.granted(*lease).await {
            Ok(told) => {
                let seconds = told.and_then(|granted| u32::try_from(granted.as_secs()).ok());
                // Where it has ended, that its keys are gone comes next.
                granted.extend(seconds.and_then(Ttl::from_seconds).map(|ttl| (*lease, ttl)));
            }
            // The store says nothing of leases to us; of its keys it does.
            Err(error @ (Error::Refused(_) | Error::NotLoggedIn(_))) => {
                debug!("how long lease {lease} of etcd was granted for is not known: {error}");
            }
            Err(error) => {
                let rest = leases.get(place..).unwrap_or_default().to_vec();
                return Told { granted, unasked: Some((rest, error)) };
            }
        }
    }
    Told { granted, unasked: None }
}
