//! What belongs to a whole process: its umask, its directory, its signals, its descriptor numbers.

use std::io::{ErrorKind, Read};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use rekindle_unix::{Address, BindOptions, Channel, Registry, SendError, UnixName, bind, inspect};

use crate::child::in_own_process;
use crate::events::Tracer;

fn address(text: &str) -> Address {
    text.parse().unwrap()
}

fn local(socket: &OwnedFd) -> Address {
    inspect(socket.as_fd()).unwrap().local.unwrap()
}

fn mode_of(path: &Path) -> u32 {
    path.symlink_metadata().unwrap().permissions().mode() & 0o777
}

#[test]
fn a_unix_mode_is_exact_whatever_the_umask() {
    in_own_process("state::a_unix_mode_is_exact_whatever_the_umask", || {
        let directory = tempfile::tempdir().unwrap();
        for (umask, asked, expected) in [
            (0o077, Some(0o666), 0o666),
            (0o000, Some(0o600), 0o600),
            (0o022, Some(0o660), 0o660),
            (0o022, Some(0o000), 0o000),
            (0o022, Some(0o7_644), 0o644),
            (0o022, None, 0o755),
            (0o077, None, 0o700),
        ] {
            rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask));
            for scheme in ["unix", "unix-datagram", "unix-seqpacket"] {
                let path = directory.path().join(format!("{umask:o}-{asked:?}-{scheme}"));
                let options = BindOptions::new();
                let options = asked.map_or(options, |mode| options.unix_mode(mode));
                let asked = address(&format!("{scheme}:{}", path.display()));
                let _socket = bind(&asked, &options).unwrap();
                assert_eq!(mode_of(&path), expected, "{}", path.display());
            }
        }
    });
}

#[test]
fn a_unix_socket_is_at_no_time_open_to_more_than_asked() {
    in_own_process("state::a_unix_socket_is_at_no_time_open_to_more_than_asked", || {
        rustix::process::umask(rustix::fs::Mode::empty());
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.sock");
        let ended = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let watcher = scope.spawn(|| {
                let mut seen = Vec::new();
                while !ended.load(Ordering::Relaxed) {
                    let Ok(metadata) = path.symlink_metadata() else {
                        continue;
                    };
                    let mode = metadata.mode() & 0o777;
                    if !seen.contains(&mode) {
                        seen.push(mode);
                    }
                }
                seen
            });
            let asked = Address::UnixStream(UnixName::Path(path.clone()));
            for _ in 0..2_000 {
                drop(bind(&asked, &BindOptions::new().unix_mode(0o600)).unwrap());
            }
            ended.store(true, Ordering::Relaxed);
            assert_eq!(watcher.join().unwrap(), [0o600]);
        });
    });
}

#[test]
fn a_relative_path_is_taken_as_it_is() {
    in_own_process("state::a_relative_path_is_taken_as_it_is", || {
        let directory = tempfile::tempdir().unwrap();
        std::env::set_current_dir(directory.path()).unwrap();
        for place in ["x.sock", "./y.sock", "\\x40z.sock"] {
            let socket = bind(&address(&format!("unix:{place}")), &BindOptions::new()).unwrap();
            assert_eq!(local(&socket).to_string(), format!("unix:{place}"));
        }
        assert!(directory.path().join("@z.sock").exists());
    });
}

#[test]
fn sending_to_a_closed_end_is_an_error_and_no_signal() {
    in_own_process("state::sending_to_a_closed_end_is_an_error_and_no_signal", || {
        // SAFETY: the default action is no handler, and no other thread sets one here.
        unsafe { libc::signal(libc::SIGPIPE, libc::SIG_DFL) };
        let (old, new) = Channel::pair().unwrap();
        drop(new);
        let error = old.send(b"x", &[]).unwrap_err();
        assert!(matches!(error, SendError::Closed), "{error}");
        let (tracer, sent) = Tracer::new();
        let error = old.send(b"x", &[sent.as_fd()]).unwrap_err();
        assert!(matches!(error, SendError::Closed), "{error}");
        drop(sent);
        assert!(!tracer.is_open());
    });
}

#[test]
fn a_number_that_became_another_connections_is_not_cut() {
    in_own_process("state::a_number_that_became_another_connections_is_not_cut", || {
        let registry = Registry::new();
        let (server, _client) = UnixStream::pair().unwrap();
        let server = registry.register(server);
        let number = server.as_fd().as_raw_fd();
        drop(server);
        let (innocent, mut innocent_client) = UnixStream::pair().unwrap();
        innocent_client.set_nonblocking(true).unwrap();
        assert_eq!(innocent.as_raw_fd(), number, "the test needs the same number again");
        assert_eq!(registry.sever_all(), 0);
        let heard = innocent_client.read(&mut [0; 8]).unwrap_err();
        assert_eq!(heard.kind(), ErrorKind::WouldBlock, "another's connection was cut");
    });
}
