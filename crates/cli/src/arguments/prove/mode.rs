//! `ModeArgument`: `NAME[=SHARE][@WHERE]`, one way to use connections.
//!
//! Owns the names of the ways. Refuses to know what they make a client do.

use std::str::FromStr;

use thiserror::Error;

use super::url::{Url, UrlError};

/// The highest share: it says "almost all" of any number of connections.
const SHARE_LIMIT: u32 = 10_000;

/// One way to use connections, as it is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ModeArgument {
    pub(crate) name: ModeName,
    /// How much of the connections it has, beside the shares of the others.
    pub(crate) share: u32,
    /// Where it asks, if not where the others do.
    pub(crate) place: Option<Place>,
}

/// Where a mode asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// Another path of the same server.
    Path(String),
    /// Another server, or another door of it.
    Url(Url),
}

/// The ways to use connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ModeName {
    New,
    Keep,
    Idle,
    Post,
    Slow,
    Upload,
    H2,
    Ws,
    Tcp,
    Udp,
}

impl ModeName {
    pub(crate) const ALL: [Self; 10] = [
        Self::New,
        Self::Keep,
        Self::Idle,
        Self::Post,
        Self::Slow,
        Self::Upload,
        Self::H2,
        Self::Ws,
        Self::Tcp,
        Self::Udp,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Keep => "keep",
            Self::Idle => "idle",
            Self::Post => "post",
            Self::Slow => "slow",
            Self::Upload => "upload",
            Self::H2 => "h2",
            Self::Ws => "ws",
            Self::Tcp => "tcp",
            Self::Udp => "udp",
        }
    }

    /// The line of it in `--help` and in docs/prove.md.
    pub(crate) const fn meaning(self) -> &'static str {
        match self {
            Self::New => "a connection for each request",
            Self::Keep => "kept connections, always busy",
            Self::Idle => "kept connections, mostly idle: see --think",
            Self::Post => "kept connections; POST to a path that echoes, compared byte for byte",
            Self::Slow => "answers that take longer than a restart: by their path, or --read-rate",
            Self::Upload => "POST to a path that echoes; bodies take --upload-time to be sent",
            Self::H2 => "HTTP/2, with --streams requests at a time on each connection",
            Self::Ws => "WebSocket: numbered messages to a server that echoes them",
            Self::Tcp => "numbered messages to a TCP echo, as in tcp@tcp://127.0.0.1:7",
            Self::Udp => "numbered datagrams to a UDP echo, as in udp@udp://127.0.0.1:7",
        }
    }
}

impl FromStr for ModeArgument {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, ModeError> {
        let (usage, place) = match text.split_once('@') {
            Some((usage, place)) => (usage, Some(place.parse()?)),
            None => (text, None),
        };
        let (name, share) = match usage.split_once('=') {
            Some((name, share)) => (name, parse_share(share)?),
            None => (usage, 1),
        };
        let known = ModeName::ALL.into_iter().find(|known| known.name() == name);
        let name = known.ok_or_else(|| ModeError::Name { name: name.to_owned() })?;
        Ok(Self { name, share, place })
    }
}

impl FromStr for Place {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        match text.starts_with('/') {
            true => Ok(Self::Path(text.to_owned())),
            false => text.parse().map(Self::Url),
        }
    }
}

fn parse_share(text: &str) -> Result<u32, ModeError> {
    match text.parse() {
        Ok(share @ 1..=SHARE_LIMIT) => Ok(share),
        _ => Err(ModeError::Share { share: text.to_owned() }),
    }
}

/// Why a text is no mode. The texts follow "invalid value '…': ".
#[derive(Debug, Error)]
pub(crate) enum ModeError {
    #[error(
        "`{name}` is no mode: give one of new, keep, idle, post, slow, upload, h2, ws, tcp and \
         udp, and --mode again for the next one"
    )]
    Name { name: String },
    #[error("`{share}` is no share: write a number from 1 to {SHARE_LIMIT}, as in keep=3")]
    Share { share: String },
    #[error("what follows `@` is a path that begins with `/`, or a URL: {0}")]
    Place(#[from] UrlError),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn share_and_place_may_be_left_out() {
        let path = |path: &str| Some(Place::Path(path.to_owned()));
        let table = [
            ("new", (ModeName::New, 1, None)),
            ("keep=3", (ModeName::Keep, 3, None)),
            ("post@/echo", (ModeName::Post, 1, path("/echo"))),
            ("slow=2@/slow?ms=1500&x=@", (ModeName::Slow, 2, path("/slow?ms=1500&x=@"))),
            (
                "udp@udp://127.0.0.1:7",
                (ModeName::Udp, 1, Some(Place::Url("udp://127.0.0.1:7".parse().unwrap()))),
            ),
        ];
        for (text, (name, share, place)) in table {
            let mode = ModeArgument::from_str(text).unwrap();
            assert_eq!(mode, ModeArgument { name, share, place }, "{text}");
        }
    }

    #[test]
    fn what_is_wrong_is_told_with_what_would_be_right() {
        let table = [
            ("new,keep", "--mode again"),
            ("NEW", "one of new, keep"),
            ("", "one of new, keep"),
            ("keep=0", "from 1 to 10000"),
            ("keep=half", "from 1 to 10000"),
            ("keep=1.5", "from 1 to 10000"),
            ("post@echo", "begins with `/`, or a URL"),
            ("ws@ws://", "or a URL"),
        ];
        for (text, expected) in table {
            let error = ModeArgument::from_str(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }

    #[test]
    fn every_name_is_read_as_it_is_shown_and_named_in_the_error() {
        let error = ModeArgument::from_str("x").unwrap_err().to_string();
        for name in ModeName::ALL {
            assert_eq!(ModeArgument::from_str(name.name()).unwrap().name, name);
            assert!(error.contains(name.name()), "{error}");
        }
    }
    #[test]
    fn the_documentation_has_the_same_table() {
        let documentation = include_str!("../../../../../docs/prove.md");
        let rows: Vec<_> = documentation
            .lines()
            .skip_while(|line| *line != "| mode | |")
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .collect();
        let expected =
            ModeName::ALL.map(|mode| format!("| `{}` | {} |", mode.name(), mode.meaning()));
        assert_eq!(rows, expected);
    }
}
