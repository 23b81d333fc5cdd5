//! `[webhook]`: who is told of changes of verdict.
//!
//! Not responsible for telling: that is the room `webhook`.

use std::path::Path;

use super::table::Table;
use crate::setting::{client_certificate, keep, server_name};
use crate::source::{Diagnostic, Diagnostics};
use crate::tls::{AuthorityFile, Verify};
use crate::webhook::{Url, UrlError, WebhookSettings, look_at_secret};

/// Reads `[webhook]`; none where it is of no use.
pub(super) fn read(table: &Table<'_>, folder: &Path, found: &mut Diagnostics) -> Option<WebhookSettings> {
    let url = table.need("url", found).and_then(|value| {
        let read = value.text().and_then(|text| {
            Url::read(text).map_err(|error| {
                let fault = value.fault(format!("`{}`: {error}", Url::told(text)));
                match error {
                    UrlError::Endpoint(crate::http_client::EndpointError::Name { .. }) => {
                        fault.help("write its address, and the name of its certificate as `server-name`")
                    }
                    UrlError::UserInfo => fault.help("leave them out"),
                    UrlError::Endpoint(_) | UrlError::Path => {
                        fault.help("write it as \"https://192.0.2.7:8443/hooks/edgedns\"")
                    }
                }
            })
        });
        keep(read, found).map(|url| (url, value.span()))
    });
    table.need("secret-file", found)?;
    let secret_file = table.read_file("secret-file", folder, found, look_at_secret).ok()?;
    let authority = table.read_file("ca", folder, found, AuthorityFile::new).ok()?;
    let server_name = table.read("server-name", found, server_name);
    let certificate = client_certificate(table, ("cert", "key"), folder, found).ok()?;
    let (url, span) = url?;
    if url.is_plain() {
        for key in ["ca", "server-name", "cert"] {
            let unused = format!("`{key}` has no effect without TLS");
            found.extend(table.get(key).map(|value| value.fault(unused).help("begin `url` with https://")));
        }
        if !url.endpoint.address.ip().is_loopback() {
            let message =
                "what is told can be read and held up by anybody on the way; it is signed, and not encrypted";
            found.push(Diagnostic::warning(span, message).help("begin it with https://"));
        }
    }
    let verify = authority.map_or(Verify::System, Verify::File);
    Some(WebhookSettings { url, secret_file: secret_file?, server_name, verify, certificate })
}
