//! The words between a driver and the old side's machine: what happened, what to do, and the terms.

use alloc::vec::Vec;
use core::time::Duration;

use crate::generation::Generation;
use crate::message::Message;
use crate::moved::Receiver;
use crate::reason::SpawnFailure;
use crate::text::Text;
use crate::verdict::Phase;
use crate::version::VersionRange;

/// What happened, for the old side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OldEvent {
    /// The new process was started.
    Spawned,
    /// It could not be started.
    SpawnFailed(SpawnFailure),
    /// The program's hook refused the upgrade before the new process was started.
    HookRefused(Text),
    /// The offer could not be made, and why.
    NoOffer(Text),
    /// A message came.
    Message(Message),
    /// What came was no message.
    Garbage(Text),
    /// The new side's end of the channel is closed.
    EndOfFile,
    /// The child ended, in words ("exited with status 3"), and was reaped. To be told after all
    /// that it sent before: its last words may be the better reason, or a confirmation.
    Exited(Text),
    /// The upgrade is called off, since the old process was asked to stop.
    Cancel,
}

/// What to do, for the old side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OldAction {
    /// Call the hook, then start the new process with one end of a channel. A verdict that comes
    /// while the hook still runs revokes this: start nothing any more.
    Spawn,
    /// Send this.
    Send(Message),
    /// Send the offer.
    SendOffer,
    /// Stop accepting on the claimed listeners, given by position in the offer.
    StopAccepting {
        /// The positions, each once.
        claimed: Vec<u32>,
    },
    /// The new process serves, and takes over connections: they may move from here on.
    OpenMoves {
        /// What it takes them for.
        receivers: Vec<Receiver>,
    },
    /// There is nobody to move connections to any more.
    CloseMoves,
    /// Accept again.
    Resume,
    /// Kill the new process.
    Kill,
    /// Tell whoever asked that this phase began.
    Enter(Phase),
}

/// What the old side of one upgrade goes by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How long the new process may take until it is ready.
    pub start_timeout: Duration,
    /// How long the old process keeps the means to resume.
    pub probation: Duration,
    /// The protocol versions that the old side speaks.
    pub versions: VersionRange,
    /// The old side's process id.
    pub old_pid: u32,
    /// The old side's generation.
    pub old_generation: Generation,
    /// The generation that the new process will be.
    pub generation: Generation,
    /// How many listeners the offer has.
    pub offered: u32,
}
