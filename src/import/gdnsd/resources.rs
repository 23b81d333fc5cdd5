//! Resources of plugins as pools: addresses by family, and what is tested.

use std::net::IpAddr;

use super::super::draft::{Guard, Line};
use super::vscf::Value;

/// Names of what is tested where nothing is said.
const DEFAULT: &str = "default";

/// Keys of a resource that are no labels.
const OPTIONS: &[&str] =
    &["addrs_v4", "addrs_v6", "ignore_health", "multi", "plugin", "service_types", "skip_first", "up_thresh"];

/// Share of addresses that must be up where none is said.
const UP_THRESH: f64 = 0.5;

/// Deepest chain of resources that name others.
const DEPTH_MAX: usize = 8;

/// What a resource answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Resource {
    /// What is answered first, and behind it what is answered when nothing of that is up.
    pub(super) groups: Vec<Vec<Member>>,
    /// What is tested.
    service_types: Vec<String>,
    /// Share of a group that must be up, in percent; none: one address is enough.
    min_up: Option<u32>,
    /// What is different here.
    pub(super) differing: Vec<&'static str>,
}

/// An address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) address: IpAddr,
    weight: Option<u32>,
}

/// The config file as far as resources are made of it.
pub(super) struct Resources<'c> {
    pub(super) plugins: Option<&'c Value>,
    pub(super) service_types: Option<&'c Value>,
}

/// What parts of a config say, the innermost one first.
type Levels<'l> = [Option<&'l Value>];

fn said<'l>(levels: &Levels<'l>, key: &str) -> Option<&'l Value> {
    levels.iter().flatten().find_map(|level| level.get(key))
}

impl Resources<'_> {
    /// What `PLUGIN!RESOURCE` answers, or why that cannot be had.
    pub(super) fn resource(&self, written: &str) -> Result<Resource, String> {
        self.at_depth(written, 0)
    }

    fn at_depth(&self, written: &str, depth: usize) -> Result<Resource, String> {
        if depth > DEPTH_MAX {
            return Err("resources that name each other".to_owned());
        }
        let (plugin, name) = written.split_once('!').unwrap_or((written, ""));
        let (name, datacenter) = match name.split_once('/') {
            Some((name, datacenter)) => (name, Some(datacenter)),
            None => (name, None),
        };
        let config = self.plugins.and_then(|plugins| plugins.get(plugin));
        let of_name = || config.and_then(|config| config.get(name)).ok_or(format!("no resource `{written}`"));
        match plugin {
            "null" => Ok(Resource {
                groups: vec![vec![
                    Member { address: IpAddr::from([0; 4]), weight: None },
                    Member { address: IpAddr::from([0; 16]), weight: None },
                ]],
                ..Resource::default()
            }),
            "multifo" | "simplefo" | "weighted" | "static" => self.plain(plugin, config, of_name()?),
            "metafo" => {
                let resource = config.and_then(|config| config.get("resources")?.get(name));
                let resource = resource.ok_or(format!("no resource `{written}`"))?;
                self.metafo(config, resource, datacenter, depth)
            }
            "geoip" => Err(
                "where a client is decides nothing here: write `when-client-in` of [[zone]], or one resource"
                    .to_owned(),
            ),
            "reflect" => Err("addresses of clients are not answered".to_owned()),
            other => Err(format!("the plugin `{other}` is not known")),
        }
    }

    /// A resource of addresses.
    fn plain(&self, plugin: &str, config: Option<&Value>, resource: &Value) -> Result<Resource, String> {
        if let Some(word) = resource.word() {
            return single(&word.text);
        }
        let families: Vec<&Value> =
            ["addrs_v4", "addrs_v6"].iter().filter_map(|family| resource.get(family)).collect();
        let parts = if families.is_empty() { vec![resource] } else { families };
        let mut whole: Option<Resource> = None;
        for part in parts {
            let levels = [Some(part), Some(resource), config];
            let part = match plugin {
                "simplefo" => self.simplefo(part, &levels)?,
                "weighted" => self.weighted(part, &levels)?,
                _ => self.multifo(part, &levels)?,
            };
            match &mut whole {
                None => whole = Some(part),
                Some(first) => first.join(part)?,
            }
        }
        whole.ok_or_else(|| "it has no addresses".to_owned())
    }

    fn multifo(&self, part: &Value, levels: &Levels<'_>) -> Result<Resource, String> {
        let addresses = match part {
            Value::List(_) | Value::Word(_) => part.words().iter().map(|word| member(&word.text)).collect(),
            Value::Table(_) => {
                labelled(part).map(|value| member(value.text())).collect::<Result<Vec<_>, _>>()
            }
        }?;
        let mut resource = self.of(vec![addresses], levels)?;
        resource.min_up = share(levels)?;
        if said(levels, "ignore_health").is_some_and(|value| value.text() == "true") {
            resource.service_types.clear();
        }
        Ok(resource)
    }

    fn simplefo(&self, part: &Value, levels: &Levels<'_>) -> Result<Resource, String> {
        let one = |key: &str| match part.get(key) {
            Some(value) => member(value.text()),
            None => Err(format!("it has no `{key}`")),
        };
        self.of(vec![vec![one("primary")?], vec![one("secondary")?]], levels)
    }

    fn weighted(&self, part: &Value, levels: &Levels<'_>) -> Result<Resource, String> {
        let mut members = Vec::new();
        for value in labelled(part) {
            let Value::List(items) = value else {
                return Err(
                    "groups of weighted addresses are not known here: write them as resources of their own"
                        .to_owned(),
                );
            };
            let [address, weight] = items.as_slice() else {
                return Err("not an address with a weight".to_owned());
            };
            let weight: Option<u32> = weight.text().parse().ok().filter(|weight| *weight > 0);
            let weight = weight.ok_or_else(|| "not an address with a weight".to_owned())?;
            members.push(Member { weight: Some(weight), ..member(address.text())? });
        }
        let alike = members.windows(2).all(|pair| matches!(pair, [one, other] if one.weight == other.weight));
        let mut resource = self.of(vec![members], levels)?;
        resource.min_up = share(levels)?;
        if !alike {
            resource.differing.push("its share that must be up is one of addresses, not of weights");
        }
        if said(levels, "multi").is_some_and(|value| value.text() == "true") {
            resource.groups.iter_mut().flatten().for_each(|member| member.weight = None);
            resource.differing.push("all that are up are answered, whatever their weights");
        }
        Ok(resource)
    }

    fn metafo(
        &self,
        config: Option<&Value>,
        resource: &Value,
        only: Option<&str>,
        depth: usize,
    ) -> Result<Resource, String> {
        let names = resource.get("datacenters").map(Value::words).unwrap_or_default();
        let map = resource.get("dcmap");
        let mut whole: Option<Resource> = None;
        for name in names.iter().filter(|name| only.is_none_or(|only| only == name.text)) {
            let value =
                map.and_then(|map| map.get(&name.text)).ok_or(format!("no `{}` in its dcmap", name.text))?;
            let levels = [Some(value), Some(resource), config];
            let plugin = said(&levels, "plugin").map_or("multifo", Value::text);
            let group = match value.text().strip_prefix('%') {
                Some(named) if named.contains('!') => self.at_depth(named, depth + 1)?,
                Some(named) => self.at_depth(&format!("{plugin}!{named}"), depth + 1)?,
                None if value.word().is_some() => self.multifo(value, &levels)?,
                None => {
                    let outer = Value::Table(
                        [resource.entries(), config.map(Value::entries).unwrap_or_default()].concat(),
                    );
                    self.plain(plugin, Some(&outer), value)?
                }
            };
            match &mut whole {
                None => whole = Some(group),
                Some(first) if first.service_types != group.service_types || first.min_up != group.min_up => {
                    return Err(
                        "its datacenters are tested in different ways, which a pool cannot be".to_owned()
                    );
                }
                Some(first) => first.groups.extend(group.groups),
            }
        }
        whole.ok_or_else(|| format!("it has no datacenter `{}`", only.unwrap_or_default()))
    }

    /// Members with what is tested at them.
    fn of(&self, groups: Vec<Vec<Member>>, levels: &Levels<'_>) -> Result<Resource, String> {
        let types = said(levels, "service_types").map(Value::words).unwrap_or_default();
        let types = types.iter().map(|word| word.text.clone()).filter(|name| self.is_tested(name)).collect();
        Ok(Resource { groups, service_types: types, ..Resource::default() })
    }

    /// Whether a service type tests anything.
    fn is_tested(&self, name: &str) -> bool {
        let given = self.service_types.and_then(|types| types.get(name));
        match given {
            Some(given) => given.get("plugin").is_none_or(|plugin| plugin.text() != "static"),
            None => !matches!(name, "up" | DEFAULT),
        }
    }

    /// What guards the names of a resource; none where nothing is tested.
    pub(super) fn guard(&self, resource: &Resource, ttl_degraded: u32) -> Result<Option<Guard>, String> {
        let mut lines = Vec::new();
        let mut ports: Vec<toml::Value> = Vec::new();
        let mut first: Option<&Value> = None;
        for name in &resource.service_types {
            let given = self.service_types.and_then(|types| types.get(name));
            let given =
                given.ok_or_else(|| format!("the service type `{name}` cannot be had: it is not given"))?;
            match given.get("plugin").map_or("", Value::text) {
                "tcp_connect" => {
                    let port = given.get("port").and_then(|port| port.text().parse::<u16>().ok());
                    ports.push(
                        i64::from(port.ok_or(format!("the service type `{name}` has no port"))?).into(),
                    );
                }
                "http_status" if lines.iter().any(|line: &Line| line.key == "http") => {
                    return Err("two service types are http_status: a pool has one".to_owned());
                }
                "http_status" => lines.push(Line::new("http", http(given)?)),
                other => {
                    return Err(format!(
                        "the service type `{name}` tests with `{other}`, which cannot be had: write one with tcp_connect or \
                         http_status"
                    ));
                }
            }
            first = first.or(Some(given));
        }
        let Some(first) = first else { return Ok(None) };
        match ports.as_slice() {
            [] => {}
            [port] => lines.insert(0, Line::new("tcp", port.clone())),
            _ => lines.insert(0, Line::new("tcp", toml::Value::Array(ports))),
        }
        lines.extend(times(first));
        if let Some(percent) = resource.min_up {
            lines.push(Line::new("min-up", format!("{percent}%")));
        }
        let [main, backups @ ..] = resource.groups.as_slice() else { return Ok(None) };
        let weights =
            main.iter().filter_map(|member| Some((member.address.to_string(), i64::from(member.weight?))));
        let weights: toml::Table = weights.map(|(address, weight)| (address, weight.into())).collect();
        if !weights.is_empty() {
            lines.push(Line::new("weights", weights));
        }
        if !backups.is_empty() {
            let address = |member: &Member| toml::Value::from(member.address.to_string());
            let groups = backups.iter().map(|group| toml::Value::Array(group.iter().map(address).collect()));
            lines.push(Line::new("backup", toml::Value::Array(groups.collect())));
        }
        lines.push(Line::new("ttl-degraded", format!("{ttl_degraded}s")));
        Ok(Some(Guard { lines }))
    }
}

impl Resource {
    /// Adds the other family, which must be tested alike.
    fn join(&mut self, other: Resource) -> Result<(), String> {
        if self.service_types != other.service_types || self.min_up != other.min_up {
            return Err("its families are tested in different ways: write a resource for each".to_owned());
        }
        for (place, group) in other.groups.into_iter().enumerate() {
            match self.groups.get_mut(place) {
                Some(own) => own.extend(group),
                None => self.groups.push(group),
            }
        }
        self.differing.extend(other.differing);
        Ok(())
    }
}

/// An address, or a name that cannot be had.
fn single(text: &str) -> Result<Resource, String> {
    Ok(Resource { groups: vec![vec![member(text)?]], ..Resource::default() })
}

fn member(text: &str) -> Result<Member, String> {
    let address = text.parse().map_err(|_| {
        format!(
            "`{text}` is no address: write a CNAME record, or a LUA record that chooses one, as in \
                 LUA CNAME \"pickrandom({{'a.example.com.', 'b.example.com.'}})\""
        )
    })?;
    Ok(Member { address, weight: None })
}

/// The values of a table that are no options.
fn labelled(part: &Value) -> impl Iterator<Item = &Value> {
    part.entries()
        .iter()
        .filter(|entry| !OPTIONS.contains(&entry.key.text.as_str()))
        .map(|entry| &entry.value)
}

/// The share that must be up.
fn share(levels: &Levels<'_>) -> Result<Option<u32>, String> {
    let text = said(levels, "up_thresh").map(Value::text);
    let share: f64 = match text {
        Some(text) => text.parse().map_err(|_| format!("`{text}` is no share"))?,
        None => UP_THRESH,
    };
    // In whole percent, up to a hundred.
    (1..=100)
        .find(|percent| f64::from(*percent) >= share * 100.0 - 1e-9)
        .map(Some)
        .ok_or_else(|| "`up_thresh` is above 1".to_owned())
}

/// How often it is tested, and how many outcomes count (the manual, "SERVICE_TYPES").
fn times(given: &Value) -> Vec<Line> {
    let number =
        |key: &str, usual: u32| given.get(key).and_then(|value| value.text().parse().ok()).unwrap_or(usual);
    let interval = number("interval", 10);
    let timeout = number("timeout", interval / 2).max(1);
    vec![
        Line::new("interval", format!("{interval}s")),
        Line::new("timeout", format!("{timeout}s")),
        Line::new("retry", format!("{interval}s")),
        Line::new("rise", i64::from(number("up_thresh", 20))),
        Line::new("fall", i64::from(number("down_thresh", 10))),
    ]
}

fn http(given: &Value) -> Result<toml::Value, String> {
    let mut table = toml::Table::new();
    let port = given.get("port").map_or(Ok(80), |port| port.text().parse::<u16>());
    table.insert("port".to_owned(), i64::from(port.map_err(|_| "no port".to_owned())?).into());
    for (key, ours) in [("url_path", "path"), ("vhost", "host")] {
        if let Some(value) = given.get(key) {
            table.insert(ours.to_owned(), value.text().into());
        }
    }
    let codes = given.get("ok_codes").map(Value::words).unwrap_or_default();
    let codes: Result<Vec<i64>, _> = codes.iter().map(|word| word.text.parse::<i64>()).collect();
    let codes = codes.map_err(|_| "a status is no number".to_owned())?;
    let codes = if codes.is_empty() { vec![200] } else { codes };
    table.insert("status".to_owned(), toml::Value::Array(codes.into_iter().map(Into::into).collect()));
    Ok(table.into())
}
