//! Feeds whatever the fuzzer finds to `verdikt_fuzz::case::tracing_configuration`.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| verdikt_fuzz::case::tracing_configuration(data));
