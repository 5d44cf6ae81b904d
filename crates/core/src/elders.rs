//! The elders: older generations that still drain, as their newest successor knows them.
//!
//! Each draining process has one channel, and its other end is always held by the newest process
//! that was committed: whoever is replaced passes its ends on with the offer. So the newest
//! knows all who drain, however many generations they are apart, and can hammer any of them.

use alloc::vec::Vec;

use crate::generation::Generation;
use crate::message::ElderEntry;

/// An older generation that still drains.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Elder {
    /// Its generation: no two elders have the same.
    pub generation: Generation,
    /// Its process id.
    pub pid: u32,
    /// What it last said to have in flight.
    pub in_flight: u64,
    hammered: Hammered,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hammered {
    NotYet,
    Already,
}

/// All of them, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Elders {
    list: Vec<Elder>,
}

impl Elders {
    /// The elders of an offer, and the old process itself.
    #[must_use]
    pub fn new(entries: impl IntoIterator<Item = ElderEntry>) -> Self {
        let mut elders = Self::default();
        for entry in entries {
            elders.insert(entry);
        }
        elders
    }

    /// Adds one. A generation that is there already is left as it is.
    pub fn insert(&mut self, entry: ElderEntry) {
        let ElderEntry { generation, pid, in_flight } = entry;
        if let Err(index) = self.list.binary_search_by_key(&generation, |elder| elder.generation) {
            let elder = Elder { generation, pid, in_flight, hammered: Hammered::NotYet };
            self.list.insert(index, elder);
        }
    }

    /// The elder of this generation is gone.
    pub fn remove(&mut self, generation: Generation) {
        self.list.retain(|elder| elder.generation != generation);
    }

    /// The elder of this generation said how much it has in flight.
    pub fn in_flight(&mut self, generation: Generation, count: u64) {
        if let Some(elder) = self.list.iter_mut().find(|elder| elder.generation == generation) {
            elder.in_flight = count;
        }
    }

    /// The ones to hammer now so that no more than `limit` go on draining: the oldest, each once.
    pub fn over(&mut self, limit: usize) -> Vec<Generation> {
        let surplus = self.list.len().saturating_sub(limit);
        Self::mark(self.list.iter_mut().take(surplus))
    }

    /// All that were not hammered yet, to hammer them now.
    pub fn hammer_all(&mut self) -> Vec<Generation> {
        Self::mark(self.list.iter_mut())
    }

    /// The elders, the oldest first.
    pub fn iter(&self) -> impl Iterator<Item = &Elder> {
        self.list.iter()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    fn mark<'a>(elders: impl Iterator<Item = &'a mut Elder>) -> Vec<Generation> {
        elders
            .filter(|elder| elder.hammered == Hammered::NotYet)
            .map(|elder| {
                elder.hammered = Hammered::Already;
                elder.generation
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;

    use super::*;

    fn entry(generation: u64) -> ElderEntry {
        let generation = Generation::new(generation);
        ElderEntry { generation, pid: 100, in_flight: 1 }
    }

    fn numbers(generations: &[Generation]) -> Vec<u64> {
        generations.iter().map(|generation| generation.number()).collect()
    }

    #[test]
    fn the_oldest_over_the_limit_are_hammered_once() {
        let mut elders = Elders::new([entry(3), entry(1), entry(2)]);
        assert_eq!(elders.over(3), vec![]);
        assert_eq!(numbers(&elders.over(1)), [1, 2]);
        assert_eq!(elders.over(1), vec![]);
        elders.insert(entry(4));
        assert_eq!(numbers(&elders.over(1)), [3]);
        assert_eq!(numbers(&elders.hammer_all()), [4]);
        assert_eq!(elders.hammer_all(), vec![]);
    }

    #[test]
    fn one_that_left_does_not_count() {
        let mut elders = Elders::new([entry(1), entry(2)]);
        elders.remove(Generation::new(1));
        assert_eq!(elders.over(1), vec![]);
        elders.in_flight(Generation::new(2), 7);
        assert_eq!(elders.iter().map(|elder| elder.in_flight).collect::<Vec<_>>(), [7]);
    }

    #[test]
    fn a_generation_is_there_once() {
        let mut elders = Elders::new([entry(1)]);
        elders.insert(entry(1));
        assert_eq!(elders.len(), 1);
    }
}
