//! What the gateway of etcd is asked and says: JSON, with bytes in base64 and numbers of 64 bits as text.

use std::fmt;
use std::num::{NonZeroI64, ParseIntError};
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserializer, Error as _, IgnoredAny, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

use super::error::Error;

/// Where the history of a store stands, and which store it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    /// The cluster, by its number. A cluster that is restored may have the number of the one before.
    pub cluster: u64,
    /// The revision: each change of any key makes the next one.
    pub revision: u64,
    /// The term of its election. It never goes back, unless the store was restored.
    pub term: u64,
}

/// A lease: with its end go the keys that have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LeaseId(NonZeroI64);

impl FromStr for LeaseId {
    type Err = ParseIntError;
    fn from_str(text: &str) -> Result<LeaseId, ParseIntError> {
        text.parse().map(LeaseId)
    }
}

impl fmt::Display for LeaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyValue {
    /// The key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// The revision that gave it this value.
    pub revision: u64,
    /// The lease that it goes with; none: it stays until it is deleted.
    pub lease: Option<LeaseId>,
}

/// What all responses begin with.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Header {
    #[serde(deserialize_with = "number")]
    cluster_id: u64,
    #[serde(deserialize_with = "number")]
    revision: u64,
    #[serde(deserialize_with = "number")]
    raft_term: u64,
}

impl Header {
    pub(super) fn mark(&self) -> Mark {
        Mark { cluster: self.cluster_id, revision: self.revision, term: self.raft_term }
    }
}

/// A key with its value, as it comes.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Kv {
    #[serde(deserialize_with = "bytes")]
    pub(super) key: Vec<u8>,
    #[serde(deserialize_with = "bytes")]
    pub(super) value: Vec<u8>,
    #[serde(deserialize_with = "number")]
    pub(super) mod_revision: u64,
    #[serde(deserialize_with = "lease")]
    pub(super) lease: Option<LeaseId>,
}

impl From<Kv> for KeyValue {
    fn from(kv: Kv) -> KeyValue {
        KeyValue { key: kv.key, value: kv.value, revision: kv.mod_revision, lease: kv.lease }
    }
}

/// The response to a range.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RangeResponse {
    pub(super) header: Header,
    pub(super) kvs: Vec<Kv>,
    pub(super) more: bool,
    #[serde(deserialize_with = "number")]
    pub(super) count: u64,
}

/// A response of which only the header is of use.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Done {
    pub(super) header: Header,
}

/// The response to the question how long a lease was granted for.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct LeaseResponse {
    /// Seconds; 0 where the lease has ended.
    #[serde(rename = "grantedTTL", deserialize_with = "number")]
    pub(super) granted: u64,
}

/// The response to the question for a lease.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GrantResponse {
    #[serde(rename = "ID", deserialize_with = "lease")]
    pub(super) id: Option<LeaseId>,
}

/// A line of what is said of a lease that is kept.
#[derive(Debug, Deserialize)]
pub(super) struct KeptLine {
    pub(super) result: Option<KeptResult>,
    pub(super) error: Option<Told>,
}

/// What is left of a lease that is kept.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct KeptResult {
    /// Seconds; 0 where the lease has ended.
    #[serde(rename = "TTL", deserialize_with = "number")]
    pub(super) left: u64,
}

/// The response to a login.
#[derive(Deserialize)]
pub(super) struct LoginResponse {
    pub(super) token: String,
}

/// A line of a watch.
#[derive(Debug, Deserialize)]
pub(super) struct WatchLine {
    pub(super) result: Option<WatchResult>,
    pub(super) error: Option<Told>,
}

/// What a watch says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WatchResult {
    pub(super) header: Header,
    pub(super) created: bool,
    pub(super) canceled: bool,
    #[serde(deserialize_with = "number")]
    pub(super) compact_revision: u64,
    pub(super) cancel_reason: String,
    pub(super) events: Vec<WatchEvent>,
}

/// A change of a key.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WatchEvent {
    /// Missing where the key has a value now.
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) kv: Kv,
}

/// An error that etcd tells.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Told {
    error: Option<Text>,
    message: Option<String>,
    code: Option<i64>,
    grpc_code: Option<i64>,
}

/// A text, or something else in its place.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Text {
    Text(String),
    Other(IgnoredAny),
}

impl From<Told> for Error {
    fn from(told: Told) -> Error {
        let text = told.error.and_then(|error| match error {
            Text::Text(text) => Some(text),
            Text::Other(_) => None,
        });
        let message = told.message.or(text).unwrap_or_else(|| "an error without words".to_owned());
        Error::told(told.code.or(told.grpc_code).unwrap_or_default(), &message)
    }
}

/// Which keys.
#[derive(Serialize)]
pub(super) struct RangeRequest {
    pub(super) key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) range_end: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) revision: Option<u64>,
    pub(super) count_only: bool,
}

/// A key that gets a value.
#[derive(Serialize)]
pub(super) struct PutRequest {
    pub(super) key: String,
    pub(super) value: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) lease: Option<String>,
}

/// A lease of which something is asked.
#[derive(Serialize)]
pub(super) struct LeaseRequest {
    #[serde(rename = "ID")]
    pub(super) id: String,
}

/// A lease that is asked for.
#[derive(Serialize)]
pub(super) struct GrantRequest {
    /// Seconds.
    #[serde(rename = "TTL")]
    pub(super) granted: String,
}

/// What is written together: all of it or nothing.
#[derive(Serialize)]
pub(super) struct WriteRequest {
    /// What must hold for that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) compare: Vec<Comparison>,
    pub(super) success: Vec<WriteOperation>,
}

/// What must hold of a key.
#[derive(Serialize)]
pub(super) struct Comparison {
    key: String,
    target: &'static str,
    result: &'static str,
    version: &'static str,
}

impl Comparison {
    /// What holds of no key: versions begin at 0, which is that of a key that is not there.
    pub(super) fn never_true(key: &[u8]) -> Comparison {
        Comparison { key: to_base64(key), target: "VERSION", result: "LESS", version: "0" }
    }
}

/// One change among others.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum WriteOperation {
    RequestPut(PutRequest),
    RequestDeleteRange(DeleteRequest),
}

/// Keys that go.
#[derive(Serialize)]
pub(super) struct DeleteRequest {
    pub(super) key: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) range_end: Option<String>,
}

/// A user who logs in.
#[derive(Serialize)]
pub(super) struct LoginRequest<'l> {
    pub(super) name: &'l str,
    pub(super) password: &'l str,
}

/// The first and only request of a watch.
#[derive(Serialize)]
pub(super) struct WatchRequest {
    pub(super) create_request: WatchCreate,
}

/// Which keys are watched from when.
#[derive(Serialize)]
pub(super) struct WatchCreate {
    pub(super) key: String,
    pub(super) range_end: String,
    pub(super) start_revision: u64,
    pub(super) progress_notify: bool,
}

/// Bytes as they are sent.
pub(super) fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// A number that comes as text, since JavaScript has none of 64 bits.
fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    struct Number;
    impl Visitor<'_> for Number {
        type Value = u64;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a number of 64 bits")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<u64, E> {
            text.parse().map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
        }
        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<u64, E> {
            Ok(number)
        }
    }
    deserializer.deserialize_any(Number)
}

/// A lease; 0 and what is no number is none.
fn lease<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<LeaseId>, D::Error> {
    struct Lease;
    impl Visitor<'_> for Lease {
        type Value = Option<LeaseId>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("the number of a lease")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Option<LeaseId>, E> {
            Ok(text.parse().ok())
        }
        fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Option<LeaseId>, E> {
            Ok(i64::try_from(number).ok().and_then(NonZeroI64::new).map(LeaseId))
        }
        fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Option<LeaseId>, E> {
            Ok(NonZeroI64::new(number).map(LeaseId))
        }
    }
    deserializer.deserialize_any(Lease)
}

/// Bytes that come in base64.
fn bytes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
    struct Bytes;
    impl Visitor<'_> for Bytes {
        type Value = Vec<u8>;
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("bytes in base64")
        }
        fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
            STANDARD.decode(text).map_err(E::custom)
        }
    }
    deserializer.deserialize_str(Bytes).map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_debians_etcd_writes_it() {
        let text = r#"{"header":{"cluster_id":"14841639068965178418","member_id":"10276657743932975437",
            "revision":"2","raft_term":"3"},"kvs":[{"key":"L3NreWRucy9h","create_revision":"2",
            "mod_revision":"2","version":"1","value":"aGVsbG8=","lease":"7587848943239472601"}],"count":"1"}"#;
        let page: RangeResponse = serde_json::from_str(text).unwrap();
        let mark = Mark { cluster: 14_841_639_068_965_178_418, revision: 2, term: 3 };
        assert_eq!((page.header.mark(), page.count, page.more), (mark, 1, false));
        let [kv] = <[Kv; 1]>::try_from(page.kvs).unwrap();
        let kv = KeyValue::from(kv);
        assert_eq!((&*kv.key, &*kv.value, kv.revision), (&b"/skydns/a"[..], &b"hello"[..], 2));
        assert_eq!(kv.lease.map(|lease| lease.to_string()).as_deref(), Some("7587848943239472601"));
    }

    #[test]
    fn errors_are_told_apart_in_both_forms_in_which_they_come() {
        let read = |text| Error::from(serde_json::from_str::<Told>(text).unwrap());
        let compacted = r#"{"error":"etcdserver: mvcc: required revision has been compacted",
            "message":"etcdserver: mvcc: required revision has been compacted","code":11}"#;
        assert!(matches!(read(compacted), Error::Compacted));
        let no_leader =
            r#"{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader","http_status":"x"}"#;
        assert!(matches!(read(no_leader), Error::Unavailable(why) if why == "no leader"));
        let token = r#"{"error":"etcdserver: invalid auth token","code":16}"#;
        assert!(matches!(read(token), Error::NotLoggedIn(_)));
        assert!(matches!(read(r#"{"error":{"x":1},"code":3}"#), Error::Refused(_)));
    }
}
