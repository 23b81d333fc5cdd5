//! Properties that hold for any input: one file for each kind of bytes that enter the program.
//!
//! A property takes an input and panics when it does not hold. It is a pure function of the input, so that
//! every failure can be repeated. libFuzzer (`targets`) and `tests/answers/replay.rs` make the inputs.
#![allow(dead_code, reason = "shared between programs, most of which drive one property")]

pub(crate) mod config;
pub(crate) mod framing;
pub(crate) mod import_others;
pub(crate) mod import_text;
pub(crate) mod lua_text;
pub(crate) mod respond;
pub(crate) mod upstream_response;
pub(crate) mod zone_text;

mod made_message;
mod told;

/// A property and what drives it further.
pub(crate) struct Target {
    /// Its name, and that of its corpus.
    pub(crate) name: &'static str,
    /// Panics unless the property holds for an input.
    pub(crate) holds: fn(&[u8]),
    /// Pieces that chance would not find soon.
    pub(crate) words: &'static [&'static [u8]],
}

/// Every property.
pub(crate) const TARGETS: [Target; 8] = [
    Target { name: "respond", holds: respond::holds, words: respond::WORDS },
    Target { name: "framing", holds: framing::holds, words: framing::WORDS },
    Target { name: "zone_text", holds: zone_text::holds, words: zone_text::WORDS },
    Target { name: "lua_text", holds: lua_text::holds, words: lua_text::WORDS },
    Target { name: "config", holds: config::holds, words: config::WORDS },
    Target { name: "import_text", holds: import_text::holds, words: import_text::WORDS },
    Target { name: "import_others", holds: import_others::holds, words: import_others::WORDS },
    Target { name: "upstream_response", holds: upstream_response::holds, words: upstream_response::WORDS },
];
