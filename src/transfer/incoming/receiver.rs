//! A transfer as it comes in, message by message.
//!
//! ```text
//!   AXFR    SOA, records …, SOA                                      whole
//!   IXFR    SOA                                                      as it is
//!           SOA, record that is no SOA …, SOA                        whole
//!           SOA(new), [SOA(old), gone …, SOA(next), come …]…, SOA(new)   changes
//! ```
//!
//! Decides what each record means (RFC 5936, section 2.2; RFC 1995, section 4) and where the transfer ends. One that
//! breaks off earlier is discarded. Pure: bytes in, a zone or changes out.

use super::fault::TransferFault;
use super::message::{ExpectedResponse, MessagePlace, ReceivedRecord, TransferMessage};
use super::whole::{LuaRecords, Whole};
use crate::dns::{Name, Rtype, Ttl};
use crate::source::{Origin, Span};
use crate::transfer::condenser::Condenser;
use crate::transfer::soa::{Soa, is_newer};

/// What was asked of a primary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransferQuery {
    /// The zone.
    pub apex: Name,
    /// The id of the query.
    pub id: u16,
    /// The serial of the version to which changes were asked for; none: the whole zone was.
    pub base: Option<u32>,
    /// The serial that what comes must be behind; none: any is taken.
    pub newer_than: Option<u32>,
    /// What becomes of LUA records.
    pub lua: LuaRecords,
    /// How much memory it may take, in bytes; it may also not have more bytes than this.
    pub bytes_max: u64,
    /// Where the records come from.
    pub origin: Origin,
    /// Where faults of LUA records are told, for want of a place of their own.
    pub span: Span,
}

/// How far a transfer has come.
pub enum TransferProgress {
    /// There is more to come.
    More(Receiver),
    /// It has ended, and is sound.
    Done {
        /// The SOA record that begins and ends it.
        soa: Soa,
        /// What was sent.
        received: Received,
    },
}

/// What a primary has sent.
pub enum Received {
    /// There is nothing newer there.
    Nothing,
    /// The whole zone.
    Whole(Box<Whole>),
    /// What leads to the new version, to be put in order.
    Changes(Box<Condenser>),
}

/// A transfer that has not ended.
pub struct Receiver {
    asked: TransferQuery,
    place: MessagePlace,
    bytes: u64,
    state: State,
}

/// The first SOA record.
struct First {
    soa: Soa,
    rdata: Vec<u8>,
    ttl: Ttl,
}

/// What has come so far.
enum State {
    /// Nothing.
    Begin,
    /// A SOA record, of whatever.
    Opened(First),
    /// Records of the whole zone.
    Whole(First, Box<Whole>),
    /// Records that go, from this serial on.
    Removing(First, Box<Condenser>),
    /// Records that come, up to this serial.
    Adding(First, Box<Condenser>, u32),
    /// All of it.
    Ended(First, Received),
}

impl Receiver {
    /// Nothing has come yet.
    pub fn new(asked: TransferQuery) -> Receiver {
        Receiver { asked, place: MessagePlace::First, bytes: 0, state: State::Begin }
    }

    /// Takes in the next message of the connection.
    ///
    /// # Errors
    ///
    /// When it is not what a primary may send. Nothing of the transfer is of use then.
    pub fn take(mut self, message: &[u8]) -> Result<TransferProgress, TransferFault> {
        self.bytes = self.bytes.saturating_add(message.len() as u64);
        if self.bytes > self.asked.bytes_max {
            return Err(TransferFault::TooLarge(self.asked.bytes_max));
        }
        let qtype = if self.asked.base.is_some() { Rtype::IXFR } else { Rtype::AXFR };
        let wanted = ExpectedResponse { id: self.asked.id, apex: self.asked.apex.as_ref(), qtype };
        let read = TransferMessage::read(message, &wanted, self.place)?;
        let mut state = std::mem::replace(&mut self.state, State::Begin);
        let mut is_empty = true;
        read.each(self.asked.apex.as_ref(), |sent| {
            is_empty = false;
            let before = std::mem::replace(&mut state, State::Begin);
            state = before.after(sent, &self.asked)?;
            state.must_fit(self.asked.bytes_max)
        })?;
        if is_empty {
            return Err(TransferFault::Empty);
        }
        self.place = MessagePlace::Later;
        match state {
            State::Ended(first, received) => Ok(TransferProgress::Done { soa: first.soa, received }),
            State::Opened(first) if self.asked.base.is_some_and(|base| !is_newer(first.soa.serial, base)) => {
                Ok(TransferProgress::Done { soa: first.soa, received: Received::Nothing })
            }
            state => Ok(TransferProgress::More(Receiver { state, ..self })),
        }
    }
}

impl State {
    /// Whether changes take no more memory than they may; the whole zone sees to that itself.
    fn must_fit(&self, bytes_max: u64) -> Result<(), TransferFault> {
        let bytes = match self {
            State::Removing(_, changes) | State::Adding(_, changes, _) => changes.bytes(),
            State::Begin | State::Opened(_) | State::Whole(..) | State::Ended(..) => 0,
        };
        if bytes > bytes_max { Err(TransferFault::TooLarge(bytes_max)) } else { Ok(()) }
    }

    /// What has come after a record more.
    fn after(self, sent: &ReceivedRecord<'_>, asked: &TransferQuery) -> Result<State, TransferFault> {
        let soa = read_soa(sent, asked)?;
        match (self, soa) {
            (State::Begin, None) => Err(TransferFault::NoSoa),
            (State::Begin, Some(soa)) => {
                // What is asked for changes may say that there are none.
                if asked.base.is_none() {
                    must_be_newer(soa, asked)?;
                }
                Ok(State::Opened(First { soa, rdata: sent.rdata.to_vec(), ttl: sent.ttl }))
            }
            (State::Opened(first), soa) => first.followed_by(sent, soa, asked),
            (State::Whole(first, whole), Some(_)) => {
                first.must_be(sent)?;
                Ok(State::Ended(first, Received::Whole(whole)))
            }
            (State::Whole(first, mut whole), None) => {
                whole.add(sent, asked.lua)?;
                Ok(State::Whole(first, whole))
            }
            (State::Removing(first, mut changes), Some(soa)) => {
                changes.add(sent.to_record())?;
                Ok(State::Adding(first, changes, soa.serial))
            }
            (State::Removing(first, mut changes), None) => {
                must_be_plain(sent)?;
                changes.remove(sent.to_record())?;
                Ok(State::Removing(first, changes))
            }
            (State::Adding(first, changes, serial), Some(_)) if serial == first.soa.serial => {
                first.must_be(sent)?;
                Ok(State::Ended(first, Received::Changes(changes)))
            }
            (State::Adding(first, mut changes, serial), Some(soa)) => {
                if soa.serial != serial {
                    return Err(TransferFault::OtherBase { from: soa.serial, base: serial });
                }
                changes.remove(sent.to_record())?;
                Ok(State::Removing(first, changes))
            }
            (State::Adding(first, mut changes, serial), None) => {
                must_be_plain(sent)?;
                changes.add(sent.to_record())?;
                Ok(State::Adding(first, changes, serial))
            }
            (State::Ended(..), _) => Err(TransferFault::BehindTheEnd),
        }
    }
}

impl First {
    /// What the second record shows: whether changes come or the whole zone.
    fn followed_by(
        self,
        sent: &ReceivedRecord<'_>,
        soa: Option<Soa>,
        asked: &TransferQuery,
    ) -> Result<State, TransferFault> {
        if let (Some(base), Some(soa)) = (asked.base, soa)
            && (soa.serial == base || soa.serial != self.soa.serial)
        {
            if soa.serial != base {
                return Err(TransferFault::OtherBase { from: soa.serial, base });
            }
            if !is_newer(self.soa.serial, base) {
                return Err(TransferFault::BehindTheEnd);
            }
            let mut changes = Box::<Condenser>::default();
            changes.remove(sent.to_record())?;
            return Ok(State::Removing(self, changes));
        }
        must_be_newer(self.soa, asked)?;
        let mut whole = Whole::new(asked.apex.clone(), asked.origin.clone(), asked.span, asked.bytes_max);
        let First { rdata, ttl, .. } = &self;
        whole.add(
            &ReceivedRecord { owner: asked.apex.as_ref(), rtype: Rtype::SOA, ttl: *ttl, rdata },
            LuaRecords::Refuse,
        )?;
        State::Whole(self, Box::new(whole)).after(sent, asked)
    }

    /// Whether a SOA record is this one.
    fn must_be(&self, sent: &ReceivedRecord<'_>) -> Result<(), TransferFault> {
        if sent.rdata == self.rdata { Ok(()) } else { Err(TransferFault::OtherSoa) }
    }
}

/// The SOA record of the zone; none where a record is another one.
fn read_soa(sent: &ReceivedRecord<'_>, asked: &TransferQuery) -> Result<Option<Soa>, TransferFault> {
    if sent.rtype != Rtype::SOA {
        return Ok(None);
    }
    if sent.owner != asked.apex.as_ref() {
        return Err(TransferFault::OutOfZone(sent.owner.to_name()));
    }
    let fault = || TransferFault::Rdata(sent.owner.to_name(), sent.rtype);
    Soa::read(sent.rdata).map(Some).ok_or_else(fault)
}

/// A primary may promise a version and then send an older one: several servers at one address, or a lie.
fn must_be_newer(soa: Soa, asked: &TransferQuery) -> Result<(), TransferFault> {
    match asked.newer_than {
        Some(ours) if !is_newer(soa.serial, ours) => {
            Err(TransferFault::NotNewer { serial: soa.serial, ours })
        }
        Some(_) | None => Ok(()),
    }
}

/// LUA records are read all together: changes of some are no changes of the zone that they make.
fn must_be_plain(sent: &ReceivedRecord<'_>) -> Result<(), TransferFault> {
    if sent.rtype == Rtype::LUA { Err(TransferFault::LuaChanges) } else { Ok(()) }
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests;
