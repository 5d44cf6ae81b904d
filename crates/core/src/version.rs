//! Which versions of the protocol a side speaks, and which one two sides use.

use core::fmt;

use minicbor::{Decode, Encode};

/// A version of the protocol on the channel.
pub type Version = u16;

/// The versions that this build speaks.
pub const PROTOCOL: VersionRange = VersionRange { lowest: 1, highest: 1 };

/// An inclusive range of protocol versions that one side speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub struct VersionRange {
    #[n(0)]
    lowest: Version,
    #[n(1)]
    highest: Version,
}

impl VersionRange {
    /// The range from `lowest` to `highest`; the same range if they come in the wrong order.
    #[must_use]
    pub const fn new(lowest: Version, highest: Version) -> Self {
        if lowest <= highest {
            Self { lowest, highest }
        } else {
            Self { lowest: highest, highest: lowest }
        }
    }

    /// The highest version that both sides speak, if there is one.
    #[must_use]
    pub fn highest_common(self, other: Self) -> Option<Version> {
        let version = self.highest.min(other.highest);
        (self.contains(version) && other.contains(version)).then_some(version)
    }

    /// Whether this side speaks `version`.
    #[must_use]
    pub const fn contains(self, version: Version) -> bool {
        self.lowest <= version && version <= self.highest
    }
}

impl fmt::Display for VersionRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.lowest == self.highest {
            write!(formatter, "{}", self.lowest)
        } else {
            write!(formatter, "{} to {}", self.lowest, self.highest)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_highest_common_version_is_used() {
        let table = [
            ((1, 1), (1, 1), Some(1)),
            ((1, 3), (2, 5), Some(3)),
            ((2, 5), (1, 3), Some(3)),
            ((1, 9), (4, 4), Some(4)),
            ((1, 2), (3, 4), None),
            ((3, 4), (1, 2), None),
        ];
        for ((a, b), (c, d), expected) in table {
            let common = VersionRange::new(a, b).highest_common(VersionRange::new(c, d));
            assert_eq!(common, expected, "{a}-{b} with {c}-{d}");
        }
    }

    proptest! {
        #[test]
        fn both_sides_choose_alike(a: Version, b: Version, c: Version, d: Version) {
            let (ours, theirs) = (VersionRange::new(a, b), VersionRange::new(c, d));
            let common = ours.highest_common(theirs);
            prop_assert_eq!(common, theirs.highest_common(ours));
            if let Some(version) = common {
                prop_assert!(ours.contains(version) && theirs.contains(version));
                let above = version.saturating_add(1);
                prop_assert!(above == version || !(ours.contains(above) && theirs.contains(above)));
            }
        }
    }
}
