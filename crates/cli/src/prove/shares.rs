//! `split`: so many connections for so many ways to use them.

/// Splits a number by shares: the parts add up to it, each is at least one, and none is off its
/// share by more than that costs. `None` if there are fewer connections than shares.
pub(super) fn split(number: usize, shares: &[u32]) -> Option<Vec<usize>> {
    // One each first, so that no way is left out; the rest by largest remainder.
    let rest = number.checked_sub(shares.len())? as u64;
    let sum: u64 = shares.iter().copied().map(u64::from).sum();
    // What each is owed beyond its one, never below zero.
    let owed = |share: u32| (number as u64 * u64::from(share)).saturating_sub(sum);
    let owed_sum: u64 = shares.iter().copied().map(owed).sum();
    if owed_sum == 0 {
        return Some(vec![1; shares.len()]);
    }
    let exact = |share: u32| u128::from(rest) * u128::from(owed(share));
    let owed_sum = u128::from(owed_sum);
    let floor = |share: u32| usize::try_from(exact(share) / owed_sum).expect("at most `number`");
    let mut parts: Vec<_> = shares.iter().map(|share| 1 + floor(*share)).collect();
    let mut by_remainder: Vec<_> = (0..shares.len()).collect();
    by_remainder.sort_by_key(|place| std::cmp::Reverse(exact(shares[*place]) % owed_sum));
    let missing = number - parts.iter().sum::<usize>();
    for place in by_remainder.into_iter().take(missing) {
        parts[place] += 1;
    }
    Some(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_what_they_say() {
        let table: [(usize, &[u32], &[usize]); 9] = [
            (64, &[1], &[64]),
            (64, &[3, 1], &[48, 16]),
            (64, &[1, 1, 1], &[22, 21, 21]),
            (3, &[1, 1, 1], &[1, 1, 1]),
            (10, &[9, 1], &[9, 1]),
            (4, &[10_000, 1], &[3, 1]),
            (4, &[10_000, 1, 1], &[2, 1, 1]),
            (100, &[50, 30, 20], &[50, 30, 20]),
            (1, &[7], &[1]),
        ];
        for (number, shares, parts) in table {
            assert_eq!(split(number, shares).unwrap(), parts, "{number} {shares:?}");
        }
    }

    #[test]
    fn nobody_is_left_out_and_nothing_is_left_over() {
        for number in 1..=40 {
            for shares in [&[1, 2, 3][..], &[1, 1], &[5, 1, 1, 1, 9_999], &[10_000; 7]] {
                match split(number, shares) {
                    None => assert!(number < shares.len()),
                    Some(parts) => {
                        assert_eq!(parts.iter().sum::<usize>(), number);
                        assert!(parts.iter().all(|part| *part > 0), "{number} {parts:?}");
                    }
                }
            }
        }
    }
}
