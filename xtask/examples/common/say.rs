//! How the benches' servers say when they came how far.

use std::io::{self, Write};

use rustix::time::{ClockId, clock_gettime};

/// Says that a moment has come. Whole lines, as all generations have the same output.
pub(crate) fn say(moment: &str, rest: &str) {
    let now = clock_gettime(ClockId::Monotonic);
    let (seconds, nanoseconds) = (now.tv_sec, now.tv_nsec);
    let line = format!("{moment} {} {seconds}{nanoseconds:09} {rest}\n", std::process::id());
    // If nobody listens any more there is nobody to tell.
    let _unheard = io::stdout().write_all(line.as_bytes());
}
