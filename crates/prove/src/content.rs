//! The content of an answer: measured, compared with what was sent, and its start kept. Refuses to
//! know how it was framed.

use crate::recognise::BODY_SHOWN_BYTES;
use crate::wrong::WrongAnswer;

pub(crate) const MAX_BODY_BYTES: u64 = 64 * 1024 * 1024;

/// The content of a body: measured, compared, and its start kept.
#[derive(Debug, Default)]
pub(crate) struct Content {
    length: u64,
    shown: Vec<u8>,
}

impl Content {
    /// Forgets the content before.
    pub(crate) fn begin(&mut self) {
        self.shown.clear();
        self.length = 0;
    }

    /// Its start, for a recogniser.
    pub(crate) fn shown(&self) -> &[u8] {
        &self.shown
    }

    /// Takes in the next piece. `echo` is what the whole must be.
    pub(crate) fn add(&mut self, content: &[u8], echo: Option<&[u8]>) -> Result<(), WrongAnswer> {
        let before = self.length;
        self.length += content.len() as u64;
        if self.length > MAX_BODY_BYTES {
            return Err(WrongAnswer::BodyTooLong);
        }
        match echo {
            Some(echo) => compare(content, echo, before),
            None => {
                let room = BODY_SHOWN_BYTES - self.shown.len();
                self.shown.extend_from_slice(&content[..room.min(content.len())]);
                Ok(())
            }
        }
    }

    /// Whether a whole content is as long as it must be.
    pub(crate) fn check_length(&self, echo: Option<&[u8]>) -> Result<(), WrongAnswer> {
        match echo {
            Some(echo) if self.length < echo.len() as u64 => {
                Err(WrongAnswer::EchoTooShort { length_bytes: self.length })
            }
            Some(_) | None => Ok(()),
        }
    }
}

/// Compares a piece of an echo that begins at `offset` with what was sent.
fn compare(content: &[u8], echo: &[u8], offset: u64) -> Result<(), WrongAnswer> {
    let sent = usize::try_from(offset).ok().and_then(|offset| echo.get(offset..));
    let sent = sent.unwrap_or_default();
    if sent.starts_with(content) {
        return Ok(());
    }
    let same = content.iter().zip(sent).take_while(|(left, right)| left == right).count();
    Err(WrongAnswer::Echo { offset: offset + same as u64 })
}
