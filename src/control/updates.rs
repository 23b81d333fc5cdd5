//! What updates did to zones, for an operator, and what is to be taken back of it.

use serde::{Deserialize, Serialize};

use super::quantities::counted;
use super::{UtcTime, query};
use crate::dns::{Name, Rtype};

/// What is wanted of the updates of zones.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UpdatesOrder {
    /// Show them.
    Show {
        /// Of this zone; none: of all.
        zone: Option<Name>,
    },
    /// Take them back: the file decides about these records again.
    Drop {
        /// The zone.
        zone: Name,
        /// The owner.
        owner: Name,
        /// The type; none: all of them.
        rtype: Option<Rtype>,
    },
}

impl UpdatesOrder {
    /// Reads the query string of `GET /updates`.
    pub(super) fn read(text: &str) -> Result<UpdatesOrder, String> {
        let pairs = query::read(text).ok_or("this is no query string")?;
        let mut zone = None;
        for (key, value) in pairs {
            match key.as_str() {
                "zone" => zone = Some(name(&value)?),
                other => return Err(format!("`{other}` is no key here; there is `zone`")),
            }
        }
        Ok(UpdatesOrder::Show { zone })
    }
}

fn name(text: &str) -> Result<Name, String> {
    text.parse().map_err(|error| format!("`{text}` is no name: {error}"))
}

/// What updates did to zones.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdatesShown {
    /// Records that were taken back.
    pub dropped: usize,
    /// The zones.
    pub zones: Vec<UpdatedZone>,
}

/// What updates did to a zone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdatedZone {
    /// Its apex.
    pub name: String,
    /// What this version of it is called, where there are others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub view: Option<String>,
    /// The serial of its journal; none: there is none yet.
    pub serial: Option<u32>,
    /// Records by which it differs from its file.
    pub records: Vec<UpdatedRecord>,
}

/// A record by which a zone differs from its file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UpdatedRecord {
    /// Its owner.
    pub owner: String,
    /// Its type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// Its TTL in seconds; none: it was removed.
    pub ttl: Option<u32>,
    /// Its RDATA, in presentation format.
    pub data: String,
    /// When it was changed.
    pub at: UtcTime,
    /// Who changed it.
    pub by: String,
    /// Why it is not served, with the place in the file; none: it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aside: Option<String>,
}

/// The body of `POST /updates/drop`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DropBody {
    pub(super) zone: String,
    pub(super) owner: String,
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub(super) rtype: Option<String>,
}

impl DropBody {
    /// What it asks for.
    pub(super) fn order(&self) -> Result<UpdatesOrder, String> {
        let rtype = self
            .rtype
            .as_ref()
            .map(|text| Rtype::parse(text.as_bytes()).ok_or_else(|| format!("`{text}` is no record type")));
        Ok(UpdatesOrder::Drop {
            zone: name(&self.zone)?,
            owner: name(&self.owner)?,
            rtype: rtype.transpose()?,
        })
    }
}

/// What updates did to zones, for people.
pub fn updates_lines(shown: &UpdatesShown) -> String {
    let mut lines = String::new();
    for zone in &shown.zones {
        let view = zone.view.as_ref().map(|view| format!(" (view {view})")).unwrap_or_default();
        let serial =
            zone.serial.map_or_else(|| "no updates yet".to_owned(), |serial| format!("serial {serial}"));
        let count = counted(zone.records.len(), "record");
        lines += &format!("{}{view}: {serial}, {count} other than in its file\n", zone.name);
        for record in &zone.records {
            let UpdatedRecord { owner, rtype, ttl, data, at, by, aside } = record;
            let what = match ttl {
                Some(ttl) => format!("+ {owner} {ttl} {rtype} {data}"),
                None => format!("- {owner} {rtype} {data}"),
            };
            let aside = aside.as_ref().map(|why| format!("\n    not served: {why}")).unwrap_or_default();
            lines += &format!("  {what}   ; {by}, {at}{aside}\n");
        }
    }
    if shown.zones.is_empty() {
        lines += "no zone has a [[zone.update]]\n";
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_shown_with_who_changed_them_and_why_they_are_not_served() {
        let record = |ttl, aside: Option<&str>| UpdatedRecord {
            owner: "a.lab.example.".to_owned(),
            rtype: "A".to_owned(),
            ttl,
            data: "192.0.2.1".to_owned(),
            at: "2026-11-21T02:18:00Z".parse().unwrap(),
            by: "192.0.2.9".to_owned(),
            aside: aside.map(str::to_owned),
        };
        let records =
            vec![record(Some(60), None), record(None, Some("a pool answers A there now, lab.zone:7"))];
        let zone = UpdatedZone { name: "lab.example.".to_owned(), view: None, serial: Some(9), records };
        assert_eq!(
            updates_lines(&UpdatesShown { dropped: 0, zones: vec![zone] }),
            "lab.example.: serial 9, 2 records other than in its file\n\
             \x20 + a.lab.example. 60 A 192.0.2.1   ; 192.0.2.9, 2026-11-21T02:18:00Z\n\
             \x20 - a.lab.example. A 192.0.2.1   ; 192.0.2.9, 2026-11-21T02:18:00Z\n\
             \x20   not served: a pool answers A there now, lab.zone:7\n"
        );
    }

    #[test]
    fn what_is_asked_for_is_read_and_what_is_not_understood_says_why() {
        assert_eq!(UpdatesOrder::read(""), Ok(UpdatesOrder::Show { zone: None }));
        let zone: Name = "lab.example.".parse().unwrap();
        assert_eq!(
            UpdatesOrder::read("zone=lab.example"),
            Ok(UpdatesOrder::Show { zone: Some(zone.clone()) })
        );
        assert!(UpdatesOrder::read("zone=a..b").unwrap_err().contains("no name"));
        assert!(UpdatesOrder::read("owner=a").unwrap_err().contains("no key"));
        let body = |rtype: &str| DropBody {
            zone: "lab.example".to_owned(),
            owner: "lab.example.".to_owned(),
            rtype: Some(rtype.to_owned()),
        };
        let drop = UpdatesOrder::Drop { zone: zone.clone(), owner: zone, rtype: Some(Rtype::A) };
        assert_eq!(body("a").order(), Ok(drop));
        assert!(body("AA").order().is_err());
    }
}
