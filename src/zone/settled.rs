//! Makes a zone independent of the texts that it was read from.

use std::sync::Arc;

use super::guarding::Guarding;
use super::sealed::Sealed;
use super::tree::Zone;
use crate::source::{Lines, OriginId, Origins};

impl Zone {
    /// Has everything in a zone without changes that comes from a text come from a line of its file: a span says
    /// nothing once the sources it points into are gone.
    pub fn settle(&mut self, lines: &mut Lines<'_>) {
        let Sealed { rrsets, apart, origins, .. } = Arc::make_mut(&mut self.sealed);
        let mut settle = |id: &mut OriginId| *id = settled(origins, *id, lines);
        rrsets.iter_mut().for_each(|rrset| settle(&mut rrset.origin));
        apart.iter_mut().for_each(|(_, id)| settle(id));
        for pool in Arc::make_mut(&mut self.pools).iter_mut().map(Arc::make_mut) {
            pool.origin = lines.settled(&pool.origin);
            let tested = pool.groups.iter_mut().flatten().filter_map(|member| member.tested.as_mut());
            tested.for_each(|tested| tested.origin = lines.settled(&tested.origin));
        }
    }
}

fn settled(origins: &mut Origins, id: OriginId, lines: &mut Lines<'_>) -> OriginId {
    let origin = lines.settled(&origins.get(id));
    origins.add(&origin)
}

impl Guarding {
    /// As [`Zone::settle`].
    pub fn settle(&mut self, lines: &mut Lines<'_>) {
        self.origin = lines.settled(&self.origin);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::dns::{Name, Rtype, Ttl};
    use crate::source::{Diagnostics, FileLine, Lines, Origin, Sources, Span, Transfer};
    use crate::zone::{Builder, NodeId};

    #[test]
    fn a_settled_zone_says_the_lines_of_its_records_without_its_text() {
        let mut sources = Sources::default();
        let file = sources.add("lab.zone", b"soa\nns\nns\n".to_vec());
        let included = sources.add("servers.zone", b"\nns\n".to_vec());
        let at = |start| Span::new(file, start, start + 1);
        let apex: Name = "lab.example.".parse().unwrap();
        let ttl = Ttl::from_seconds(60).unwrap();
        let (zone, primary) = ("lab.example.".to_owned(), "192.0.2.1".to_owned());
        let transfer = Origin::Transfer(Arc::new(Transfer { zone, primary, serial: 7 }));
        let mut builder = Builder::new(apex.clone(), at(0));
        let soa = [&[0, 0][..], &[0, 0, 0, 60].repeat(5)].concat();
        builder.add(apex.as_ref(), Rtype::SOA, ttl, &soa, at(0)).unwrap();
        let beside = Span::new(included, 1, 3);
        let servers =
            [(b'a', at(4).into()), (b'b', transfer.clone()), (b'c', at(7).into()), (b'd', beside.into())];
        for (label, origin) in servers {
            builder.add(apex.as_ref(), Rtype::NS, ttl, &[1, label, 0], origin).unwrap();
        }
        let mut zone = builder.finish(&mut Diagnostics::default()).unwrap();
        zone.settle(&mut Lines::of(&sources));
        drop(sources);
        let line = |line| Origin::Line(FileLine { path: "lab.zone".into(), line });
        let included = Origin::Line(FileLine { path: "servers.zone".into(), line: 2 });
        let origins = |rtype| zone.node(NodeId::APEX).rrset(rtype).unwrap().origins().collect::<Vec<_>>();
        assert_eq!(origins(Rtype::SOA), [line(1)]);
        // Of records of one text the place of the first is known.
        assert_eq!(origins(Rtype::NS), [line(2), transfer, line(2), included]);
    }
}
