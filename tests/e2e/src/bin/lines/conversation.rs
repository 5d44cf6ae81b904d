//! One connection's conversation: lines in, answers out, and what goes along when it is handed
//! over. Refuses to read or write.

use anyhow::Context;
use rekindle::Generation;

/// What was said on a connection.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Conversation {
    lines: u64,
    /// What came of the next line.
    rest: Vec<u8>,
}

impl Conversation {
    /// The conversation that an older process began.
    pub(crate) fn from_state(state: &[u8]) -> anyhow::Result<Self> {
        let (lines, rest) = state.split_first_chunk().context("read the number of lines")?;
        Ok(Self { lines: u64::from_be_bytes(*lines), rest: rest.to_vec() })
    }

    /// What the next process has to know.
    pub(crate) fn to_state(&self) -> Vec<u8> {
        [&self.lines.to_be_bytes(), self.rest.as_slice()].concat()
    }

    /// The answers to what came.
    pub(crate) fn hear(&mut self, bytes: &[u8], generation: Generation) -> Vec<u8> {
        self.rest.extend_from_slice(bytes);
        let mut answers = Vec::new();
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.rest.drain(..=end).collect();
            self.lines += 1;
            let head = format!("{generation} {} {} ", std::process::id(), self.lines);
            answers.extend(head.into_bytes());
            answers.extend(line);
        }
        answers
    }
}
