//! `[lua]`: how LUA records are read.

use super::table::Table;
use crate::setting::keep;
use crate::source::{Diagnostic, Diagnostics};
use crate::zone::{PICKCLOSEST, Selector};

/// `[lua]`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lua {
    /// For LUA records that name no selector.
    pub selector: Selector,
}

impl Default for Lua {
    fn default() -> Self {
        Self { selector: Selector::All }
    }
}

impl Lua {
    /// Reads `[lua]`; what is absent or faulty keeps its default.
    pub(super) fn read(table: &Table<'_>, found: &mut Diagnostics) -> Self {
        let Some(value) = table.get("selector") else { return Self::default() };
        if value.text() == Ok(PICKCLOSEST) {
            found.push(
                Diagnostic::warning(value.span(), "`pickclosest` is read as `random`")
                    .remark("there are no coordinates to tell which member is closest"),
            );
        }
        keep(value.word(&Selector::lua_words()), found)
            .map_or_else(Self::default, |selector| Self { selector })
    }
}
