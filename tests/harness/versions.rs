//! A server whose zones show which version of them is served: in their serial, and in the address of `www`.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use hickory_proto::rr::RecordType;
use serde_json::Value;

use crate::client::sorted_addresses;
use crate::http::get;
use crate::program::{Program, Site};
use crate::{PATIENCE, free_port, loopback, wait_for};

/// Version `number` of a zone.
pub fn zone(number: u8) -> String {
    format!(
        "$TTL 60\n@ SOA ns host {number} 3600 600 86400 60\n@ NS ns\nwww A 192.0.2.{number}\nns A 192.0.2.53\n"
    )
}

/// The block of the zone `NAME.example`, whose file is `NAME.zone`; keys may be added below.
pub fn block(name: &str) -> String {
    format!("\n[[zone]]\nname = \"{name}.example\"\nfile = \"{name}.zone\"\n")
}

/// A server with an admin listener, the control socket `control.sock` and the state directory `state`.
pub struct Versions {
    /// The folder of its files.
    pub site: Site,
    /// Where its admin listener is.
    pub admin: SocketAddr,
}

impl Versions {
    /// Version 1 of these zones. Files are not watched; nothing runs yet.
    pub fn new(names: &[&str]) -> Versions {
        let versions = Versions { site: Site::new(), admin: free_port(loopback()) };
        fs::create_dir(versions.file("state")).expect("a scratch folder");
        for name in names {
            versions.write(name, &zone(1));
        }
        versions.configure(names);
        versions
    }

    /// The same in files that are watched.
    pub fn watched(names: &[&str]) -> Versions {
        let versions = Versions::new(names);
        versions.configure_watched(names);
        versions
    }

    /// Writes the file of a zone, at once.
    pub fn write(&self, name: &str, text: &str) {
        self.site.write(&format!("{name}.zone"), text);
    }

    /// Writes the config file with these zones.
    pub fn configure(&self, names: &[&str]) {
        self.site.configure(&self.tables(names));
    }

    /// The same for files that are watched.
    pub fn configure_watched(&self, names: &[&str]) {
        self.site.configure_watched(&self.tables(names));
    }

    /// The config without `[server]`. It ends in the block of the last zone, so that keys may follow.
    pub fn tables(&self, names: &[&str]) -> String {
        let admin =
            format!("listen = \"{}\"\nstate-directory = \"state\"\nsocket = \"control.sock\"", self.admin);
        let zones: String = names.iter().map(|name| block(name)).collect();
        format!("[admin]\n{admin}\n{zones}")
    }

    /// The place of a file in the server's folder.
    pub fn file(&self, name: &str) -> PathBuf {
        self.site.folder().join(name)
    }

    /// The place of the last good text of a zone.
    pub fn kept(&self, name: &str) -> PathBuf {
        self.file(&format!("state/last-good/{name}.example.zone"))
    }

    /// Waits until the last good text of a zone is one that `is_it`.
    pub fn wait_for_kept(&self, name: &str, is_it: impl Fn(&str) -> bool) {
        let kept = self.kept(name);
        let read = || fs::read_to_string(&kept).ok().filter(|text| is_it(text)).map(drop);
        wait_for(&format!("the last good text of {name}.example"), PATIENCE, read);
    }

    /// Waits until this version of a zone is kept.
    pub fn wait_for_kept_version(&self, name: &str, number: u8) {
        self.wait_for_kept(name, |text| text.contains(&format!(" host {number} ")));
    }

    /// The status, over HTTP.
    pub fn status(&self) -> Value {
        get(self.admin, "/status").json()
    }
}

/// Waits until this version of a zone is served.
pub fn serves(program: &Program, name: &str, number: u8) {
    program.wait_for_addresses(&format!("www.{name}.example."), &[[192, 0, 2, number].into()]);
}

/// This version of a zone is served now, at the first question.
#[track_caller]
pub fn serves_now(program: &Program, name: &str, number: u8) {
    let found = sorted_addresses(program.listen(), &format!("www.{name}.example."), RecordType::A);
    assert_eq!(found, Some(vec![[192, 0, 2, number].into()]), "{name}.example");
}
