//! The moments of a start and of an upgrade, as a server says them.

use std::net::SocketAddr;

use anyhow::{Context, Result};

/// A moment, in the order in which they come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Moment {
    /// We sent the signal, or began to start the program.
    Begun,
    /// The old process is about to start the new one. There is none in a cold start.
    Spawning,
    /// The first line of the program runs.
    Main,
    /// Its runtime has started.
    Runtime,
    /// `start` has returned: the offer is there, or there is nobody to make one.
    Offered,
    /// It has its listeners.
    Claimed,
    /// `ready` has returned: it serves.
    Serving,
    /// We have its first answer.
    Answered,
}

impl Moment {
    fn from_word(word: &str) -> Option<Self> {
        match word {
            "spawning" => Some(Self::Spawning),
            "main" => Some(Self::Main),
            "runtime" => Some(Self::Runtime),
            "offered" => Some(Self::Offered),
            "claimed" => Some(Self::Claimed),
            "serving" => Some(Self::Serving),
            _ => None,
        }
    }
}

/// What a server said: who came how far, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) moment: Moment,
    pub(crate) pid: u32,
    pub(crate) at_ns: u64,
    /// What it listens on; said when it serves.
    pub(crate) addresses: Vec<SocketAddr>,
}

impl Word {
    pub(crate) fn parse(line: &str) -> Result<Self> {
        Self::parts(line).with_context(|| format!("understand `{line}`, which the server says"))
    }

    fn parts(line: &str) -> Option<Self> {
        let mut words = line.split(' ');
        let moment = Moment::from_word(words.next()?)?;
        let pid = words.next()?.parse().ok()?;
        let at_ns = words.next()?.parse().ok()?;
        let addresses = words.next().unwrap_or_default().split_terminator(',');
        let addresses = addresses.map(|text| text.parse().ok()).collect::<Option<_>>()?;
        Some(Self { moment, pid, at_ns, addresses })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_understood() {
        let word = Word::parse("main 17 1000000002 ").unwrap();
        let expected =
            Word { moment: Moment::Main, pid: 17, at_ns: 1_000_000_002, addresses: Vec::new() };
        assert_eq!(word, expected);
        let word = Word::parse("serving 17 5 127.0.0.1:80,[::1]:81").unwrap();
        assert_eq!(word.moment, Moment::Serving);
        let ports: Vec<u16> = word.addresses.iter().map(SocketAddr::port).collect();
        assert_eq!(ports, [80, 81]);
    }

    #[test]
    fn other_words_are_an_error_that_has_them() {
        for line in
            ["", "hello", "main", "main x 1", "main 1 -1", "serving 1 1 nowhere", "begun 1 1"]
        {
            let error = Word::parse(line).unwrap_err().to_string();
            assert!(error.contains(&format!("`{line}`")), "{error}");
        }
    }

    #[test]
    fn moments_are_in_the_order_in_which_they_come() {
        assert!(Moment::Begun < Moment::Spawning && Moment::Spawning < Moment::Main);
        assert!(Moment::Claimed < Moment::Serving && Moment::Serving < Moment::Answered);
    }
}
