//! The digest of a text, which tells whether a file still holds what was read.
//!
//! Cheap rather than safe from attackers: whoever can write the file needs no collision.

use std::hash::Hasher;
use std::io;
use std::path::Path;
use std::str::FromStr;

use siphasher::sip128::{Hasher128, SipHasher13};

use super::patience::{open_regular, patiently, patiently_for, pieces, wait_for_bytes};
use super::span::TEXT_BYTES_MAX;

/// 128 bits that two texts share by chance only. The same in every process, so that it can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(u128);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        let mut digesting = Digesting::default();
        digesting.take(bytes);
        digesting.finish()
    }

    /// The same as bytes.
    pub fn bytes(self) -> [u8; 16] {
        self.0.to_be_bytes()
    }

    /// What [`Digest::bytes`] gave.
    pub fn from_bytes(bytes: [u8; 16]) -> Digest {
        Digest(u128::from_be_bytes(bytes))
    }

    /// Of a regular file, or of what a link to one leads to.
    ///
    /// # Errors
    ///
    /// Those of the file system; [`io::ErrorKind::InvalidInput`] for what is no regular file, which is not
    /// opened: a pipe would wait for a writer;
    /// [`io::ErrorKind::FileTooLarge`] for one that is longer than any text,
    /// which is not read; [`io::ErrorKind::TimedOut`] for one that does not come.
    pub fn of_file(path: &Path) -> io::Result<Digest> {
        Digest::of_file_with(path, |_| true).map(|digest| digest.unwrap_or(Digest::of(b"")))
    }

    /// Of a regular file whose length `wanted` takes; none of another one, which is not read then.
    ///
    /// # Errors
    ///
    /// As [`Digest::of_file`].
    pub(super) fn of_file_with(path: &Path, wanted: impl FnOnce(u64) -> bool) -> io::Result<Option<Digest>> {
        let named = path.to_owned();
        let (mut file, meta) = patiently(path, move |_| open_regular(&named))?;
        let bytes = meta.len();
        if bytes > TEXT_BYTES_MAX {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        if !wanted(bytes) {
            return Ok(None);
        }
        patiently_for(path, wait_for_bytes(bytes), move |left| {
            let mut digesting = Digesting::default();
            pieces(&mut file, TEXT_BYTES_MAX, left, |piece| {
                digesting.take(piece);
                Ok(())
            })?;
            Ok(Some(digesting.finish()))
        })
    }
}

/// 32 hexadecimal digits.
impl std::fmt::Display for Digest {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl FromStr for Digest {
    type Err = std::num::ParseIntError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        u128::from_str_radix(text, 16).map(Digest)
    }
}

/// A digest of bytes that come in pieces; how they are cut makes no difference.
#[derive(Clone, Debug, Default)]
pub struct Digesting(SipHasher13);

impl Digesting {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &[u8]) {
        self.0.write(piece);
    }

    /// The digest of all pieces.
    pub fn finish(&self) -> Digest {
        Digest(self.0.finish128().as_u128())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_digest_of_its_bytes_however_they_are_cut() {
        let bytes: Vec<u8> = (0..200_003_u32).map(|at| u8::try_from(at % 251).unwrap()).collect();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(Digest::of_file(&path).unwrap(), Digest::of(&bytes));
        let mut digesting = Digesting::default();
        bytes.chunks(5).for_each(|piece| digesting.take(piece));
        assert_eq!(digesting.finish(), Digest::of(&bytes));
    }

    #[test]
    fn one_bit_makes_another_digest_and_what_is_shown_is_read_again() {
        let digest = Digest::of(b"edgedns");
        assert_ne!(digest, Digest::of(b"edgednr"));
        assert_ne!(Digest::of(b""), Digest::of(b"\0"));
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn what_is_no_file_has_no_digest() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Digest::of_file(folder.path()).unwrap_err().kind(), io::ErrorKind::InvalidInput);
        let missing = folder.path().join("missing");
        assert_eq!(Digest::of_file(&missing).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
