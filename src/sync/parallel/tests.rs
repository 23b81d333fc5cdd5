//! What is made at once is made once each, by several threads.

use std::sync::{Condvar, Mutex};
use std::time::Duration;

use super::*;

/// Longest wait for another thread, which takes none when it is there.
const WAIT_MAX: Duration = Duration::from_secs(20);

#[test]
fn what_is_made_at_once_is_made_once_each_and_by_several_threads() {
    let there = (Mutex::new(0), Condvar::new());
    let made = in_parallel("test", 4, &[1, 2, 3, 4, 5, 6, 7], |&item| {
        let mut count = there.0.lock().unwrap();
        *count += 1;
        there.1.notify_all();
        // Nobody comes back before there are four.
        let (_count, late) = there.1.wait_timeout_while(count, WAIT_MAX, |count| *count < 4).unwrap();
        assert!(!late.timed_out(), "nobody else is there");
        item
    });
    let sum: i32 = made.iter().sum();
    assert_eq!((made.len(), sum), (7, 28));
}

#[test]
fn a_panic_over_one_item_is_passed_on_when_the_others_are_done() {
    let done = AtomicUsize::new(0);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        in_parallel("test", 2, &[0, 1, 2, 3, 4, 5], |&item| {
            assert!(item != 0, "a fault of ours");
            done.fetch_add(1, Ordering::Relaxed)
        })
    }));
    assert!(panicked.is_err());
    assert_eq!(done.load(Ordering::Relaxed), 5);
}
