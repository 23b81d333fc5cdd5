//! File descriptors: how many this process may have, and what that is enough for.
//!
//! Raises the limit to all that the system grants, chooses how many probes run at once by default, and warns
//! when the configuration may need more descriptors than there are.

use std::io;
use std::num::NonZeroUsize;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::config::Config;
use crate::forward::IN_FLIGHT_MAX;

/// Files besides those that are counted one by one: connections that probes keep, listeners, the control
/// socket and the admin listener with their clients, zones and what is watched of them.
const OTHERS: usize = 256;

/// Most probes at once unless more are asked for. One over TLS may hold 40 kB, here and in the kernel: 320
/// MB.
const PROBES_AT_ONCE_USUAL_MAX: usize = 8192;

/// Lets this process have as many descriptors as it is allowed to. The soft limit is low for the sake of
/// programs that use select(2), which cannot cope with more than 1,024: this one does not.
///
/// # Errors
///
/// Those of setrlimit(2); then the limit is what it was.
pub(super) fn raise() -> io::Result<()> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return Ok(());
    }
    Ok(setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })?)
}

/// How many this process may have now.
pub(super) fn limit() -> usize {
    let current = getrlimit(Resource::Nofile).current;
    // None is without a limit, and so is more than can be counted.
    current.and_then(|current| usize::try_from(current).ok()).unwrap_or(usize::MAX)
}

/// How many probes run at once.
pub(super) fn probes_at_once(asked: Option<NonZeroUsize>, limit: usize) -> usize {
    asked.map_or_else(|| (limit / 2).clamp(1, PROBES_AT_ONCE_USUAL_MAX), NonZeroUsize::get)
}

/// What is to be said where the config may need more descriptors than there are.
pub(super) fn shortage(config: &Config, limit: usize) -> Option<String> {
    let connections = config.server.tcp_connections;
    let probes = probes_at_once(config.probe.at_once, limit);
    let forwarded = if config.forwards.is_empty() { 0 } else { IN_FLIGHT_MAX };
    let needed = [connections, probes, forwarded, OTHERS].into_iter().fold(0, usize::saturating_add);
    (needed > limit).then(|| {
        let upstreams = if forwarded == 0 { String::new() } else { format!(", {forwarded} queries to upstreams") };
        format!(
            "this process may have {limit} files open, and {connections} TCP connections (`tcp-connections`), {probes} \
             probes at once (`probes-at-once`){upstreams} and {OTHERS} others may need {needed}: raise the limit \
             (LimitNOFILE= of the unit, `ulimit -Hn`), or lower these keys; whatever finds no file is refused, and \
             verdicts stay as they are then"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Probe, Server};

    fn config(tcp_connections: usize, at_once: Option<usize>) -> Config {
        let at_once = at_once.and_then(NonZeroUsize::new);
        Config {
            server: Server { tcp_connections, ..Server::default() },
            probe: Probe { at_once, ..Probe::default() },
            ..Config::default()
        }
    }

    #[test]
    fn half_of_the_files_are_for_probes_unless_that_is_too_many_or_it_is_said_otherwise() {
        for (limit, probes) in [(1, 1), (64, 32), (1024, 512), (65_536, 8192), (usize::MAX, 8192)] {
            assert_eq!(probes_at_once(None, limit), probes);
        }
        assert_eq!(probes_at_once(NonZeroUsize::new(20_000), 1024), 20_000);
    }

    #[test]
    fn who_may_need_more_files_than_there_are_is_told_which_keys_and_limits_decide() {
        assert_eq!(shortage(&config(1000, None), 65_536), None);
        assert_eq!(shortage(&config(256, None), 1024), None, "256, 512 and 256");
        let said = shortage(&config(1000, Some(700)), 1955).unwrap();
        for part in ["1955 files", "1000 TCP", "700 probes", "need 1956", "LimitNOFILE", "`probes-at-once`"] {
            assert!(said.contains(part), "{said}");
        }
        assert!(!said.contains("upstreams"), "nothing is forwarded: {said}");
    }

    #[test]
    fn the_limit_is_what_the_system_grants() {
        raise().unwrap();
        let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
        assert_eq!(current, maximum);
        assert_eq!(current.map_or(usize::MAX, |current| usize::try_from(current).unwrap()), limit());
    }
}
