//! Pools that keys make: what guards the records of an owner.
//!
//! Responsible for what a value of that kind gives. How its text is read is said from above: it has the keys of the config
//! file, which this room does not know.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use crate::zone::{GuardTemplate, PoolSettings};

/// What guards the records of an owner, and how an answer is chosen among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guards {
    /// What must pass.
    pub guards: Vec<GuardTemplate>,
    /// How an answer is chosen.
    pub choice: PoolSettings,
}

/// Reads the text of a pool.
pub trait ReadPool: Any + fmt::Debug + Send + Sync {
    /// What it says.
    ///
    /// # Errors
    ///
    /// When it makes no sense, with the place in the text.
    fn read(&self, text: &[u8]) -> Result<Guards, String>;

    /// Whether another reader reads the same from each text.
    fn is_same(&self, other: &dyn ReadPool) -> bool;
}

/// How texts of pools are read.
#[derive(Clone, Debug, Default)]
pub struct PoolReader(Option<Arc<dyn ReadPool>>);

impl PoolReader {
    /// Not at all.
    pub const fn none() -> PoolReader {
        PoolReader(None)
    }

    /// By this.
    pub fn new(reader: impl ReadPool) -> PoolReader {
        PoolReader(Some(Arc::new(reader)))
    }

    pub(super) fn read(&self, text: &[u8]) -> Result<Guards, String> {
        self.0.as_ref().ok_or("no pools are made here")?.read(text)
    }
}

impl PartialEq for PoolReader {
    fn eq(&self, other: &PoolReader) -> bool {
        match (&self.0, &other.0) {
            (Some(one), Some(other)) => one.is_same(&**other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        }
    }
}

impl Eq for PoolReader {}
