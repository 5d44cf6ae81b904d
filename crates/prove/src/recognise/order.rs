//! Texts as numbers, in the order in which they first came. Refuses more than it can remember.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

/// How many texts are told apart: more than any service has processes. A text that is another one
/// in each answer, as the number of a request is, must not fill the memory.
const MOST_TEXTS: usize = 4_096;

/// The order in which texts first came, from 1.
#[derive(Debug, Default)]
pub(super) struct Order(RwLock<HashMap<Box<[u8]>, u64>>);

impl Order {
    /// The place of this text, or `None` if there were too many before it.
    pub(super) fn place(&self, text: &[u8]) -> Option<u64> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).get(text).copied();
        known.or_else(|| {
            let mut places = self.0.write().unwrap_or_else(PoisonError::into_inner);
            let next = places.len() as u64 + 1;
            let has_room = places.len() < MOST_TEXTS;
            match places.get(text).copied() {
                None if has_room => {
                    places.insert(text.into(), next);
                    Some(next)
                }
                known => known,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_the_place_of_its_first_time() {
        let order = Order::default();
        let places = [&b"a"[..], b"b", b"a", b"c", b"b"].map(|text| order.place(text));
        assert_eq!(places, [1, 2, 1, 3, 2].map(Some));
    }

    #[test]
    fn a_text_of_each_answer_does_not_fill_the_memory() {
        let order = Order::default();
        for number in 0..MOST_TEXTS {
            assert!(order.place(number.to_string().as_bytes()).is_some());
        }
        assert_eq!(order.place(b"more"), None);
        assert_eq!(order.place(b"7"), Some(8), "those before are still known");
    }
}
