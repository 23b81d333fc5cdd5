//! `ifportup`: a pool of addresses whose port is probed.
//!
//! Responsible for its arguments: port, addresses (one list, or sets in order), options.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::options::Options;
use super::value::shown;
use super::{Meaning, Reader};
use crate::dns::Rtype;
use crate::lua::{Call, Expr, ExprKind, Field};
use crate::probe::{Kind, Port, Probe, Tcp};
use crate::source::{Diagnostic, Span};
use crate::zone::{Guard, MEMBERS_MAX, Member, Pool};

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
struct Written {
    address: IpAddr,
    /// Overrides the port of the function.
    port: Option<Port>,
    span: Span,
}

impl<'r> Reader<'r, '_> {
    /// `ifportup(port, addresses [, options])`
    pub(super) fn if_port_up(&mut self, call: &'r Call) -> Option<Meaning> {
        if self.family().is_none() {
            let message = format!("`ifportup` answers addresses: type {} cannot hold them", self.inner);
            self.found
                .push(Diagnostic::error(call.function.span, message).help("write `LUA A` or `LUA AAAA`"));
            return None;
        }
        let [port, addresses, rest @ ..] = call.arguments.as_slice() else {
            let message = "`ifportup` wants a port and addresses: ifportup(6443, {'…', '…'})";
            self.error(call.function.span, message);
            return None;
        };
        let surplus = rest.get(1).map(|argument| argument.span);
        if let Some(span) = surplus {
            self.error(span, "`ifportup` takes three arguments at most: port, addresses, options");
        }
        let port = self.port(port);
        let groups = self.groups(addresses);
        let options = match rest.first().map(|options| self.scope.resolve(options)) {
            None | Some(Expr { kind: ExprKind::Nil, .. }) => Some(Options::defaults(self.settings)),
            Some(options) => self.options(options),
        };
        let (port, groups, options) = (port?, groups?, options?);
        let groups = groups.iter().map(|group| self.members(group, port, &options)).collect();
        Some(Meaning::Pool(Pool {
            groups,
            selector: options.selector,
            all_down: options.all_down(),
            while_pending: options.while_pending(),
            ..self.pool(Vec::new())
        }))
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
    fn groups(&mut self, value: &'r Expr) -> Option<Vec<Vec<Written>>> {
        let (fields, span) = self.table(value, "a list of addresses in braces")?;
        let items: Option<Vec<&'r Expr>> =
            fields.iter().map(|field| self.item(field)).collect::<Vec<_>>().into_iter().collect();
        let items = items?;
        let is_set = |item: &Expr| matches!(item.kind, ExprKind::Table(_));
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

    fn address(&mut self, item: &'r Expr) -> Option<Written> {
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
    fn members(&mut self, group: &[Written], port: Port, options: &Options) -> Vec<Member> {
        let mut first_places: HashMap<(IpAddr, Port), Span> = HashMap::new();
        let mut members = Vec::with_capacity(group.len());
        for written in group {
            let port = written.port.unwrap_or(port);
            if let Some(first) = first_places.insert((written.address, port), written.span) {
                first_places.insert((written.address, port), first);
                self.found.push(
                    Diagnostic::warning(
                        written.span,
                        format!("`{}` stands twice in this list", written.address),
                    )
                    .and_at(first, "first here"),
                );
                continue;
            }
            let kind = Kind::Tcp(Tcp { port });
            let guard = Guard {
                probe: Probe {
                    address: written.address,
                    source: options.source,
                    timeout: options.timeout,
                    kind,
                },
                interval: options.interval,
                retry: self.settings.retry.min(options.interval),
                rise: self.settings.rise,
                fall: options.fall,
            };
            members.push(Member { guards: vec![guard], ..Member::at(written.address) });
        }
        members
    }
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

fn read_port(text: &str) -> Option<Port> {
    // Rust reads "+80" too.
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| digits).and_then(Port::new)
}
