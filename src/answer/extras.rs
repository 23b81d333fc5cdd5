//! What a query says behind its question. HOT.
//!
//! Responsible for reading EDNS, its options and a transaction signature, and
//! for refusing what is not well formed.
//! Not responsible for what is made of it: that is `respond`, `opt` and `tsig`.

use super::tsig::{Tsig, read_tsig};
use crate::dns::Rtype;
use crate::dns::edns::{Edns, Options, option};
use crate::dns::message::{Extra, Header};

/// What is read of a query behind its question.
#[derive(Default)]
pub(super) struct Extras<'q> {
    pub(super) edns: Option<Edns<'q>>,
    pub(super) cookie: Option<&'q [u8]>,
    /// The cookie is one we made for this client lately.
    pub(super) cookie_is_ours: bool,
    pub(super) wants_nsid: bool,
    pub(super) tsig: Option<Tsig<'q>>,
}

/// Reads the records behind the question. None when they are not well formed.
#[inline]
pub(super) fn read_extras<'q>(header: &Header, rest: &'q [u8], extras: &mut Extras<'q>) -> Option<()> {
    let [_, behind @ ..] = header.counts;
    // A lone OPT record without options: what nearly every resolver sends.
    if let (&[0, 0, 41, p0, p1, _, version, flags, _, 0, 0], [0, 0, 1]) = (rest, behind) {
        let payload = u16::from_be_bytes([p0, p1]);
        extras.edns = Some(Edns { payload, extended_rcode: 0, version, flags, options: &[] });
        return Some(());
    }
    read_every(behind, rest, extras)
}

/// The same for any records.
fn read_every<'q>(counts: [u16; 3], mut rest: &'q [u8], extras: &mut Extras<'q>) -> Option<()> {
    let [answers, authorities, additionals] = counts.map(u32::from);
    let before = answers.saturating_add(authorities);
    let all = before.saturating_add(additionals);
    for index in 0..all {
        let whole = rest;
        let (extra, after) = Extra::read(rest)?;
        rest = after;
        if extra.rtype == Rtype::OPT {
            // At most one, in the additional section (RFC 6891, section 6.1.1).
            if index < before || extras.edns.is_some() {
                return None;
            }
            read_options(&extra, extras)?;
        } else if extra.rtype == Rtype::TSIG {
            // Last of all (RFC 8945, section 5.1).
            if index < before || index.saturating_add(1) != all {
                return None;
            }
            extras.tsig = Some(read_tsig(whole, &extra)?);
        }
    }
    Some(())
}

#[inline]
fn read_options<'q>(extra: &Extra<'q>, extras: &mut Extras<'q>) -> Option<()> {
    let edns = Edns::of(extra)?;
    for one in Options::new(edns.options) {
        match one.ok()? {
            (option::NSID, _) => extras.wants_nsid = true,
            (option::COOKIE, value) => extras.cookie = extras.cookie.or(Some(value)),
            _ => {}
        }
    }
    extras.edns = Some(edns);
    Some(())
}
