//! The environment of this process: a variable is read and removed in one step, so that no child
//! sees it. It refuses to set any: what a child is to see belongs to its command.
#![expect(unsafe_code, reason = "removing a variable is unsafe in edition 2024")]

use std::ffi::OsString;

/// Reads an environment variable that the program was started with and removes it, so that no
/// later child inherits it.
///
/// Call it at the start of the program, before other threads run. Threads that use
/// `std::env` do no harm; the caution is for C code, whose `getenv` takes no lock: it could miss
/// another variable while one is removed (see `environ(7)`). A variable that is not set leaves the
/// environment untouched, so that calling again later is always harmless.
#[must_use]
pub fn take_variable(name: &str) -> Option<OsString> {
    let value = std::env::var_os(name)?;
    // SAFETY: the lock of `std::env` keeps Rust code out. C code in other threads could read
    // `environ` meanwhile, which is why callers are told to come first. For those who come late:
    // glibc and musl remove a variable by moving the pointers behind it up one place, and neither
    // frees nor changes a string that came with the program's start (musl alone frees, and only
    // what its own `setenv` made). A reader at that moment finds valid pointers to valid strings.
    unsafe { std::env::remove_var(name) };
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_that_is_not_set_is_not_there() {
        assert_eq!(take_variable("REKINDLE_TEST_NEVER_SET"), None);
    }
}
