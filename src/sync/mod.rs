//! Locks that are used on after a panic, values behind them, and work that several threads share.
//!
//! A thread that panics while it holds a lock poisons it. Every holder in this program leaves the value
//! whole, so that the others go on with it.

mod parallel;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use parallel::in_parallel;

/// Locks a mutex, poisoned or not.
pub fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A value that one task changes and others look at. Clones are the same one.
#[derive(Debug, Default)]
pub struct Shared<T>(Arc<Mutex<T>>);

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared(Arc::clone(&self.0))
    }
}

impl<T: Clone> Shared<T> {
    /// The value as it is now.
    pub fn get(&self) -> T {
        lock(&self.0).clone()
    }

    /// Changes it.
    pub fn change(&self, change: impl FnOnce(&mut T)) {
        change(&mut lock(&self.0));
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_panic_of_a_holder_does_not_keep_the_others_out() {
        let mutex = Arc::new(Mutex::new(1));
        let held = Arc::clone(&mutex);
        let panicked = thread::spawn(move || {
            let _guard = lock(&held);
            panic!("while it is held");
        });
        assert!(panicked.join().is_err());
        assert_eq!(*lock(&mutex), 1);
    }
}
