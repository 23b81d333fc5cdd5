//! `members` of a `[[zone.probe]]`: addresses of names that a cluster says.
//!
//! Has what is asked for. What the cluster said last is on the disk, and is read from there; that it is so is
//! `cluster_members`' to see to.

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::interface::{Reading, Source};
use crate::dns::{Name, Ttl};
use crate::kubernetes::Selector;
use crate::source::{Diagnostic, Diagnostics, Span};
use crate::zone::Builder;
use crate::zones::kept_members;

/// Names whose addresses a cluster says, besides those that they have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClusterMembers {
    /// The names, with who is meant and where the config file says so.
    pub wanted: Vec<(Name, Selector, Span)>,
    /// The TTL of names that have no addresses of their own.
    pub ttl: Ttl,
}

impl ClusterMembers {
    /// Who is meant.
    pub fn selectors(&self) -> impl Iterator<Item = &Selector> {
        self.wanted.iter().map(|(_, selector, _)| selector)
    }
}

impl Source for ClusterMembers {
    fn read(&self, reading: &mut Reading<'_>, builder: &mut Builder, found: &mut Diagnostics) -> Option<()> {
        let Some(state) = reading.state_directory else { return Some(()) };
        for (owner, selector, span) in &self.wanted {
            let path = kept_members::path(state, selector);
            // Before the cluster has said anything there is none.
            if reading.sources.reads_files() && !path.exists() {
                continue;
            }
            let Ok(file) = reading.sources.read(&path) else {
                let message =
                    format!("the last known members of {selector} cannot be read: {}", path.display());
                found.push(Diagnostic::warning(*span, message));
                continue;
            };
            let bytes = reading.sources.bytes(file);
            let origin = Span::new(file, 0, 0);
            let members: Vec<IpAddr> =
                kept_members::members(&bytes).into_iter().flat_map(|member| member.addresses).collect();
            for address in members {
                if let Err(fault) = builder.add_address(owner.as_ref(), address, self.ttl, origin) {
                    found.push(fault);
                    return None;
                }
            }
        }
        Some(())
    }

    /// Where the config file names them makes no difference.
    fn is_same(&self, other: &dyn Source) -> bool {
        let Some(other) = (other as &dyn Any).downcast_ref::<Self>() else { return false };
        let same = |(one, other): (&(Name, Selector, Span), &(Name, Selector, Span))| {
            (&one.0, &one.1) == (&other.0, &other.1)
        };
        self.ttl == other.ttl
            && self.wanted.len() == other.wanted.len()
            && self.wanted.iter().zip(&other.wanted).all(same)
    }

    fn kept_texts(&self, state_directory: &Path) -> Vec<PathBuf> {
        self.selectors().map(|selector| kept_members::path(state_directory, selector)).collect()
    }

    fn remark(&self) -> Option<String> {
        Some(format!("addresses are added by {self}"))
    }
}

impl fmt::Display for ClusterMembers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cluster's")?;
        let selectors: BTreeSet<&Selector> = self.selectors().collect();
        selectors.into_iter().try_for_each(|selector| write!(f, " {selector}"))
    }
}
