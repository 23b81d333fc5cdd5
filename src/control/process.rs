//! The resources this process uses, from `/proc/self`.

use std::fs;

/// Ticks in a second in `/proc`: USER_HZ, which is 100 on everything that edgedns runs on.
const TICKS_PER_SECOND: f64 = 100.0;

/// What the process uses; none for what the kernel does not report.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// Memory that is really there, in bytes.
    pub(super) resident_bytes: Option<u64>,
    /// Time on all cores together since the start, in seconds.
    pub(super) cpu_seconds: Option<f64>,
    /// File descriptors, sockets among them.
    pub(super) open_files: Option<u64>,
    /// How many there may be.
    pub(super) open_files_max: Option<u64>,
    /// Threads.
    pub(super) threads: Option<u64>,
}

/// What this process uses now: a few system calls, none of which waits.
pub(super) fn usage() -> Usage {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    // The descriptor of the listing itself does not count.
    let files = fs::read_dir("/proc/self/fd").map(|files| files.count().saturating_sub(1));
    Usage {
        resident_bytes: value(&status, "VmRSS:").map(|kibibytes| kibibytes * 1024),
        cpu_seconds: cpu_seconds(&stat),
        open_files: files.ok().and_then(|files| u64::try_from(files).ok()),
        open_files_max: value(&limits, "Max open files"),
        threads: value(&status, "Threads:"),
    }
}

/// The first number behind a name that begins a line.
fn value(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// User and system time: fields 14 and 15 of proc(5)'s `stat`. The name of the program, field 2, may hold
/// anything, but no later field a parenthesis.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, behind_name) = stat.rsplit_once(')')?;
    let mut fields = behind_name.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?;
    Some(ticks / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_tells_all_of_it() {
        let usage = usage();
        assert!(usage.resident_bytes.is_some_and(|bytes| bytes > 100_000), "{usage:?}");
        assert!(usage.open_files.is_some_and(|files| files >= 3), "{usage:?}");
        assert!(usage.open_files_max >= usage.open_files, "{usage:?}");
        assert!(usage.threads.is_some_and(|threads| threads >= 1), "{usage:?}");
        assert!(usage.cpu_seconds.is_some(), "{usage:?}");
    }

    #[test]
    fn a_name_with_parentheses_does_not_shift_the_fields() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 3 0 12345 1000 200";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds(""), None);
    }
}
