//! What can be set about reading zone text.

use std::path::PathBuf;

use super::lua_record;
use crate::zone;

/// What can be set about reading zone text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Where an included file is looked for when there is none beside the file
    /// that includes it; PowerDNS looks only here (`directory` of its `bind.conf`).
    pub include_folder: Option<PathBuf>,
    /// The folders that included files may lie in, besides that of the zone's own file; none: anywhere.
    pub include_from: Option<Vec<PathBuf>>,
    /// How much memory the zone may take.
    pub memory_limit: zone::MemoryLimit,
    /// What LUA records take that do not say it themselves.
    pub lua: lua_record::LuaDefaults,
    /// Most records of one `$GENERATE`. The default, 65,536, is a reverse zone
    /// of 16 bits; a larger range is a slip of the pen.
    pub generate_max: u32,
    /// How deep files may include each other; PowerDNS's `max-include-depth`.
    pub include_depth_max: u8,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            include_folder: None,
            include_from: None,
            memory_limit: zone::MemoryLimit::default(),
            lua: lua_record::LuaDefaults::default(),
            generate_max: 65_536,
            include_depth_max: 20,
        }
    }
}
