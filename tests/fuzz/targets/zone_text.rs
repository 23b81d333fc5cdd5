//! libFuzzer's way to the property `zone_text`. Not responsible for what holds: that is `properties`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| edgedns_fuzz::holds("zone_text", input));
