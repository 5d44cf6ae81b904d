//! How a server is started: by which name, from where, with what around it. Owns the command;
//! refuses to wait for the server.

use std::ffi::{OsStr, OsString};
use std::fs::{File, OpenOptions};
use std::io::ErrorKind;
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::installation::{Installation, Programs};
use crate::patience::eventually;
use crate::server::Server;
use crate::settings::Settings;

/// A start to be made.
#[derive(Debug)]
pub struct Launch {
    pub(crate) installation: Installation,
    pub(crate) settings: Settings,
    words: Vec<OsString>,
    directory: PathBuf,
    environment: Vec<(OsString, OsString)>,
    streams: Vec<OwnedFd>,
}

impl Launch {
    /// The start of a server that is newly installed, by the absolute path of the link `current`.
    #[must_use]
    pub fn new(programs: Programs, settings: &Settings) -> Self {
        let installation = Installation::new(programs);
        Self {
            settings: settings.clone(),
            words: vec![installation.current().into()],
            directory: installation.directory().to_owned(),
            environment: Vec::new(),
            streams: Vec::new(),
            installation,
        }
    }

    /// Where it is installed.
    #[must_use]
    pub const fn installation(&self) -> &Installation {
        &self.installation
    }

    /// With other settings.
    #[must_use]
    pub fn with(self, settings: Settings) -> Self {
        Self { settings, ..self }
    }

    /// Starts it by these words instead; the settings follow as the last one.
    #[must_use]
    pub fn by<W: AsRef<OsStr>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        self.words = words.into_iter().map(|word| word.as_ref().to_owned()).collect();
        self
    }

    /// Starts it in this directory, which is taken from where it is installed.
    #[must_use]
    pub fn from(mut self, directory: &str) -> Self {
        self.directory = self.installation.path(directory);
        self
    }

    /// With this variable in its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.environment.push((name.into(), value.as_ref().to_owned()));
        self
    }

    /// With this descriptor in the place of its next standard stream: input first, then output.
    /// A shell, as the first of its [words](Self::by), can move it to any other number.
    #[must_use]
    pub fn stream(mut self, descriptor: OwnedFd) -> Self {
        self.streams.push(descriptor);
        self
    }

    /// Starts it, and waits until it serves.
    #[must_use]
    pub fn start(self) -> Server {
        Server::start(self)
    }

    /// Starts the program in a process group of its own. What it and its successors say is in
    /// the file `log` of the installation.
    pub(crate) fn spawn(&mut self) -> Child {
        let mut command = command(&self.words, &self.settings);
        command.current_dir(&self.directory).process_group(0).stderr(log(&self.installation));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null());
        let mut streams = self.streams.drain(..);
        if let Some(descriptor) = streams.next() {
            command.stdin(descriptor);
        }
        if let Some(descriptor) = streams.next() {
            command.stdout(descriptor);
        }
        spawn(&mut command)
    }
}

/// The command for a server.
pub(crate) fn command(words: &[OsString], settings: &Settings) -> Command {
    let mut command = Command::new(&words[0]);
    // What the test itself was started under is not for the server.
    for name in ["NOTIFY_SOCKET", "LISTEN_FDS", "LISTEN_PID", "LISTEN_FDNAMES", "WATCHDOG_USEC"] {
        command.env_remove(name);
    }
    command.args(&words[1..]).args(settings.to_arguments()).env("RUST_LIB_BACKTRACE", "0");
    command
}

/// Starts a command. A file that this test has just written may for a moment be open in a child
/// that another test is about to start.
pub(crate) fn spawn(command: &mut Command) -> Child {
    eventually("the program is not being written any more", || match command.spawn() {
        Ok(child) => Some(child),
        Err(error) if error.kind() == ErrorKind::ExecutableFileBusy => None,
        Err(error) => panic!("{command:?}: {error}"),
    })
}

fn log(installation: &Installation) -> File {
    OpenOptions::new().create(true).append(true).open(installation.path("log")).unwrap()
}
