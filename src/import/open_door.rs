//! What is said of a resolver that answers the whole world.

use super::word::Word;
use crate::source::Diagnostic;

/// What becomes of a list of all clients but some, which the networks of the host that it will run on cannot be parted
/// by.
pub(super) const CLOSED_BUT_SOME: &str = "an open door, closed: everybody but some cannot be said of the networks of this host, so it is this host alone; write \
     the networks that may ask to [[forward]] allow";

/// A word that lets in the whole world.
pub(super) fn fault(word: &Word) -> Diagnostic {
    Diagnostic::warning(word.span, "an open door: this lets the whole world in")
        .remark("a resolver that answers everybody is used to flood others")
        .help("not taken over: without [[forward]] allow it is this host and its networks")
}
