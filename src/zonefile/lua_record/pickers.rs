//! The functions that choose among values without probing them.
//!
//! Reads their arguments, and puts weighted values into the order in which PowerDNS walks through them. Not
//! responsible for choosing: that happens at each query, in `answer`.

use std::num::NonZeroU32;

use super::meaning::{Constant, Meaning};
use super::reader::Reader;
use super::shown::shown;
use crate::dns::Rtype;
use crate::lua::{Call, Expr, Field};
use crate::source::{Diagnostic, Span};
use crate::zone::{MEMBERS_MAX, Member, Network, Pool, Selector, WEIGHTS_MAX};

/// Most networks in the views of one record: each query goes through them.
const NETWORKS_MAX: usize = 1_000;

/// What a function that weighs makes of its values.
pub(super) struct Weighing {
    pub(super) selector: Selector,
    /// Most that the weights may add up to.
    pub(super) sum_max: u32,
    /// What is made of a member and of the text it was written as.
    pub(super) place: fn(Member, &[u8]) -> Member,
}

/// A value with its weight.
struct Weighted {
    weight: NonZeroU32,
    value: Constant,
    member: Member,
}

impl<'r> Reader<'r, '_> {
    /// `pickrandom(list)`, `pickhashed(list)`: one value.
    pub(super) fn pick(&mut self, call: &'r Call, selector: Selector) -> Option<Meaning> {
        let [list] = self.arguments(call, "takes one list: {'…', '…'}")?;
        let members = self.values(list)?;
        self.chosen(call, members, selector)
    }

    /// `pickclosest(list)`: one value, at random where nothing is known about places.
    pub(super) fn pick_closest(&mut self, call: &'r Call) -> Option<Meaning> {
        self.found.push(
            Diagnostic::warning(call.function.span, "`pickclosest` is read as `pickrandom`")
                .remark("so does PowerDNS without GeoIP data"),
        );
        self.pick(call, Selector::Random)
    }

    /// `pickrandomsample(n, list)`: so many values, none twice.
    pub(super) fn pick_sample(&mut self, call: &'r Call) -> Option<Meaning> {
        let [number, list] = self.arguments(call, "takes a number and a list: 2, {'…', '…'}")?;
        let sample = self.integer(number, 0, u32::MAX, "a whole number from 0 on");
        let members = self.values(list);
        let (sample, members) = (sample?, members?);
        if self.inner == Rtype::CNAME && sample > 1 && members.len() > 1 {
            let message = "a name is an alias of one other name: this answers several";
            self.found.push(Diagnostic::error(number.span, message).help("write `pickrandom`"));
            return None;
        }
        if sample == 0 {
            self.found.push(Diagnostic::warning(number.span, "a sample of 0 answers nothing (NODATA)"));
        }
        let selector = NonZeroU32::new(sample).map_or(Selector::Empty, Selector::Sample);
        self.chosen(call, members, selector)
    }

    /// `pickwrandom(list)` and its kin: one value by weight.
    pub(super) fn pick_weighted(&mut self, call: &'r Call, weighing: &Weighing) -> Option<Meaning> {
        let [list] = self.arguments(call, "takes one list of weights and values: {{1, '…'}, {2, '…'}}")?;
        let (fields, span) = self.items(list, "a list of weights and values in braces")?;
        let entries: Vec<Option<Weighted>> = fields.iter().map(|entry| self.weighted(entry)).collect();
        let entries: Vec<Weighted> = entries.into_iter().collect::<Option<_>>()?;
        let whole: u64 = entries.iter().map(|entry| u64::from(entry.weight.get())).sum();
        let Weighing { selector, sum_max: most, place } = *weighing;
        if whole > u64::from(most) {
            let message = format!("these weights add up to {whole}: at most {most}");
            self.found.push(Diagnostic::error(span, message).help("divide all of them alike"));
            return None;
        }
        let member = |entry: &Weighted| place(entry.member.clone(), &entry.value.text);
        let order = powerdns_order(entries.len());
        let members = order.filter_map(|at| entries.get(at)).map(member).collect();
        self.chosen(call, members, selector)
    }

    /// `view(rules)`: for the client's network, one value at random.
    pub(super) fn view(&mut self, call: &'r Call) -> Option<Meaning> {
        let form = "takes one list of networks and values: {{{'192.0.2.0/24'}, {'…'}}, …}";
        let [list] = self.arguments(call, form)?;
        let (rules, span) = self.items(list, "a list of networks and values in braces")?;
        let read: Vec<_> = rules.iter().map(|rule| self.rule(rule)).collect();
        let read: Vec<(Vec<Network>, Vec<Member>)> = read.into_iter().collect::<Option<_>>()?;
        let (views, groups): (Vec<_>, Vec<_>) = read.into_iter().unzip();
        let members: usize = groups.iter().map(Vec::len).sum();
        let networks: usize = views.iter().map(Vec::len).sum();
        for (count, most, what) in [(members, MEMBERS_MAX, "values"), (networks, NETWORKS_MAX, "networks")] {
            if count > most {
                self.error(span, format!("more than {most} {what} in one record"));
                return None;
            }
        }
        self.can_be_chosen(call)?;
        Some(Meaning::Pool(Pool { groups, views, selector: Selector::Random, ..self.pool(Vec::new()) }))
    }

    /// One rule of a view: `{{'192.0.2.0/24'}, {'…'}}`.
    fn rule(&mut self, rule: &'r Expr) -> Option<(Vec<Network>, Vec<Member>)> {
        let (parts, span) = self.items(rule, "networks and values: {{'192.0.2.0/24'}, {'…'}}")?;
        let [networks, values] = parts.as_slice() else {
            self.error(span, "a rule has two parts: {{'192.0.2.0/24'}, {'…'}}");
            return None;
        };
        let networks = self.items(networks, "a list of networks in braces").and_then(|(items, _)| {
            let read: Vec<Option<Network>> = items.iter().map(|item| self.network(item)).collect();
            read.into_iter().collect::<Option<Vec<_>>>()
        });
        let values = self.values(values);
        Some((networks?, values?))
    }

    fn network(&mut self, item: &'r Expr) -> Option<Network> {
        let text = self.text(item, "a network in quotes")?;
        let network = Network::parse(&text);
        if network.is_none() {
            let message = format!("`{}` is not a network", shown(text.as_bytes()));
            let help = "write it as '192.0.2.0/24', '2001:db8::/32', or an address alone";
            self.found.push(Diagnostic::error(item.span, message).help(help));
        }
        network
    }

    /// One weighted value: `{2, '…'}`.
    fn weighted(&mut self, entry: &'r Expr) -> Option<Weighted> {
        let (parts, span) = self.items(entry, "a weight and a value: {2, '…'}")?;
        let [weight, value] = parts.as_slice() else {
            self.error(span, "expected a weight and a value: {2, '…'}");
            return None;
        };
        let weight = self.integer(weight, 1, WEIGHTS_MAX, "a weight, a whole number from 1 on");
        let value = self.constant(value);
        let (weight, value) = (NonZeroU32::new(weight?)?, value?);
        let member = Member { weight, ..self.member(&value)? };
        Some(Weighted { weight, value, member })
    }

    /// The members of a list of values.
    fn values(&mut self, list: &'r Expr) -> Option<Vec<Member>> {
        let (items, _) = self.items(list, "a list of strings in braces")?;
        let member = |item: &&'r Expr| self.constant(item).and_then(|value| self.member(&value));
        items.iter().map(member).collect::<Vec<_>>().into_iter().collect()
    }

    /// A value as a record of this record's type.
    fn member(&mut self, value: &Constant) -> Option<Member> {
        match value.rdata(self.inner) {
            Ok(rdata) => {
                self.found.extend(value.doubt(self.inner));
                Some(Member::new(rdata))
            }
            Err(fault) => {
                self.found.push(fault);
                None
            }
        }
    }

    /// The items of a list, which is not empty nor endless.
    fn items(&mut self, list: &'r Expr, wanted: &str) -> Option<(Vec<&'r Expr>, Span)> {
        let (fields, span) = self.table(list, wanted)?;
        if fields.is_empty() {
            self.found.push(
                Diagnostic::error(span, "this list is empty: there is nothing to choose from")
                    .remark("PowerDNS answers SERVFAIL"),
            );
            return None;
        }
        if fields.len() > MEMBERS_MAX {
            self.error(span, format!("more than {MEMBERS_MAX} values in one record"));
            return None;
        }
        let items: Vec<_> = fields.iter().map(|field: &'r Field| self.item(field)).collect();
        Some((items.into_iter().collect::<Option<_>>()?, span))
    }

    /// So many arguments as the function has.
    fn arguments<const N: usize>(&mut self, call: &'r Call, form: &str) -> Option<[&'r Expr; N]> {
        let all: Vec<&'r Expr> = call.arguments.iter().collect();
        all.try_into()
            .map_err(|_| {
                let misplaced = call.arguments.get(N).map_or(call.function.span, |surplus| surplus.span);
                self.error(misplaced, format!("`{}` {form}", call.function.text));
            })
            .ok()
    }

    fn chosen(&mut self, call: &'r Call, members: Vec<Member>, selector: Selector) -> Option<Meaning> {
        self.can_be_chosen(call)?;
        Some(Meaning::Pool(Pool { selector, ..self.pool(members) }))
    }

    /// Types that shape the zone are known at load.
    fn can_be_chosen(&mut self, call: &'r Call) -> Option<()> {
        if matches!(self.inner, Rtype::SOA | Rtype::NS | Rtype::DNAME | Rtype::DS) {
            let message = format!("`{}` cannot answer type {}", call.function.text, self.inner);
            self.found.push(
                Diagnostic::error(call.function.span, message)
                    .remark("records that shape the zone are the same for every query"),
            );
            return None;
        }
        Some(())
    }
}

/// The order in which PowerDNS walks through weighted values: places in the list as it is written.
///
/// It keeps them in a hash table by their place, and walks through that from the youngest to the oldest. The
/// tables of libstdc++ hold 13 entries, then 29, 59 and so on; each time one grows, what it holds is turned
/// round.
fn powerdns_order(count: usize) -> impl Iterator<Item = usize> {
    const SIZES: [usize; 7] = [13, 29, 59, 127, 257, 541, 1109];
    let mut order = std::collections::VecDeque::with_capacity(count);
    for place in 0..count {
        if SIZES.contains(&place) {
            order.make_contiguous().reverse();
        }
        order.push_front(place);
    }
    order.into_iter()
}

#[cfg(test)]
mod tests;
