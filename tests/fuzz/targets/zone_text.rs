//! libFuzzer's way to the property `zone_text`. Not responsible for what holds: that is `properties`.

#![no_main]

#[path = "../properties/mod.rs"]
mod properties;

libfuzzer_sys::fuzz_target!(|input: &[u8]| properties::zone_text::holds(input));
