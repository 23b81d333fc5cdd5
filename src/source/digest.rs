//! The digest of a text: whether a file is still what was read.
//!
//! Responsible for a cheap digest, of bytes in memory or of a file piece by
//! piece.
//! Not responsible for attackers: who can write the file needs no collision.

use std::fs::File;
use std::hash::Hasher;
use std::io::{self, Read};
use std::path::Path;
use std::str::FromStr;

use siphasher::sip128::{Hasher128, SipHasher13};

/// Bytes that are read at a time, so that a large file costs no memory.
const PIECE_BYTES: usize = 1 << 16;

/// 128 bits that two texts share by chance only. The same in every process, so
/// that it can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(u128);

impl Digest {
    /// Of these bytes.
    pub fn of(bytes: &[u8]) -> Digest {
        let mut digesting = Digesting::default();
        digesting.take(bytes);
        digesting.finish()
    }

    /// Of a regular file, or of what a link to one leads to.
    ///
    /// # Errors
    ///
    /// Those of the file system; [`io::ErrorKind::InvalidInput`] for what is no
    /// regular file, which is not opened: a pipe would wait for a writer.
    pub fn of_file(path: &Path) -> io::Result<Digest> {
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let mut digesting = Digesting::default();
        let mut file = File::open(path)?;
        let mut piece = vec![0; PIECE_BYTES];
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok(digesting.finish()),
                Ok(len) => digesting.take(piece.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
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
        let bytes: Vec<u8> = (0..3 * PIECE_BYTES + 7).map(|at| u8::try_from(at % 251).unwrap()).collect();
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
