//! Reads IPv4, IPv6 and EUI addresses, and guesses what was meant instead.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::encoding::HEX;
use super::number;
use super::reader::{Reader, show};
use super::token::Token;
use crate::source::Diagnostic;

/// The address a word holds, if it is one.
pub(super) fn address<A: std::str::FromStr>(text: &[u8]) -> Option<A> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads an IPv4 address.
pub(super) fn ipv4(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let address: Ipv4Addr = address(token.text).ok_or_else(|| not_ipv4(&token))?;
    reader.out.extend_from_slice(&address.octets());
    Ok(())
}

/// Reads an IPv6 address.
pub(super) fn ipv6(what: &str, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let address: Ipv6Addr = address(token.text).ok_or_else(|| not_ipv6(&token))?;
    reader.out.extend_from_slice(&address.octets());
    Ok(())
}

#[cold]
fn not_ipv4(token: &Token<'_>) -> Diagnostic {
    let fault = Diagnostic::error(token.span, format!("`{}` is not an IPv4 address", show(token.text)));
    if address::<Ipv6Addr>(token.text).is_some() {
        return fault.help("an IPv6 address belongs in an AAAA record");
    }
    match without_leading_zeros(token.text) {
        Some(address) => {
            fault.help(format!("leading zeros are octal to some readers: did you mean `{address}`?"))
        }
        None => neither_address(fault, token),
    }
}

#[cold]
fn not_ipv6(token: &Token<'_>) -> Diagnostic {
    let fault = Diagnostic::error(token.span, format!("`{}` is not an IPv6 address", show(token.text)));
    if address::<Ipv4Addr>(token.text).is_some() {
        return fault.help("an IPv4 address belongs in an A record");
    }
    neither_address(fault, token)
}

/// Adds what was likely meant by something that is no address of any kind.
fn neither_address(fault: Diagnostic, token: &Token<'_>) -> Diagnostic {
    let before = |separator| token.text.split(|&byte| byte == separator).next().unwrap_or_default();
    let is_address = |text| address::<Ipv4Addr>(text).is_some() || address::<Ipv6Addr>(text).is_some();
    if is_address(before(b'/')) {
        return fault.help("an address is written without a prefix length");
    }
    if is_address(before(b':')) {
        return fault.help("an address is written without a port");
    }
    if is_address(before(b'%')) {
        return fault.help("an address is written without a scope");
    }
    let hostname = token.text.first().is_some_and(u8::is_ascii_alphabetic) && !token.text.contains(&b':');
    if hostname { fault.help("a name belongs in a CNAME record") } else { fault }
}

fn without_leading_zeros(text: &[u8]) -> Option<Ipv4Addr> {
    let mut octets = text.split(|&byte| byte == b'.').map(|part| u8::try_from(number::decimal(part)?).ok());
    let address = [octets.next()??, octets.next()??, octets.next()??, octets.next()??];
    octets.next().is_none().then(|| address.into())
}

/// Reads an EUI of `bytes` bytes (RFC 7043).
pub(super) fn eui(what: &str, bytes: usize, reader: &mut Reader<'_, '_>) -> Result<(), Diagnostic> {
    let token = reader.word(what)?;
    let at = reader.out.len();
    for pair in token.text.split(|&byte| byte == b'-') {
        let decoded = HEX.decode(std::iter::once(pair), reader.out);
        if decoded.is_err() || pair.len() != 2 {
            return Err(not_eui(&token, bytes));
        }
    }
    if reader.out.len() - at == bytes { Ok(()) } else { Err(not_eui(&token, bytes)) }
}

#[cold]
fn not_eui(token: &Token<'_>, bytes: usize) -> Diagnostic {
    let message = format!("`{}` is not an EUI-{} address", show(token.text), bytes * 8);
    Diagnostic::error(token.span, message)
        .help(format!("write {bytes} bytes of two hexadecimal digits, joined by `-`: `00-00-5e-…`"))
}
