#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| alexnet_fuzz::read("torch7", data));
