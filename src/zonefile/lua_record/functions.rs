//! How the call of each function is read.

use super::meaning::Meaning;
use super::names::Function;
use super::reader::Reader;
use crate::lua::Call;

impl<'r> Reader<'r, '_> {
    /// Reads the arguments of a call.
    pub(super) fn read_call(&mut self, function: Function, call: &'r Call) -> Option<Meaning> {
        match function {
            Function::IfPortUp => self.if_port_up(call),
            Function::IfUrlUp => self.if_url_up(call),
            Function::IfUrlExtUp => self.if_url_ext_up(call),
            Function::All => self.all(call),
            Function::Pick(selector) => self.pick(call, selector),
            Function::PickSample => self.pick_sample(call),
            Function::PickWeighted(selector) => self.pick_weighted(call, selector),
            Function::PickClosest => self.pick_closest(call),
            Function::PickSelfWeighted => self.pick_self_weighted(call),
            Function::View => self.view(call),
        }
    }
}
