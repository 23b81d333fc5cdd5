//! What the commands that make something say beside it, on standard error.

use std::io::{self, Write};

use crate::source::{Diagnostic, Look, Sources};

/// Draws faults, each with an empty line behind it.
pub(super) fn tell<'d>(
    sources: &Sources,
    faults: impl IntoIterator<Item = &'d Diagnostic>,
) -> io::Result<()> {
    let mut out = io::stderr().lock();
    let look = Look::on(&out);
    faults.into_iter().try_for_each(|fault| writeln!(out, "{}\n", sources.render(fault, look)))
}

/// Says that there is nothing on standard output.
pub(super) fn say_nothing_was_made() -> io::Result<()> {
    writeln!(io::stderr().lock(), "nothing was made")
}
