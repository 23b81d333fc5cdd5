//! Who gets a zone by a transfer, and by which entry of `allow-transfer`.

use super::publishing::Publishing;
use crate::answer::Requester;
use crate::control::ExplainOrder;
use crate::dns::Rtype;
use crate::dns::message::Rcode;
use crate::tls::ClientProof;
use crate::transfer::outgoing::Permission;

/// Most entries that are gone through one by one.
const ENTRIES_SHOWN_MAX: usize = 32;

/// What becomes of a question for a transfer.
pub(super) struct TransferExplained {
    pub(super) rcode: Rcode,
    /// Why, in one sentence.
    pub(super) because: String,
    /// What else is to be said, one sentence each.
    pub(super) remarks: Vec<String>,
}

impl Publishing {
    /// What becomes of a question for a transfer; none: it is a question for something else.
    pub(super) fn explain_transfer(&self, order: &ExplainOrder) -> Option<TransferExplained> {
        let ExplainOrder { qname, qtype, client, subnet: _, key, certificate } = order;
        if !matches!(*qtype, Rtype::AXFR | Rtype::IXFR) {
            return None;
        }
        let refused =
            |because: String| TransferExplained { rcode: Rcode::REFUSED, because, remarks: Vec::new() };
        if let Some(key) = key
            && self.dispatcher.signatures().keys().get(key.as_ref()).is_none()
        {
            let rcode = Rcode::NOTAUTH;
            let because = format!("{rcode} (BADKEY): no [[key]] of this server has the name {key}");
            return Some(TransferExplained { rcode, because, remarks: Vec::new() });
        }
        let proof = certificate.clone().map_or(ClientProof::Nothing, ClientProof::Supposed);
        let requester = Requester { address: *client, key: key.clone(), proof };
        let Some(permission) = self.transferring.permission(qname, &requester) else {
            let is_zone = self.served.zones().iter().any(|zone| zone.id.name == *qname);
            return Some(refused(if is_zone {
                "REFUSED: no version of the zone that the client sees has `allow-transfer`".to_owned()
            } else {
                "REFUSED: no zone of this server has this name".to_owned()
            }));
        };
        let Permission { called, by, others, serial } = permission;
        let explained = match (by, serial) {
            (None, _) if others.is_empty() => refused("REFUSED: the zone has no `allow-transfer`".to_owned()),
            (None, _) => {
                refused(format!("REFUSED: `allow-transfer` of zone {called} does not hold {requester}"))
            }
            (Some(by), Some(serial)) => TransferExplained {
                rcode: Rcode::NOERROR,
                because: format!(
                    "zone {called} is sent at serial {serial}: `{by}` of `allow-transfer` holds {requester}"
                ),
                remarks: Vec::new(),
            },
            (Some(_), None) => TransferExplained {
                rcode: Rcode::SERVFAIL,
                because: "SERVFAIL: no version of the zone is served".to_owned(),
                remarks: Vec::new(),
            },
        };
        let more = others.len().saturating_sub(ENTRIES_SHOWN_MAX);
        let remarks =
            others.iter().take(ENTRIES_SHOWN_MAX).map(|(entry, why)| format!("not by `{entry}`: {why}"));
        let more = (more > 0).then(|| format!("and not by {more} entries more"));
        Some(TransferExplained { remarks: remarks.chain(more).collect(), ..explained })
    }
}
