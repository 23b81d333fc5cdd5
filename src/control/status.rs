//! The status: how everything stands, for machines.
//!
//! Responsible for the names and forms of what is told: scripts rely on them.
//! Not responsible for finding it out, or for tables.

use serde::{Deserialize, Serialize};

/// How everything stands at one moment. Moments are RFC 3339 in UTC.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// Of the program.
    pub version: String,
    /// Since its start.
    pub uptime_seconds: u64,
    /// In the order of the config file.
    pub zones: Vec<ZoneStatus>,
    /// In the order of the zones.
    pub pools: Vec<PoolStatus>,
    /// Every target once.
    pub targets: Vec<TargetStatus>,
    /// Trouble on this host that keeps probes from saying anything.
    pub local_trouble: Option<String>,
    /// What the operator has said of targets and still holds, oldest first; the last one that means a
    /// target counts.
    pub forced: Vec<RuleStatus>,
}

/// A zone.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ZoneStatus {
    /// Its apex.
    pub name: String,
    /// Of the version that is served; none: SERVFAIL is answered.
    pub serial: Option<u32>,
    /// Its file.
    pub file: String,
    /// When the version that is served was read.
    pub loaded_at: Option<String>,
    /// Why a newer version is not served.
    pub error: Option<String>,
}

/// A pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PoolStatus {
    /// Its owner.
    pub owner: String,
    /// Its type.
    #[serde(rename = "type")]
    pub rtype: String,
    /// `up`: members are; `pending`: nothing is known yet; `all-down`.
    pub standing: String,
    /// Its members, group by group.
    pub members: Vec<MemberStatus>,
    /// The addresses that are answered from now.
    pub answering: Vec<String>,
}

/// The standing of a pool whose members are all down.
const ALL_DOWN: &str = "all-down";

impl PoolStatus {
    /// Whether every member is down.
    pub fn is_all_down(&self) -> bool {
        self.standing == ALL_DOWN
    }
}

/// A member of a pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MemberStatus {
    /// Its address.
    pub address: String,
    /// What all its targets come to, as answers are made from it.
    pub verdict: String,
    /// The ids of the targets that must all be up.
    pub targets: Vec<usize>,
}

/// A target.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TargetStatus {
    /// Its id for as long as it is watched.
    pub id: usize,
    /// Its name in the log and for `force`.
    pub name: String,
    /// Its address.
    pub address: String,
    /// The kind of probe.
    pub probe: String,
    /// What outcomes say: `pending`, `up` or `down`.
    pub verdict: String,
    /// What answers are made from.
    pub believed: String,
    /// What the operator says instead.
    pub forced: Option<String>,
    /// Whether it is held down for changing too often.
    pub held: bool,
    /// Since when the verdict holds.
    pub since: String,
    /// What the last probe saw.
    pub last_outcome: Option<String>,
    /// The last outcome that was no pass, however long ago.
    pub last_error: Option<String>,
    /// How long the last pass took.
    pub latency_ms: Option<f64>,
    /// How long ago the last probe ended, or the watch began where none has.
    pub last_probe_age_ms: u64,
    /// Changes of the verdict.
    pub transitions: u64,
}

/// A rule of the operator.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RuleStatus {
    /// The targets it means.
    pub target: String,
    /// `up`, `down` or `auto`.
    pub verdict: String,
    /// Since when.
    pub since: String,
    /// Until when.
    pub until: Option<String>,
    /// Why.
    pub reason: Option<String>,
}
