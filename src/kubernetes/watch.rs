//! A watch: what becomes of nodes or pods.

use super::error::Error;
use super::selector::Selector;
use super::wire::{EventLine, Member, Told, is_version};
use crate::http_client::Lines;
use crate::source::words;

/// The status of HTTP for what is not known any more.
pub(super) const GONE: u16 = 410;

/// A watch that stands.
pub struct Watch {
    selector: Selector,
    lines: Lines,
}

/// What a watch says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Watched {
    /// One is there, or has changed.
    There(Member, Version),
    /// One is gone, or has other labels now.
    Gone(Member, Version),
    /// Nothing, up to here.
    Bookmark(Version),
}

/// Up to where a list or a watch is known: only the API server knows what that means.
pub(super) type Version = String;

impl Watch {
    pub(super) fn new(selector: Selector, lines: Lines) -> Watch {
        Watch { selector, lines }
    }

    /// What is said next. It may be dropped and called again: nothing is lost.
    ///
    /// # Errors
    ///
    /// When the watch has ended, with the reason.
    pub async fn next(&mut self) -> Result<Watched, Error> {
        let Some(line) = self.lines.next().await? else { return Err(Error::Ended) };
        watched(&self.selector, &line)
    }
}

fn watched(selector: &Selector, line: &[u8]) -> Result<Watched, Error> {
    let EventLine { kind, object } = serde_json::from_slice(line).map_err(Error::malformed)?;
    if kind == "ERROR" {
        return Err(told(&object.into(), 500));
    }
    let version = object.metadata.resource_version.clone();
    if !is_version(&version) {
        return Err(Error::malformed("an event without a version"));
    }
    if kind == "BOOKMARK" {
        return Ok(Watched::Bookmark(version));
    }
    let member = object.member(selector).ok_or_else(|| Error::malformed("an event of nobody"))?;
    match kind.as_str() {
        "ADDED" | "MODIFIED" if object.has_ended(selector) => Ok(Watched::Gone(member, version)),
        "ADDED" | "MODIFIED" => Ok(Watched::There(member, version)),
        "DELETED" => Ok(Watched::Gone(member, version)),
        other => Err(Error::malformed(format!("an event of type {other:?}"))),
    }
}

/// An error that an API server tells; `status` is what HTTP says of it.
pub(super) fn told(told: &Told, status: u16) -> Error {
    let status = if told.code == 0 { status } else { told.code };
    if status == GONE || matches!(told.reason.as_str(), "Gone" | "Expired") {
        return Error::Gone;
    }
    let why = if told.message.is_empty() { "no reason".to_owned() } else { words(&told.message) };
    Error::Refused { status, why }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_told_apart_and_410_is_one_of_them() {
        let nodes = Selector::nodes("a").unwrap();
        let of = |text: &str| watched(&nodes, text.as_bytes());
        let node = r#"{"metadata":{"name":"m0","resourceVersion":"7"},"status":{"addresses":
            [{"type":"InternalIP","address":"192.0.2.1"}]}}"#;
        let event = |kind: &str| of(&format!(r#"{{"type":"{kind}","object":{node}}}"#));
        assert!(
            matches!(event("ADDED"), Ok(Watched::There(member, version)) if member.name == "m0" && version == "7")
        );
        assert!(matches!(event("DELETED"), Ok(Watched::Gone(member, _)) if member.name == "m0"));
        let bookmark = r#"{"type":"BOOKMARK","object":{"kind":"Node","metadata":{"resourceVersion":"9"}}}"#;
        assert!(matches!(of(bookmark), Ok(Watched::Bookmark(version)) if version == "9"));
        let gone = r#"{"type":"ERROR","object":{"kind":"Status","code":410,"reason":"Expired","message":"too old"}}"#;
        assert!(matches!(of(gone), Err(Error::Gone)));
        let error = r#"{"type":"ERROR","object":{"code":500,"message":"etcd"}}"#;
        assert!(matches!(of(error), Err(Error::Refused { status: 500, .. })));
        for broken in
            ["{", "{}", r#"{"type":"ADDED","object":7}"#, r#"{"type":"ADDED","object":{}}"#, "", "null"]
        {
            assert!(matches!(of(broken), Err(Error::Malformed(_))), "{broken}");
        }
        assert!(matches!(event("OTHER"), Err(Error::Malformed(_))));
    }

    #[test]
    fn a_pod_that_has_ended_is_gone() {
        let pods = Selector::pods("openshift-ingress/a").unwrap();
        let of = |phase: &str| {
            let line = format!(
                r#"{{"type":"MODIFIED","object":{{"metadata":{{"name":"router-1","resourceVersion":"8"}},
                    "status":{{"phase":"{phase}","hostIP":"192.0.2.13"}}}}}}"#
            );
            watched(&pods, line.as_bytes()).unwrap()
        };
        for phase in ["Failed", "Succeeded"] {
            assert!(matches!(of(phase), Watched::Gone(member, _) if member.name == "router-1"), "{phase}");
        }
        assert!(matches!(of("Running"), Watched::There(member, _) if member.addresses.len() == 1));
    }

    #[test]
    fn what_a_server_says_is_told_in_one_short_line() {
        let pods = Selector::pods("a/b").unwrap();
        let of = |line: String| watched(&pods, line.as_bytes()).unwrap_err().to_string();
        let long = "x".repeat(100_000);
        for line in [
            format!(r#"{{"type":"ERROR","object":{{"code":403,"message":"no\n{long}"}}}}"#),
            format!(
                r#"{{"type":"no\n{long}","object":{{"metadata":{{"name":"a","resourceVersion":"8"}}}}}}"#
            ),
            format!(r#"{{"type":"ADDED","object":{{"metadata":"no\n{long}"}}}}"#),
        ] {
            let told = of(line);
            assert!(told.chars().count() < 250 && !told.contains('\n'), "{told}");
        }
        let named = |name: &str| {
            let line = format!(
                r#"{{"type":"ADDED","object":{{"metadata":{{"name":"{name}","resourceVersion":"8"}}}}}}"#
            );
            watched(&pods, line.as_bytes())
        };
        assert!(matches!(named("router-1.a"), Ok(Watched::There(..))));
        for name in ["", "a b", "A", "a\\n192.0.2.1 b", "a/b", &"a".repeat(254)] {
            assert!(matches!(named(name), Err(Error::Malformed(_))), "{name}");
        }
    }
}
