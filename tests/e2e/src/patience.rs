//! Waiting for what can only be looked at. Owns the one deadline of all tests; refuses to be a
//! sleep: whoever waits says what for.

use std::thread;
use std::time::{Duration, Instant};

/// How long a test waits for what has to happen. Only a failure takes so long.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// How often `/proc` and the like are looked at: they have no event to wait for.
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// What `look` finds, as soon as it finds something.
///
/// # Panics
///
/// If it does not within [`PATIENCE`]; `what` was waited for.
pub fn eventually<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    within(PATIENCE, what, look)
}

/// [`eventually`], with a deadline that is part of what is tested.
///
/// # Panics
///
/// If the deadline passes.
pub fn within<T>(deadline: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(begun.elapsed() < deadline, "waited {deadline:?} in vain: {what}");
        // What is waited for has no event that a test could see: it is looked at again.
        thread::sleep(LOOK_EVERY);
    }
}
