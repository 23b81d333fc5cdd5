//! Pools of addresses that are probed; `ifportup`.
//!
//! Reads the arguments of `ifportup`: port, addresses (one list, or sets in order), options; and the
//! addresses and members of all functions that probe. Probes of URLs are in `if_url_up`.

use std::collections::HashMap;
use std::net::IpAddr;

use super::address::{At, Target, WrittenAddress, forms, read_port, split_port};
use super::meaning::Meaning;
use super::options::{Options, Subject};
use super::reader::Reader;
use super::shown::shown;
use crate::lua::{Call, Expr, ExprKind, Field};
use crate::probe::{Life, Port, Probe, ProbeKind, Tcp};
use crate::source::{Diagnostic, Span};
use crate::zone::{AddressFamily, Guard, MEMBERS_MAX, Member, Pool};

impl<'r> Reader<'r, '_> {
    /// `ifportup(port, addresses [, options])`
    pub(super) fn if_port_up(&mut self, call: &'r Call) -> Option<Meaning> {
        self.must_answer_addresses(call)?;
        let [port, addresses, rest @ ..] = call.arguments.as_slice() else {
            let message = "`ifportup` wants a port and addresses: ifportup(6443, {'…', '…'})";
            self.error(call.function.span, message);
            return None;
        };
        if let Some(surplus) = rest.get(1) {
            self.error(surplus.span, "`ifportup` takes three arguments at most: port, addresses, options");
        }
        let port = self.port(port);
        let groups = self.groups(addresses);
        let options = self.options_or_defaults(rest.first(), Subject::Port);
        let (port, groups, options) = (port?, groups?, options?);
        let target = |&WrittenAddress { address, port: own, span }: &WrittenAddress| Target {
            address,
            at: At::Itself,
            kind: ProbeKind::Tcp(Tcp { port: own.unwrap_or(port) }),
            span,
        };
        let groups: Vec<Vec<Target>> =
            groups.iter().map(|group| group.iter().map(target).collect()).collect();
        Some(self.probed(&groups, &options))
    }

    /// Says so where the record's type holds no address.
    pub(super) fn must_answer_addresses(&mut self, call: &Call) -> Option<AddressFamily> {
        let family = self.family();
        if family.is_none() {
            let Call { function, .. } = call;
            let message =
                format!("`{}` answers addresses: type {} cannot hold them", function.text, self.inner);
            self.found.push(Diagnostic::error(function.span, message).help("write `LUA A` or `LUA AAAA`"));
        }
        family
    }

    /// What an argument that may be left out says.
    pub(super) fn options_or_defaults(
        &mut self,
        argument: Option<&'r Expr>,
        subject: Subject,
    ) -> Option<Options> {
        match argument.map(|options| self.scope.resolve(options)) {
            None | Some(Expr { kind: ExprKind::Nil, .. }) => Some(Options::defaults(self.defaults, subject)),
            Some(options) => self.options(options, subject),
        }
    }

    /// A pool of what is probed.
    pub(super) fn probed(&mut self, groups: &[Vec<Target>], options: &Options) -> Meaning {
        Meaning::Pool(self.probed_pool(groups, options))
    }

    /// The same, for a function that makes more of it.
    pub(super) fn probed_pool(&mut self, groups: &[Vec<Target>], options: &Options) -> Pool {
        let groups = groups.iter().map(|group| self.members(group, options)).collect();
        Pool {
            groups,
            selector: options.selector,
            all_down: options.all_down(),
            while_pending: options.while_pending(),
            vantage: options.vantage,
            ..self.pool(Vec::new())
        }
    }

    /// The family of the record's type; none for types that hold no address.
    pub(super) fn family(&self) -> Option<AddressFamily> {
        AddressFamily::of(self.inner)
    }

    fn port(&mut self, value: &'r Expr) -> Option<Port> {
        let port = self.integer(value, 1, u32::from(u16::MAX), "a port from 1 to 65535")?;
        u16::try_from(port).ok().and_then(Port::new)
    }

    /// One list of addresses, or a list of such lists. Never empty, and neither is any group.
    pub(super) fn groups(&mut self, value: &'r Expr) -> Option<Vec<Vec<WrittenAddress>>> {
        let (fields, span) = self.table(value, "a list of addresses in braces")?;
        let items: Option<Vec<&'r Expr>> =
            fields.iter().map(|field| self.item(field)).collect::<Vec<_>>().into_iter().collect();
        let items = items?;
        let Some(&first) = items.first() else {
            self.error(span, "this list is empty: there is nothing to answer");
            return None;
        };
        if let Some(odd) = items.iter().find(|item| is_set(item) != is_set(first)) {
            self.found.push(
                Diagnostic::error(odd.span, "one list has addresses and sets of addresses")
                    .and_at(first.span, if is_set(first) { "a set" } else { "an address" })
                    .help("write either {'…', '…'} or {{'…'}, {'…'}}"),
            );
            return None;
        }
        let mut room = MEMBERS_MAX;
        let groups = if is_set(first) {
            items.iter().map(|set| self.set(set, &mut room)).collect::<Vec<_>>()
        } else {
            vec![self.addresses(&items, span, &mut room)]
        };
        let groups: Vec<Vec<WrittenAddress>> = groups.into_iter().collect::<Option<_>>()?;
        let groups: Vec<Vec<WrittenAddress>> = groups.into_iter().filter(|group| !group.is_empty()).collect();
        if groups.is_empty() {
            self.error(span, "all sets are empty: there is nothing to answer");
            return None;
        }
        Some(groups)
    }

    /// One list of addresses, for functions that have no sets. Never empty.
    pub(super) fn one_group(&mut self, value: &'r Expr) -> Option<Vec<WrittenAddress>> {
        let (fields, _) = self.table(value, "a list of addresses in braces")?;
        let set = fields.iter().map(|field| self.scope.resolve(&field.value)).find(|item| is_set(item));
        if let Some(set) = set {
            let fault = Diagnostic::error(set.span, "this function has no sets of addresses");
            self.found.push(fault.help("write all of them in one list: {'…', '…'}"));
            return None;
        }
        self.groups(value)?.pop()
    }

    /// One set. An empty one is dropped by the caller.
    fn set(&mut self, set: &'r Expr, room: &mut usize) -> Option<Vec<WrittenAddress>> {
        let (fields, span) = self.table(set, "a set of addresses in braces")?;
        if fields.is_empty() {
            self.found.push(Diagnostic::warning(span, "this set is empty, and left out"));
        }
        let items: Vec<Option<&'r Expr>> = fields.iter().map(|field: &'r Field| self.item(field)).collect();
        let items: Vec<&'r Expr> = items.into_iter().collect::<Option<_>>()?;
        self.addresses(&items, span, room)
    }

    fn addresses(&mut self, items: &[&'r Expr], span: Span, room: &mut usize) -> Option<Vec<WrittenAddress>> {
        let Some(left) = room.checked_sub(items.len()) else {
            self.error(span, format!("more than {MEMBERS_MAX} addresses in one record"));
            return None;
        };
        *room = left;
        items.iter().map(|item| self.address(item)).collect::<Vec<_>>().into_iter().collect()
    }

    /// One address, and the port that may stand behind it.
    pub(super) fn address(&mut self, item: &'r Expr) -> Option<WrittenAddress> {
        let family = self.family()?;
        let text = self.text(item, "an address in quotes")?;
        let span = item.span;
        let Some((address, port)) = split_port(&text) else {
            let message = format!("`{}` is not an address", shown(text.as_bytes()));
            self.found.push(Diagnostic::error(span, message).help(forms(family)));
            return None;
        };
        if !family.has(address) {
            let (other, rtype) = (family.other(), family.rtype());
            let message = format!("`{address}` is an {other} address in a record of type {rtype}");
            let help = format!("put it in a record of its own: `LUA {}`", other.rtype());
            self.found.push(Diagnostic::error(span, message).help(help));
            return None;
        }
        let port = match port.map(read_port) {
            None => None,
            Some(Some(port)) => Some(port),
            Some(None) => {
                self.error(span, format!("expected a port from 1 to 65535 in `{}`", shown(text.as_bytes())));
                return None;
            }
        };
        Some(WrittenAddress { address, port, span })
    }

    /// The members of a group, each target once.
    fn members(&mut self, group: &[Target], options: &Options) -> Vec<Member> {
        let mut first_places: HashMap<(IpAddr, &ProbeKind), Span> = HashMap::new();
        let mut members = Vec::with_capacity(group.len());
        for Target { address, at, kind, span } in group {
            if let Some(&first) = first_places.get(&(*address, kind)) {
                let message = format!("`{address}` is in this list twice");
                self.found.push(Diagnostic::warning(*span, message).and_at(first, "first here"));
                continue;
            }
            first_places.insert((*address, kind), *span);
            let (tested_at, tested) = match at {
                At::Itself => (*address, None),
                At::Address(other) => (*other, None),
                At::Name(name) => (*address, Some(name.clone())),
            };
            let probe = Probe {
                address: tested_at,
                source: options.source.filter(|source| source.is_ipv4() == tested_at.is_ipv4()),
                timeout: options.timeout,
                kind: kind.clone(),
            };
            let guard = Guard {
                probe,
                interval: options.interval,
                retry: self.defaults.retry.min(options.interval),
                rise: self.defaults.rise,
                fall: options.fall,
                life: Life::default(),
            };
            members.push(Member { guards: vec![guard], tested, ..Member::at(*address) });
        }
        members
    }
}

fn is_set(item: &Expr) -> bool {
    matches!(item.kind, ExprKind::Table(_))
}
