//! Links lead somewhere, and every page is reached from the front page.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::ROOT;
use super::markdown::{Page, pages};

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let mut faults = Vec::new();
    let mut seen = 0;
    for page in pages() {
        for link in page.links() {
            seen += 1;
            let (target, anchor) = target(&page, &link);
            if !Path::new(ROOT).join(&target).exists() {
                faults.push(format!("{}: {link}: there is no {}", page.name(), target.display()));
                continue;
            }
            let Some(anchor) = anchor else { continue };
            if !Page::read(target).anchors().contains(&anchor) {
                faults.push(format!("{}: {link}: there is no such heading", page.name()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(seen > 50, "{seen} links");
}

#[test]
fn every_page_is_reached_from_the_front_page() {
    let all = pages();
    let mut reached = BTreeSet::from([PathBuf::from("README.md")]);
    loop {
        let before = reached.len();
        let linked = all.iter().filter(|page| reached.contains(&page.path));
        let targets: Vec<PathBuf> =
            linked.flat_map(|page| page.links().into_iter().map(|link| target(page, &link).0)).collect();
        reached.extend(targets);
        if reached.len() == before {
            break;
        }
    }
    let lost: Vec<String> = all.iter().filter(|page| !reached.contains(&page.path)).map(Page::name).collect();
    assert!(lost.is_empty(), "no link leads from README.md to {}", lost.join(", "));
}

/// The file that a link leads to, below the root, and the heading in it.
fn target(page: &Page, link: &str) -> (PathBuf, Option<String>) {
    let (file, anchor) = link.split_once('#').map_or((link, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { page.path.clone() } else { page.path.with_file_name(file) };
    let mut plain = PathBuf::new();
    for part in path.components() {
        if part.as_os_str() == ".." {
            plain.pop();
        } else {
            plain.push(part);
        }
    }
    (plain, anchor.map(str::to_owned))
}
