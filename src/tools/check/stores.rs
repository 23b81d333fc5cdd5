//! `edgedns check --system`: whether each etcd that the config names can be reached, and lets this server do what it must.
//!
//! Nothing is written, and nothing found here is an error: a server starts and answers without any store. Not responsible for
//! what keys say: that is `--from-etcd`.

use std::time::Duration;

use tokio::runtime::Builder;
use tokio::time::{Instant, timeout_at};

use crate::config::Config;
use crate::daemon::vantage_name;
use crate::deploy::system::{Finding, Grade};
use crate::etcd::{Access, Client, Mark};
use crate::zones::source::EtcdKeys;

/// How long all stores together are waited for.
const LOOK_MAX: Duration = Duration::from_secs(10);

/// How long one is.
const STORE_MAX: Duration = Duration::from_secs(3);

const SUBJECT: &str = "store";

/// What a store is to be asked.
struct Wanted<'c> {
    /// For what it is wanted, as the config file has it.
    purpose: String,
    /// What goes on without it.
    without: &'static str,
    access: &'c Access,
    /// What the keys begin with.
    prefix: String,
    /// A key that is to be written; none: they are only read.
    written: Option<String>,
}

/// Asks each store.
pub(super) fn look(config: &Config) -> Vec<Finding> {
    let (wanted, mut found) = wanted(config);
    if wanted.is_empty() {
        return found;
    }
    let asked = match Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(async {
            let end = Instant::now() + LOOK_MAX;
            let mut silent: Vec<&Access> = Vec::new();
            let mut found = Vec::new();
            for one in &wanted {
                // What it is silent to once, it is silent to for each of its zones.
                if silent.contains(&one.access) {
                    continue;
                }
                let answer = timeout_at(end.min(Instant::now() + STORE_MAX), one.ask()).await;
                let answer = answer.unwrap_or_else(|_| Err("no answer in time".to_owned()));
                if answer.is_err() {
                    silent.push(one.access);
                }
                found.push(one.finding(answer));
            }
            found
        }),
        Err(error) => vec![warning(format!("no etcd can be asked: {error}"))],
    };
    found.extend(asked);
    found
}

/// What is asked of whom, and what is wrong already.
fn wanted(config: &Config) -> (Vec<Wanted<'_>>, Vec<Finding>) {
    let (mut wanted, mut found) = (Vec::new(), Vec::new());
    if let Some(vantage) = &config.vantage {
        match vantage_name(vantage) {
            Ok(name) => wanted.push(Wanted {
                purpose: "[vantage]".to_owned(),
                without: "without it this server goes by what it sees itself",
                access: &vantage.access,
                prefix: format!("{}/", vantage.prefix),
                written: Some(format!("{}/{name}", vantage.prefix)),
            }),
            Err(fault) => found.push(warning(format!("[vantage] cannot be used: {fault}"))),
        }
    }
    for zone in &config.zones {
        let Some(keys) = zone.sources.find::<EtcdKeys>() else { continue };
        wanted.push(Wanted {
            purpose: format!("zone {}", zone.name),
            without: "without it the last image of its keys is served, if there is one",
            access: &keys.access,
            prefix: keys.prefix(),
            written: None,
        });
    }
    (wanted, found)
}

impl Wanted<'_> {
    /// The revision, and how many keys there are.
    async fn ask(&self) -> Result<(Mark, u64), String> {
        let mut client = Client::new(self.access.clone());
        let told = |error: crate::etcd::Error| error.to_string();
        let (mark, count) = client.count(self.prefix.as_bytes()).await.map_err(told)?;
        if let Some(key) = &self.written {
            client
                .try_to_write(key.as_bytes())
                .await
                .map_err(|error| format!("`{key}` may not be written: {error}"))?;
        }
        Ok((mark, count))
    }

    fn finding(&self, answer: Result<(Mark, u64), String>) -> Finding {
        let Wanted { purpose, without, access, prefix, written } = self;
        let endpoints: Vec<String> = access.endpoints.iter().map(ToString::to_string).collect();
        let endpoints = endpoints.join(" ");
        let who = access.login.as_ref().map(|login| format!(" as `{}`", login.user)).unwrap_or_default();
        match answer {
            Ok((Mark { revision, .. }, count)) => {
                let may = if written.is_some() { "read and written" } else { "read" };
                let message = format!(
                    "etcd of {purpose}: {count} keys below {prefix} can be {may}{who}, revision {revision}"
                );
                Finding::new(SUBJECT, Grade::Fine, message)
            }
            Err(why) => {
                let role = if written.is_some() { "readwrite" } else { "read" };
                warning(format!("etcd of {purpose} ({endpoints}) is of no use{who}: {why}"))
                    .note(*without)
                    .help(format!(
                        "`etcdctl --endpoints … endpoint health` says whether it is well; its user needs a role with \
                         `{role}` for the prefix {prefix}"
                    ))
            }
        }
    }
}

fn warning(message: String) -> Finding {
    Finding::new(SUBJECT, Grade::Warning, message)
}
