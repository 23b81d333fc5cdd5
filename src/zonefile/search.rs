//! Finds the places of records: reads zone text once more, without making a zone of it.
//!
//! Finds them in included files and `$GENERATE`, too, and keeps only those in memory. Reports no faults: they
//! have been reported when the zone was loaded.

use std::ops::ControlFlow;

use super::reader::{Reader, TextEntry};
use super::settings::Settings;
use crate::dns::{Name, NameRef, Rtype};
use crate::source::{Diagnostics, FileId, Sources, Span};

/// A record as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The owner.
    pub owner: Name,
    /// The type; of a LUA record the one that it answers.
    pub rtype: Rtype,
    /// What it says.
    pub content: Content,
    /// Where it begins.
    pub span: Span,
}

/// What a record says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// RDATA in wire form.
    Rdata(Vec<u8>),
    /// The code of a LUA record, chunks joined.
    Lua(String),
}

/// Finds the records that are `wanted` in the text of the zone `apex` and all that it includes, in the order
/// in which they stand there. A record that cannot be read is not found.
pub fn search(
    sources: &mut Sources,
    file: FileId,
    apex: &Name,
    settings: &Settings,
    wanted: impl Fn(NameRef<'_>, Rtype) -> bool,
) -> Vec<Written> {
    let mut found = Vec::new();
    let mut take = |entry: TextEntry<'_>, _: &mut Diagnostics| {
        match entry {
            TextEntry::Record { owner, rtype, rdata, span, .. } if wanted(owner, rtype) => {
                let content = Content::Rdata(rdata.to_vec());
                found.push(Written { owner: owner.to_name(), rtype, content, span });
            }
            TextEntry::Lua { owner, inner, code, span, .. } if wanted(owner, inner) => {
                let content = Content::Lua(code.text().into_owned());
                found.push(Written { owner: owner.to_name(), rtype: inner, content, span });
            }
            TextEntry::Text { .. } | TextEntry::Record { .. } | TextEntry::Lua { .. } => {}
        }
        ControlFlow::Continue(())
    };
    Reader::new(apex.clone(), settings, &mut take).zone(sources, file, &mut Diagnostics::default());
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
$TTL 60
@ SOA ns host 1 2 3 4 5
www A 192.0.2.1
    A 192.0.2.2
WWW TXT x
nonsense A here
$GENERATE 1-2 n$ A 192.0.2.$
api LUA A \"ifportup(1, {'192.0.2.1'})\"
";

    #[test]
    fn records_are_found_with_their_lines_and_nothing_else_is() {
        let mut sources = Sources::default();
        let file = sources.add("lab.zone", TEXT.as_bytes().to_vec());
        let apex: Name = "lab.example".parse().unwrap();
        let wanted = |owner: NameRef<'_>, rtype: Rtype| owner.label_count() == 3 && rtype == Rtype::A;
        let found = search(&mut sources, file, &apex, &Settings::default(), wanted);
        let shown: Vec<String> = found
            .iter()
            .map(|one| format!("{} {} {}", one.owner, sources.place(one.span).line, one.rtype))
            .collect();
        assert_eq!(
            shown,
            [
                "www.lab.example. 3 A",
                "www.lab.example. 4 A",
                "n1.lab.example. 7 A",
                "n2.lab.example. 7 A",
                "api.lab.example. 8 A"
            ]
        );
        assert_eq!(found[1].content, Content::Rdata(vec![192, 0, 2, 2]));
        assert_eq!(found[4].content, Content::Lua("ifportup(1, {'192.0.2.1'})".to_owned()));
    }
}
