//! LUA records as PowerDNS sends them: RDATA in wire form.
//!
//! ```text
//!   type (two bytes), then the code as character strings: "ifportup(6443, {'192.0.2.1',", "'192.0.2.2'})"
//! ```
//!
//! Not responsible for what the code means.

use crate::dns::{Name, Rtype, Ttl};
use crate::lua::{Chunk, Code};
use crate::source::Span;

/// A LUA record that another server has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SentLua {
    pub(super) owner: Name,
    /// The type it answers.
    pub(super) inner: Rtype,
    pub(super) ttl: Ttl,
    pieces: Vec<Box<[u8]>>,
}

impl SentLua {
    /// Takes RDATA apart; none where it has not this form.
    pub fn read(owner: Name, ttl: Ttl, rdata: &[u8]) -> Option<SentLua> {
        let (inner, mut rest) = rdata.split_first_chunk::<2>()?;
        let mut pieces = Vec::new();
        while let Some((length, behind)) = rest.split_first() {
            let (piece, behind) = behind.split_at_checked(usize::from(*length))?;
            pieces.push(piece.into());
            rest = behind;
        }
        (!pieces.is_empty()).then_some(SentLua {
            owner,
            inner: Rtype(u16::from_be_bytes(*inner)),
            ttl,
            pieces,
        })
    }

    /// Its code, all of which is at `span`.
    pub(super) fn code(&self, span: Span) -> Code {
        let chunks = self.pieces.iter().map(|piece| Chunk { text: piece, span, quoted: true });
        let chunks: Vec<Chunk<'_>> = chunks.collect();
        Code::join(&chunks)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    fn read(rdata: &[u8]) -> Option<SentLua> {
        SentLua::read("api.lab.example.".parse().unwrap(), Ttl::default(), rdata)
    }

    #[test]
    fn pieces_are_joined_as_powerdns_joins_them() {
        let sent = read(b"\x00\x01\x0difportup(443,\x0f{'192.0.2.1'} )").unwrap();
        assert_eq!(sent.inner, Rtype::A);
        let span = Span::new(Sources::default().add("edgedns.toml", b"example".to_vec()), 0, 7);
        assert_eq!(sent.code(span).text(), "ifportup(443,{'192.0.2.1'} )");
    }

    #[test]
    fn what_ends_early_or_has_no_code_is_none() {
        for rdata in [&b""[..], b"\x00", b"\x00\x01", b"\x00\x01\x05abc"] {
            assert_eq!(read(rdata), None, "{rdata:?}");
        }
    }
}
