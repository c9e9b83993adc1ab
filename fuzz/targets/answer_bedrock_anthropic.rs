//! A fuzz target: see the function it calls.
#![no_main]
use patchbay::dialects::Dialect;
libfuzzer_sys::fuzz_target!(|data: &[u8]| patchbay_fuzz::answers::answer(Dialect::BedrockAnthropic, data));
