//! `edgedns manifests monitoring`: what the config says of the admin listener, as objects for a cluster.
//!
//! Reads the config file and certificates; `deploy` makes the objects.

use std::fs;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use super::making::{say_nothing_was_made, tell};
use crate::config::{self, Config, Encryption};
use crate::deploy::monitoring::{Monitored, MonitoredEncryption, Namespace, objects};
use crate::source::{Diagnostic, Diagnostics, Severity, Sources};
use crate::tls::ServerName;
use crate::transport::Protocols;

/// What is to be made, and from which config.
#[derive(Clone, Debug)]
pub struct MonitoringRequest {
    /// The config file of the servers.
    pub config: PathBuf,
    /// Where the objects go.
    pub namespace: Namespace,
    /// The nodes; empty: those whose addresses the config names.
    pub nodes: Vec<IpAddr>,
    /// The file with what the servers' certificate is believed by; none: that certificate itself.
    pub authority: Option<PathBuf>,
    /// The name that the servers' certificate is for; none: the address of each node.
    pub server_name: Option<ServerName>,
}

/// Writes the objects to standard output, and what is to be said of them on standard error; false, and nothing is written,
/// where there is an error.
///
/// # Errors
///
/// When the output cannot be written.
pub fn monitoring(request: &MonitoringRequest) -> io::Result<bool> {
    let (mut sources, mut found) = (Sources::default(), Diagnostics::default());
    let config = config::read(&mut sources, &request.config, &mut found);
    let made = config.and_then(|config| {
        let monitored = monitored(request, &config, &mut found)?;
        match objects(&monitored) {
            Ok(text) => Some(text),
            Err(error) => {
                found.push(Diagnostic::placeless(Severity::Error, error.to_string()));
                None
            }
        }
    });
    tell(&sources, found.iter())?;
    match made {
        Some(text) => io::stdout().lock().write_all(text.as_bytes())?,
        None => say_nothing_was_made()?,
    }
    Ok(found.errors() == 0)
}

fn monitored(request: &MonitoringRequest, config: &Config, found: &mut Diagnostics) -> Option<Monitored> {
    let admin = &config.admin;
    let Some(listen) = admin.listen else {
        let fault =
            Diagnostic::placeless(Severity::Error, "the config has no admin listener: there are no metrics");
        found.push(fault.help("in `[admin]`: `listen = \"0.0.0.0:9653\"`, `tls = true` and `token-file`"));
        return None;
    };
    if listen.ip().is_loopback() {
        let message = format!("the admin listener is at {listen}, where only its own host reaches it");
        let fault = Diagnostic::placeless(Severity::Error, message);
        found.push(fault.help(
            "`listen = \"0.0.0.0:9653\"` with `tls = true` and `token-file` does for every node; OpenShift's nodes let each \
             other reach ports 9000 to 9999",
        ));
        return None;
    }
    let encryption = match admin.encryption {
        Encryption::Off => {
            let message = "the admin listener is not encrypted: the console gets no link to its page";
            let fault = Diagnostic::placeless(Severity::Warning, message);
            found.push(fault.help("`tls = true` in `[admin]`, and `token-file` for who may ask"));
            None
        }
        Encryption::On => Some(MonitoredEncryption {
            authority: authority(request, config, found)?,
            server_name: request.server_name.as_ref().map(ToString::to_string),
            needs_client_certificate: admin.client_ca.is_some(),
        }),
    };
    let nodes = if request.nodes.is_empty() { nodes(listen, config) } else { request.nodes.clone() };
    Some(Monitored {
        namespace: request.namespace.clone(),
        nodes,
        port: listen.port(),
        encryption,
        has_token: admin.token_file.is_some(),
    })
}

/// The addresses of nodes at which the admin listener is reached.
fn nodes(listen: SocketAddr, config: &Config) -> Vec<IpAddr> {
    if !listen.ip().is_unspecified() {
        return vec![listen.ip()];
    }
    let served = config.server.addresses_of(Protocols::Plain);
    let mut nodes: Vec<IpAddr> = Vec::new();
    for address in served.iter().map(SocketAddr::ip) {
        let is_node = !address.is_loopback() && !address.is_unspecified();
        if is_node && address.is_ipv4() == listen.is_ipv4() && !nodes.contains(&address) {
            nodes.push(address);
        }
    }
    nodes
}

/// The certificates in PEM by which the servers' own is believed.
fn authority(request: &MonitoringRequest, config: &Config, found: &mut Diagnostics) -> Option<String> {
    let own = config.tls.as_ref().map(|pair| pair.certificate.as_path());
    let Some(file) = request.authority.as_deref().or(own) else {
        found.push(Diagnostic::placeless(Severity::Error, "the config has no certificate: see [tls]"));
        return None;
    };
    if request.authority.is_none() {
        let message =
            format!("the certificate of {} is the only one that Prometheus believes", file.display());
        let fault = Diagnostic::placeless(Severity::Note, message);
        found.push(fault.help("name its authority with --ca, or make the objects again when it is renewed"));
    }
    let text = match read_certificates(file) {
        Ok(text) if !text.is_empty() => text,
        Ok(_) => {
            let message = format!("{} has no certificate in PEM", file.display());
            found.push(Diagnostic::placeless(Severity::Error, message));
            return None;
        }
        Err(error) => {
            let message = format!("cannot read {}: {error}", file.display());
            found.push(Diagnostic::placeless(Severity::Error, message));
            return None;
        }
    };
    Some(text)
}

/// The certificates of a file in PEM, and nothing else that is in it: there may be a key.
fn read_certificates(file: &Path) -> io::Result<String> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    const END: &str = "-----END CERTIFICATE-----";
    let text = fs::read_to_string(file)?;
    let mut certificates = String::new();
    let mut is_inside = false;
    for line in text.lines().map(str::trim_end) {
        is_inside |= line == BEGIN;
        if is_inside {
            certificates += line;
            certificates.push('\n');
        }
        is_inside &= line != END;
    }
    Ok(certificates)
}
