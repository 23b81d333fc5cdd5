//! Bearer tokens, which only an encrypted connection may carry (RFC 6750).

use std::path::{self, PathBuf};

use hyper::header::HeaderValue;

use crate::tls::{FileError, FileFault, read_file};

/// What is wrong with a file that holds no token: it is empty, or has what cannot stand in an HTTP header.
const NO_TOKEN: FileFault = FileFault::Useless { why: "no token is in it" };

/// A file that held a bearer token (RFC 6750) when the configuration was read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Token(PathBuf);

impl Token {
    /// Looks into the file at `path`.
    ///
    /// # Errors
    ///
    /// When there is no token in it.
    pub fn new(path: PathBuf) -> Result<Self, FileError> {
        let token = Token(path);
        token.read().map(|_| token)
    }

    pub(super) fn path(&self) -> &path::Path {
        &self.0
    }

    /// The value of the header `Authorization`.
    pub(super) fn read(&self) -> Result<HeaderValue, FileError> {
        let content = read_file(&self.0)?;
        let bad = || NO_TOKEN.of(&self.0);
        let token = content.trim_ascii();
        if token.is_empty() {
            return Err(bad());
        }
        let value = HeaderValue::from_bytes(&[b"Bearer ", token].concat());
        let mut value = value.map_err(|_| bad())?;
        value.set_sensitive(true);
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(content: &[u8]) -> Result<HeaderValue, FileFault> {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), content).unwrap();
        let token = Token::new(file.path().to_owned()).map_err(|error| error.fault)?;
        token.read().map_err(|error| error.fault)
    }

    #[test]
    fn a_token_is_sent_without_the_line_end_of_its_file() {
        assert_eq!(token(b"abc.def\n").unwrap(), "Bearer abc.def");
    }

    #[test]
    fn a_file_without_a_token_is_refused() {
        assert_eq!(token(b" \n"), Err(NO_TOKEN));
        assert_eq!(token(b"abc\ndef"), Err(NO_TOKEN));
    }

    #[test]
    fn a_token_is_not_shown() {
        assert_eq!(format!("{:?}", token(b"abc").unwrap()), "Sensitive");
    }
}
