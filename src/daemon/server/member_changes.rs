//! Zones that come and go because catalogs name them.
//!
//! Responsible for each costing what it costs, however many zones there are, and for zones of the config file staying as
//! they are. Not responsible for which ones come and go: that is `zones`.

use super::super::served::targets_of;
use super::publishing::Publishing;
use super::waiting_changes::WaitingChange;
use crate::answer::Access;
use crate::health::TargetId;
use crate::zones::{MemberChange, NotPublished, StoredZone, ZoneId, ZoneSettings, ZoneState, networks_of};

impl Publishing {
    /// Makes changes in order; they are to be published then. Returns the zones that are served as was wanted.
    pub(super) fn change_members(
        &mut self,
        changes: Vec<MemberChange>,
        let_go: &mut Vec<TargetId>,
    ) -> Vec<StoredZone> {
        let mut served = Vec::new();
        for change in changes {
            match change {
                MemberChange::Serve(settings) => served.extend(self.serve_member(&settings)),
                MemberChange::Reset(settings) => {
                    self.let_go_of_change(&settings.id, let_go);
                    let place = self.served.place(&settings.id).filter(|place| self.is_member(*place));
                    let_go.extend(place.map(|place| self.served.reset(place)).into_iter().flatten());
                    served.extend(self.serve_member(&settings));
                }
                MemberChange::Drop(name) => {
                    let id = ZoneId::from(name);
                    if let Some(place) = self.served.place(&id).filter(|place| self.is_member(*place)) {
                        self.let_go_of_change(&id, let_go);
                        let_go.extend(self.served.remove(place));
                        self.updates.forget(&id);
                    }
                }
            }
        }
        served
    }

    /// Serves a zone as its catalog says; none: the config file has it.
    fn serve_member(&mut self, settings: &ZoneSettings) -> Option<StoredZone> {
        let ZoneSettings { id, sources, allow_query, update, member, .. } = settings;
        let networks = self.forwarding.networks();
        let allowed = allow_query.as_ref().map(|clients| networks_of(clients, networks));
        let access = Access::new(None, allowed);
        let place = match self.served.place(id) {
            Some(place) if self.is_member(place) => {
                let (sources, update, member) = (sources.clone(), update.clone(), member.clone());
                self.served.set_member(place, sources, access, update, member);
                place
            }
            Some(_) => return None,
            None => {
                self.served.push(StoredZone {
                    id: id.clone(),
                    sources: sources.clone(),
                    access,
                    update: update.clone(),
                    member: member.clone(),
                    state: ZoneState::default(),
                });
                self.served.zones().len().checked_sub(1)?
            }
        };
        let zone = self.served.zones().get(place)?;
        self.updates.pass_on_of(zone);
        Some(zone.clone())
    }

    fn is_member(&self, place: usize) -> bool {
        self.served.zones().get(place).is_some_and(|zone| zone.member.is_some())
    }

    /// A change that waits for its first probes is made no more.
    fn let_go_of_change(&mut self, zone: &ZoneId, let_go: &mut Vec<TargetId>) {
        if let Some(WaitingChange { publication, bound, .. }) = self.waiting_changes.take_of(zone) {
            let_go.extend(targets_of(&bound));
            // Whoever asked may have gone.
            let _ = publication.reply.send(Err(NotPublished::NoZone));
        }
    }
}
