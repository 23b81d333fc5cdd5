//! libFuzzer's way to the property `import_others`. Not responsible for what holds: that is `properties`.

#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| edgedns_fuzz::holds("import_others", input));
