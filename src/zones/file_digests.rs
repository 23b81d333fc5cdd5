//! The files that were read, each with the digest of its text.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::source::Digest;

/// Files, each with the digest of what was read there; none where it could not be read.
pub type FileDigests = BTreeMap<PathBuf, Option<Digest>>;
