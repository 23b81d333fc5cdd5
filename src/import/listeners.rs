//! Where PowerDNS and its recursor listen, and the folder that more of their settings are read from.
//!
//! Both know these settings by the same names.

use std::net::SocketAddr;
use std::path::Path;

use super::address::{self, on_this_host};
use super::folders::file_name;
use super::report::{Fate, FateKind};
use super::server_setting::{ServerSetting, ServerSettings};
use super::word::Word;
use super::work::Work;
use crate::source::{Diagnostic, Span};

/// The files of `include-dir`, the last one first.
pub(super) fn included(
    work: &mut Work,
    settings: &ServerSettings,
    path: &Path,
    end: &str,
) -> Vec<std::path::PathBuf> {
    let Some(setting) = settings.get("include-dir").filter(|setting| !setting.is_empty()) else {
        return Vec::new();
    };
    let word = setting.text();
    let folder = work.folders.find(&word, None, path, &mut work.found);
    let mut files = work.folders.files_of(&folder, &word, &mut work.found).unwrap_or_default();
    files.retain(|path| path.extension().is_some_and(|extension| extension == end));
    files.retain(|path| !file_name(path).starts_with('.'));
    files.reverse();
    files
}

/// What becomes of `include-dir`.
pub(super) fn include_dir(work: &mut Work, setting: &ServerSetting, path: &Path) -> Fate {
    if setting.is_empty() {
        return Fate::honoured("nothing to do: it is empty");
    }
    match work.folders.find(&setting.text(), None, path, &mut work.found).is_dir() {
        true => Fate::honoured("its files are read, too"),
        false => Fate::refused(
            "it cannot be read: copy it beside the file that names it, and import again; until then it is loopback that \
             is listened on, as its files may say where",
        ),
    }
}

/// What `local-address` and `local-port` say; the port alone where no address is given. `path` is the file
/// they are from. Where none of the addresses can be read, or a file is missing that may name others, it is
/// loopback: a server that was kept to some addresses is not to be found on all of them.
pub(super) fn listen_addresses(
    work: &mut Work,
    settings: &ServerSettings,
    path: &Path,
) -> Result<Vec<SocketAddr>, u16> {
    let port = match settings.get("local-port").map(|setting| address::port(&setting.text())) {
        Some(Ok(port)) => port,
        Some(Err(fault)) => {
            work.found.push(fault);
            address::DNS_PORT
        }
        None => address::DNS_PORT,
    };
    if settings
        .get("include-dir")
        .is_some_and(|setting| include_dir(work, setting, path).kind == FateKind::Refused)
    {
        return Ok(on_this_host(port).into());
    }
    let Some(setting) = settings.get("local-address").filter(|setting| !setting.is_empty()) else {
        return Err(port);
    };
    let mut addresses = Vec::new();
    for address in addresses_of(setting, port) {
        match address {
            Ok(address) if addresses.contains(&address) => {}
            Ok(address) => addresses.push(address),
            Err((_, fault)) => work.found.push(fault),
        }
    }
    if addresses.is_empty() { Ok(on_this_host(port).into()) } else { Ok(addresses) }
}

/// The addresses of `local-address`; for anything else how it is written and what is wrong.
pub(super) fn addresses_of(
    setting: &ServerSetting,
    port: u16,
) -> Vec<Result<SocketAddr, (String, Diagnostic)>> {
    let read = |word: Word| {
        address::socket_address(&word, port).map_err(|fault| (format!("`{}`", word.text), fault))
    };
    let strange =
        |span: Span| ("what is not a word".to_owned(), Diagnostic::error(span, "this is not an address"));
    let words = setting.items(&[',', ' ', '\t', ';']).into_iter().map(read);
    words.chain(setting.strange().into_iter().map(strange).map(Err)).collect()
}

/// What becomes of `local-address` and `local-port` where they cannot be read, in whole or in part.
pub(super) fn faulty_listener(setting: &ServerSetting) -> Option<Fate> {
    if setting.name == "local-port" {
        let fault = address::port(&setting.text()).err();
        return fault.map(|_| Fate::refused(format!("not a port: {} is listened on", address::DNS_PORT)));
    }
    let lost: Vec<String> =
        addresses_of(setting, address::DNS_PORT).into_iter().filter_map(|it| Some(it.err()?.0)).collect();
    if lost.is_empty() {
        return None;
    }
    Some(Fate::refused(format!("→ [server] listen without {}: write addresses", lost.join(", "))))
}
