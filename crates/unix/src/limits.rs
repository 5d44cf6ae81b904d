//! How many descriptors this process may have, and has.
//!
//! Owns reading and raising the limit and the count. Refuses to decide how many are enough.

use std::fs;
use std::io;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// A limit of open descriptors, RLIMIT_NOFILE of getrlimit(2). `None` is "without limit".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DescriptorLimit {
    /// The limit that counts.
    pub soft: Option<u64>,
    /// How far this process itself may raise it.
    pub hard: Option<u64>,
}

/// The limit of open descriptors of this process.
#[must_use]
pub fn descriptor_limit() -> DescriptorLimit {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    DescriptorLimit {
        soft: current,
        hard: maximum,
    }
}

/// Raises the soft limit to the hard one, and says what it is now.
///
/// Children inherit the raised limit. That harms those only which use select(2) with descriptors
/// above 1023.
///
/// # Errors
///
/// Those of setrlimit(2), of which none is expected.
pub fn raise_descriptor_limit() -> io::Result<DescriptorLimit> {
    let DescriptorLimit { hard, .. } = descriptor_limit();
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: hard,
            maximum: hard,
        },
    )?;
    Ok(descriptor_limit())
}

/// How many descriptors this process has open now, counted in `/proc/self/fd`.
///
/// # Errors
///
/// Those of reading a directory; `/proc` may not be mounted.
pub fn open_descriptors() -> io::Result<usize> {
    let mut count = 0_usize;
    for entry in fs::read_dir("/proc/self/fd")? {
        entry?;
        count += 1;
    }
    // One of them was the directory itself.
    Ok(count.saturating_sub(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_does_not_exceed_the_hard_one() {
        let limit = descriptor_limit();
        assert!(limit.soft.unwrap_or(u64::MAX) <= limit.hard.unwrap_or(u64::MAX));
        assert!(limit.soft.unwrap_or(u64::MAX) > 3);
    }
}
