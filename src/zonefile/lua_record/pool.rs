//! Pools of addresses that are probed; `ifportup`.
//!
//! Responsible for the arguments of `ifportup`: port, addresses (one list, or sets in order), options;
//! and for the addresses and members of all functions that probe.
//! Not responsible for probes of URLs: those are `if_url_up`.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::options::{Options, Subject};
use super::value::shown;
use super::{Meaning, Reader};
use crate::dns::Rtype;
use crate::lua::{Call, Expr, ExprKind, Field};
use crate::probe::{Kind, Port, Probe, Tcp};
use crate::source::{Diagnostic, Span};
use crate::zone::{Guard, MEMBERS_MAX, Member, Pool, TestedName};

/// The family of addresses that a record answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Ipv4,
    Ipv6,
}

impl Family {
    pub(super) fn has(self, address: IpAddr) -> bool {
        match self {
            Family::Ipv4 => address.is_ipv4(),
            Family::Ipv6 => address.is_ipv6(),
        }
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        }
    }

    /// The inner type of records that answer this family.
    fn mnemonic(self) -> &'static str {
        match self {
            Family::Ipv4 => "A",
            Family::Ipv6 => "AAAA",
        }
    }

    fn other(self) -> Family {
        match self {
            Family::Ipv4 => Family::Ipv6,
            Family::Ipv6 => Family::Ipv4,
        }
    }

    fn forms(self) -> &'static str {
        match self {
            Family::Ipv4 => "write it as '192.0.2.1', or with a port of its own as '192.0.2.1:8443'",
            Family::Ipv6 => "write it as '2001:db8::1', or with a port of its own as '[2001:db8::1]:8443'",
        }
    }
}

/// An address as it was written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Written {
    pub(super) address: IpAddr,
    /// Overrides the port of the function.
    pub(super) port: Option<Port>,
    pub(super) span: Span,
}

/// A member to be, and what is tested for it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) address: IpAddr,
    /// Where that is.
    pub(super) at: At,
    pub(super) kind: Kind,
    pub(super) span: Span,
}

/// Where a member is tested.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum At {
    /// At its own address.
    Itself,
    /// At another one.
    Address(IpAddr),
    /// At those of a name.
    Name(TestedName),
}

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
        let target = |&Written { address, port: own, span }: &Written| Target {
            address,
            at: At::Itself,
            kind: Kind::Tcp(Tcp { port: own.unwrap_or(port) }),
            span,
        };
        let groups: Vec<Vec<Target>> =
            groups.iter().map(|group| group.iter().map(target).collect()).collect();
        Some(self.probed(&groups, &options))
    }

    /// Says so where the record's type holds no address.
    pub(super) fn must_answer_addresses(&mut self, call: &Call) -> Option<Family> {
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
            None | Some(Expr { kind: ExprKind::Nil, .. }) => Some(Options::defaults(self.settings, subject)),
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
            ..self.pool(Vec::new())
        }
    }

    /// The family of the record's type; none for types that hold no address.
    pub(super) fn family(&self) -> Option<Family> {
        match self.inner {
            Rtype::A => Some(Family::Ipv4),
            Rtype::AAAA => Some(Family::Ipv6),
            _ => None,
        }
    }

    fn port(&mut self, value: &'r Expr) -> Option<Port> {
        let port = self.integer(value, 1, u32::from(u16::MAX), "a port from 1 to 65535")?;
        u16::try_from(port).ok().and_then(Port::new)
    }

    /// One list of addresses, or a list of such lists. Never empty, and neither is any group.
    pub(super) fn groups(&mut self, value: &'r Expr) -> Option<Vec<Vec<Written>>> {
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
                Diagnostic::error(odd.span, "addresses and sets of addresses stand in one list")
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
        let groups: Vec<Vec<Written>> = groups.into_iter().collect::<Option<_>>()?;
        let groups: Vec<Vec<Written>> = groups.into_iter().filter(|group| !group.is_empty()).collect();
        if groups.is_empty() {
            self.error(span, "all sets are empty: there is nothing to answer");
            return None;
        }
        Some(groups)
    }

    /// One list of addresses, for functions that have no sets. Never empty.
    pub(super) fn one_group(&mut self, value: &'r Expr) -> Option<Vec<Written>> {
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
    fn set(&mut self, set: &'r Expr, room: &mut usize) -> Option<Vec<Written>> {
        let (fields, span) = self.table(set, "a set of addresses in braces")?;
        if fields.is_empty() {
            self.found.push(Diagnostic::warning(span, "this set is empty, and left out"));
        }
        let items: Vec<Option<&'r Expr>> = fields.iter().map(|field: &'r Field| self.item(field)).collect();
        let items: Vec<&'r Expr> = items.into_iter().collect::<Option<_>>()?;
        self.addresses(&items, span, room)
    }

    fn addresses(&mut self, items: &[&'r Expr], span: Span, room: &mut usize) -> Option<Vec<Written>> {
        let Some(left) = room.checked_sub(items.len()) else {
            self.error(span, format!("more than {MEMBERS_MAX} addresses in one record"));
            return None;
        };
        *room = left;
        items.iter().map(|item| self.address(item)).collect::<Vec<_>>().into_iter().collect()
    }

    /// One address, and the port that may stand behind it.
    pub(super) fn address(&mut self, item: &'r Expr) -> Option<Written> {
        let family = self.family()?;
        let text = self.text(item, "an address in quotes")?;
        let span = item.span;
        let Some((address, port)) = split_port(&text) else {
            let message = format!("`{}` is not an address", shown(text.as_bytes()));
            self.found.push(Diagnostic::error(span, message).help(family.forms()));
            return None;
        };
        if !family.has(address) {
            let (other, mnemonic) = (family.other(), family.mnemonic());
            let message =
                format!("`{address}` is an {} address in a record of type {mnemonic}", other.word());
            let help = format!("put it in a record of its own: `LUA {}`", other.mnemonic());
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
        Some(Written { address, port, span })
    }

    /// The members of a group, each target once.
    fn members(&mut self, group: &[Target], options: &Options) -> Vec<Member> {
        let mut first_places: HashMap<(IpAddr, &Kind), Span> = HashMap::new();
        let mut members = Vec::with_capacity(group.len());
        for Target { address, at, kind, span } in group {
            if let Some(&first) = first_places.get(&(*address, kind)) {
                let message = format!("`{address}` stands twice in this list");
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
                retry: self.settings.retry.min(options.interval),
                rise: self.settings.rise,
                fall: options.fall,
            };
            members.push(Member { guards: vec![guard], tested, ..Member::at(*address) });
        }
        members
    }
}

fn is_set(item: &Expr) -> bool {
    matches!(item.kind, ExprKind::Table(_))
}

/// The address, and the text of the port behind it: `192.0.2.1:8443`, `[2001:db8::1]:8443`.
fn split_port(text: &str) -> Option<(IpAddr, Option<&str>)> {
    if let Some(bracketed) = text.strip_prefix('[') {
        let (address, behind) = bracketed.split_once(']')?;
        let address = address.parse::<Ipv6Addr>().ok()?.into();
        return match behind {
            "" => Some((address, None)),
            _ => Some((address, Some(behind.strip_prefix(':')?))),
        };
    }
    if let Ok(address) = text.parse() {
        return Some((address, None));
    }
    let (address, port) = text.split_once(':')?;
    Some((address.parse::<Ipv4Addr>().ok()?.into(), Some(port)))
}

pub(super) fn read_port(text: &str) -> Option<Port> {
    // Rust reads "+80" too.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).and_then(Port::new)
}
