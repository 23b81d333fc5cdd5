//! A watch: what becomes of nodes or pods.

use super::error::Error;
use super::selector::Selector;
use super::wire::{EventLine, Member, Object, Told};
use crate::http_client::Lines;

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
    let malformed = |error: serde_json::Error| Error::Malformed(error.to_string());
    let EventLine { kind, object } = serde_json::from_slice(line).map_err(malformed)?;
    if kind == "ERROR" {
        return Err(told(serde_json::from_value(object).map_err(malformed)?, 500));
    }
    let object: Object = serde_json::from_value(object).map_err(malformed)?;
    let version = object.metadata.resource_version.clone();
    if version.is_empty() {
        return Err(Error::Malformed("an event without a version".to_owned()));
    }
    let member = object.member(selector);
    match kind.as_str() {
        "BOOKMARK" => Ok(Watched::Bookmark(version)),
        "ADDED" | "MODIFIED" | "DELETED" if member.name.is_empty() => {
            Err(Error::Malformed("an event of nobody".to_owned()))
        }
        "ADDED" | "MODIFIED" => Ok(Watched::There(member, version)),
        "DELETED" => Ok(Watched::Gone(member, version)),
        other => Err(Error::Malformed(format!("an event of type {other:?}"))),
    }
}

/// An error that an API server tells; `status` is what HTTP says of it.
pub(super) fn told(told: Told, status: u16) -> Error {
    let status = if told.code == 0 { status } else { told.code };
    if status == GONE || matches!(told.reason.as_str(), "Gone" | "Expired") {
        return Error::Gone;
    }
    let why = if told.message.is_empty() { "no reason".to_owned() } else { told.message };
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
}
