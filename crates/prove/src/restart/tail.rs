//! The end of what a command says. Owns a bounded part of it; refuses to keep more.

use std::sync::{Arc, Mutex, PoisonError};

/// How much of an output is kept.
const KEPT_BYTES: usize = 8 * 1024;
/// How many of its lines are shown.
const SHOWN_LINES: usize = 10;

/// The last bytes of an output that is still being written.
#[derive(Debug, Default, Clone)]
pub(super) struct Tail(Arc<Mutex<Vec<u8>>>);

impl Tail {
    pub(super) fn add(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(bytes);
        let beyond = kept.len().saturating_sub(KEPT_BYTES);
        kept.drain(..beyond);
    }

    /// Its last lines, without the empty ones around them.
    pub(super) fn lines(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let lines: Vec<_> = text.trim().lines().map(str::trim_end).collect();
        lines[lines.len().saturating_sub(SHOWN_LINES)..].join("\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_lines_are_kept() {
        let tail = Tail::default();
        assert_eq!(tail.lines(), "");
        for number in 0..100_000 {
            tail.add(format!("line {number}\n").as_bytes());
        }
        assert!(tail.0.lock().unwrap().len() <= KEPT_BYTES);
        let lines = tail.lines();
        assert_eq!(lines.lines().count(), SHOWN_LINES);
        assert!(lines.starts_with("line 99990\n") && lines.ends_with("\nline 99999"), "{lines}");
    }

    #[test]
    fn one_endless_line_is_bounded_and_bytes_that_are_no_text_are_shown() {
        let tail = Tail::default();
        tail.add(&[b'x'; 3 * KEPT_BYTES]);
        tail.add(b"\xff\n\n");
        let lines = tail.lines();
        assert!(lines.len() <= KEPT_BYTES + 3 && lines.ends_with("x\u{fffd}"));
    }
}
