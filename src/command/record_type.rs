//! A record type as an argument.

use edgedns::dns::Rtype;

/// Reads a record type, and suggests the nearest one where there is none of this name.
pub(super) fn parse_record_type(text: &str) -> Result<Rtype, String> {
    let nearest = || Rtype::nearest(text).map(|near| format!("; did you mean {near}?"));
    Rtype::parse(text.as_bytes()).ok_or_else(|| format!("no such type{}", nearest().unwrap_or_default()))
}
