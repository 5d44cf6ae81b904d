//! An upgrade, as whoever asks for it over the control socket sees it.

use std::time::Duration;

use rekindle::control::{Client, Replies, Reply, Request};

use crate::patience::PATIENCE;

/// How an upgrade ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// `committed`, `aborted` or `rolled-back`.
    pub verdict: String,
    /// Whether there is no way back any more.
    pub confirmed: bool,
    /// The generation that the new process is, or was to be.
    pub generation: u64,
    /// The new process's id; 0 if none was started.
    pub pid: u32,
    /// The old process's id.
    pub old_pid: u32,
    /// How long it took.
    pub took: Duration,
    /// The phase in which it failed; empty if it did not.
    pub phase: String,
    /// Why it failed, as a short word; empty if it did not.
    pub reason: String,
    /// Why it failed, in a sentence; empty if it did not.
    pub message: String,
}

impl Verdict {
    /// Itself, if it says committed.
    ///
    /// # Panics
    ///
    /// If it says anything else.
    pub fn committed(self) -> Self {
        assert_eq!((self.verdict.as_str(), self.reason.as_str()), ("committed", ""), "{self:?}");
        self
    }

    /// Itself, if it says that the upgrade failed so, in this phase and for this reason.
    ///
    /// # Panics
    ///
    /// If it says anything else.
    pub fn failed(self, verdict: &str, phase: &str, reason: &str) -> Self {
        let said = (self.verdict.as_str(), self.phase.as_str(), self.reason.as_str());
        assert_eq!(said, (verdict, phase, reason), "{self:?}");
        assert!(!self.message.is_empty(), "a reason has words: {self:?}");
        self
    }
}

impl TryFrom<Reply> for Verdict {
    type Error = Reply;

    fn try_from(reply: Reply) -> Result<Self, Reply> {
        match reply {
            Reply::Verdict {
                verdict,
                confirmed,
                generation,
                pid,
                old_pid,
                took_ms,
                phase,
                reason,
                message,
            } => Ok(Self {
                verdict,
                confirmed,
                generation,
                pid: pid.unwrap_or_default(),
                old_pid,
                took: Duration::from_millis(took_ms),
                phase: phase.unwrap_or_default(),
                reason: reason.unwrap_or_default(),
                message: message.unwrap_or_default(),
            }),
            other => Err(other),
        }
    }
}

/// An upgrade that was asked for.
#[derive(Debug)]
pub struct UpgradeUnderWay {
    replies: Replies,
}

impl UpgradeUnderWay {
    pub(crate) fn ask(client: Client, request: &Request) -> Self {
        let client = client.reply_timeout(Some(PATIENCE)).unwrap();
        Self { replies: client.send(request).unwrap() }
    }

    /// Waits until the upgrade enters `phase`, and returns the new process's id, if there is one.
    ///
    /// # Panics
    ///
    /// If the upgrade ends before.
    pub fn until(&mut self, phase: &str) -> Option<u32> {
        loop {
            match self.replies.next().unwrap().unwrap() {
                Reply::Phase { phase: entered, pid, .. } if entered == phase => return pid,
                Reply::Phase { .. } => {}
                other => panic!("waited in vain for `{phase}`: {other:?}"),
            }
        }
    }

    /// Waits for the last reply, whatever it is.
    #[must_use]
    pub fn reply(self) -> Reply {
        self.replies.last().unwrap()
    }

    /// Waits for the verdict.
    ///
    /// # Panics
    ///
    /// If the upgrade is refused.
    #[must_use]
    pub fn verdict(self) -> Verdict {
        self.reply().try_into().unwrap_or_else(|reply| panic!("no verdict: {reply:?}"))
    }
}
