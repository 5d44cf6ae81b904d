//! The median: what one measurement in a noisy place is worth.

/// The middle of the values; between the two middle ones if their number is even.
pub(crate) fn median(values: impl IntoIterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<u64> = values.into_iter().collect();
    values.sort_unstable();
    // The same one if their number is odd.
    let (lower, upper) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(values[lower].midpoint(values[upper]))
}

/// How many times its second each first of some pairs is. A pair was measured in turn: what else
/// the machine did then is in both.
#[derive(Debug)]
pub(crate) struct Ratio {
    /// In order, in parts of [`WHOLE`].
    parts: Vec<u64>,
}

/// Six digits: more than we measure.
const WHOLE: u64 = 1_000_000;

impl Ratio {
    /// Nothing if there are no pairs.
    pub(crate) fn of(pairs: impl IntoIterator<Item = (u64, u64)>) -> Option<Self> {
        let ratios = pairs.into_iter().map(|(first, second)| {
            let parts = u128::from(first) * u128::from(WHOLE);
            let ratio = parts.checked_div(second.into()).unwrap_or(u128::MAX);
            u64::try_from(ratio).unwrap_or(u64::MAX)
        });
        let mut parts: Vec<u64> = ratios.collect();
        parts.sort_unstable();
        (!parts.is_empty()).then_some(Self { parts })
    }

    /// The median.
    pub(crate) fn middle(&self) -> f64 {
        times(self.middle_parts())
    }

    /// The same, in parts of a thousand.
    pub(crate) fn per_mille(&self) -> u64 {
        self.middle_parts() / (WHOLE / 1_000)
    }

    /// The first and the last quartile: a half of all is between them.
    pub(crate) fn quartiles(&self) -> [f64; 2] {
        let last = self.parts.len() - 1;
        [last / 4, last - last / 4].map(|place| times(self.parts[place]))
    }

    fn middle_parts(&self) -> u64 {
        median(self.parts.iter().copied()).unwrap_or_default()
    }
}

#[expect(clippy::cast_precision_loss, reason = "six digits are more than we measure")]
fn times(parts: u64) -> f64 {
    parts as f64 / WHOLE as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_compared_and_not_their_sums() {
        let pairs = [(10, 5), (300, 100), (4, 1)];
        let middle = |pairs: &[_]| Ratio::of(pairs.iter().copied()).map(|ratio| ratio.middle());
        assert_eq!(middle(&pairs), Some(3.0));
        assert_eq!(middle(&[(97, 100)]), Some(0.97));
        assert!(middle(&[(1, 0)]).unwrap() > 1e9);
        assert_eq!(middle(&[]), None);
    }

    #[test]
    fn a_half_of_the_pairs_is_between_the_quartiles() {
        let ratio = Ratio::of((1..=9).rev().map(|first| (first, 10))).unwrap();
        assert_eq!(ratio.quartiles(), [0.3, 0.7]);
        assert_eq!((ratio.middle(), ratio.per_mille()), (0.5, 500));
        assert_eq!(Ratio::of([(1, 2)]).unwrap().quartiles(), [0.5, 0.5]);
    }

    #[test]
    fn it_is_in_the_middle_whatever_the_order() {
        assert_eq!(median([9, 1, 5]), Some(5));
        assert_eq!(median([10, 1, 5, 6]), Some(5));
        assert_eq!(median([4, 8]), Some(6));
        assert_eq!(median([7]), Some(7));
        assert_eq!(median([]), None);
    }

    #[test]
    fn one_that_is_far_off_does_not_move_it() {
        assert_eq!(median([5, 6, u64::MAX]), Some(6));
        assert_eq!(median([u64::MAX, u64::MAX]), Some(u64::MAX));
    }
}
