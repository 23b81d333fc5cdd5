//! The trail of a path: every entry of a folder that decides which file it is.
//!
//! `/etc/edgedns/lab.zone` in a folder that Kubernetes mounts has these steps:
//!
//! ```text
//! /etc
//! /etc/edgedns
//! /etc/edgedns/lab.zone          a link to ..data/lab.zone
//! /etc/edgedns/..data            a link to ..2026_11_21, swapped as a whole
//! /etc/edgedns/..2026_11_21
//! /etc/edgedns/..2026_11_21/lab.zone
//! ```
//!
//! Follows links and names that do not exist yet. Not responsible for watching.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

/// Links that are followed on one path; the kernel follows 40.
const LINKS_MAX: usize = 40;

/// The steps of a path, each as an absolute path whose folder is reached without links. The first one that
/// does not exist is the last.
pub(super) fn of(path: &Path) -> Vec<PathBuf> {
    let mut steps = Vec::new();
    let mut links = 0;
    let mut here = PathBuf::from("/");
    // A relative path begins where the process is; without that there is nothing to follow.
    let mut rest = parts(&std::path::absolute(path).unwrap_or_default());
    while let Some(part) = rest.pop_front() {
        let name = match part {
            Part::Root => {
                here = PathBuf::from("/");
                continue;
            }
            Part::Up => {
                here.pop();
                continue;
            }
            Part::Name(name) => name,
        };
        let step = here.join(name);
        steps.push(step.clone());
        let Ok(meta) = step.symlink_metadata() else { break };
        if !meta.is_symlink() {
            here = step;
            continue;
        }
        links += 1;
        let Ok(target) = step.read_link() else { break };
        if links > LINKS_MAX {
            break;
        }
        let mut through = parts(&target);
        through.append(&mut rest);
        rest = through;
    }
    steps
}

/// What a path is made of.
enum Part {
    Root,
    Up,
    Name(OsString),
}

fn parts(path: &Path) -> VecDeque<Part> {
    let part = |component: Component<'_>| match component {
        Component::RootDir => Some(Part::Root),
        Component::ParentDir => Some(Part::Up),
        Component::Normal(name) => Some(Part::Name(name.to_owned())),
        Component::CurDir | Component::Prefix(_) => None,
    };
    path.components().filter_map(part).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder without links on the way to it, and the steps of a path in it.
    fn steps(make: impl FnOnce(&Path), path: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        make(&root);
        let below = |step: PathBuf| step.strip_prefix(&root).ok().map(|step| step.display().to_string());
        of(&root.join(path)).into_iter().filter_map(below).filter(|step| !step.is_empty()).collect()
    }

    #[test]
    fn links_are_steps_and_so_is_what_they_lead_to() {
        let mount = |root: &Path| {
            fs::create_dir(root.join("..one")).unwrap();
            fs::write(root.join("..one/lab.zone"), "").unwrap();
            symlink("..one", root.join("..data")).unwrap();
            symlink("..data/lab.zone", root.join("lab.zone")).unwrap();
        };
        assert_eq!(steps(mount, "lab.zone"), ["lab.zone", "..data", "..one", "..one/lab.zone"]);
    }

    #[test]
    fn what_is_not_there_ends_the_trail_and_is_part_of_it() {
        assert_eq!(steps(|_| {}, "zones/a/lab.zone"), ["zones"]);
        let make = |root: &Path| fs::create_dir_all(root.join("zones/a")).unwrap();
        assert_eq!(steps(make, "zones/a/lab.zone"), ["zones", "zones/a", "zones/a/lab.zone"]);
    }

    #[test]
    fn every_folder_above_is_a_step_too() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        let steps = of(&root.join("lab.zone"));
        let above: Vec<&Path> = root.ancestors().filter(|path| path.parent().is_some()).collect();
        assert!(above.iter().all(|folder| steps.iter().any(|step| step == folder)), "{steps:?}");
    }

    #[test]
    fn links_upwards_and_in_a_circle_come_to_an_end() {
        let up = |root: &Path| {
            fs::create_dir(root.join("a")).unwrap();
            symlink("../b", root.join("a/link")).unwrap();
        };
        assert_eq!(steps(up, "a/link"), ["a", "a/link", "b"]);
        let circle = |root: &Path| {
            symlink("y", root.join("x")).unwrap();
            symlink("x", root.join("y")).unwrap();
        };
        assert!(steps(circle, "x").len() <= LINKS_MAX + 1);
    }
}
