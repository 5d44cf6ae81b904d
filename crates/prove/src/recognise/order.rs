//! Texts as numbers, in the order in which they first came. Refuses to remember all: of very many
//! the oldest are forgotten.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};

/// How many texts are told apart: more than any service has processes at a time. A text that is
/// another one in each answer, as the number of a request is, must not fill the memory.
const MOST_TEXTS: usize = 4_096;

/// The order in which texts first came, from 1.
#[derive(Debug, Default)]
pub(super) struct Order(RwLock<Known>);

#[derive(Debug, Default)]
struct Known {
    places: HashMap<Arc<[u8]>, u64>,
    /// The same, the oldest first.
    texts: VecDeque<Arc<[u8]>>,
    last: u64,
}

impl Order {
    /// The place of this text. One that was forgotten meanwhile has a new one.
    pub(super) fn place(&self, text: &[u8]) -> u64 {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner).places.get(text).copied();
        known.unwrap_or_else(|| self.0.write().unwrap_or_else(PoisonError::into_inner).place(text))
    }
}

impl Known {
    fn place(&mut self, text: &[u8]) -> u64 {
        if let Some(place) = self.places.get(text) {
            return *place;
        }
        if self.texts.len() >= MOST_TEXTS
            && let Some(oldest) = self.texts.pop_front()
        {
            self.places.remove(&oldest);
        }
        let text: Arc<[u8]> = text.into();
        self.last += 1;
        self.places.insert(Arc::clone(&text), self.last);
        self.texts.push_back(text);
        self.last
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_the_place_of_its_first_time() {
        let order = Order::default();
        let places = [&b"a"[..], b"b", b"a", b"c", b"b"].map(|text| order.place(text));
        assert_eq!(places, [1, 2, 1, 3, 2]);
    }

    #[test]
    fn a_text_of_each_answer_does_not_fill_the_memory() {
        let order = Order::default();
        for number in 1..=3 * MOST_TEXTS as u64 {
            assert_eq!(order.place(number.to_string().as_bytes()), number);
        }
        let last = 3 * MOST_TEXTS as u64;
        assert_eq!(
            order.place(last.to_string().as_bytes()),
            last,
            "those that came last are known"
        );
        assert_eq!(order.place(b"1"), last + 1, "the oldest are not");
        let known = order.0.read().unwrap();
        assert_eq!((known.places.len(), known.texts.len()), (MOST_TEXTS, MOST_TEXTS));
    }
}
