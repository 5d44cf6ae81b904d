//! What rekindle asks of the system. Linux only.
//!
//! This crate owns the system calls: addresses and listeners, the passing of descriptors, peer
//! credentials and the cutting of connections; programs found and started, children and other
//! processes watched, signals, notify sockets, pid files, environment markers. It refuses policy:
//! when to do any of it, and what to do when it fails, is for its callers.
//!
//! It is the only crate of the workspace with `unsafe` code, opted into file by file.

#![deny(unsafe_code)]

mod address;
mod bell;
mod bind;
mod channel;
mod child;
mod directory_lock;
mod environment;
mod executable;
mod exit_status;
mod identity;
mod inspect;
mod kind;
mod limits;
pub mod listen_fds;
mod locked_file;
mod marker;
mod memory_file;
mod notify;
mod notify_error;
mod notify_state;
mod origin;
mod peer;
mod pid_file;
mod pid_file_content;
mod pid_file_error;
mod posix_spawn;
mod process;
mod program;
mod program_error;
mod readiness;
mod sever;
mod signal;
mod signals;
mod socket_path;
mod spawn;
mod spawn_error;
mod stale;
mod watchdog;

pub use address::{Address, AddressError, InternetAddress, NAME_LIMIT_BYTES, UnixName};
pub use bell::Bell;
pub use bind::{BindError, BindOptions, bind, bind_group};
pub use channel::{
    AcceptError, Channel, ChannelError, ChannelListener, ConnectError, DESCRIPTOR_LIMIT,
    FRAME_LIMIT_BYTES, FrameBuffer, ReceiveError, Received, SendError,
};
pub use child::Child;
pub use environment::take_variable;
pub use exit_status::ExitStatus;
pub use identity::Identity;
pub use inspect::{
    InspectError, Inspection, inspect, open_file_identity, verify, verify_connection,
};
pub use kind::SocketKind;
pub use limits::{DescriptorLimit, descriptor_limit, open_descriptors, raise_descriptor_limit};
pub use marker::{CHANNEL_VARIABLE, Marker, MarkerError};
pub use memory_file::{MemoryFile, MemoryFileError};
pub use notify::{NOTIFY_VARIABLE, Notifier};
pub use notify_error::NotifyError;
pub use notify_state::State as NotifyState;
pub use peer::PeerCredentials;
pub use pid_file::PidFile;
pub use pid_file_error::PidFileError;
pub use process::{Process, start_time_ticks};
pub use program::Program;
pub use program_error::ProgramError;
pub use sever::{Registry, Severable};
pub use signal::{Signal, SignalParseError};
pub use signals::{Signals, SignalsError, die_by};
pub use socket_path::{SocketPath, UnlinkError, unlink_if_same};
pub use spawn::{SpawnOptions, spawn};
pub use spawn_error::SpawnError;
pub use watchdog::{WatchdogError, watchdog_interval};
