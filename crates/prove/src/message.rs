//! The numbered messages of one client, and what comes back of each. Owns their comparison; refuses
//! to send them.

use crate::numbered::Numbered;
use crate::wrong::WrongAnswer;

/// One message after another, each made in place.
#[derive(Debug)]
pub(crate) struct Message {
    bytes: Vec<u8>,
    numbered: Numbered,
}

impl Message {
    /// `client` is a number that no other client of the load has.
    pub(crate) fn new(length: usize, client: u64) -> Self {
        Self { bytes: vec![0; length], numbered: Numbered::new(client) }
    }

    /// Makes the next message.
    pub(crate) fn renew(&mut self, random: &mut fastrand::Rng) {
        self.numbered.fill(&mut self.bytes, random);
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Compares a piece of what came back, which begins at `offset`.
    pub(crate) fn compare(&self, piece: &[u8], offset: usize) -> Result<(), WrongAnswer> {
        let sent = self.bytes.get(offset..).unwrap_or_default();
        let common = piece.len().min(sent.len());
        if piece[..common] != sent[..common] {
            let same = piece.iter().zip(sent).take_while(|(left, right)| left == right).count();
            return Err(WrongAnswer::Echo { offset: (offset + same) as u64 });
        }
        match piece.len() - common {
            0 => Ok(()),
            count_bytes => Err(WrongAnswer::ExtraBytes { count_bytes }),
        }
    }

    /// Compares all that came back at once.
    pub(crate) fn compare_whole(&self, whole: &[u8]) -> Result<(), WrongAnswer> {
        self.compare(whole, 0)?;
        if whole.len() < self.bytes.len() {
            return Err(WrongAnswer::EchoTooShort { length_bytes: whole.len() as u64 });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message() -> Message {
        let mut message = Message::new(20, 3);
        message.renew(&mut fastrand::Rng::with_seed(1));
        message
    }

    #[test]
    fn pieces_are_compared_where_they_stand() {
        let message = message();
        let sent = message.bytes().to_vec();
        assert_eq!(message.compare(&sent, 0), Ok(()));
        assert_eq!(message.compare(&sent[7..], 7), Ok(()));
        let mut other = sent.clone();
        other[9] = !other[9];
        assert_eq!(message.compare(&other, 0), Err(WrongAnswer::Echo { offset: 9 }));
        assert_eq!(message.compare(&other[7..], 7), Err(WrongAnswer::Echo { offset: 9 }));
        let extra = Err(WrongAnswer::ExtraBytes { count_bytes: 2 });
        assert_eq!(message.compare(&[&sent[7..], b"xy"].concat(), 7), extra);
        assert_eq!(message.compare(b"xy", 20), extra);
    }

    #[test]
    fn what_is_whole_must_be_all_of_it() {
        let message = message();
        let sent = message.bytes().to_vec();
        assert_eq!(message.compare_whole(&sent), Ok(()));
        let short = WrongAnswer::EchoTooShort { length_bytes: 19 };
        assert_eq!(message.compare_whole(&sent[..19]), Err(short));
    }
}
