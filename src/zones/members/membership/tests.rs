//! What versions of catalogs change, one rule of RFC 9432 after the other.

use super::*;
use crate::source::{Diagnostics, Sources, Span};
use crate::zone::Builder;
use crate::zonefile;

const ONE: &str = "one.example.";
const TWO: &str = "two.example.";

fn name(text: &str) -> Name {
    text.parse().unwrap()
}

/// A server with catalogs, and what it has as members.
#[derive(Default)]
struct Server {
    membership: Membership,
    configured: HashSet<Name>,
    newest: BTreeMap<Name, Arc<Catalog>>,
}

impl Server {
    /// A version of a catalog: `label zone` or `label zone coo`, one a line.
    fn says(&mut self, catalog: &str, members: &[&str]) -> Taken {
        self.takes(catalog, members, Losses::Doubted)
    }

    fn takes(&mut self, catalog: &str, members: &[&str], losses: Losses) -> Taken {
        self.newest.insert(name(catalog), read(catalog, members));
        let mut taken = self.membership.take(&name(catalog), &self.configured, &self.newest, losses);
        taken.steps.sort_by_key(|step| format!("{step:?}"));
        taken
    }

    fn owner(&self, zone: &str) -> Option<String> {
        self.membership.get(&name(zone)).map(|owned| owned.catalog.to_string())
    }
}

fn read(catalog: &str, members: &[&str]) -> Arc<Catalog> {
    let mut text = "@ 0 IN SOA a. a. 1 1 1 1 1\n@ 0 IN NS invalid.\nversion 0 IN TXT 2\n".to_owned();
    for member in members {
        let words: Vec<&str> = member.split(' ').collect();
        text.push_str(&format!("{}.zones 0 IN PTR {}\n", words[0], words[1]));
        if let Some(coo) = words.get(2) {
            text.push_str(&format!("coo.{}.zones 0 IN PTR {coo}\n", words[0]));
        }
    }
    let mut sources = Sources::default();
    let file = sources.add("catalog.zone", text.into_bytes());
    let mut found = Diagnostics::default();
    let mut builder = Builder::new(name(catalog), Span::new(file, 0, 1));
    zonefile::read(&mut sources, file, &mut builder, &zonefile::Settings::default(), &mut found);
    Catalog::of(&builder.finish(&mut found).unwrap()).unwrap().into()
}

fn steps(taken: &Taken) -> &[Step] {
    assert_eq!((taken.clashes.len(), taken.held), (0, 0), "{taken:?}");
    &taken.steps
}

#[test]
fn a_zone_that_comes_is_added_and_one_that_goes_is_removed() {
    let mut server = Server::default();
    let taken = server.says(ONE, &["a x.test.", "b y.test."]);
    assert_eq!(steps(&taken), [Step::Added(name("x.test.")), Step::Added(name("y.test."))]);
    assert_eq!(steps(&server.says(ONE, &["a x.test.", "b y.test."])), []);
    let taken = server.says(ONE, &["b y.test.", "c z.test."]);
    assert_eq!(steps(&taken), [Step::Added(name("z.test.")), Step::Removed(name("x.test."))]);
    assert_eq!(server.membership.count(&name(ONE)), 2);
}

#[test]
fn another_label_resets_the_zone() {
    let mut server = Server::default();
    server.says(ONE, &["a x.test."]);
    assert_eq!(steps(&server.says(ONE, &["b x.test."])), [Step::Reset(name("x.test."))]);
    assert_eq!(steps(&server.says(ONE, &["B x.test."])), []);
}

#[test]
fn a_zone_of_the_config_file_is_no_member() {
    let mut server = Server { configured: [name("x.test.")].into(), ..Server::default() };
    let taken = server.says(ONE, &["a x.test.", "b y.test."]);
    assert_eq!(taken.steps, [Step::Added(name("y.test."))]);
    assert_eq!(taken.clashes, [(name("x.test."), Clash::Configured)].into());
    // One that comes into the config file later is the operator's from then on.
    server.configured.insert(name("y.test."));
    let gone = server.membership.keep_to(&[name(ONE)].into(), &server.configured);
    assert_eq!(gone, [name("y.test.")]);
}

#[test]
fn a_member_of_another_catalog_stays_with_the_first() {
    let mut server = Server::default();
    server.says(ONE, &["a x.test."]);
    let taken = server.says(TWO, &["a x.test."]);
    assert_eq!((taken.steps, taken.clashes), (vec![], [(name("x.test."), Clash::Owned(name(ONE)))].into()));
    assert_eq!(server.owner("x.test.").as_deref(), Some(ONE));
    // The second one taking it out again changes nothing (section 5.3).
    assert_eq!(steps(&server.says(TWO, &[])), []);
    assert_eq!(server.owner("x.test.").as_deref(), Some(ONE));
}

#[test]
fn a_zone_that_its_catalog_lets_go_of_goes_to_the_one_that_names_it_too() {
    let mut server = Server::default();
    server.says(ONE, &["a x.test."]);
    server.says(TWO, &["a x.test."]);
    assert_eq!(
        steps(&server.says(ONE, &[])),
        [Step::Reset(name("x.test."))],
        "nothing was said of its state"
    );
    assert_eq!(server.owner("x.test.").as_deref(), Some(TWO));
}

#[test]
fn a_change_of_ownership_waits_for_the_new_catalog_and_keeps_what_is_known_with_the_label() {
    let mut server = Server::default();
    server.says(ONE, &["a x.test.", "b y.test."]);
    let taken = server.says(ONE, &["a x.test. two.example.", "b y.test. two.example."]);
    assert_eq!(steps(&taken), [Step::Changed(name("x.test.")), Step::Changed(name("y.test."))]);
    assert_eq!(server.owner("x.test.").as_deref(), Some(ONE), "the new one does not name it yet");
    let taken = server.says(TWO, &["a x.test.", "other y.test."]);
    assert_eq!(steps(&taken), [Step::Changed(name("x.test.")), Step::Reset(name("y.test."))]);
    assert_eq!(server.owner("x.test.").as_deref(), Some(TWO));
    // The old one takes them out later, and that is nothing to them.
    assert_eq!(steps(&server.says(ONE, &[])), []);
    assert_eq!((server.membership.count(&name(ONE)), server.membership.count(&name(TWO))), (0, 2));
}

#[test]
fn a_change_of_ownership_that_is_taken_back_or_goes_elsewhere_is_a_clash() {
    let mut server = Server::default();
    server.says(ONE, &["a x.test. two.example."]);
    server.says(ONE, &["a x.test."]);
    assert_eq!(server.says(TWO, &["a x.test."]).clashes.len(), 1);
    server.says(ONE, &["a x.test. three.example."]);
    assert_eq!(server.says(TWO, &["a x.test."]).clashes.len(), 1);
    // That it comes when the new catalog has it already changes nothing before that one changes.
    server.says(ONE, &["a x.test. two.example."]);
    assert_eq!(server.owner("x.test.").as_deref(), Some(ONE));
    assert_eq!(steps(&server.says(TWO, &["a x.test."])), [Step::Changed(name("x.test."))]);
}

#[test]
fn most_of_many_members_go_when_the_operator_says_so() {
    let members: Vec<String> = (0..10).map(|number| format!("m{number} z{number}.test.")).collect();
    let members: Vec<&str> = members.iter().map(String::as_str).collect();
    let mut server = Server::default();
    server.says(ONE, &members);
    // Half of them are believed to be gone.
    assert_eq!(server.says(ONE, &members[..5]).steps.len(), 5);
    server.says(ONE, &members);
    let taken = server.says(ONE, &[members[0], "new new.test."]);
    assert_eq!((taken.steps, taken.held), (vec![Step::Added(name("new.test."))], 9));
    assert_eq!(server.membership.count(&name(ONE)), 11);
    assert_eq!(server.says(ONE, &[]).held, 11, "one after the other is no way round it");
    assert_eq!(steps(&server.says(ONE, &members)), [Step::Removed(name("new.test."))]);
    assert_eq!(steps(&server.takes(ONE, &[], Losses::Meant)).len(), 10);
    // Of a few, each may go at any time.
    server.says(ONE, &members[..9]);
    assert_eq!(steps(&server.says(ONE, &[])).len(), 9);
}

#[test]
fn members_of_before_are_taken_where_nobody_has_them() {
    let mut server = Server { configured: [name("x.test.")].into(), ..Server::default() };
    server.membership.restore(&name(ONE), &read(ONE, &["a x.test.", "b y.test."]), &server.configured);
    server.membership.restore(&name(TWO), &read(TWO, &["c y.test.", "d z.test."]), &server.configured);
    assert_eq!(server.owner("x.test."), None);
    assert_eq!(
        (server.owner("y.test.").as_deref(), server.owner("z.test.").as_deref()),
        (Some(ONE), Some(TWO))
    );
    assert_eq!(steps(&server.says(ONE, &["b y.test."])), []);
    // A catalog that is in the config file no more lets go of its members.
    let gone = server.membership.keep_to(&[name(ONE)].into(), &server.configured);
    assert_eq!(gone, [name("z.test.")]);
}
