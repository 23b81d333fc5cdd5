//! Why something that goes on beside the loop cannot be done now.
//!
//! Has one text that the job writes and the status reads.

use crate::sync::lock;
use std::sync::{Arc, Mutex};

/// Why it could not be done the last time; none: it could. Clones are the same one.
#[derive(Clone, Debug, Default)]
pub struct LastFault(Arc<Mutex<Option<String>>>);

impl LastFault {
    /// The fault; none: it could be done the last time.
    pub fn get(&self) -> Option<String> {
        lock(&self.0).clone()
    }

    /// Remembers how it went this time.
    pub fn set(&self, fault: Option<String>) {
        *lock(&self.0) = fault;
    }
}
