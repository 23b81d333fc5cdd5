//! How long leases were granted for: no TTL is longer.
//!
//! A key goes when its lease does, and a lease that is not renewed has as long as it was granted for. Who believes an answer
//! for longer would believe it when the key is long gone.

use tracing::debug;

use crate::dns::Ttl;
use crate::etcd::{Client, Error};
use crate::zones::etcd::Keys;

/// Asks for what is not known of the leases of keys.
///
/// # Errors
///
/// When no member answers. What was not asked is asked the next time.
pub(super) async fn learn_leases(client: &mut Client, keys: &mut Keys) -> Result<(), Error> {
    let unknown = keys.take_unknown_leases();
    for (place, lease) in unknown.iter().enumerate() {
        match client.granted(*lease).await {
            Ok(granted) => {
                let seconds = granted.and_then(|granted| u32::try_from(granted.as_secs()).ok());
                if let Some(ttl) = seconds.and_then(Ttl::from_seconds) {
                    keys.granted(*lease, ttl);
                }
                // Where it has ended, that its keys are gone comes next.
            }
            // The store says nothing of leases to us; of its keys it does.
            Err(error @ (Error::Refused(_) | Error::NotLoggedIn(_))) => {
                debug!("how long lease {lease} of etcd was granted for is not known: {error}");
            }
            Err(error) => {
                keys.mark_unknown(unknown.into_iter().skip(place));
                return Err(error);
            }
        }
    }
    Ok(())
}
