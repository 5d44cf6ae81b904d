//! Environment variables that others set: `LISTEN_FDS` and its companions, the channel's marker,
//! `NOTIFY_SOCKET`. Nothing panics, and what is believed is within its bounds.
//!
//! The input is cut at zero bytes, which no variable can have in it.

#![no_main]

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use libfuzzer_sys::fuzz_target;
use rekindle_unix::{Marker, Notifier, listen_fds};

/// Our own process id, so that `LISTEN_PID` can be guessed.
const OWN_PID: u32 = 7;

fuzz_target!(|input: &[u8]| {
    let mut parts = input.split(|&byte| byte == 0).map(OsStr::from_bytes);
    let (count, pid, names) = (parts.next(), parts.next(), parts.next());
    if let Ok(Some(passed)) = listen_fds::parse(count, pid, names, OWN_PID) {
        let passed = passed.iter().count();
        assert!((1..=listen_fds::LISTEN_FDS_LIMIT as usize).contains(&passed));
        let pid = pid.and_then(OsStr::to_str).and_then(|pid| pid.parse().ok());
        assert_eq!(pid, Some(OWN_PID));
    }
    for part in input.split(|&byte| byte == 0).map(OsStr::from_bytes) {
        if let Ok(marker) = Marker::parse(part) {
            assert_eq!(marker.to_value(), part);
        }
        let _ = Notifier::parse(part);
    }
});
