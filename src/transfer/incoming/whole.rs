//! Collects the records of a whole zone, within its memory limit. `receiver` checks their order.

use std::net::IpAddr;
use std::sync::Arc;

use super::fault::TransferFault;
use super::message::ReceivedRecord;
use crate::dns::{Name, Rtype};
use crate::source::{Diagnostic, Diagnostics, Origin, Span};
use crate::zone::{Apexes, Builder, Guarding, MemoryLimit, Zone};
use crate::zonefile::{self, SentLua};

/// What becomes of LUA records that a primary sends. They name what is probed from here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LuaRecords {
    /// The transfer is refused.
    #[default]
    Refuse,
    /// They are read as in a zone file: what they test is probed here.
    Accept,
}

/// A zone that has been sent as a whole.
pub struct Whole {
    builder: Builder,
    lua: Vec<SentLua>,
    origin: Origin,
    span: Span,
    bytes_max: u64,
}

impl Whole {
    /// Nothing has come yet. The zone may take `bytes_max` bytes of memory; its records come from `origin`, and faults
    /// of LUA records are told at `span`.
    pub(super) fn new(apex: Name, origin: Origin, span: Span, bytes_max: u64) -> Whole {
        let mut builder = Builder::new(apex, span);
        builder.set_memory_limit(Some(MemoryLimit::Bytes(bytes_max)));
        Whole { builder, lua: Vec::new(), origin, span, bytes_max }
    }

    /// Takes in a record.
    pub(super) fn add(&mut self, sent: &ReceivedRecord<'_>, lua: LuaRecords) -> Result<(), TransferFault> {
        let added = match (sent.rtype, lua) {
            (Rtype::LUA, LuaRecords::Refuse) => return Err(TransferFault::Lua(sent.owner.to_name())),
            (Rtype::LUA, LuaRecords::Accept) => self.add_lua(sent)?,
            _ => self.builder.add(sent.owner, sent.rtype, sent.ttl, sent.rdata, &self.origin),
        };
        added.map_err(|fault| self.fault(fault))
    }

    fn add_lua(&mut self, sent: &ReceivedRecord<'_>) -> Result<Result<(), Diagnostic>, TransferFault> {
        let Some(lua) = SentLua::read(sent.owner.to_name(), sent.ttl, sent.rdata) else {
            return Err(TransferFault::Rdata(sent.owner.to_name(), sent.rtype));
        };
        self.lua.push(lua);
        Ok(self.builder.count_code(sent.rdata.len() as u64, self.span))
    }

    fn fault(&self, fault: Diagnostic) -> TransferFault {
        if self.builder.is_over_memory_limit() {
            return TransferFault::TooLarge(self.bytes_max);
        }
        TransferFault::Refused(fault.message)
    }

    /// The zone, if the rules between records hold; else `found` says why not. LUA records become pools, and
    /// `guards` are put on plain records.
    pub fn finish(
        self,
        settings: &zonefile::Settings,
        guards: &[Guarding],
        own: Vec<IpAddr>,
        apexes: Arc<Apexes>,
        found: &mut Diagnostics,
    ) -> Option<Zone> {
        let Whole { mut builder, lua, span, .. } = self;
        // What is made of LUA records was counted with their code.
        builder.set_memory_limit(None);
        zonefile::read_sent_lua(lua, span, &mut builder, settings, found);
        builder.set_own_addresses(own);
        builder.set_apexes(apexes);
        guards.iter().cloned().for_each(|guarding| builder.guard(guarding));
        builder.finish(found)
    }
}
