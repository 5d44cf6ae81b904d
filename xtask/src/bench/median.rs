//! The median: what one measurement in a noisy place is worth.

/// The middle of the values; between the two middle ones if their number is even.
pub(crate) fn median(values: impl IntoIterator<Item = u64>) -> Option<u64> {
    let mut values: Vec<u64> = values.into_iter().collect();
    values.sort_unstable();
    // The same one if their number is odd.
    let (lower, upper) = (values.len().checked_sub(1)? / 2, values.len() / 2);
    Some(values[lower].midpoint(values[upper]))
}

#[cfg(test)]
mod tests {
    use super::*;

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
