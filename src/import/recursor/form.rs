//! The forms that settings of pdns-recursor are written in.
//!
//! Tells the old form from YAML, follows their includes, and knows the names that differ between the two.

use std::path::Path;

use super::super::keyed;
use super::super::listeners::included;
use super::super::report::Fate;
use super::super::rule;
use super::super::server_setting::{Occurrence, ServerSetting, ServerSettings, Value};
use super::super::word::{Word, is_secret};
use super::super::work::{Unreadable, Work};
use super::super::yaml::{self, Content, Node};
use super::lists::is_yaml;
use super::rules::RULES;
use crate::source::{Diagnostic, FileId, Severity, nearest};

/// The sections of the YAML form.
const SECTIONS: &[&str] = &[
    "carbon",
    "dnssec",
    "ecs",
    "incoming",
    "logging",
    "nod",
    "outgoing",
    "packetcache",
    "recordcache",
    "recursor",
    "snmp",
    "webservice",
];

/// Reads the file at `path` and those of its include folder.
pub(super) fn read(work: &mut Work, path: &Path) -> Result<ServerSettings, Unreadable> {
    let mut settings = ServerSettings::default();
    let file = open(work, path)?;
    let errors = work.found.errors();
    let is_yaml = is_yaml(&work.sources.bytes(file));
    let mut take = |work: &mut Work, file| {
        if is_yaml {
            take_yaml(work, file, &mut settings);
        } else {
            keyed::read(&work.sources, file, &mut settings, &mut work.report, &mut work.found);
        }
        settings.clone()
    };
    let main = take(work, file);
    let mut more = included(work, &main, path, if is_yaml { "yml" } else { "conf" });
    while let Some(path) = more.pop() {
        let file = open(work, &path)?;
        take(work, file);
    }
    if is_yaml && work.found.errors() > errors { Err(Unreadable) } else { Ok(settings) }
}

fn open(work: &mut Work, path: &Path) -> Result<FileId, Unreadable> {
    work.sources.read(path).map_err(|error| {
        work.found.push(Diagnostic::placeless(Severity::Error, error.to_string()));
        Unreadable
    })
}

fn take_yaml(work: &mut Work, file: FileId, settings: &mut ServerSettings) {
    let bytes = work.sources.bytes(file);
    let Some(root) = yaml::read(file, &bytes, &mut work.found) else { return };
    if !matches!(root.content, Content::Mapping(_)) {
        work.found.push(Diagnostic::error(root.span, "sections are wanted here: `incoming:`, `recursor:` …"));
        return;
    }
    for (section, inside) in root.pairs() {
        if !SECTIONS.contains(&section.text.as_str()) {
            let near = nearest(&section.text, SECTIONS.iter().copied());
            let help = near.map_or_else(
                || "look it up in the manual of pdns-recursor".to_owned(),
                |near| format!("did you mean `{near}`?"),
            );
            let fate = Fate::refused(format!("not a section of pdns-recursor: {help}"));
            work.report.add(section.span, format!("{}:", section.text), fate);
            continue;
        }
        for (key, node) in inside.pairs() {
            take_node(work, &section.text, key, node, settings);
        }
    }
}

/// Takes one setting: a list adds to what an earlier file said, everything else takes its place.
fn take_node(work: &mut Work, section: &str, key: &Word, node: &Node, settings: &mut ServerSettings) {
    let name = old_name(section, &key.text);
    let value = if is_secret(&key.text) { "…".to_owned() } else { node.shown() };
    let occurrence = Occurrence { span: key.span, shown: format!("{section}.{}: {value}", key.text) };
    let value = Value::Nodes(vec![node.clone()]);
    let setting = ServerSetting { name, span: key.span, occurrences: vec![occurrence], value };
    let is_list = matches!(node.content, Content::Sequence(_));
    let adds = is_list && node.tag.as_deref() != Some("override");
    if adds && settings.extend(&setting).is_some() {
        return;
    }
    let place = work.sources.place(setting.span);
    for before in settings.set(setting) {
        let text = format!("given again at {}:{}, which counts", place.path, place.line);
        work.report.add(before.span, before.shown, Fate::no_effect(text));
    }
}

/// The name by which the rules know a YAML setting. Most are the same with hyphens, or with the section in
/// front.
pub(super) fn old_name(section: &str, key: &str) -> String {
    let full = format!("{section}.{key}");
    if let Some((_, old)) = YAML_NAMES.iter().find(|(yaml, _)| *yaml == full) {
        return (*old).to_owned();
    }
    let same = key.replace('_', "-");
    let with_section = format!("{section}-{same}");
    let known = |name: &str| rule::find(RULES, name).is_some();
    if known(&with_section) {
        with_section
    } else if known(&same) {
        same
    } else {
        full
    }
}

/// Names of the YAML form that are neither the old name with underscores nor that behind the section's name.
const YAML_NAMES: &[(&str, &str)] = &[
    ("dnssec.validation", "dnssec"),
    ("dnssec.disabled_algorithms", "dnssec-disabled-algorithms"),
    ("incoming.listen", "local-address"),
    ("incoming.port", "local-port"),
    ("incoming.tcp_timeout", "client-tcp-timeout"),
    ("outgoing.any_to_tcp", "out-any-to-tcp"),
    ("outgoing.edns_bufsize", "edns-outgoing-bufsize"),
    ("outgoing.edns_padding", "edns-padding-out"),
    ("outgoing.lowercase", "lowercase-outgoing"),
    ("outgoing.source_address", "query-local-address"),
    ("outgoing.tcp_max_idle_ms", "tcp-out-max-idle-ms"),
    ("outgoing.tcp_max_idle_per_auth", "tcp-out-max-idle-per-auth"),
    ("outgoing.tcp_max_queries", "tcp-out-max-queries"),
    ("outgoing.tcp_max_idle_per_thread", "tcp-out-max-idle-per-thread"),
    ("webservice.api_dir", "api-config-dir"),
    ("webservice.address", "webserver-address"),
    ("webservice.allow_from", "webserver-allow-from"),
    ("webservice.hash_plaintext_credentials", "webserver-hash-plaintext-credentials"),
    ("webservice.loglevel", "webserver-loglevel"),
    ("webservice.password", "webserver-password"),
    ("webservice.port", "webserver-port"),
    ("webservice.max_request_size", "webserver-max-request-size"),
    ("carbon.ns", "carbon-namespace"),
    ("packetcache.disable", "disable-packetcache"),
    ("packetcache.max_entries", "max-packetcache-entries"),
    ("packetcache.max_entry_size", "max-packetcache-entry-size"),
    ("logging.timestamp", "log-timestamp"),
    ("logging.common_errors", "log-common-errors"),
    ("logging.rpz_changes", "log-rpz-changes"),
    ("logging.facility", "logging-facility"),
    ("recordcache.max_entries", "max-cache-entries"),
    ("recordcache.max_ttl", "max-cache-ttl"),
    ("recordcache.max_entry_size", "max-recordcache-entry-size"),
    ("recordcache.locked_ttl_perc", "record-cache-locked-ttl-perc"),
    ("recordcache.shards", "record-cache-shards"),
    ("nod.tracking", "new-domain-tracking"),
    ("nod.log", "new-domain-log"),
    ("nod.lookup", "new-domain-lookup"),
    ("nod.db_size", "new-domain-db-size"),
    ("nod.history_dir", "new-domain-history-dir"),
    ("nod.db_snapshot_interval", "new-domain-db-snapshot-interval"),
    ("nod.ignore_list", "new-domain-ignore-list"),
    ("nod.ignore_list_file", "new-domain-ignore-list-file"),
    ("nod.pb_tag", "new-domain-pb-tag"),
    ("snmp.agent", "snmp-agent"),
    ("snmp.daemon_socket", "snmp-daemon-socket"),
];
