//! `edgedns check --installer`: asks for every name that an installation and a running cluster need, from where one stands.
//!
//! ```text
//! resolv.conf, or --with ─▶ servers ─▶ asking ─▶ judging ─▶ findings
//! hosts file, search list ─────────────────────────┘
//! ```

mod lookup;

mod judging;

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::SystemTime;

use serde::Serialize;

use super::asking::{Manner, Question, ask};
use super::findings::{self, FindingView};
use super::format::Format;
use crate::deploy::init::{HostName, Node};
use crate::deploy::system::{Finding, Grade, Host, hosts_entries, resolvers, search_domains};
use crate::dns::{Name, Rtype};
use crate::source::Look;
use judging::{Needs, judge};
use lookup::{Lookup, Told};

/// Where a name server listens.
const DNS_PORT: u16 = 53;

/// What is to be looked for, and where.
#[derive(Clone, Debug)]
pub struct InstallerCheck {
    /// `ocp4.example.com`.
    pub domain: HostName,
    /// The server that is asked; none: those of resolv.conf.
    pub with: Option<SocketAddr>,
    /// Nodes that are to be there.
    pub nodes: Vec<Node>,
    /// The host that installs the cluster.
    pub bootstrap: Option<Node>,
    /// How the result is written.
    pub format: Format,
}

/// The result, for machines.
#[derive(Serialize)]
struct InstallerResult {
    ok: bool,
    errors: usize,
    warnings: usize,
    servers: Vec<ServerResult>,
}

#[derive(Serialize)]
struct ServerResult {
    server: String,
    findings: Vec<FindingView>,
}

/// Asks and judges; true when nothing stands in the way.
///
/// # Errors
///
/// When the output cannot be written.
pub fn check_installer(check: &InstallerCheck) -> io::Result<bool> {
    let host = Host::new(PathBuf::from("/"), SystemTime::now(), Vec::new());
    let (hosts, searched) = (hosts_entries(&host), search_domains(&host));
    let needs = Needs {
        domain: check.domain.to_string().to_ascii_lowercase(),
        nodes: &check.nodes,
        bootstrap: check.bootstrap.as_ref(),
        hosts: &hosts,
        searched: &searched,
    };
    let servers = match check.with {
        Some(server) => vec![server],
        None => resolvers(&host).into_iter().map(|server| SocketAddr::new(server, DNS_PORT)).collect(),
    };
    let mut told = Vec::new();
    for server in servers {
        let mut asked = Asked::of(server)?;
        told.push((server, asked.judge(&needs)));
    }
    if told.is_empty() {
        let nobody = Finding::new("servers", Grade::Error, "/etc/resolv.conf names no server to ask")
            .help("name one: `nameserver 192.0.2.13` there, or --with 192.0.2.13 here");
        return write(check, &[(None, vec![nobody])]);
    }
    let told: Vec<(Option<SocketAddr>, Vec<Finding>)> =
        told.into_iter().map(|(server, found)| (Some(server), found)).collect();
    write(check, &told)
}

fn write(check: &InstallerCheck, told: &[(Option<SocketAddr>, Vec<Finding>)]) -> io::Result<bool> {
    let count = |grade| told.iter().map(|(_, found)| findings::graded(found, grade)).sum::<usize>();
    let (errors, warnings) = (count(Grade::Error), count(Grade::Warning));
    let ok = errors == 0;
    let name = |server: &Option<SocketAddr>| server.map_or_else(|| "none".to_owned(), |one| one.to_string());
    if check.format == Format::Json {
        let servers = told.iter().map(|(server, found)| ServerResult {
            server: name(server),
            findings: found.iter().map(FindingView::of).collect(),
        });
        let result = InstallerResult { ok, errors, warnings, servers: servers.collect() };
        let text = serde_json::to_string_pretty(&result).map_err(io::Error::other)?;
        writeln!(io::stdout().lock(), "{text}")?;
        return Ok(ok);
    }
    let mut out = io::stderr().lock();
    let look = Look::on(&out);
    let mut before: Option<&Vec<Finding>> = None;
    for (server, found) in told {
        let name = name(server);
        if before == Some(found) {
            writeln!(out, "{name} says the same")?;
            continue;
        }
        writeln!(out, "asking {name}\n")?;
        findings::draw_troubles(found, &mut out, look)?;
        findings::list_fine(found, &mut out)?;
        before = Some(found);
    }
    let word = if ok { findings::ALL_WELL } else { findings::NOT_WELL };
    writeln!(out, "{}", findings::conclusion(word, errors, warnings))?;
    Ok(ok)
}

/// A server, and what it has said: no question is put twice.
struct Asked {
    server: SocketAddr,
    runtime: tokio::runtime::Runtime,
    known: BTreeMap<(Name, Rtype), Told>,
    /// Why it is not asked any more.
    silent: Option<String>,
}

impl Asked {
    fn of(server: SocketAddr) -> io::Result<Asked> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        Ok(Asked { server, runtime, known: BTreeMap::new(), silent: None })
    }

    fn judge(&mut self, needs: &Needs<'_>) -> Vec<Finding> {
        let found = judge(needs, self);
        let Some(why) = &self.silent else { return found };
        let (server, message) = (self.server, format!("{} {why}", self.server));
        vec![
            Finding::new("servers", Grade::Error, message)
                .note("whoever asks it waits for seconds with each name, and then asks another one, if there is any")
                .help(format!("`dig @{} -p {} version.bind CH TXT` from here; a firewall, a wrong address, or nothing runs there", server.ip(), server.port())),
        ]
    }
}

impl Lookup for Asked {
    fn look_up(&mut self, name: &Name, rtype: Rtype) -> Told {
        if let Some(why) = &self.silent {
            return Told::Failure(why.clone());
        }
        if let Some(told) = self.known.get(&(name.clone(), rtype)) {
            return told.clone();
        }
        let question = Question { qname: name.clone(), qtype: rtype };
        let told = match self.runtime.block_on(ask(self.server, &question, Manner::Resolver)) {
            Ok(reply) => Told::of(&reply.response, rtype),
            Err(silence) => {
                // Who has said nothing yet is not there; later it is this one question.
                if self.known.is_empty() {
                    self.silent = Some(silence.to_string());
                }
                Told::Failure(format!("the server {silence}"))
            }
        };
        self.known.insert((name.clone(), rtype), told.clone());
        told
    }
}
