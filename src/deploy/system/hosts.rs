//! The hosts file, which goes before every name server (hosts(5)).

use std::net::IpAddr;

use super::host::Host;

const FILE: &str = "/etc/hosts";

/// A line of the hosts file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HostsEntry {
    /// Its number, from 1.
    pub line: usize,
    /// The address.
    pub address: IpAddr,
    /// The names that have it, in lower case, without a final dot.
    pub names: Vec<String>,
}

/// The lines of the hosts file that name a host; those that cannot be read are passed over, as the C library does.
pub fn hosts_entries(host: &Host) -> Vec<HostsEntry> {
    let text = host.text(FILE).unwrap_or_default();
    let entry = |(place, line): (usize, &str)| {
        let mut words = line.split('#').next()?.split_whitespace();
        let address = words.next()?.split('%').next()?.parse().ok()?;
        let names = words.map(|name| name.trim_end_matches('.').to_ascii_lowercase()).collect();
        Some(HostsEntry { line: place + 1, address, names })
    };
    text.lines().enumerate().filter_map(entry).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_file_is_read_as_the_c_library_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("etc")).unwrap();
        let text = "127.0.0.1 localhost\n# 192.0.2.9 api\nnonsense a\n192.0.2.1\tAPI.example.com. api # x\n";
        std::fs::write(folder.path().join("etc/hosts"), text).unwrap();
        let host = Host::new(folder.path().into(), std::time::SystemTime::UNIX_EPOCH, Vec::new());
        let found = hosts_entries(&host);
        let read: Vec<(usize, String)> = found.iter().map(|one| (one.line, one.names.join(" "))).collect();
        assert_eq!(read, [(1, "localhost".to_owned()), (4, "api.example.com api".to_owned())]);
    }
}
