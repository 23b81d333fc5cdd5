//! `edgedns check --system`: what the config that was read asks of this host.
//!
//! Responsible for telling `deploy` what is wanted, and on which host.
//! Not responsible for what is found there.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::config::{Config, held};
use crate::daemon::load::Reading;
use crate::daemon::own::own_addresses;
use crate::deploy::system::{self, Finding, Host, Wanted};

/// Looks at the host this runs on. A config that cannot be used says nothing of ports and addresses: those that
/// are wanted without a word are taken then.
pub(super) fn examine(path: &Path, reading: &Reading) -> Vec<Finding> {
    let host = Host::new(PathBuf::from("/"), SystemTime::now(), own_addresses().unwrap_or_default());
    let fallback = Config::default();
    let config = reading.loaded.as_ref().map_or(&fallback, |loaded| &loaded.config);
    system::examine(&host, &wanted(path, config, reading))
}

fn wanted(path: &Path, config: &Config, reading: &Reading) -> Wanted {
    let sources = &reading.sources;
    let held = sources.first().map(|file| held(sources, file, path)).unwrap_or_default();
    let of_probes = held.iter().filter_map(|held| held.file.as_deref());
    let read = sources.files().map(|file| file.path.as_path()).chain(sources.unread());
    let all = [path].into_iter().chain(read).chain(of_probes);
    let mut files: Vec<PathBuf> = all.filter_map(|file| std::path::absolute(file).ok()).collect();
    files.sort_unstable();
    files.dedup();
    let absolute = |path: &PathBuf| std::path::absolute(path).ok();
    Wanted {
        listen: config.server.listen.clone(),
        admin: config.admin.listen,
        files,
        state_directory: config.admin.state_directory.as_ref().and_then(absolute),
        socket: config.admin.socket.as_ref().and_then(absolute),
    }
}
