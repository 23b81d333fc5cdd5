//! Where the records of an answer come from: file and line, or a transfer, an update, a key of a store.
//!
//! The snapshot keeps no locations, so that a name costs no memory for them. An explanation reads the files as they are
//! now once more, for the few records in question. Of a record that is not there, the contents of the zone say where it
//! comes from, if they are in memory; otherwise it has been changed since it was loaded, which the explanation says.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config;
use crate::control::{Explanation, RecordView};
use crate::dns::{Name, NameRef, Rtype};
use crate::source::{Diagnostics, Sources, Span};
use crate::zone::{Pool, Zone};
use crate::zonefile::{self, Content, Written};
use crate::zones::{ZoneId, ZoneSources};

/// What is looked for.
pub(super) struct Search {
    /// The config file.
    pub(super) config: PathBuf,
    /// The zone and where its records come from.
    pub(super) id: ZoneId,
    pub(super) sources: ZoneSources,
    /// What is in the zone, where that is in memory.
    pub(super) contents: Option<Arc<Zone>>,
    /// For each record of each section what it was made from, in the order of the explanation.
    pub(super) sections: [Vec<MadeFrom>; 3],
    /// The pools, in the order of the explanation.
    pub(super) pools: Vec<Arc<Pool>>,
}

/// What a record of an answer was made from.
pub(super) struct MadeFrom {
    /// Its owner in the file: a wildcard's, say.
    pub(super) owner: Name,
    /// Its type there.
    pub(super) rtype: Rtype,
    /// Its RDATA there; none: it was made with what the query says.
    pub(super) rdata: Option<Vec<u8>>,
}

impl Search {
    /// Adds to an explanation what the files and the contents say. Takes as long as reading the zone's text.
    pub(super) fn run(&self, explanation: &mut Explanation) {
        match self.sources.file() {
            Some(file) => self.search(file, explanation),
            None => self.add_records(explanation, &[], &Sources::default()),
        }
        explanation.remarks.extend(self.sources.remarks());
        self.add_guards(explanation);
    }

    fn search(&self, file: &Path, explanation: &mut Explanation) {
        let mut sources = Sources::default();
        match sources.read(file) {
            Ok(file) => {
                let keys = self.keys();
                let wanted = |owner: NameRef<'_>, rtype: Rtype| keys.contains(&(owner, rtype));
                let settings = zonefile::Settings::default();
                let written = zonefile::search(&mut sources, file, &self.id.name, &settings, wanted);
                self.add_records(explanation, &written, &sources);
            }
            Err(fault) => explanation.remarks.push(format!("{fault}: the places of the records are unknown")),
        }
    }

    /// Owner and type of everything that is looked for.
    fn keys(&self) -> HashSet<(NameRef<'_>, Rtype)> {
        let records = self.sections.iter().flatten().map(|origin| (origin.owner.as_ref(), origin.rtype));
        let pools = self.pools.iter().map(|pool| (pool.owner.as_ref(), pool.rtype));
        records.chain(pools).collect()
    }

    fn add_records(&self, explanation: &mut Explanation, written: &[Written], sources: &Sources) {
        let answer = &mut explanation.answer;
        let views = [&mut answer.answer, &mut answer.authority, &mut answer.additional];
        let mut changed = false;
        for (number, (records, origins)) in views.into_iter().zip(&self.sections).enumerate() {
            for (record, origin) in records.iter_mut().zip(origins) {
                let elsewhere = || origin.elsewhere(self.contents.as_deref()?);
                record.place = origin.find(written).map(|span| place(sources, span)).or_else(elsewhere);
                // Additional addresses may come from anywhere, such as a wildcard.
                changed |= record.place.is_none() && number < 2;
            }
        }
        for (view, pool) in explanation.pools.iter_mut().zip(&self.pools) {
            let span = find_pool(pool, written);
            view.place = span.map(|span| place(sources, span)).or_else(|| pool.origin.in_words());
            changed |= view.place.is_none();
        }
        // Records that are made from another zone are in no file, and those of a live zone need not be.
        let is_in_files = self.contents.is_none() && self.sources.made_from().is_none();
        if changed && is_in_files && self.sources.file().is_some() {
            let file = &self.sources;
            let remark = format!("{file} says otherwise by now: `edgedns reload` takes it over");
            explanation.remarks.push(remark);
        }
    }

    /// Where the config file has plain records guarded.
    fn add_guards(&self, explanation: &mut Explanation) {
        if self.pools.iter().all(|pool| pool.lua.is_some()) {
            return;
        }
        let mut sources = Sources::default();
        let read = config::read(&mut sources, &self.config, &mut Diagnostics::default());
        let is_it = |zone: &&config::Zone| zone.name == self.id.name && zone.view == self.id.view;
        let zone = read.iter().flat_map(|config| &config.zones).find(is_it);
        for (view, pool) in
            explanation.pools.iter_mut().zip(&self.pools).filter(|(_, pool)| pool.lua.is_none())
        {
            let mut names = zone.iter().flat_map(|zone| &zone.guards).flat_map(|block| &block.names);
            let named = names.find(|(name, _)| *name == pool.owner);
            view.guarded_at = named.map(|(_, span)| place(&sources, *span));
        }
    }
}

impl MadeFrom {
    /// Its origin, or that of a LUA record that gives it, where that is no text.
    fn elsewhere(&self, zone: &Zone) -> Option<String> {
        let node = zone.node(zone.find(self.owner.as_ref())?);
        let is_it = |rdata: &[u8]| self.rdata.as_ref().is_none_or(|own| own == rdata);
        let mut records = node.rrset(self.rtype).into_iter().flat_map(|set| set.rdatas().zip(set.origins()));
        let record = records.find(|(rdata, _)| is_it(rdata)).map(|(_, origin)| origin);
        let lua = || node.pools_of(self.rtype).next().map(|id| zone.pools()[id.index()].origin.clone());
        record.or_else(lua)?.in_words()
    }

    /// Its place: that of the record itself, or of a LUA record that gives it.
    fn find(&self, written: &[Written]) -> Option<Span> {
        let own = || written.iter().filter(|one| one.owner == self.owner && one.rtype == self.rtype);
        let is_it = |one: &&Written| match (&one.content, &self.rdata) {
            (Content::Rdata(rdata), Some(own)) => rdata == own,
            (Content::Rdata(_), None) => true,
            (Content::Lua(_), _) => false,
        };
        let lua = || own().find(|one| matches!(one.content, Content::Lua(_)));
        own().find(is_it).or_else(lua).map(|one| one.span)
    }
}

/// Where a pool was written: its LUA record, or the first of the records that are guarded.
fn find_pool(pool: &Pool, written: &[Written]) -> Option<Span> {
    let mut own = written.iter().filter(|one| one.owner == pool.owner && one.rtype == pool.rtype);
    let is_it = |one: &&Written| match (&one.content, &pool.lua) {
        (Content::Lua(code), Some(lua)) => code.as_str() == &**lua,
        (Content::Rdata(rdata), None) => pool.groups.iter().flatten().any(|member| *member.rdata == **rdata),
        (Content::Lua(_), None) | (Content::Rdata(_), Some(_)) => false,
    };
    own.find(is_it).map(|one| one.span)
}

/// File and line.
fn place(sources: &Sources, span: Span) -> String {
    let place = sources.place(span);
    format!("{}:{}", place.path, place.line)
}

/// A record as `explain` shows it.
pub(super) fn record_view(record: &crate::dns::response::Record) -> RecordView {
    RecordView {
        owner: record.owner.to_string(),
        ttl: record.ttl,
        rtype: record.rtype.to_string(),
        data: record.data(),
        place: None,
    }
}

#[cfg(test)]
mod tests;
