//! A fuzz target: see the function it calls.
#![no_main]
libfuzzer_sys::fuzz_target!(|data: &[u8]| patchbay_fuzz::requests::embeddings(data));
