//! libFuzzer's way to the property `import_text`. Not responsible for what holds: that is `properties`.

#![no_main]

#[path = "../properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::import_text::holds(input));
