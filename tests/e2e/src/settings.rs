//! What a server under test is told. Owns the settings and their way through the command line;
//! refuses to carry them out: that is the binary's.

use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Which face of the library the server is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Face {
    /// `rekindle::Service`, for tasks.
    Tokio,
    /// `rekindle::blocking::Service`, for threads.
    Blocking,
    /// `rekindle::Service` that also serves HTTP by itself; its other sockets are the tasks'.
    Serve,
}

/// The settings of a server. They are its only argument, as JSON, so that the next version of it
/// is started with the same ones or, by the control socket, with others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The face of the library.
    pub face: Face,
    /// Names and addresses of the listeners; the address says the kind.
    pub listeners: Vec<(String, String)>,
    /// So many more TCP listeners, named `crowd-0`, `crowd-1`, …, each with a port of its own.
    pub crowd: u16,
    /// The control socket.
    pub control: Option<PathBuf>,
    /// The pid file.
    pub pid_file: Option<PathBuf>,
    /// The rendezvous.
    pub rendezvous: Option<PathBuf>,
    /// What the build is called.
    pub build: String,
    /// How long a next version may take to be ready.
    pub start_timeout: Duration,
    /// How long a drain may take.
    pub drain_timeout: Duration,
    /// How long a probation lasts.
    pub probation: Duration,
    /// How many generations may drain at once.
    pub draining_limit: usize,
    /// How long the program initialises between its claims and being ready.
    pub start_delay: Duration,
    /// How long the program rests before it accepts each connection. Where the library accepts,
    /// there is one connection at a time, and each answer takes that long.
    pub accept_delay: Duration,
    /// How long the head of a request may take, where the library serves.
    pub header_read_timeout: Option<Duration>,
    /// The limit of open descriptors; as high as it may be if there is none.
    pub descriptor_limit: Option<u64>,
    /// Whether the program asks for connections that the one before it hands over.
    pub takes_connections: bool,
    /// Whether the program starts a child of its own, which outlives it.
    pub child: bool,
    /// Whether the program hangs once it is told to end, instead of returning from `main`.
    pub hangs_at_end: bool,
}

impl Settings {
    /// One TCP listener `http` at a port of the system's choice and a control socket; the
    /// library's own defaults otherwise.
    #[must_use]
    pub fn new(face: Face) -> Self {
        Self {
            face,
            listeners: vec![("http".into(), "tcp:127.0.0.1:0".into())],
            crowd: 0,
            control: Some("control.sock".into()),
            pid_file: None,
            rendezvous: None,
            build: "1".into(),
            start_timeout: Duration::from_secs(60),
            drain_timeout: Duration::from_secs(60),
            probation: Duration::from_secs(10),
            draining_limit: 8,
            start_delay: Duration::ZERO,
            accept_delay: Duration::ZERO,
            header_read_timeout: None,
            descriptor_limit: None,
            takes_connections: true,
            child: false,
            hangs_at_end: false,
        }
    }

    /// With other listeners, each by name and address.
    #[must_use]
    pub fn listeners(self, listeners: &[(&str, &str)]) -> Self {
        let own = |&(name, address): &(&str, &str)| (name.to_owned(), address.to_owned());
        Self { listeners: listeners.iter().map(own).collect(), ..self }
    }

    /// The command line, without the program's name.
    #[must_use]
    pub fn to_arguments(&self) -> Vec<String> {
        vec![serde_json::to_string(self).expect("settings have string keys only")]
    }

    /// The settings in a command line.
    ///
    /// # Errors
    ///
    /// If they are not as [`Settings::to_arguments`] gives them.
    pub fn from_arguments(
        arguments: impl IntoIterator<Item = String>,
    ) -> Result<Self, serde_json::Error> {
        let text = arguments.into_iter().collect::<Vec<_>>().join(" ");
        serde_json::from_str(&text)
    }
}
