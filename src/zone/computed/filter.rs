//! Which addresses are answered: PowerDNS's `filterForward`. HOT where an address is looked up.

use std::cmp::Reverse;
use std::net::IpAddr;

use super::super::network::Network;

/// Networks whose addresses are answered, and what is answered for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressFilter {
    /// The longest prefixes first.
    rules: Box<[FilterRule]>,
    /// For other addresses.
    fallback: Fallback,
}

/// What an address in a network of none of the rules is answered as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fallback {
    /// This one.
    Address(IpAddr),
    /// No record.
    Nothing,
}

/// What becomes of the addresses of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FilterRule {
    /// They are answered.
    Answered(Network),
    /// They are not, though a shorter prefix says so: `!192.0.2.0/24`.
    Excepted(Network),
}

impl FilterRule {
    fn network(&self) -> &Network {
        let (FilterRule::Answered(network) | FilterRule::Excepted(network)) = self;
        network
    }
}

impl AddressFilter {
    /// The rule of the longest prefix that holds an address counts, and of two for one prefix the later one.
    pub fn new(mut rules: Vec<FilterRule>, fallback: Fallback) -> Self {
        rules.reverse();
        rules.sort_by_key(|rule| Reverse(rule.network().bits()));
        Self { rules: rules.into_boxed_slice(), fallback }
    }

    /// What is answered for an address; none: no record. HOT.
    pub fn answer(&self, address: IpAddr) -> Option<IpAddr> {
        match self.rules.iter().find(|rule| rule.network().holds(address)) {
            Some(FilterRule::Answered(_)) => Some(address),
            Some(FilterRule::Excepted(_)) | None => match self.fallback {
                Fallback::Address(other) => Some(other),
                Fallback::Nothing => None,
            },
        }
    }

    pub(super) fn may_be_empty(&self) -> bool {
        self.fallback == Fallback::Nothing
    }

    pub(super) fn explain(&self) -> String {
        let networks: Vec<String> = self.rules.iter().rev().map(FilterRule::explain).collect();
        let networks = networks.join(" ");
        match self.fallback {
            Fallback::Address(other) => format!(", or {other} where that is not in {networks}"),
            Fallback::Nothing => format!(", or no record where that is not in {networks}"),
        }
    }
}

impl FilterRule {
    fn explain(&self) -> String {
        match self {
            FilterRule::Answered(network) => network.to_string(),
            FilterRule::Excepted(network) => format!("!{network}"),
        }
    }
}
