//! Reads names inside RDATA, and warns of relative ones that look like mistakes.

use std::net::Ipv4Addr;

use super::super::name::Name;
use super::super::name::Written;
use super::address::address;
use super::reader::{Reader, show};
use super::table::InPowerDns;
use super::token::Token;
use crate::source::Diagnostic;

/// The fields that are a mailbox, written as a name (RFC 1035, section 8).
const MAILBOXES: [&str; 4] = ["rname", "mailbox", "rmailbx", "emailbx"];

/// What is odd about a mailbox that was written as mail programs write it.
fn at_sign(token: &Token<'_>) -> Option<Diagnostic> {
    let at = token.text.iter().position(|&byte| byte == b'@').filter(|_| token.text != b"@")?;
    let (local, host) = (token.text.get(..at)?, token.text.get(at + 1..)?);
    let local = show(local.strip_suffix(b"\\").unwrap_or(local)).replace('.', "\\.");
    let warning = Diagnostic::warning(token.span, "the `@` in this mailbox is read as a letter like others");
    Some(warning.help(format!("a mailbox is written with a dot in its place: `{local}.{}`", show(host))))
}

/// Reads a name and completes it with the origin.
pub(super) fn read(
    what: &str,
    in_powerdns: InPowerDns,
    reader: &mut Reader<'_, '_>,
) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let at = reader.out.len();
    if MAILBOXES.contains(&what) {
        reader.found.extend(at_sign(&token));
    }
    match Name::parse_into(token.text, reader.origin, reader.out) {
        Ok(Written::Absolute) => Ok(()),
        Ok(Written::Relative) => {
            if let Some(warning) = doubt(&token, in_powerdns, at, reader) {
                reader.found.push(warning);
            }
            Ok(())
        }
        Err(error) => {
            Err(Diagnostic::error(token.span, format!("`{}` is not a name: {error}", show(token.text)))
                .label(what))
        }
    }
}

/// Reads a name that all servers complete alike.
pub(super) fn plain_name(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    read(what, InPowerDns::Completed, reader)
}

/// What is odd about a relative name that was read to `at`.
fn doubt(
    token: &Token<'_>,
    in_powerdns: InPowerDns,
    at: usize,
    reader: &Reader<'_, '_>,
) -> Option<Diagnostic> {
    let word = || show(token.text);
    let digits = token.text.last().is_some_and(u8::is_ascii_digit);
    if digits && address::<Ipv4Addr>(token.text).is_some() {
        let warning = Diagnostic::warning(token.span, format!("`{}` is read as a relative name", word()));
        return Some(
            warning.help("this field is the name of a host; its address belongs in an A record of that name"),
        );
    }
    let origin = reader.origin.wire();
    let relative = reader.out.get(at..reader.out.len() - origin.len()).unwrap_or_default();
    if reader.origin.label_count() > 1 && ends_with_labels(relative, origin) {
        let warning =
            Diagnostic::warning(token.span, format!("`{0}` is read as `{0}.{1}`", word(), reader.origin));
        return Some(warning.help("write the final dot if that is not meant"));
    }
    (in_powerdns == InPowerDns::TakenAsAbsolute).then(|| {
        Diagnostic::warning(token.span, format!("PowerDNS reads `{}` here as absolute", word()))
            .help("write the whole name with its final dot")
    })
}

/// Whether the labels of `relative` (without a root) end with those of `origin`.
fn ends_with_labels(relative: &[u8], origin: &[u8]) -> bool {
    let Some((_, origin)) = origin.split_last() else { return false };
    let mut rest = relative;
    while rest.len() > origin.len() {
        let label = rest.first().map_or(0, |&length| usize::from(length));
        rest = rest.get(label + 1..).unwrap_or_default();
    }
    rest.eq_ignore_ascii_case(origin)
}
