//! `Notifier`: the line to the service manager.
//!
//! Owns the socket protocol of sd_notify(3), including the barrier and the descriptor store.
//! Refuses to block the server: a message that cannot be sent at once is an error.

use std::env;
use std::ffi::OsStr;
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::time::Duration;

use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix,
    SocketFlags, SocketType, sendmsg_addr, socket_with,
};
use rustix::pipe::{PipeFlags, pipe_with};

use crate::notify_error::NotifyError;
use crate::notify_state::State;
use crate::readiness::wait_readable;

/// The environment variable that names the manager's socket.
pub const NOTIFY_VARIABLE: &str = "NOTIFY_SOCKET";

/// The longest message that systemd takes; it drops longer ones whole.
const MESSAGE_LIMIT_BYTES: usize = 4_096;

/// The most descriptors that one message may carry: SCM_MAX_FD of the kernel, see unix(7).
const DESCRIPTOR_LIMIT: usize = 253;

/// The longest name that the descriptor store takes, see sd_pid_notify_with_fds(3).
const STORE_NAME_LIMIT_BYTES: usize = 255;

/// The line to the service manager that started this process.
///
/// It keeps no descriptor: each message has a socket of its own, so that it reaches the manager
/// even when that has made its socket anew.
#[derive(Clone, Debug)]
pub struct Notifier {
    address: SocketAddrUnix,
}

impl Notifier {
    /// The line that `NOTIFY_SOCKET` names, or `None` if there is no manager to tell.
    ///
    /// The variable stays in the environment: the next generation needs it.
    ///
    /// # Errors
    ///
    /// Those of [`Notifier::parse`].
    pub fn from_environment() -> Result<Option<Notifier>, NotifyError> {
        match env::var_os(NOTIFY_VARIABLE) {
            Some(value) if !value.is_empty() => Notifier::parse(&value).map(Some),
            _ => Ok(None),
        }
    }

    /// The line to the socket `value`: an absolute path, or `@` and an abstract name.
    ///
    /// # Errors
    ///
    /// [`NotifyError::Unsupported`] for anything else, of which `vsock:` is one: it leads out of
    /// a virtual machine. [`NotifyError::BadAddress`] for one that no socket can have.
    pub fn parse(value: &OsStr) -> Result<Notifier, NotifyError> {
        let address = match value.as_bytes() {
            [b'/', ..] => SocketAddrUnix::new(value),
            [b'@', name @ ..] if !name.is_empty() => SocketAddrUnix::new_abstract_name(name),
            _ => {
                return Err(NotifyError::Unsupported {
                    value: value.to_owned(),
                });
            }
        };
        let address = address.map_err(|error| NotifyError::BadAddress {
            value: value.to_owned(),
            source: error.into(),
        })?;
        Ok(Notifier { address })
    }

    /// Sends `states` as one message, so that the manager acts on all of them or on none.
    ///
    /// # Errors
    ///
    /// [`NotifyError::Busy`] if the manager's queue is full, [`NotifyError::TooLong`] above 4,096
    /// bytes, and those of sendmsg(2).
    pub fn send(&self, states: &[State]) -> Result<(), NotifyError> {
        self.send_message(&State::message(states), &[])
    }

    /// Waits until the manager has acted on all that was sent before, at most `timeout`. Blocks
    /// the thread; for a wait of another kind see [`Notifier::begin_barrier`].
    ///
    /// A process that exits right after it has sent something needs it: systemd may else look for
    /// the sender when that is gone, and drop the message.
    ///
    /// # Errors
    ///
    /// [`NotifyError::BarrierTimeout`], and those of [`Notifier::begin_barrier`].
    pub fn barrier(&self, timeout: Duration) -> Result<(), NotifyError> {
        let barrier = self.begin_barrier()?;
        match wait_readable(&barrier, Some(timeout)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(NotifyError::BarrierTimeout { timeout }),
            Err(source) => Err(NotifyError::System { source }),
        }
    }

    /// Asks the manager to close a pipe when it has acted on all that was sent before, and gives
    /// the end of that pipe which then reads as ready. See `BARRIER=1` in sd_notify(3).
    ///
    /// # Errors
    ///
    /// [`NotifyError::Busy`] if the manager's queue is full, and those of pipe(2) and sendmsg(2).
    pub fn begin_barrier(&self) -> Result<OwnedFd, NotifyError> {
        let (reader, writer) = pipe_with(PipeFlags::CLOEXEC).map_err(system)?;
        self.send_message("BARRIER=1", &[writer.as_fd()])?;
        // Ours is closed here. The manager's copy is then the only one that keeps the pipe open.
        drop(writer);
        Ok(reader)
    }

    /// Puts `descriptors` into the manager's descriptor store under `name`, from which the next
    /// start of the service gets them by `LISTEN_FDS`. The unit must have
    /// `FileDescriptorStoreMax=`.
    ///
    /// # Errors
    ///
    /// [`NotifyError::BadStoreName`] unless `name` has 1 to 255 ASCII characters, without control
    /// characters and colons; [`NotifyError::TooManyDescriptors`] above 253; and those of
    /// [`Notifier::send`].
    pub fn store_descriptors(
        &self,
        name: &str,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), NotifyError> {
        check_store_name(name)?;
        self.send_message(&format!("FDSTORE=1\nFDNAME={name}"), descriptors)
    }

    /// Takes all descriptors with the name `name` out of the manager's store.
    ///
    /// # Errors
    ///
    /// As for [`Notifier::store_descriptors`].
    pub fn remove_stored_descriptors(&self, name: &str) -> Result<(), NotifyError> {
        check_store_name(name)?;
        self.send_message(&format!("FDSTOREREMOVE=1\nFDNAME={name}"), &[])
    }

    fn send_message(
        &self,
        message: &str,
        descriptors: &[BorrowedFd<'_>],
    ) -> Result<(), NotifyError> {
        if message.len() > MESSAGE_LIMIT_BYTES {
            return Err(NotifyError::TooLong {
                length_bytes: message.len(),
            });
        }
        if descriptors.len() > DESCRIPTOR_LIMIT {
            return Err(NotifyError::TooManyDescriptors {
                count: descriptors.len(),
            });
        }
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket =
            socket_with(AddressFamily::UNIX, SocketType::DGRAM, flags, None).map_err(system)?;

        let rights = SendAncillaryMessage::ScmRights(descriptors);
        let mut space = vec![MaybeUninit::uninit(); rights.size()];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        if !descriptors.is_empty() {
            let fits = ancillary.push(rights);
            debug_assert!(fits, "the space was computed for this very message");
        }
        let message = [IoSlice::new(message.as_bytes())];
        let flags = SendFlags::NOSIGNAL;
        let mut send = || sendmsg_addr(&socket, &self.address, &message, &mut ancillary, flags);
        match retry_on_intr(&mut send) {
            // A datagram is sent whole or not at all.
            Ok(_) => Ok(()),
            Err(Errno::AGAIN) => Err(NotifyError::Busy),
            Err(error) => Err(system(error)),
        }
    }
}

fn check_store_name(name: &str) -> Result<(), NotifyError> {
    let allowed = |byte: u8| byte.is_ascii() && !byte.is_ascii_control() && byte != b':';
    let length_fits = (1..=STORE_NAME_LIMIT_BYTES).contains(&name.len());
    if length_fits && name.bytes().all(allowed) {
        return Ok(());
    }
    Err(NotifyError::BadStoreName {
        name: name.chars().take(STORE_NAME_LIMIT_BYTES).collect(),
    })
}

fn system(error: Errno) -> NotifyError {
    NotifyError::System {
        source: error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_path_and_an_abstract_name_are_addresses() {
        let path = Notifier::parse(OsStr::new("/run/systemd/notify")).unwrap();
        assert_eq!(path.address.path_bytes(), Some(&b"/run/systemd/notify"[..]));
        let named = Notifier::parse(OsStr::new("@rekindle/test")).unwrap();
        assert_eq!(named.address.abstract_name(), Some(&b"rekindle/test"[..]));
    }

    #[test]
    fn other_kinds_of_address_are_refused_by_name() {
        for value in [
            "",
            "@",
            "vsock:2:1234",
            "vsock-stream:2:1",
            "notify",
            "./notify",
            " /run/x",
        ] {
            let error = Notifier::parse(OsStr::new(value)).unwrap_err();
            assert!(matches!(error, NotifyError::Unsupported { .. }), "{error}");
            assert!(error.to_string().contains(&format!("`{value}`")), "{error}");
        }
    }

    #[test]
    fn an_address_that_no_socket_can_have_is_refused() {
        for value in [
            format!("/{}", "x".repeat(200)),
            format!("@{}", "x".repeat(200)),
        ] {
            let error = Notifier::parse(OsStr::new(&value)).unwrap_err();
            assert!(matches!(error, NotifyError::BadAddress { .. }), "{error}");
        }
    }

    #[test]
    fn a_name_in_the_store_is_checked() {
        for name in ["a", "http", "with blank", &"x".repeat(255)] {
            check_store_name(name).unwrap();
        }
        for name in [
            "",
            "a:b",
            "a\nFDSTOREREMOVE=1",
            "a\0",
            "é",
            "\x7f",
            &"x".repeat(256),
        ] {
            let error = check_store_name(name).unwrap_err();
            assert!(
                matches!(error, NotifyError::BadStoreName { .. }),
                "{name:?}"
            );
            assert!(!error.to_string().contains('\n'));
        }
    }

    proptest! {
        #[test]
        fn no_address_does_harm(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let accepted = Notifier::parse(OsStr::from_bytes(&bytes)).is_ok();
            let possible = matches!(bytes.first(), Some(b'/' | b'@')) && bytes.len() <= 108;
            prop_assert!(possible || !accepted);
        }
    }
}
