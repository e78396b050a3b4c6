//! libFuzzer's entry to the checks of scopes.

#![no_main]

#[path = "../src/scopes.rs"]
mod scopes;

libfuzzer_sys::fuzz_target!(|data: &[u8]| scopes::check(data));
