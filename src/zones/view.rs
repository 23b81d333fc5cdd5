//! Of several views of a zone, the one that another zone gets something of: addresses for PTR records, or for a pool.

use super::zone_id::ZoneId;
use crate::answer::Access;

/// The view for `zone`, of these in the order of the config file, each with its clients: the one of the same name, else that of
/// all clients, else the first. None: there are none.
pub fn view_for<'v, V>(
    zone: &ZoneId,
    mut views: impl Iterator<Item = (&'v ZoneId, Option<&'v Access>, V)> + Clone,
) -> Option<V> {
    let own = views.clone().find(|(id, _, _)| id.view == zone.view);
    let is_of_all = |access: Option<&Access>| access.is_none_or(Access::is_for_everybody);
    let found = own.or_else(|| views.clone().find(|(_, access, _)| is_of_all(*access)));
    found.or_else(|| views.next()).map(|(_, _, view)| view)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_view_of_the_same_name_comes_before_that_of_all_clients_and_that_before_the_first() {
        let id = |view: Option<&str>| ZoneId {
            name: "nodes.example.".parse().unwrap(),
            view: view.map(str::to_owned),
        };
        let some = Access::new(Some(vec!["192.0.2.0/24".parse().unwrap()]), None);
        let asked_by_some = Access::new(None, Some(vec!["192.0.2.0/24".parse().unwrap()]));
        let views = [(id(Some("inside")), some), (id(Some("lab")), asked_by_some), (id(Some("all")), None)];
        let found = |view: Option<&str>, views: &[(ZoneId, Option<Box<Access>>)]| {
            let views = views.iter().map(|(id, access)| (id, access.as_deref(), id.view.clone().unwrap()));
            view_for(&id(view), views)
        };
        assert_eq!(found(Some("all"), &views).as_deref(), Some("all"));
        assert_eq!(found(Some("inside"), &views).as_deref(), Some("inside"));
        assert_eq!(found(None, &views).as_deref(), Some("lab"), "every client sees it, whoever is answered");
        assert_eq!(found(None, &views[..1]).as_deref(), Some("inside"));
        assert_eq!(found(None, &[]), None);
    }
}
