//! The start of a process: who started it decides what it begins with.
//!
//! 1. *Spawned*: the environment names a channel to the old process, which started this one.
//! 2. *Met*: somebody answers at the rendezvous path; that is the old process.
//! 3. Else it is the first of its service, perhaps with sockets that a service manager passed.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use rekindle_core::{Generation, NewFailure};
use rekindle_unix::listen_fds::{self, TakeListenFdsError};
use rekindle_unix::{
    Address, AddressError, Bell, BindOptions, Channel, ChannelError, ConnectError, Marker,
    MarkerError, Notifier, PidFile, PidFileError, Program, ProgramError, Signals, SignalsError,
};
use tracing::{info, warn};

use crate::builder::{Builder, Wiring};
use crate::driver::{Driver, Parts, PidFileState};
use crate::held::{Held, INTERNAL_PREFIX};
use crate::incoming::{Incoming, Offered};
use crate::inventory::{Inventory, ListenError};
use crate::shared::Shared;
use crate::states::{self, Remembered, StateError};
use crate::words::words_of;

/// A service that was started and is not ready yet, whichever face it has.
#[derive(Debug)]
pub(crate) struct Started {
    pub(crate) shared: Arc<Shared>,
    pub(crate) inventory: Inventory,
    /// What the old process remembered.
    pub(crate) remembered: Remembered,
}

impl Builder {
    /// Starts the driver with what this process begins with.
    pub(crate) fn begin(mut self) -> Result<Started, StartError> {
        if self.wiring == Wiring::Stub {
            let shared = Shared::new(Generation::FIRST, None, bell()?);
            return self.launch(shared, Origin::default(), Outside::default());
        }
        // From here on an upgrade signal does not kill a process that is still starting.
        let signals = Signals::new(&self.policy.signals())?;
        let program = self.find_program()?;
        let (shared, mut origin, incoming) = match self.find_old_process()? {
            Some(incoming) => successor(incoming)?,
            None => {
                let shared = Shared::new(Generation::FIRST, None, bell()?);
                let inventory = Inventory::lent(listen_fds::take()?)?;
                (shared, Origin { inventory, ..Origin::default() }, None)
            }
        };
        let inventory = &mut origin.inventory;
        let pid_file = match self.pid_file.take() {
            None => PidFileState::None,
            Some(path) if incoming.is_some() => PidFileState::Predecessors(absolute(path)?),
            Some(path) => PidFileState::Ours(PidFile::acquire(path)?),
        };
        let control = own_listener(inventory, "control", "unix", self.control.take())?;
        let rendezvous =
            own_listener(inventory, "rendezvous", "unix-seqpacket", self.rendezvous.take())?;
        let notifier = Notifier::from_environment().unwrap_or_else(|error| {
            warn!(%error, "the service manager will not be told anything");
            None
        });
        let (signals, program) = (Some(signals), Some(program));
        let outside =
            Outside { signals, notifier, program, pid_file, incoming, control, rendezvous };
        self.launch(shared, origin, outside)
    }

    fn launch(
        self,
        shared: Shared,
        origin: Origin,
        outside: Outside,
    ) -> Result<Started, StartError> {
        let shared = Arc::new(shared);
        Driver::start(Parts {
            shared: Arc::clone(&shared),
            settings: self.settings,
            build: self.build,
            hooks: self.hooks,
            policy: self.policy,
            signals: outside.signals,
            notifier: outside.notifier,
            program: outside.program,
            pid_file: outside.pid_file,
            incoming: outside.incoming,
            control: outside.control,
            rendezvous: outside.rendezvous,
        })
        .map_err(StartError::Driver)?;
        let Origin { inventory, remembered } = origin;
        Ok(Started { shared, inventory, remembered })
    }

    fn find_program(&mut self) -> Result<Program, StartError> {
        let mut program = Program::current()?;
        if let Some(path) = self.program.take() {
            program.set_path(path);
        }
        if let Some(arguments) = self.arguments.take() {
            program.set_arguments(arguments);
        }
        Ok(program)
    }

    fn find_old_process(&self) -> Result<Option<Incoming>, StartError> {
        let channel = match Marker::take() {
            Ok(Some(descriptor)) => Some(Channel::from_owned(descriptor)?),
            Ok(None) => self.meet()?,
            // It was meant for one of our forebears: this process was not started by it.
            Err(error) if error.is_stale() => {
                warn!(%error, "a left-over marker is ignored");
                self.meet()?
            }
            Err(error) => return Err(error.into()),
        };
        let patience = self.settings.start_timeout;
        Ok(channel.map(|channel| Incoming::greet(channel, self.build.clone(), patience)))
    }

    fn meet(&self) -> Result<Option<Channel>, StartError> {
        let Some(path) = &self.rendezvous else {
            return Ok(None);
        };
        match Channel::connect(path) {
            Ok(channel) => {
                let peer = channel.peer().map_err(StartError::Peer)?;
                if !peer.may_control() {
                    return Err(StartError::OtherUser { path: path.clone(), uid: peer.uid });
                }
                Ok(Some(channel))
            }
            Err(ConnectError::NotFound { .. } | ConnectError::Refused { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// What a service begins with.
#[derive(Default)]
struct Origin {
    inventory: Inventory,
    remembered: Remembered,
}

/// What joins a service to the world.
#[derive(Default)]
struct Outside {
    signals: Option<Signals>,
    notifier: Option<Notifier>,
    program: Option<Program>,
    pid_file: PidFileState,
    incoming: Option<Incoming>,
    control: Option<Arc<Held>>,
    rendezvous: Option<Arc<Held>>,
}

/// Waits for the offer: a program that binds its listeners needs to know what it inherits.
fn successor(mut incoming: Incoming) -> Result<(Shared, Origin, Option<Incoming>), StartError> {
    let Offered { listeners, states } = incoming.receive_offer().map_err(StartError::TakeOver)?;
    let greeting = incoming.greeting().ok_or(StartError::TakeOver(NewFailure::OldDied))?;
    info!(
        generation = %greeting.generation,
        old_pid = greeting.old_pid,
        listeners = listeners.0.len(),
        "the old process offers",
    );
    let (entries, descriptors) = listeners;
    let inventory = Inventory::inherited(&entries, descriptors).inspect_err(|error| {
        incoming.abandon(words_of(error));
    })?;
    let remembered = states::read(states.0, states.1).inspect_err(|error| {
        incoming.abandon(words_of(error));
    })?;
    let shared = Shared::new(greeting.generation, Some(greeting.old_pid), bell()?);
    Ok((shared, Origin { inventory, remembered }, Some(incoming)))
}

/// A listener for ourselves: only its owner and root can connect.
fn own_listener(
    inventory: &mut Inventory,
    name: &str,
    scheme: &str,
    path: Option<PathBuf>,
) -> Result<Option<Arc<Held>>, StartError> {
    let Some(path) = path else { return Ok(None) };
    let path = absolute(path)?;
    let text = path.to_str().ok_or_else(|| StartError::Path { path: path.clone() })?;
    let address: Address = format!("{scheme}:{}", text.replace('\\', "\\\\")).parse()?;
    let options = BindOptions::new().unix_mode(0o600);
    Ok(Some(inventory.claim(&format!("{INTERNAL_PREFIX}{name}"), &address, &options)?))
}

fn absolute(path: PathBuf) -> Result<PathBuf, StartError> {
    std::path::absolute(&path).map_err(|source| StartError::Directory { path, source })
}

fn bell() -> Result<Bell, StartError> {
    Bell::new().map_err(StartError::Driver)
}

/// Why a process cannot start to serve.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// How to start the program again is not known.
    #[error("find this program again for its next upgrade")]
    Program(#[from] ProgramError),
    /// Signals cannot be handled.
    #[error("handle signals")]
    Signals(#[from] SignalsError),
    /// The environment names a channel that is none.
    #[error("find the old process, which the environment names")]
    Marker(#[from] MarkerError),
    /// What was inherited is no channel.
    #[error("talk to the old process")]
    Channel(#[from] ChannelError),
    /// The rendezvous cannot be reached.
    #[error("meet the old process")]
    Rendezvous(#[from] ConnectError),
    /// Who is at the rendezvous is not known.
    #[error("learn whom the old process belongs to")]
    Peer(#[source] io::Error),
    /// Somebody else's process is at the rendezvous.
    #[error(
        "meet the old process at `{path}`: it belongs to user {uid}; remove the path, or start \
         this one as that user", path = .path.display()
    )]
    OtherUser {
        /// The rendezvous path.
        path: PathBuf,
        /// Whose process it is.
        uid: u32,
    },
    /// The old process and this one did not come together.
    #[error(transparent)]
    TakeOver(NewFailure),
    /// The service manager's descriptors cannot be used.
    #[error("take the service manager's sockets")]
    ListenFds(#[from] TakeListenFdsError),
    /// A listener cannot be had.
    #[error("open a listener")]
    Listen(#[from] ListenError),
    /// What the old process remembers cannot be read.
    #[error("learn what the old process remembers")]
    State(#[from] StateError),
    /// Another instance runs, or the pid file cannot be written.
    #[error("take the pid file")]
    PidFile(#[from] PidFileError),
    /// A path of ours is no address.
    #[error("read the address of a socket path")]
    Address(#[from] AddressError),
    /// A path of ours is not UTF-8.
    #[error("use the socket path `{path}`: it is not UTF-8", path = .path.display())]
    Path {
        /// The path.
        path: PathBuf,
    },
    /// A relative path leads nowhere, since the current directory is gone.
    #[error("use the path `{path}`: the current directory is gone", path = .path.display())]
    Directory {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The driver's thread cannot be started.
    #[error("start the driver's thread")]
    Driver(#[source] io::Error),
}

impl StartError {
    /// Whether another instance of the service runs already.
    #[must_use]
    pub const fn is_running_already(&self) -> bool {
        matches!(self, Self::PidFile(PidFileError::Running { .. }))
    }
}
