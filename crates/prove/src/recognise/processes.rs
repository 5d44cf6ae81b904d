//! The processes that hold a server's sockets, by `/proc` (proc(5)). Owns the search through their
//! descriptors; refuses to guess what it may not read, and says how much that was.
//!
//! A look at everything reads the descriptors of each process: some microseconds each. While a
//! restart is under way there is a look each 50 ms; most of them read only those processes that
//! came since it began.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw};
use rustix::io::Errno;

use super::sockets::{inodes, is_local};
use crate::target::Target;

/// A process that holds a socket of the server. Its start tells it from an earlier one of its pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Holder {
    /// When it started, in ticks since the machine did.
    started_ticks: u64,
    pub(crate) pid: u32,
}

/// What was seen at one look.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sight {
    /// Whether anybody listens there at all, on this machine and in this network namespace.
    pub(crate) is_served: bool,
    pub(crate) holders: HashSet<Holder>,
    /// How many processes may not be looked into.
    pub(crate) unreadable: usize,
    /// All processes that were there.
    everybody: HashSet<u32>,
}

/// The processes that serve some targets.
#[derive(Debug, Clone)]
pub(crate) struct Processes {
    targets: Vec<Target>,
}

impl Processes {
    pub(crate) fn at(mut targets: Vec<Target>) -> Self {
        targets.retain(is_local);
        Self { targets }
    }

    /// Whether there is anything to look at: nobody looks into another machine.
    pub(crate) fn is_local(&self) -> bool {
        !self.targets.is_empty()
    }

    /// Looks at every process.
    pub(crate) fn look(&self) -> io::Result<Sight> {
        self.look_beyond(&HashSet::new())
    }

    /// Those who hold a socket now and did not before. Of processes that were there before, only a
    /// thorough look sees that they took one since.
    pub(crate) fn newcomers(&self, before: &Sight, thorough: bool) -> io::Result<HashSet<Holder>> {
        let sight = if thorough { self.look()? } else { self.look_beyond(&before.everybody)? };
        Ok(&sight.holders - &before.holders)
    }

    /// Looks at every process but these.
    fn look_beyond(&self, known: &HashSet<u32>) -> io::Result<Sight> {
        let mut sockets = HashSet::new();
        for target in &self.targets {
            sockets.extend(inodes(target)?);
        }
        let mut sight = Sight { is_served: !sockets.is_empty(), ..Sight::default() };
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            sight.everybody.insert(pid);
            if sockets.is_empty() || known.contains(&pid) {
                continue;
            }
            match holds(pid, &sockets) {
                Ok(true) => sight
                    .holders
                    .extend(started_ticks(pid).map(|started_ticks| Holder { pid, started_ticks })),
                Ok(false) => {}
                Err(Errno::ACCESS | Errno::PERM) => sight.unreadable += 1,
                // It has ended meanwhile.
                Err(Errno::NOENT | Errno::SRCH) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(sight)
    }
}

/// Whether a descriptor of this process is one of these sockets.
fn holds(pid: u32, inodes: &HashSet<u64>) -> Result<bool, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let directory: OwnedFd = openat(CWD, format!("/proc/{pid}/fd"), flags, Mode::empty())?;
    let mut names = [MaybeUninit::<u8>::uninit(); 4096];
    // Longer ones are cut, and are no sockets.
    let mut link = [MaybeUninit::<u8>::uninit(); 64];
    let mut descriptors = RawDir::new(&directory, &mut names);
    while let Some(descriptor) = descriptors.next() {
        let descriptor = descriptor?;
        match readlinkat_raw(&directory, descriptor.file_name(), &mut link) {
            Ok((target, _)) if socket_inode(target).is_some_and(|it| inodes.contains(&it)) => {
                return Ok(true);
            }
            // `.` and `..` are no links; others are closed in between.
            Ok(_) | Err(Errno::INVAL | Errno::NOENT) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(false)
}

/// The inode in `socket:[4711]`.
fn socket_inode(link: &[u8]) -> Option<u64> {
    let digits = link.strip_prefix(b"socket:[")?.strip_suffix(b"]")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// When a process started. `None` if it has ended.
fn started_ticks(pid: u32) -> Option<u64> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name of the program stands in parentheses and can hold some itself; the time is the 20th
    // field after it.
    let (_, fields) = stat.rsplit_once(')')?;
    fields.split_ascii_whitespace().nth(19)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::process::{Child, Command, Stdio};

    use super::*;

    /// A process that holds a copy of this socket as its input.
    struct Holding(Child);

    impl Holding {
        fn new(listener: &TcpListener) -> Self {
            let socket = OwnedFd::from(listener.try_clone().unwrap());
            let mut command = Command::new("sleep");
            Self(command.arg("1000").stdin(Stdio::from(socket)).spawn().unwrap())
        }
    }

    impl Drop for Holding {
        fn drop(&mut self) {
            self.0.kill().unwrap();
            self.0.wait().unwrap();
        }
    }

    fn at(listener: &TcpListener) -> Processes {
        Processes::at(vec![Target::Tcp(listener.local_addr().unwrap())])
    }

    fn pids(holders: &HashSet<Holder>) -> HashSet<u32> {
        holders.iter().map(|holder| holder.pid).collect()
    }

    // Tests that run beside these start processes, each of which has all our sockets until its
    // program begins: who else is there for a moment is not looked at.

    #[test]
    fn all_who_hold_the_socket_are_seen_and_the_newcomer_among_them() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let processes = at(&listener);
        let own = std::process::id();
        let before = processes.look().unwrap();
        assert!(before.is_served && processes.is_local());
        assert!(pids(&before.holders).contains(&own));
        let holding = Holding::new(&listener);
        for thorough in [false, true] {
            let newcomers = pids(&processes.newcomers(&before, thorough).unwrap());
            assert!(newcomers.contains(&holding.0.id()) && !newcomers.contains(&own));
        }
        let gone = holding.0.id();
        drop(holding);
        let after = pids(&processes.look().unwrap().holders);
        assert!(after.contains(&own) && !after.contains(&gone));
    }

    #[test]
    fn who_was_there_before_and_took_a_socket_is_new_to_a_thorough_look() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let processes = at(&listener);
        let holding = Holding::new(&listener);
        let pid = holding.0.id();
        let mut before = processes.look().unwrap();
        before.holders.retain(|holder| holder.pid != pid);
        assert!(!pids(&processes.newcomers(&before, false).unwrap()).contains(&pid));
        assert!(pids(&processes.newcomers(&before, true).unwrap()).contains(&pid));
    }

    #[test]
    fn a_pid_that_is_another_process_by_now_is_new() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let processes = at(&listener);
        let mut before = processes.look().unwrap();
        let is_own = |holder: &&Holder| holder.pid == std::process::id();
        let own = before.holders.iter().find(is_own).copied().unwrap();
        before.holders = HashSet::from([Holder { started_ticks: own.started_ticks - 1, ..own }]);
        assert!(processes.newcomers(&before, true).unwrap().contains(&own));
    }

    #[test]
    fn a_place_that_nobody_serves_is_told() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let processes = at(&listener);
        drop(listener);
        let sight = processes.look().unwrap();
        assert!(!sight.is_served && sight.holders.is_empty());
        let far = Target::Tcp(([192, 0, 2, 1], 80).into());
        assert!(!Processes::at(vec![far]).is_local());
    }

    #[test]
    fn only_links_to_sockets_have_an_inode() {
        assert_eq!(socket_inode(b"socket:[4711]"), Some(4711));
        for link in [&b"pipe:[4711]"[..], b"socket:[47", b"socket:[x]", b"/dev/null"] {
            assert_eq!(socket_inode(link), None);
        }
    }

    #[test]
    fn the_start_of_a_process_is_read_past_its_name() {
        assert!(started_ticks(std::process::id()).unwrap() > 0);
        assert_eq!(started_ticks(u32::MAX), None);
    }
}
