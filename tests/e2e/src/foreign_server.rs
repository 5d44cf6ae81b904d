//! A server that nobody of this project wrote, from Debian's packages. Owns its processes and its
//! directory, which go with it; refuses to touch any that the system runs.

use std::env;
use std::fs::{self, File};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio, id};
use std::sync::atomic::{AtomicU8, Ordering};
use std::thread;

use rustix::process::{Pid, kill_process_group};
use tempfile::TempDir;

use crate::patience::eventually;

/// Where servers are that are not on everybody's path.
const SYSTEM_PROGRAMS: &str = "/usr/sbin";

/// The program of this name, which comes with Debian's package `package`. If it is not there, this
/// is said, and the test has to be skipped; in CI nothing is.
///
/// # Panics
///
/// If it is not there, in CI.
#[must_use]
pub fn installed(program: &str, package: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let places = env::split_paths(&path).chain([PathBuf::from(SYSTEM_PROGRAMS)]);
    let found = places.map(|place| place.join(program)).find(|program| program.is_file());
    if found.is_none() {
        let said =
            format!("skipped: no `{program}` here: install it by `apt-get install {package}`");
        assert!(env::var_os("CI").is_none(), "in CI nothing is {said}");
        println!("{said}");
    }
    found
}

/// An address for a server that cannot be given port 0: on an address of the loopback interface
/// that nobody else uses, so that nobody takes the port before the server does.
#[must_use]
pub fn own_address() -> SocketAddr {
    static NUMBER: AtomicU8 = AtomicU8::new(0);
    let [_, _, high, low] = id().to_be_bytes();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let address = IpAddr::from([127, 128 | number, high, low]);
    TcpListener::bind((address, 0)).and_then(|listener| listener.local_addr()).unwrap()
}

/// A running server: all its processes are in one group.
#[derive(Debug)]
pub struct ForeignServer {
    directory: TempDir,
    first: Child,
}

impl ForeignServer {
    /// Starts it in this directory, which its files are in. It must not leave for the background.
    #[must_use]
    pub fn start(directory: TempDir, program: &Path, words: &[&str]) -> Self {
        let log = File::create(directory.path().join("log")).unwrap();
        let first = Command::new(program)
            .args(words)
            .current_dir(directory.path())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        Self { directory, first }
    }

    /// A path in its directory.
    #[must_use]
    pub fn path(&self, name: &str) -> String {
        self.directory.path().join(name).to_str().unwrap().to_owned()
    }

    /// All that it has said.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.path("log")).unwrap()
    }

    /// What `look` finds, as soon as it finds something.
    ///
    /// # Panics
    ///
    /// If the server is gone before.
    pub fn wait_for<T>(&mut self, what: &str, mut look: impl FnMut(&Self) -> Option<T>) -> T {
        eventually(what, || {
            let ended = self.first.try_wait().unwrap();
            assert!(ended.is_none(), "the server is gone: {ended:?}");
            look(self)
        })
    }

    /// Waits until it listens there.
    pub fn wait_until_it_listens(&mut self, at: SocketAddr) {
        self.wait_for("it listens", |_| TcpStream::connect(at).ok());
    }
}

impl Drop for ForeignServer {
    fn drop(&mut self) {
        let group = i32::try_from(self.first.id()).ok().and_then(Pid::from_raw).unwrap();
        // All of them may have ended already.
        let _ = kill_process_group(group, rustix::process::Signal::KILL);
        let _ = self.first.wait();
        if thread::panicking() {
            println!("--- the server's log ---\n{}--- end of the log ---", self.log());
        }
    }
}
