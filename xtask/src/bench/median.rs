//! The median: what one measurement in a noisy place is worth.

/// The middle of the values; between the two middle ones if their number is even.
pub(crate) fn median(values: impl IntoIterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<u64> = values.into_iter().collect();
    values.sort_unstable();
    // The same one if their number is odd.
    let (lower, upper) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(values[lower].midpoint(values[upper]))
}

/// The middle of how many times its second each first is. A pair was measured in turn: what else
/// the machine did then is in both.
pub(crate) fn median_ratio(pairs: impl IntoIterator<Item = (u64, u64)>) -> Option<f64> {
    const PARTS: u64 = 1_000_000;
    let ratios = pairs.into_iter().map(|(first, second)| {
        let parts = u128::from(first) * u128::from(PARTS);
        let ratio = parts.checked_div(second.into()).unwrap_or(u128::MAX);
        u64::try_from(ratio).unwrap_or(u64::MAX)
    });
    #[expect(clippy::cast_precision_loss, reason = "six digits are more than we measure")]
    median(ratios).map(|ratio| ratio as f64 / PARTS as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_compared_and_not_their_sums() {
        let pairs = [(10, 5), (300, 100), (4, 1)];
        assert_eq!(median_ratio(pairs), Some(3.0));
        assert_eq!(median_ratio([(97, 100)]), Some(0.97));
        assert!(median_ratio([(1, 0)]).unwrap() > 1e9);
        assert_eq!(median_ratio([]), None);
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
