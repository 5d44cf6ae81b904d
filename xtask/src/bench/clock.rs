//! The clock that we share with the servers we measure.

use rustix::time::{ClockId, clock_gettime};

/// The time of `CLOCK_MONOTONIC` in nanoseconds: the same in all processes of a machine.
pub(crate) fn now_ns() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    // The clock counts from the start of the machine: neither part is ever negative.
    now.tv_sec.unsigned_abs() * 1_000_000_000 + now.tv_nsec.unsigned_abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_goes_on_as_fast_as_the_systems_clock() {
        let (start_ns, start) = (now_ns(), std::time::Instant::now());
        while start.elapsed().as_millis() < 5 {
            std::hint::spin_loop();
        }
        assert!(now_ns() - start_ns >= 5_000_000);
    }
}
