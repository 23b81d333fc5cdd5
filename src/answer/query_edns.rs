//! Reads what a query says behind its question: EDNS, its options, a transaction signature. HOT.
//!
//! Refuses what is not well formed. `decision`, `opt` and `tsig` act on what is read.

use super::tsig::{Tsig, read_tsig};
use crate::dns::Rtype;
use crate::dns::edns::{Edns, Options, option};
use crate::dns::message::{Extra, Header};

/// Options that few queries have, together: one look says that there are none.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Wants(u8);

impl Wants {
    /// None.
    pub(super) const NOTHING: Wants = Wants(0);
    /// The name server identifier (RFC 5001).
    pub(super) const NSID: Wants = Wants(1);
    /// A response as padded as the query (RFC 7830).
    pub(super) const PADDING: Wants = Wants(2);
    /// How long the zone holds (RFC 7314).
    pub(super) const EXPIRE: Wants = Wants(4);
    /// An answer for the clients of a network (RFC 7871).
    pub(super) const CLIENT_SUBNET: Wants = Wants(8);

    #[inline]
    fn add(&mut self, other: Wants) {
        self.0 |= other.0;
    }

    /// Takes the other one away.
    pub(super) fn remove(&mut self, other: Wants) {
        self.0 &= !other.0;
    }

    /// Whether the other one is among these.
    #[inline]
    pub(super) fn has(self, other: Wants) -> bool {
        self.0 & other.0 != 0
    }
}

/// The EDNS of a query, and its transaction signature.
#[derive(Default)]
pub(super) struct QueryEdns<'q> {
    /// The OPT record.
    pub(super) opt: Option<Edns<'q>>,
    /// The cookie option, as it came.
    pub(super) cookie: Option<&'q [u8]>,
    /// The cookie is one that we made for this client lately.
    pub(super) cookie_is_ours: bool,
    pub(super) wants: Wants,
    pub(super) tsig: Option<Tsig<'q>>,
}

impl<'q> QueryEdns<'q> {
    /// Reads the records behind the question. None when they are not well formed.
    #[inline]
    pub(super) fn read(&mut self, header: &Header, rest: &'q [u8]) -> Option<()> {
        let [_, counts @ ..] = header.counts;
        // A lone OPT record without options: what nearly every resolver sends.
        if let (&[0, 0, 41, p0, p1, _, version, flags, _, 0, 0], [0, 0, 1]) = (rest, counts) {
            let payload = u16::from_be_bytes([p0, p1]);
            self.opt = Some(Edns { payload, extended_rcode: 0, version, flags, options: &[] });
            return Some(());
        }
        self.read_records(counts, rest)
    }

    /// The same for any records.
    fn read_records(&mut self, counts: [u16; 3], mut rest: &'q [u8]) -> Option<()> {
        let [answers, authorities, additionals] = counts.map(u32::from);
        let before = answers.saturating_add(authorities);
        let all = before.saturating_add(additionals);
        for index in 0..all {
            let whole = rest;
            let (extra, after) = Extra::read(rest)?;
            rest = after;
            if extra.rtype == Rtype::OPT {
                // At most one, in the additional section (RFC 6891, section 6.1.1).
                if index < before || self.opt.is_some() {
                    return None;
                }
                self.read_options(&extra)?;
            } else if extra.rtype == Rtype::TSIG {
                // Last of all (RFC 8945, section 5.1).
                if index < before || index.saturating_add(1) != all {
                    return None;
                }
                self.tsig = Some(read_tsig(whole, &extra)?);
            }
        }
        Some(())
    }

    #[inline]
    fn read_options(&mut self, extra: &Extra<'q>) -> Option<()> {
        let opt = Edns::of(extra)?;
        for one in Options::new(opt.options) {
            match one.ok()? {
                (option::NSID, _) => self.wants.add(Wants::NSID),
                (option::PADDING, _) => self.wants.add(Wants::PADDING),
                (option::EXPIRE, _) => self.wants.add(Wants::EXPIRE),
                (option::CLIENT_SUBNET, _) => self.wants.add(Wants::CLIENT_SUBNET),
                (option::COOKIE, value) => self.cookie = self.cookie.or(Some(value)),
                _ => {}
            }
        }
        self.opt = Some(opt);
        Some(())
    }

    /// The value of the client subnet option, as it came.
    pub(super) fn client_subnet(&self) -> Option<&'q [u8]> {
        self.opt.as_ref()?.option(option::CLIENT_SUBNET)
    }

    /// Whether there is a cookie, of a length that cookies have: a client's alone, or with a server's (RFC
    /// 7873, section 5.2.2).
    #[inline]
    pub(super) fn has_sound_cookie(&self) -> bool {
        self.cookie.is_some_and(|cookie| matches!(cookie.len(), 8 | 16..=40))
    }
}
