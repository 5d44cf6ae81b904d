//! Texts that may be addresses: nothing panics, and what is an address is written as it is read.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rekindle_unix::Address;

fuzz_target!(|text: &str| match text.parse::<Address>() {
    Ok(address) => {
        let written = address.to_string();
        assert_eq!(written.parse::<Address>().as_ref(), Ok(&address), "{text:?} as {written:?}");
    }
    Err(error) => assert!(error.to_string().len() < 16 * 1024, "an error must not flood a log"),
});
