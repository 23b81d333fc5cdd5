//! The ports that clients come to, and those of the servers.

use super::super::report::Fate;
use super::super::work::Work;
use super::lines::{ConfigLine, Section};
use super::pool::Pool;
use super::server::Place;

/// Says what becomes of the ports that clients come to: DNS moves none.
pub(super) fn report(work: &mut Work, sections: &[Section], pools: &[Pool]) {
    for section in sections.iter().filter(|section| matches!(section.kind(), "frontend" | "listen")) {
        let leads_to = |line: &&ConfigLine| matches!(line.text(0), "default_backend" | "use_backend");
        let mut backends: Vec<&str> =
            section.lines.iter().filter(leads_to).map(|line| line.text(1)).collect();
        if section.kind() == "listen" {
            backends.push(section.name());
        }
        let served: Vec<&Pool> =
            pools.iter().filter(|pool| backends.contains(&pool.name.as_str()) && !pool.is_off).collect();
        for line in section.lines.iter().filter(|line| line.text(0) == "bind") {
            work.report.add(line.span, &line.shown, port(line, &served));
        }
    }
}

fn port(line: &ConfigLine, served: &[&Pool]) -> Fate {
    if line.words.iter().skip(2).any(|word| word.text == "ssl") {
        return Fate::refused("TLS ends at HAProxy here: the servers have to speak it themselves");
    }
    let place = |text: &str| Place::parse(text).and_then(|place| place.port);
    let ports: Vec<u16> = line.text(1).split(',').filter_map(place).collect();
    for pool in served {
        for (ours, theirs) in ports
            .iter()
            .flat_map(|ours| pool.ports.iter().map(move |theirs| (*ours, theirs.unwrap_or(*ours))))
        {
            if ours != theirs {
                return Fate::refused(format!(
                    "clients come to port {ours}, and the servers of {} take connections at {theirs}: DNS moves no ports",
                    pool.name
                ));
            }
        }
    }
    Fate::honoured("clients connect to the same port of the servers")
}
