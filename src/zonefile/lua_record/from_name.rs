//! The functions whose answer is made from the name that is asked: `createForward`, `createReverse` and their kin.
//!
//! Reads their arguments. What they answer is in `zone::Computed`.

use std::net::IpAddr;
use std::sync::Arc;

use super::meaning::{Constant, Meaning};
use super::names::{self, Function};
use super::reader::Reader;
use super::shown::shown;
use crate::dns::{Name, NameRef, Rtype};
use crate::lua::{Call, Expr, ExprKind};
use crate::source::Diagnostic;
use crate::zone::{
    AddressFamily, AddressFilter, Computed, ComputedAddress, ComputedHost, Fallback, FilterRule, HostFormat,
    Member, Network, Pool, Selector,
};

/// Most networks that an address is looked for in: each query goes through them.
const NETWORKS_MAX: usize = 1_000;

/// Most addresses with host names of their own.
const EXCEPTIONS_MAX: usize = 10_000;

impl<'r> Reader<'r, '_> {
    /// `createForward()`, `createForward6()`: the address in the name.
    pub(super) fn create_forward(&mut self, call: &'r Call, family: AddressFamily) -> Option<Meaning> {
        let made = self.forward(call, family)?;
        Some(self.computed(Computed::Address(made)))
    }

    /// `filterForward(address, newNMG{networks} [, fallback])`: the address, if it is in one of the networks.
    pub(super) fn filter_forward(&mut self, call: &'r Call) -> Option<Meaning> {
        let family = self.must_answer_addresses(call)?;
        let [address, networks, rest @ ..] = call.arguments.as_slice() else {
            let message =
                "`filterForward` takes an address and networks: createForward(), newNMG{'192.0.2.0/24'}";
            self.error(call.function.span, message);
            return None;
        };
        if let Some(surplus) = rest.get(1) {
            self.error(
                surplus.span,
                "`filterForward` takes three arguments at most: address, networks, fallback",
            );
            return None;
        }
        let rules = self.network_group(networks);
        let fallback = match rest.first() {
            Some(fallback) => self.fallback(fallback, family),
            None => Some(Fallback::Address(family.unspecified())),
        };
        let address = self.scope.resolve(address);
        if let ExprKind::Call(inner) = &address.kind
            && let Some(Function::CreateForward(made_of)) = names::function(&inner.function.text)
        {
            let made = self.forward(inner, made_of);
            let (filter, made) = (AddressFilter::new(rules?, fallback?), made?);
            return Some(self.computed(Computed::Address(ComputedAddress { filter: Some(filter), ..made })));
        }
        let address = self.plain_address(address, family, "an address, or `createForward()`");
        let (filter, address) = (AddressFilter::new(rules?, fallback?), address?);
        // What is known now is a record like others.
        Some(match filter.answer(address) {
            Some(answered) => {
                let text = answered.to_string().into_bytes().into_boxed_slice();
                Meaning::Constants(vec![Constant { text, span: call.function.span }])
            }
            None => Meaning::Pool(Pool { selector: Selector::Empty, ..self.pool(vec![Member::at(address)]) }),
        })
    }

    /// `createReverse(format [, exceptions])`, `createReverse6(…)`: a host name for the address that the name stands for.
    pub(super) fn create_reverse(&mut self, call: &'r Call, family: AddressFamily) -> Option<Meaning> {
        let function = &call.function;
        if !matches!(self.inner, Rtype::PTR | Rtype::CNAME) {
            let message =
                format!("`{}` answers names of hosts: type {} is not for them", function.text, self.inner);
            self.found.push(Diagnostic::error(function.span, message).help("write `LUA PTR`"));
            return None;
        }
        let [format, rest @ ..] = call.arguments.as_slice() else {
            let message =
                format!("`{}` takes the form of a host name: '{}.example.com'", function.text, form(family));
            self.error(function.span, message);
            return None;
        };
        if let Some(surplus) = rest.get(1) {
            let message = format!("`{}` takes two arguments at most: form, exceptions", function.text);
            self.error(surplus.span, message);
            return None;
        }
        let format = self.host_format(format, family);
        let exceptions = match rest.first() {
            Some(exceptions) => self.exceptions(exceptions, family),
            None => Some(Box::default()),
        };
        let (format, exceptions) = (format?, exceptions?);
        Some(self.computed(Computed::Host(ComputedHost { family, format, exceptions })))
    }

    /// A value for `filterForward` alone.
    pub(super) fn misplaced_network_group(&mut self, call: &'r Call) -> Option<Meaning> {
        self.error(call.function.span, "`newNMG` is a value for `filterForward`: alone it answers nothing");
        None
    }

    fn computed(&self, computed: Computed) -> Meaning {
        Meaning::Pool(Pool {
            computed: Some(Arc::new(computed)),
            groups: vec![Vec::new()],
            ..self.pool(Vec::new())
        })
    }

    fn forward(&mut self, call: &'r Call, family: AddressFamily) -> Option<ComputedAddress> {
        let name = &call.function.text;
        if let Some(surplus) = call.arguments.first() {
            self.error(surplus.span, format!("`{name}` takes no arguments: it reads the name that is asked"));
            return None;
        }
        let rtype = family.rtype();
        if self.inner != rtype {
            let message =
                format!("`{name}` answers {family} addresses: type {} cannot hold them", self.inner);
            let fault = Diagnostic::error(call.function.span, message);
            self.found.push(fault.help(format!("write `LUA {rtype}`, or `{}()`", other_forward(family))));
            return None;
        }
        let base = self.owner.parent().filter(|_| self.owner.is_wildcard()).map(NameRef::to_name);
        if base.is_none() {
            let message =
                format!("`{name}` reads the labels in place of a wildcard, and `{}` is none", self.owner);
            let zero = family.unspecified();
            self.found.push(
                Diagnostic::error(call.function.span, message)
                    .remark(format!("PowerDNS answers {zero} here, whatever is asked"))
                    .help("give the record an owner such as `*.static`"),
            );
        }
        Some(ComputedAddress { family, base: base?, filter: None })
    }

    /// `newNMG{'192.0.2.0/24', '!192.0.2.1'}`
    fn network_group(&mut self, value: &'r Expr) -> Option<Vec<FilterRule>> {
        const FORM: &str = "networks: newNMG{'192.0.2.0/24'}";
        let value = self.scope.resolve(value);
        let list = match &value.kind {
            ExprKind::Call(call)
                if names::function(&call.function.text) == Some(Function::NewNetworkGroup) =>
            {
                let [list] = call.arguments.as_slice() else {
                    self.error(
                        call.function.span,
                        "`newNMG` takes one list of networks: newNMG{'192.0.2.0/24'}",
                    );
                    return None;
                };
                list
            }
            ExprKind::Table(_) => {
                let fault = Diagnostic::error(value.span, format!("expected {FORM}, found a table"));
                self.found.push(fault.help("write `newNMG` before it: PowerDNS takes nothing else"));
                return None;
            }
            _ => return self.mismatch(value, FORM),
        };
        let (fields, span) = self.table(list, "a list of networks in braces")?;
        if fields.is_empty() || fields.len() > NETWORKS_MAX {
            self.error(span, format!("expected 1 to {NETWORKS_MAX} networks, found {}", fields.len()));
            return None;
        }
        let rules: Vec<Option<FilterRule>> =
            fields.iter().map(|field| self.item(field).and_then(|item| self.filter_rule(item))).collect();
        rules.into_iter().collect()
    }

    fn filter_rule(&mut self, item: &'r Expr) -> Option<FilterRule> {
        let text = self.text(item, "a network in quotes")?;
        let (network, rule): (&str, fn(Network) -> FilterRule) = match text.strip_prefix('!') {
            Some(excepted) => (excepted, FilterRule::Excepted),
            None => (&text, FilterRule::Answered),
        };
        let network = Network::parse(network);
        if network.is_none() {
            let message = format!("`{}` is not a network", shown(text.as_bytes()));
            let help = "write it as '192.0.2.0/24', '2001:db8::/32', or with a `!` in front for what is left out of one";
            self.found.push(Diagnostic::error(item.span, message).help(help));
        }
        network.map(rule)
    }

    fn fallback(&mut self, value: &'r Expr, family: AddressFamily) -> Option<Fallback> {
        let value = self.scope.resolve(value);
        match &value.kind {
            ExprKind::String(text) if text.is_empty() => Some(Fallback::Nothing),
            _ => self.plain_address(value, family, "an address, or '' for no record").map(Fallback::Address),
        }
    }

    /// An address of the record's family.
    fn plain_address(&mut self, value: &'r Expr, family: AddressFamily, wanted: &str) -> Option<IpAddr> {
        let text = self.text(value, wanted)?;
        match text.parse::<IpAddr>().ok().filter(|address| family.has(*address)) {
            Some(address) => Some(address),
            None => {
                let message = format!(
                    "`{}` is not an {family} address, which type {} holds",
                    shown(text.as_bytes()),
                    self.inner
                );
                self.error(value.span, message);
                None
            }
        }
    }

    fn host_format(&mut self, value: &'r Expr, family: AddressFamily) -> Option<HostFormat> {
        let value = self.scope.resolve(value);
        let text = self.text(value, "the form of a host name in quotes")?;
        match HostFormat::parse(&text, family) {
            Ok(format) => Some(format),
            Err(error) => {
                let help = format!("write it as '{}.static.example.com'", form(family));
                let message = format!("`{}` is not the form of a host name: {error}", shown(text.as_bytes()));
                self.found.push(Diagnostic::error(value.span, message).help(help));
                None
            }
        }
    }

    /// `{['192.0.2.1']='host.example.com'}`, in ascending order.
    fn exceptions(&mut self, value: &'r Expr, family: AddressFamily) -> Option<Box<[(IpAddr, Name)]>> {
        const FORM: &str = "addresses with host names: {['192.0.2.1']='host.example.com'}";
        let (fields, span) = self.table(value, FORM)?;
        if fields.len() > EXCEPTIONS_MAX {
            self.error(span, format!("more than {EXCEPTIONS_MAX} exceptions in one record"));
            return None;
        }
        let mut sound = Some(());
        let mut exceptions: Vec<(IpAddr, Name)> = Vec::with_capacity(fields.len());
        for field in fields {
            let read = match &field.key {
                Some(key) => self.exception(key, &field.value, family),
                None => self.mismatch(self.scope.resolve(&field.value), FORM),
            };
            match read {
                Some(read) => exceptions.push(read),
                None => sound = None,
            }
        }
        sound?;
        exceptions.sort_by_key(|(address, _)| *address);
        if let Some([(twice, _), _]) = exceptions.array_windows().find(|[(one, _), (next, _)]| one == next) {
            self.error(span, format!("`{twice}` is given twice"));
            return None;
        }
        Some(exceptions.into_boxed_slice())
    }

    fn exception(&mut self, key: &'r Expr, host: &'r Expr, family: AddressFamily) -> Option<(IpAddr, Name)> {
        let address = self.text(key, "an address in quotes").and_then(|text| {
            let address = text.parse::<IpAddr>().ok().filter(|address| family.has(*address));
            if address.is_none() {
                let message = format!("`{}` is not an {family} address", shown(text.as_bytes()));
                self.error(key.span, message);
            }
            address
        });
        let host = self.constant(host).and_then(|constant| {
            let name = Name::parse(&constant.text, NameRef::ROOT);
            if name.is_err() {
                self.error(constant.span, format!("`{}` is not the name of a host", shown(&constant.text)));
            }
            name.ok()
        });
        Some((address?, host?))
    }
}

fn other_forward(family: AddressFamily) -> &'static str {
    match family {
        AddressFamily::Ipv4 => "createForward6",
        AddressFamily::Ipv6 => "createForward",
    }
}

/// The value that is a whole address.
fn form(family: AddressFamily) -> &'static str {
    match family {
        AddressFamily::Ipv4 => "%5%",
        AddressFamily::Ipv6 => "%33%",
    }
}

#[cfg(test)]
mod tests;
