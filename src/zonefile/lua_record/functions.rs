//! How the call of each function is read.

use super::meaning::Meaning;
use super::names::Function;
use super::pickers::Weighing;
use super::reader::Reader;
use crate::lua::Call;
use crate::zone::LuaForm;

impl<'r> Reader<'r, '_> {
    /// Reads the arguments of a call.
    pub(super) fn read_call(&mut self, function: Function, call: &'r Call) -> Option<Meaning> {
        match function {
            Function::IfPortUp => self.if_port_up(call),
            Function::IfUrlUp => self.if_url_up(call),
            Function::IfUrlExtUp => self.if_url_ext_up(call),
            Function::All => self.all(call),
            Function::Choose(selector) => match selector.entry().lua_function?.form {
                LuaForm::Values => self.pick(call, selector),
                LuaForm::Sample => self.pick_sample(call),
                LuaForm::Weighted { sum_max, place } => {
                    self.pick_weighted(call, &Weighing { selector, sum_max, place })
                }
                LuaForm::Probed => self.pick_self_weighted(call, selector),
            },
            Function::PickClosest => self.pick_closest(call),
            Function::View => self.view(call),
            Function::CreateForward(family) => self.create_forward(call, family),
            Function::CreateReverse(family) => self.create_reverse(call, family),
            Function::FilterForward => self.filter_forward(call),
            Function::NewNetworkGroup => self.misplaced_network_group(call),
        }
    }
}
