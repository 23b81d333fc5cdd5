//! Records that stand in their RRset a second time, which RFC 2181, section 5, forbids.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::dns::{Rtype, rdata};
use crate::source::{Diagnostic, Origin};

/// What is told of a record that is in its RRset already; none where it is the first. `seen` are those before it.
pub(super) fn repetition<'r>(
    rtype: Rtype,
    rdata: &'r [u8],
    origin: Origin,
    seen: &mut HashMap<Cow<'r, [u8]>, &'r [u8]>,
) -> Option<Diagnostic> {
    let first = seen.insert(rdata::caseless(rtype, rdata), rdata)?;
    let message = "this is the same record again";
    let told = Diagnostic::warning(origin, message).help("it is answered once; remove this line");
    let by_case = "names that differ in case only are the same (RFC 4343)";
    Some(if first == rdata { told } else { told.remark(by_case) })
}
