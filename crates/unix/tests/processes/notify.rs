//! A service manager of our own hears what is sent, and a deaf one blocks nobody.

use std::ffi::{OsStr, OsString};
use std::io::{IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::DEADLINE;
use rekindle_unix::{Notifier, NotifyError, State};
use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};
use tempfile::TempDir;

/// The other end of the line.
struct Manager {
    socket: UnixDatagram,
    address: OsString,
    _home: TempDir,
}

impl Manager {
    fn new() -> Manager {
        let home = TempDir::new().unwrap();
        let path = home.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_read_timeout(Some(DEADLINE)).unwrap();
        Manager {
            socket,
            address: path.into(),
            _home: home,
        }
    }

    fn notifier(&self) -> Notifier {
        Notifier::parse(&self.address).unwrap()
    }

    /// The next message, and the descriptors that came with it.
    fn receive(&self) -> (String, Vec<OwnedFd>) {
        let mut text = [0; 8_192];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(253))];
        let mut ancillary = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::CMSG_CLOEXEC;
        let mut slices = [IoSliceMut::new(&mut text)];
        let message = recvmsg(&self.socket, &mut slices, &mut ancillary, flags).unwrap();
        let descriptors = ancillary.drain().filter_map(|message| match message {
            RecvAncillaryMessage::ScmRights(descriptors) => Some(descriptors),
            _ => None,
        });
        let descriptors = descriptors.flatten().collect();
        let text = String::from_utf8(text[..message.bytes].to_vec()).unwrap();
        (text, descriptors)
    }
}

#[test]
fn states_arrive_as_one_message() {
    let manager = Manager::new();
    let states = [
        State::MainPid(77),
        State::Ready,
        State::Status("serving".into()),
    ];
    manager.notifier().send(&states).unwrap();
    let (text, descriptors) = manager.receive();
    assert_eq!(text, "MAINPID=77\nREADY=1\nSTATUS=serving\n");
    assert!(descriptors.is_empty());
}

#[test]
fn an_abstract_name_is_reached() {
    let name = format!("rekindle-notify-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).unwrap();
    let socket = UnixDatagram::bind_addr(&address).unwrap();
    socket.set_read_timeout(Some(DEADLINE)).unwrap();
    let value = format!("@{name}");
    Notifier::parse(OsStr::new(&value))
        .unwrap()
        .send(&[State::Stopping])
        .unwrap();
    let mut text = [0; 64];
    let length = socket.recv(&mut text).unwrap();
    assert_eq!(&text[..length], b"STOPPING=1\n");
}

#[test]
fn a_barrier_ends_when_the_manager_closes_its_end_and_not_before() {
    let manager = Manager::new();
    let notifier = manager.notifier();
    notifier.send(&[State::Ready]).unwrap();
    let waiting = thread::spawn(move || notifier.barrier(DEADLINE));

    assert_eq!(manager.receive().0, "READY=1\n");
    let (text, descriptors) = manager.receive();
    assert_eq!(text, "BARRIER=1");
    assert_eq!(descriptors.len(), 1);
    assert!(!waiting.is_finished());
    drop(descriptors);
    waiting.join().unwrap().unwrap();
}

#[test]
fn a_barrier_that_nobody_answers_ends_in_time() {
    let manager = Manager::new();
    let begin = Instant::now();
    let error = manager
        .notifier()
        .barrier(Duration::from_millis(30))
        .unwrap_err();
    assert!(
        matches!(error, NotifyError::BarrierTimeout { .. }),
        "{error}"
    );
    assert!(begin.elapsed() >= Duration::from_millis(30));
}

#[test]
fn a_barrier_may_be_waited_for_elsewhere() {
    let manager = Manager::new();
    let mut barrier = std::fs::File::from(manager.notifier().begin_barrier().unwrap());
    drop(manager.receive());
    // Nobody else has the other end: it reads as ended.
    assert_eq!(barrier.read(&mut [0; 1]).unwrap(), 0);
}

#[test]
fn descriptors_go_into_the_store_and_out_by_name() {
    let manager = Manager::new();
    let notifier = manager.notifier();
    let (mut end, other) = UnixStream::pair().unwrap();
    notifier
        .store_descriptors("http", &[other.as_fd(), other.as_fd()])
        .unwrap();
    drop(other);
    let (text, descriptors) = manager.receive();
    assert_eq!(text, "FDSTORE=1\nFDNAME=http");
    assert_eq!(descriptors.len(), 2);
    let stored = UnixStream::from(descriptors.into_iter().next().unwrap());
    end.write_all(b"x").unwrap();
    (&stored).read_exact(&mut [0; 1]).unwrap();

    notifier.remove_stored_descriptors("http").unwrap();
    assert_eq!(manager.receive().0, "FDSTOREREMOVE=1\nFDNAME=http");
}

#[test]
fn as_many_descriptors_as_a_message_carries_and_not_one_more() {
    let manager = Manager::new();
    let notifier = manager.notifier();
    let (end, _other) = UnixStream::pair().unwrap();
    let descriptors = vec![end.as_fd(); 254];
    notifier
        .store_descriptors("many", &descriptors[..253])
        .unwrap();
    assert_eq!(manager.receive().1.len(), 253);
    let error = notifier
        .store_descriptors("many", &descriptors)
        .unwrap_err();
    assert!(
        matches!(error, NotifyError::TooManyDescriptors { count: 254 }),
        "{error}"
    );
}

#[test]
fn a_manager_that_does_not_read_blocks_nobody() {
    let manager = Manager::new();
    let notifier = manager.notifier();
    let busy = (0..100_000).find_map(|_| notifier.send(&[State::Watchdog]).err());
    assert!(matches!(busy, Some(NotifyError::Busy)), "{busy:?}");
    let begin = Instant::now();
    notifier.begin_barrier().unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(5));

    assert_eq!(manager.receive().0, "WATCHDOG=1\n");
    notifier.send(&[State::Ready]).unwrap();
}

#[test]
fn a_manager_that_made_its_socket_anew_is_reached() {
    let mut manager = Manager::new();
    let notifier = manager.notifier();
    notifier.send(&[State::Ready]).unwrap();
    std::fs::remove_file(&manager.address).unwrap();
    manager.socket = UnixDatagram::bind(&manager.address).unwrap();
    manager.socket.set_read_timeout(Some(DEADLINE)).unwrap();
    notifier.send(&[State::Stopping]).unwrap();
    assert_eq!(manager.receive().0, "STOPPING=1\n");
}

#[test]
fn a_manager_that_is_gone_is_an_error() {
    let manager = Manager::new();
    let notifier = manager.notifier();
    drop(manager);
    let error = notifier.send(&[State::Ready]).unwrap_err();
    assert!(matches!(error, NotifyError::System { .. }), "{error}");
}

#[test]
fn a_message_that_the_manager_would_drop_is_refused() {
    let manager = Manager::new();
    let notifier = manager.notifier();
    let status = |length| State::Status("x".repeat(length));
    let overhead = "STATUS=\n".len();
    notifier.send(&[status(4_096 - overhead)]).unwrap();
    assert_eq!(manager.receive().0.len(), 4_096);
    let error = notifier.send(&[status(4_097 - overhead)]).unwrap_err();
    assert!(
        matches!(
            error,
            NotifyError::TooLong {
                length_bytes: 4_097
            }
        ),
        "{error}"
    );
}
