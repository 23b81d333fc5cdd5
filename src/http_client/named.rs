//! Endpoints as the config file names them.

use super::endpoint::{Endpoint, EndpointError, Scheme};
use crate::setting::{Value, keep};
use crate::source::Diagnostics;

/// Most endpoints of one server that are named.
pub const ENDPOINTS_MAX: usize = 16;

/// Whose endpoints are named, for what is told of them.
#[derive(Clone, Copy, Debug)]
pub struct EndpointsOf {
    /// Whose they are: `etcd`.
    pub server: &'static str,
    /// Where it listens if nothing is said.
    pub port: u16,
    /// What to write in place of a name.
    pub for_a_name: &'static str,
    /// Why it is not asked in plain text; none: it is, where that is written.
    pub not_in_plain: Option<&'static str>,
    /// How one is written.
    pub example: &'static str,
}

impl EndpointsOf {
    /// Reads a list of them; none where no item is one.
    pub fn read(&self, value: Value<'_>, found: &mut Diagnostics) -> Option<Vec<Endpoint>> {
        let EndpointsOf { server, port, for_a_name, not_in_plain, example } = self;
        let items = keep(value.items(), found)?;
        if items.is_empty() || items.len() > ENDPOINTS_MAX {
            let count = items.len();
            found.push(value.fault(format!("`endpoints` has 1 to {ENDPOINTS_MAX} items, not {count}")));
            return None;
        }
        let mut list: Vec<Endpoint> = Vec::new();
        for item in items {
            let Some(text) = keep(item.text(), found) else { continue };
            match Endpoint::read(text, *port) {
                Ok(endpoint) if list.contains(&endpoint) => {
                    found.push(item.fault(format!("`{endpoint}` is named already")));
                }
                Ok(endpoint) => match not_in_plain {
                    Some(why) if endpoint.scheme == Scheme::Http => {
                        found.push(item.fault(*why).help("begin it with https://"));
                    }
                    Some(_) | None => list.push(endpoint),
                },
                Err(error) => {
                    let fault = item.fault(format!("no endpoint of {server}: {error}"));
                    found.push(match error {
                        EndpointError::Name { .. } => fault.help(*for_a_name),
                        EndpointError::Scheme | EndpointError::Address => {
                            fault.help(format!("write it as \"{example}\""))
                        }
                    });
                }
            }
        }
        (!list.is_empty()).then_some(list)
    }
}
