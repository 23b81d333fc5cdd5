//! Makes a zone version from a transfer, with the same checks as for a zone file.
//!
//! Pure. Takes seconds for a large zone.

use std::sync::Arc;

use super::settings::SecondarySettings;
use crate::source::{Diagnostics, Origin};
use crate::transfer::incoming::{Received, TransferFault};
use crate::zone::{Changeset, Hosts, NodeId};
use crate::zones::proposal::{Contents, Proposal};
use crate::zones::version::{VersionOrigin, ZoneVersion};

/// Why no version comes of what was sent, in words.
pub(super) type Unmade = String;

/// The version that `received` makes; changes are to `current`, and come from `origin`.
///
/// # Errors
///
/// When it cannot be served, or the changes do not fit.
pub(super) fn make(
    settings: &SecondarySettings,
    current: Option<&ZoneVersion>,
    received: Received,
    origin: Origin,
) -> Result<ZoneVersion, Unmade> {
    let inputs = settings.inputs();
    let grows = matches!(received, Received::Changes(_));
    let contents = match (received, current) {
        (Received::Nothing, _) => return Err("it says that it has nothing newer".to_owned()),
        (Received::Whole(whole), _) => {
            let mut found = Diagnostics::default();
            let apexes = Arc::clone(&settings.apexes);
            let zone = whole.finish(&inputs.settings, &inputs.guards, inputs.own.clone(), apexes, &mut found);
            Contents::Whole(Box::new(zone.ok_or_else(|| found.first_error_or("it is no zone"))?))
        }
        (Received::Changes(_), None) => {
            return Err("it sends changes, and there is nothing to change".to_owned());
        }
        (Received::Changes(changes), Some(current)) => {
            Contents::Changes { base: current.serial, changes: changes.finish(), origin }
        }
    };
    let (zone, inputs, origin) = (settings.id().clone(), Arc::new(inputs), VersionOrigin::Sources);
    let proposal = Proposal { zone, contents, inputs, origin };
    let version = proposal.accept(current).map_err(|error| error.to_string())?;
    let contents = version.contents.as_deref();
    // What comes as a whole was counted as it came. Changes are each small, and without an end.
    if grows && contents.is_some_and(|zone| zone.memory() > settings.bytes_max()) {
        return Err(TransferFault::TooLarge(settings.bytes_max()).to_string());
    }
    let hosts = contents.filter(|_| settings.wants_hosts).map(|zone| Arc::new(Hosts::of(zone)));
    Ok(ZoneVersion { hosts, ..version })
}

/// What is served, under the settings as they are now.
///
/// # Errors
///
/// When it cannot be served so.
pub(super) fn remade(settings: &SecondarySettings, current: &ZoneVersion) -> Result<ZoneVersion, Unmade> {
    if let Some(fault) = settings.zone.sources.pools_fault(&current.pools) {
        return Err(fault.message);
    }
    let place = current.contents.as_ref().and_then(|zone| zone.node(NodeId::APEX).first_origin());
    let origin = place.ok_or("its contents are not in memory")?;
    let contents = Contents::Changes { base: current.serial, changes: Changeset::default(), origin };
    let (inputs, origin) = (Arc::new(settings.inputs()), VersionOrigin::Sources);
    let proposal = Proposal { zone: settings.id().clone(), contents, inputs, origin };
    let version = proposal.accept(Some(current)).map_err(|error| error.to_string())?;
    let contents = version.contents.as_deref().filter(|_| settings.wants_hosts);
    let hosts = contents.map(|zone| Arc::new(Hosts::of(zone)));
    Ok(ZoneVersion { loaded_at: current.loaded_at, hosts, ..version })
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "a test may stop at an overflow")]
mod tests {
    use std::net::IpAddr;

    use super::*;
    use crate::dns::{Name, Rtype, Ttl};
    use crate::requestor::{Protocol, Remote};
    use crate::source::{Sources, Span};
    use crate::tls::Credentials;
    use crate::transfer::Condenser;
    use crate::transfer::incoming::{LuaRecords, Primary};
    use crate::zone::{Builder, MemoryLimit, Record};
    use crate::zonefile;
    use crate::zones::settings::{Settings, ZoneSettings};
    use crate::zones::source::{Primaries, ZoneSources};

    fn named() -> Span {
        Span::new(Sources::default().add("edgedns.toml", b"example".to_vec()), 0, 7)
    }

    fn settings(memory_limit: MemoryLimit) -> SecondarySettings {
        let address = (IpAddr::from([192, 0, 2, 1]), 53).into();
        let primary = Primary { remote: Remote { address, protocol: Protocol::Udp }, key: None };
        let mut sources = ZoneSources::default();
        let (credentials, lua) = (Credentials::default(), LuaRecords::Refuse);
        sources.push(Primaries { list: vec![primary], credentials, lua, span: named() });
        let zone = ZoneSettings {
            id: "example.".parse::<Name>().unwrap().into(),
            name_span: named(),
            sources,
            when_client_in: None,
            allow_query: None,
            memory_limit,
            guards: Vec::new(),
            update: None,
            dnssec: None,
            member: None,
        };
        let text = zonefile::Settings::default();
        let config = "edgedns.toml".into();
        SecondarySettings::all(&Settings {
            config,
            zones: vec![zone],
            text,
            state_directory: None,
            catalogs: Vec::new(),
            cluster: None,
        })
        .remove(0)
    }

    fn record(owner: &str, rtype: Rtype, rdata: &[u8]) -> Record {
        let ttl = Ttl::from_seconds(60).unwrap();
        Record { owner: owner.parse().unwrap(), rtype, ttl, rdata: rdata.into() }
    }

    fn soa(serial: u32) -> Record {
        let rdata = [&[0, 0][..], &serial.to_be_bytes(), &[0, 0, 0, 60].repeat(4)].concat();
        record("example.", Rtype::SOA, &rdata)
    }

    fn first(settings: &SecondarySettings) -> ZoneVersion {
        let mut builder = Builder::new("example.".parse().unwrap(), named());
        for Record { owner, rtype, ttl, rdata } in
            [soa(1), record("example.", Rtype::NS, b"\x02ns\x04test\x00")]
        {
            builder.add(owner.as_ref(), rtype, ttl, &rdata, named()).unwrap();
        }
        let zone = builder.finish(&mut Diagnostics::default()).unwrap();
        let (inputs, origin) = (Arc::new(settings.inputs()), VersionOrigin::Sources);
        let contents = Contents::Whole(Box::new(zone));
        Proposal { zone: settings.id().clone(), contents, inputs, origin }.accept(None).unwrap()
    }

    /// What comes of so many hosts more, and a serial more.
    fn grown(
        settings: &SecondarySettings,
        current: &ZoneVersion,
        hosts: std::ops::Range<u32>,
    ) -> Result<ZoneVersion, Unmade> {
        let come = hosts.map(|host| record(&format!("h{host}.example."), Rtype::A, &[192, 0, 2, 1]));
        let added = [soa(current.serial + 1)].into_iter().chain(come);
        let mut changes = Condenser::default();
        changes.remove(soa(current.serial)).unwrap();
        added.for_each(|record| changes.add(record).unwrap());
        make(settings, Some(current), Received::Changes(Box::new(changes)), named().into())
    }

    #[test]
    fn what_was_made_on_a_node_with_other_addresses_is_made_anew() {
        let before = settings(MemoryLimit::ByText);
        let after = SecondarySettings { own: vec!["192.0.2.7".parse().unwrap()], ..before.clone() };
        assert!(before.is_same(&before.clone()) && !before.is_same(&after));
        let current = grown(&before, &first(&before), 0..3).unwrap();
        assert!(current.is_current(&before.inputs()) && !current.is_current(&after.inputs()));
        let remade = remade(&after, &current).unwrap();
        assert!(remade.is_current(&after.inputs()));
        assert_eq!((remade.serial, remade.records), (current.serial, current.records));
    }

    #[test]
    fn changes_that_are_small_make_no_zone_larger_than_it_may_be() {
        let settings = settings(MemoryLimit::Bytes(1 << 20));
        let mut version = first(&settings);
        let mut hosts = 0;
        let why = loop {
            match grown(&settings, &version, hosts..hosts + 100) {
                Ok(next) => version = next,
                Err(why) => break why,
            }
            hosts += 100;
            assert!(hosts < 10_000, "it is never refused");
        };
        assert!(why.contains("more than 1 MiB of memory; `memory-limit` allows more"), "{why}");
        // 160 bytes for the record and for the name each, their data twice.
        assert!((2_000..3_000).contains(&hosts), "{hosts} hosts");
    }
}
