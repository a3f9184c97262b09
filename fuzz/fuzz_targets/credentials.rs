#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wordtally_fuzz::credentials(data));
