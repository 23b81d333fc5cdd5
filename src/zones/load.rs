//! Reads all zones. Results are in the order of the config file, whichever zone was read first; at a start those that
//! catalogs name are behind them.

mod serving;
mod loaded;
mod others;
mod reverse;
mod hosts;
mod parallel;
mod fed;
mod secondary;
mod etcd;
mod kept;
mod reader;
mod members;

use std::cmp::Reverse;

pub use loaded::LoadedZone;
pub use parallel::{READERS_MAX, readers_max};
pub use serving::{Purpose, ReadCause, Serving};

use self::others::Others;
use self::parallel::{WORTH_BYTES, text_bytes};
use self::reader::ZoneReader;
use super::settings::{Settings, ZoneSettings};
use super::zone_id::ZoneId;
use crate::source::Sources;
use crate::sync::in_parallel;
use crate::zone::Zone;

/// Reads all zones, at most `readers` of them at once. A check reads them one after the other and passes each
/// to `each` before it compiles and frees it. To serve, several threads may read, and `each` is not called
/// for their zones.
pub fn load(
    sources: &mut Sources,
    settings: &Settings,
    purpose: &Purpose,
    readers: usize,
    mut each: impl FnMut(&ZoneId, &Zone),
) -> Vec<LoadedZone> {
    let reader = ZoneReader::new(settings, purpose);
    let mut zones: Vec<(usize, &ZoneSettings)> = settings.zones.iter().enumerate().collect();
    // Some zones need the addresses of others, so these are read first.
    zones.sort_by_key(|(_, zone)| reader.load_order(zone));
    let mut loaded = Others::gathering(reader.compared());
    for alike in zones.chunk_by(|(_, one), (_, other)| reader.load_order(one) == reader.load_order(other)) {
        let read = load_in_parallel(&reader, sources, alike, &loaded, readers);
        let others = if read.is_empty() { alike } else { &[] };
        read.into_iter().for_each(|(place, zone)| loaded.push(place, zone));
        for &(place, zone) in others {
            let one = reader.load(sources, zone, &loaded, &mut each);
            loaded.push(place, one);
        }
    }
    let mut loaded = loaded.into_zones();
    let of_catalogs = members::load(&reader, sources, settings, purpose, readers, &loaded);
    loaded.extend(of_catalogs);
    loaded
}

/// Loads zones in parallel that need nothing of each other, but perhaps of those that are `loaded`, and returns each with its
/// place in the config file. Returns nothing if the zones are too few or too small for threads to pay off.
fn load_in_parallel(
    reader: &ZoneReader<'_>,
    sources: &mut Sources,
    zones: &[(usize, &ZoneSettings)],
    loaded: &Others,
    readers: usize,
) -> Vec<(usize, LoadedZone)> {
    if readers.min(zones.len()) < 2 {
        return Vec::new();
    }
    let mut sized: Vec<_> = zones.iter().map(|&(place, zone)| (text_bytes(zone), place, zone)).collect();
    if sized.iter().map(|(bytes, ..)| bytes).sum::<u64>() < WORTH_BYTES {
        return Vec::new();
    }
    // The largest zone first: begun last, it would keep one thread busy after all others have ended.
    sized.sort_by_key(|(bytes, ..)| Reverse(*bytes));
    let common = &*sources;
    let mut read = in_parallel("edgedns-zone", readers, &sized, |&(_, place, zone)| {
        let mut branch = common.branch();
        let zone = reader.load(&mut branch, zone, loaded, &mut |_, _| {});
        (place, zone, branch)
    });
    read.sort_by_key(|(place, ..)| *place);
    let joined = read.into_iter().map(|(place, zone, branch)| {
        sources.join(branch);
        (place, zone)
    });
    joined.collect()
}
