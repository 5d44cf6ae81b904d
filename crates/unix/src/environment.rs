//! Environment variables that are read once and then gone.
//!
//! Owns the removal, so that no child of the service ever sees a variable that was meant for this
//! process alone. Refuses to interpret a value.

#![expect(
    unsafe_code,
    reason = "to change the environment is unsafe since edition 2024"
)]

use std::env;
use std::ffi::OsString;

/// Reads the environment variable `name` and removes it.
///
/// To be called before the process starts threads that might read the environment from C:
/// the standard library's own readers take a lock, getenv(3) does not.
#[must_use]
pub fn take_variable(name: &str) -> Option<OsString> {
    let value = env::var_os(name)?;
    // SAFETY: All access from Rust is serialised by a lock of the standard library. The rest, that
    // no thread reads the environment from C at the same time, is asked of the caller above.
    unsafe { env::remove_var(name) };
    Some(value)
}
