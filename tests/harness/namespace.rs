//! Runs a script in a network namespace of its own.

use std::process::Output;

use crate::program::{Site, executable, forget_settings};
use crate::tools::in_own_network;

/// Runs a script of bash in a network namespace of its own, in the folder of `site`; its first argument is the program
/// under test. None where this system lets nobody make such a network.
pub fn run(site: &Site, script: &str) -> Option<Output> {
    let mut command = in_own_network(&[])?;
    command.args(["bash", "-c", script, "node"]).arg(executable());
    forget_settings(&mut command);
    Some(command.current_dir(site.folder()).output().expect("unshare runs"))
}
