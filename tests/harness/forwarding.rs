//! A server with a zone of its own that forwards every other name.

use std::net::SocketAddr;

use serde_json::Value;

use crate::http::{get, sample};
use crate::program::{Program, Site};
use crate::{PATIENCE, free_port, loopback, wait_for};

/// The own zone: a host, aliases into names of others, and one below a wildcard.
pub const ZONE: &str = "$TTL 60\n@ IN SOA ns host 1 3600 600 86400 60\n@ IN NS ns\nwww IN A 192.0.2.1\nalias IN CNAME www.elsewhere.test.\nlost IN CNAME missing.test.\n*.sub IN CNAME alias\nns IN A 192.0.2.53\n";

/// The server: its files, and where its admin listener is.
pub struct Lab {
    /// The folder of its files.
    pub site: Site,
    admin: SocketAddr,
}

impl Lab {
    /// `rest`: lines below `[[forward]]`, and further tables.
    pub fn new(rest: &str) -> Self {
        let lab = Self { site: Site::new(), admin: free_port(loopback()) };
        lab.site.write("lab.zone", ZONE);
        lab.configure(rest);
        lab
    }

    /// Writes the config file anew, with `rest` as in [`Lab::new`].
    pub fn configure(&self, rest: &str) {
        self.site.configure(&format!(
            "[admin]\nlisten = \"{}\"\n\n[[zone]]\nname = \"lab.example\"\nfile = \"lab.zone\"\n\n[[forward]]\n{rest}",
            self.admin
        ));
    }

    /// Starts it, and waits until its upstreams have been looked at.
    pub fn start(&self) -> Program {
        let program = self.site.start();
        self.wait_for_upstreams();
        program
    }

    /// Waits until each upstream has answered or failed once.
    pub fn wait_for_upstreams(&self) {
        self.wait("upstreams that have been looked at", |forward| {
            let upstreams = forward["upstreams"].as_array()?;
            let looked = |one: &Value| one["answers"] != 0 || one["failures"] != 0;
            upstreams.iter().all(looked).then_some(())
        });
    }

    /// What the status says of forwarding.
    pub fn forward(&self) -> Value {
        let status: Value = get(self.admin, "/status").json();
        status["forward"].clone()
    }

    /// Waits until the status says something.
    pub fn wait<T>(&self, what: &str, mut found: impl FnMut(&Value) -> Option<T>) -> T {
        wait_for(what, PATIENCE, || found(&self.forward()))
    }

    /// Waits until the status says this of the upstream at `place`.
    pub fn wait_for_standing(&self, place: SocketAddr, standing: &str) {
        self.wait_for_standing_of(&place.to_string(), standing);
    }

    /// The same of an upstream by the words that the status has for it.
    pub fn wait_for_standing_of(&self, upstream: &str, standing: &str) {
        self.wait(&format!("{upstream} {standing}"), |forward| {
            let all = forward["upstreams"].as_array()?.iter();
            let mut same = all.filter(|one| one["address"] == upstream);
            same.any(|one| one["standing"] == standing).then_some(())
        });
    }

    /// Waits until this is what the only upstream is said not to understand.
    pub fn wait_for_quirks(&self, quirks: &[&str]) {
        self.wait(&format!("{quirks:?}"), |forward| {
            let known = forward["upstreams"][0]["quirks"].as_array()?;
            (known.iter().filter_map(Value::as_str).eq(quirks.iter().copied())).then_some(())
        });
    }

    /// All its metrics.
    pub fn metrics(&self) -> String {
        get(self.admin, "/metrics").body
    }

    /// The value of a series of the metrics.
    pub fn sample(&self, series: &str) -> f64 {
        sample(self.admin, series)
    }
}

/// `zone = "."` with these upstreams.
pub fn everything(upstreams: &[SocketAddr]) -> String {
    let upstreams: Vec<String> = upstreams.iter().map(|place| format!("\"{place}\"")).collect();
    format!("zone = \".\"\nupstream = [{}]\n", upstreams.join(", "))
}
