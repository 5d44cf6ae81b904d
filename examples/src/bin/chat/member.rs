//! A member of a room, as the next process has to know it.

use serde::{Deserialize, Serialize};

/// The longest text of a message, and of all that is around it.
pub(crate) const MESSAGE_LIMIT_BYTES: usize = 4096;

/// A member of a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Member {
    pub(crate) name: String,
    pub(crate) room: String,
    /// The number of the last message that it was sent; none if it has not entered yet.
    pub(crate) heard: Option<u64>,
    /// What it said last, if that has no number yet.
    pub(crate) unsaid: Option<Said>,
}

/// What a client sends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    /// The client's own count.
    pub(crate) number: u64,
    pub(crate) text: String,
}

/// What all members of the room are sent.
#[derive(Debug, Serialize)]
pub(crate) struct Heard<'a> {
    /// The room's count.
    pub(crate) number: u64,
    /// The generation that gave the number.
    pub(crate) generation: u64,
    pub(crate) from: &'a str,
    pub(crate) said: &'a Said,
}

impl Member {
    /// One who comes in.
    pub(crate) const fn new(room: String, name: String) -> Self {
        Self { name, room, heard: None, unsaid: None }
    }

    /// What the next process has to know: a line of JSON, and the bytes of the stream that were
    /// read and not understood yet.
    pub(crate) fn to_state(&self, unread: &[u8]) -> Vec<u8> {
        let mut state = serde_json::to_vec(self).expect("all of it can be said in JSON");
        state.push(b'\n');
        state.extend_from_slice(unread);
        state
    }

    /// The same, back.
    pub(crate) fn from_state(state: &[u8]) -> serde_json::Result<(Self, &[u8])> {
        // JSON has no line end within a line: `serde_json` writes it as `\n`.
        let end = state.iter().position(|&byte| byte == b'\n').unwrap_or(state.len());
        let (line, rest) = state.split_at(end);
        Ok((serde_json::from_slice(line)?, rest.get(1..).unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn its_state_comes_back_whatever_was_not_read_yet() {
        let unsaid = Some(Said { number: 8, text: "two\nlines".into() });
        let member =
            Member { heard: Some(56), unsaid, ..Member::new("garden".into(), "ann".into()) };
        for unread in [&b""[..], b"\n", b"\x81\x85\n}{"] {
            let state = member.to_state(unread);
            assert_eq!(Member::from_state(&state).unwrap(), (member.clone(), unread));
        }
    }

    #[test]
    fn what_another_program_wrote_is_no_member() {
        for state in [&b""[..], b"\n", b"{}\n", b"{\"name\":\"ann\"}"] {
            assert!(Member::from_state(state).is_err());
        }
    }
}
