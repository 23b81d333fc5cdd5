//! Refused transfers that were logged lately: a client that asks again and again does not fill the log.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::dns::Name;
use crate::sync::lock;

/// A refusal of the same zone to the same client is logged once in this time.
const QUIET: Duration = Duration::from_secs(60);

/// Refusals that are remembered. Beyond that none is logged.
const REMEMBERED_MAX: usize = 256;

/// When each refusal was logged.
#[derive(Default)]
pub(super) struct RefusalLog(Mutex<HashMap<(IpAddr, Name), Instant>>);

impl RefusalLog {
    /// Whether to log a refusal of a zone to a client.
    pub(super) fn is_news(&self, client: IpAddr, zone: &Name, now: Instant) -> bool {
        let mut told = lock(&self.0);
        if told.len() >= REMEMBERED_MAX {
            told.retain(|_, at| now.saturating_duration_since(*at) < QUIET);
        }
        let key = (client, zone.clone());
        let lately = told.get(&key).is_some_and(|at| now.saturating_duration_since(*at) < QUIET);
        if lately || told.len() >= REMEMBERED_MAX {
            return false;
        }
        told.insert(key, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_once_a_minute_and_many_fill_no_memory() {
        let (told, start) = (RefusalLog::default(), Instant::now());
        let (zone, client) = ("test.".parse().unwrap(), "192.0.2.1".parse().unwrap());
        assert!(told.is_news(client, &zone, start));
        assert!(!told.is_news(client, &zone, start + QUIET / 2));
        assert!(told.is_news(client, &zone, start + QUIET));
        let many = (0..1000_u32)
            .filter(|number| told.is_news(IpAddr::from(number.to_be_bytes()), &zone, start + QUIET));
        assert_eq!(many.count(), REMEMBERED_MAX - 1);
        assert!(told.is_news(IpAddr::from([9, 9, 9, 9]), &zone, start + QUIET * 3));
    }
}
