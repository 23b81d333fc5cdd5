//! How long a change waits for those that follow it, so that what comes together is published together.
//!
//! One that comes alone waits for nobody, or nine times as long as making the version before it took, so that making versions
//! costs a tenth of a core. While they come faster than they are published, each time about twice as long is waited: a program
//! that writes a thousand keys a second has some twenty versions made of them. But no change ever waits for longer than
//! `PAUSE_MAX`: a zone whose versions take longer than a tenth of that costs more of a core instead.
//!
//! Pure: time comes in.

use std::time::{Duration, Instant};

/// The shortest time between two versions.
const PAUSE_MIN: Duration = Duration::from_millis(1);

/// The longest.
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// How many times as long as making a version takes is waited after it.
const PAUSE_SHARE: u32 = 9;

/// What is gathered.
#[derive(Debug)]
pub(super) struct Gathering {
    /// How long after a version the next one may be published.
    pause: Duration,
    published: Option<Instant>,
    /// How often something has come since.
    heard: u32,
    /// When that is to be published; none: nothing has come.
    due: Option<Instant>,
}

impl Default for Gathering {
    fn default() -> Self {
        Self { pause: PAUSE_MIN, published: None, heard: 0, due: None }
    }
}

impl Gathering {
    /// Something has come: a transaction, or several.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = self.heard.saturating_add(1);
        let earliest = self.published.map_or(now, |published| published + self.pause);
        self.due.get_or_insert(earliest.max(now));
    }

    /// When what has come is to be published; none: nothing has come.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// It is; making the version began at `begun`.
    pub(super) fn published(&mut self, begun: Instant, now: Instant) {
        let of_pace = if self.heard > 1 { self.pause.saturating_mul(2) } else { self.pause / 2 };
        let of_cost = now.saturating_duration_since(begun).saturating_mul(PAUSE_SHARE);
        self.pause = of_pace.max(of_cost).clamp(PAUSE_MIN, PAUSE_MAX);
        (self.published, self.heard, self.due) = (Some(now), 0, None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When what comes at these moments is published, in microseconds; publishing takes so many.
    fn published(takes: u64, moments: impl Iterator<Item = u64>) -> Vec<u64> {
        let begin = Instant::now();
        let (mut gathering, mut all) = (Gathering::default(), Vec::new());
        let mut publish_by = |gathering: &mut Gathering, now: Instant| {
            if let Some(due) = gathering.due().filter(|due| *due <= now) {
                gathering.published(due, due + Duration::from_micros(takes));
                all.push(u64::try_from((due - begin).as_micros()).unwrap());
            }
        };
        for moment in moments {
            let now = begin + Duration::from_micros(moment);
            publish_by(&mut gathering, now);
            gathering.heard(now);
            publish_by(&mut gathering, now);
        }
        publish_by(&mut gathering, begin + Duration::from_secs(3600));
        all
    }

    #[test]
    fn what_comes_alone_is_published_at_once() {
        let moments = [0, 5_000, 6_500, 9_000, 100_000];
        assert_eq!(published(0, moments.into_iter()), moments);
        assert_eq!(published(0, [0, 400].into_iter()), [0, 1_000], "the second follows soon");
        assert_eq!(published(200, [0, 1_000].into_iter()), [0, 2_000], "as soon as it may");
    }

    #[test]
    fn what_comes_faster_and_faster_is_published_together() {
        let second = 1_000_000;
        let often = published(300, (0..10 * second).step_by(1_000));
        let late = often.iter().filter(|at| **at >= second).count();
        assert!((170..200).contains(&late), "{late} versions of 9,000 changes in 9 s");
        // A burst is over soon.
        let burst = published(300, (0..10_000).map(|number| number * 10));
        assert!(burst.len() < 10, "{burst:?}");
        assert!(*burst.last().unwrap() < 100_000 + 50_000, "{burst:?}");
        // Who is slow again waits no longer than at first.
        let slow_again = (0..1_000).map(|number| number * 100).chain((1..20).map(|number| number * 200_000));
        let all = published(300, slow_again);
        assert_eq!(all[all.len() - 10..], (10..20).map(|number| number * 200_000).collect::<Vec<_>>());
    }
}
