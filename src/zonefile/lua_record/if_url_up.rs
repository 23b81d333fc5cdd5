//! `ifurlup`, `ifurlextup` and `pickselfweighted`: pools of addresses that are probed with a URL.
//!
//! Reads their arguments, and leads from a fault in a URL to its place. `url` reads a URL, `request` the
//! options of the request.

use std::borrow::Cow;
use std::ops::Range;

use super::address::{At, Target, WrittenAddress};
use super::meaning::Meaning;
use super::options::Subject;
use super::reader::Reader;
use super::url::Url;
use crate::lua::{Call, Expr, ExprKind, Field};
use crate::probe::ProbeKind;
use crate::source::{Diagnostic, Span};
use crate::zone::{MEMBERS_MAX, Pool, Selector};

/// A target of `ifurlextup`, as it was written.
struct Extended {
    /// What PowerDNS sorts by.
    key: Box<str>,
    written: WrittenAddress,
    url: Url,
}

impl<'r> Reader<'r, '_> {
    /// `ifurlup(url, addresses [, options])`
    pub(super) fn if_url_up(&mut self, call: &'r Call) -> Option<Meaning> {
        self.must_answer_addresses(call)?;
        let [url, addresses, rest @ ..] = call.arguments.as_slice() else {
            let message = "`ifurlup` wants a URL and addresses: ifurlup('https://…', {'…', '…'})";
            self.error(call.function.span, message);
            return None;
        };
        if let Some(surplus) = rest.get(1) {
            self.error(surplus.span, "`ifurlup` takes three arguments at most: URL, addresses, options");
        }
        let url = self.url(url);
        let groups = self.groups(addresses);
        let options = self.options_or_defaults(rest.first(), Subject::Url);
        let (url, groups, options) = (url?, groups?, options?);
        let kind = options.request.probe(&url);
        groups.iter().flatten().for_each(|written| self.remark_on_port(written));
        let target = at_itself(&kind);
        let groups: Vec<Vec<Target>> =
            groups.iter().map(|group| group.iter().map(&target).collect()).collect();
        Some(self.probed(&groups, &options))
    }

    /// `ifurlextup({{['address']='url', …}, …} [, options])`: an address is answered while its URL is up,
    /// wherever that leads. Who asks the address itself writes it as the host of its URL.
    pub(super) fn if_url_ext_up(&mut self, call: &'r Call) -> Option<Meaning> {
        self.must_answer_addresses(call)?;
        let [sets, rest @ ..] = call.arguments.as_slice() else {
            let message = "`ifurlextup` wants sets of addresses with their URLs: \
                           ifurlextup({{['192.0.2.1']='https://…'}})";
            self.error(call.function.span, message);
            return None;
        };
        if let Some(surplus) = rest.get(1) {
            self.error(surplus.span, "`ifurlextup` takes two arguments at most: sets, options");
        }
        let groups = self.extended_groups(sets);
        let options = self.options_or_defaults(rest.first(), Subject::Url);
        let (groups, options) = (groups?, options?);
        let target = |one: &Extended| Target {
            address: one.written.address,
            at: one.url.at.clone(),
            kind: options.request.probe(&one.url),
            span: one.written.span,
        };
        let groups: Vec<Vec<Target>> =
            groups.iter().map(|group| group.iter().map(target).collect()).collect();
        Some(self.probed(&groups, &options))
    }

    /// `pickselfweighted(url, addresses [, options])`: one address, by the client and by the weight that the
    /// response at each address begins with.
    pub(super) fn pick_self_weighted(&mut self, call: &'r Call, selector: Selector) -> Option<Meaning> {
        self.must_answer_addresses(call)?;
        let [url, addresses, rest @ ..] = call.arguments.as_slice() else {
            let message =
                "`pickselfweighted` wants a URL and addresses: pickselfweighted('https://…', {'…', '…'})";
            self.error(call.function.span, message);
            return None;
        };
        if let Some(surplus) = rest.get(1) {
            let message = "`pickselfweighted` takes three arguments at most: URL, addresses, options";
            self.error(surplus.span, message);
        }
        let url = self.url(url);
        let group = self.one_group(addresses);
        let options = self.options_or_defaults(rest.first(), Subject::Weight);
        let (url, group, mut options) = (url?, group?, options?);
        options.request.tells_weight = true;
        let kind = options.request.probe(&url);
        group.iter().for_each(|written| self.remark_on_port(written));
        let targets: Vec<Target> = group.iter().map(at_itself(&kind)).collect();
        let pool = self.probed_pool(&[targets], &options);
        Some(Meaning::Pool(Pool { selector, ..pool }))
    }

    /// The sets of `ifurlextup`. Never empty, and neither is any group.
    fn extended_groups(&mut self, value: &'r Expr) -> Option<Vec<Vec<Extended>>> {
        let (fields, span) = self.table(value, "a list of sets in braces")?;
        if let Some(key) = fields.first().and_then(|field| field.key.as_ref()) {
            let fault = Diagnostic::error(key.span, "expected a set of addresses, found an address");
            self.found.push(fault.help("put braces around the set: {{['192.0.2.1']='https://…'}}"));
            return None;
        }
        let mut room = MEMBERS_MAX;
        let groups: Vec<Option<Vec<Extended>>> =
            fields.iter().map(|set| self.extended_set(set, &mut room)).collect();
        let groups: Vec<Vec<Extended>> = groups.into_iter().collect::<Option<_>>()?;
        let groups: Vec<Vec<Extended>> = groups.into_iter().filter(|group| !group.is_empty()).collect();
        if groups.is_empty() {
            self.error(span, "this list is empty: there is nothing to answer");
            return None;
        }
        Some(groups)
    }

    /// One set. An empty one is dropped by the caller.
    fn extended_set(&mut self, set: &'r Field, room: &mut usize) -> Option<Vec<Extended>> {
        let item = self.item(set)?;
        let (fields, span) = self.table(item, "a set of addresses with their URLs in braces")?;
        if fields.is_empty() {
            self.found.push(Diagnostic::warning(span, "this set is empty, and left out"));
        }
        let Some(left) = room.checked_sub(fields.len()) else {
            self.error(span, format!("more than {MEMBERS_MAX} addresses in one record"));
            return None;
        };
        *room = left;
        let targets: Vec<Option<Extended>> = fields.iter().map(|field| self.extended(field)).collect();
        let mut targets: Vec<Extended> = targets.into_iter().collect::<Option<_>>()?;
        // PowerDNS keeps a set in a sorted map, which is what `hashed` chooses by.
        targets.sort_by(|one, other| one.key.cmp(&other.key));
        for pair in targets.windows(2) {
            let [one, other] = pair else { continue };
            if one.key == other.key {
                // In Lua the later one replaces the earlier, which nobody can have meant.
                let message = format!("`{}` is in this set twice", other.key);
                let fault = Diagnostic::error(other.written.span, message);
                self.found.push(fault.and_at(one.written.span, "first here"));
            }
        }
        Some(targets)
    }

    fn extended(&mut self, field: &'r Field) -> Option<Extended> {
        let Some(key) = &field.key else {
            let found = self.scope.resolve(&field.value);
            return self.mismatch(found, "an address with its URL: ['192.0.2.1']='https://…'");
        };
        let key = self.scope.resolve(key);
        let (written, url) = (self.address(key), self.url(&field.value));
        let (written, url) = (written?, url?);
        self.remark_on_port(&written);
        let key = self.text(key, "an address in quotes")?.into();
        Some(Extended { key, written, url })
    }

    /// A URL.
    fn url(&mut self, value: &'r Expr) -> Option<Url> {
        let value = self.scope.resolve(value);
        let text = self.text(value, "a URL in quotes")?;
        if matches!(text, Cow::Owned(_)) {
            self.error(value.span, "this is not UTF-8");
            return None;
        }
        match Url::read(&text, |range| within(value, range)) {
            Ok(url) => Some(url),
            Err(fault) => {
                self.found.push(fault);
                None
            }
        }
    }

    fn remark_on_port(&mut self, written: &WrittenAddress) {
        if written.port.is_some() {
            let fault = Diagnostic::warning(written.span, "this port is not used: the URL decides");
            self.found.push(fault.remark("so it is in PowerDNS"));
        }
    }
}

/// Targets that are tested at their own address.
fn at_itself(kind: &ProbeKind) -> impl Fn(&WrittenAddress) -> Target {
    |&WrittenAddress { address, span, .. }| Target { address, at: At::Itself, kind: kind.clone(), span }
}

/// Where some bytes of a string stand; all of it where there are none, or where it is written in another way
/// than they are read: with escapes, in long brackets, across chunks, in a template.
fn within(value: &Expr, range: Range<usize>) -> Span {
    let whole = value.span;
    let ExprKind::String(text) = &value.kind else { return whole };
    let is_as_written = whole.end.saturating_sub(whole.start) as usize == text.len() + "''".len();
    let at = |offset: usize| whole.start.checked_add(1)?.checked_add(u32::try_from(offset).ok()?);
    match (at(range.start), at(range.end)) {
        (Some(start), Some(end)) if is_as_written && start < end => Span { start, end, ..whole },
        _ => whole,
    }
}

#[cfg(test)]
mod tests;
