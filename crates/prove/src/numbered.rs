//! Content that no other request of the load has. Owns what makes it unique; refuses to send it.

/// How much of a body or message its number takes: what is shorter has only the first of it.
pub(crate) const STAMP_BYTES: usize = 16;

/// The numbers of the requests of one client.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Numbered {
    client: u64,
    sequence: u64,
}

impl Numbered {
    /// `client` is a number that no other client of the load has.
    pub(crate) fn new(client: u64) -> Self {
        Self { client, sequence: 0 }
    }

    /// Fills the content of the next request: its number, then pseudo-random bytes.
    pub(crate) fn fill(&mut self, content: &mut [u8], random: &mut fastrand::Rng) {
        self.sequence += 1;
        let mut stamp = [0; STAMP_BYTES];
        stamp[..8].copy_from_slice(&self.sequence.to_le_bytes());
        stamp[8..].copy_from_slice(&self.client.to_le_bytes());
        let stamped = content.len().min(STAMP_BYTES);
        content[..stamped].copy_from_slice(&stamp[..stamped]);
        random.fill(&mut content[stamped..]);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn contents_are_unique_over_requests_and_clients() {
        let mut contents = HashSet::new();
        for client in 0..4 {
            // One seed for all: what makes them unique is the number.
            let mut random = fastrand::Rng::with_seed(5);
            let mut numbered = Numbered::new(client);
            for _ in 0..100 {
                let mut content = [0; 16];
                numbered.fill(&mut content, &mut random);
                assert!(contents.insert(content));
            }
        }
    }

    #[test]
    fn what_follows_the_number_is_random() {
        let fill = |seed| {
            let mut content = [0; 40];
            Numbered::new(1).fill(&mut content, &mut fastrand::Rng::with_seed(seed));
            content
        };
        assert_eq!(fill(1), fill(1));
        assert_eq!(fill(1)[..STAMP_BYTES], fill(2)[..STAMP_BYTES]);
        assert_ne!(fill(1)[STAMP_BYTES..], fill(2)[STAMP_BYTES..]);
    }
}
