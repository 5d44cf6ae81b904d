//! The processes that hold a server's sockets, by `/proc` (proc(5)). Owns the search through their
//! descriptors; refuses to guess what it may not read, and says how much that was.
//!
//! To look into a process is to read the name of each of its descriptors. The look before a restart
//! is into every process: with 500 that have a dozen each, some 30 ms of processor time. Those that
//! hold nothing then are bystanders: the search for newcomers, which is repeated, goes into all
//! others and into one bystander of [`SHARES`], and takes less than 10 ms with 500 processes,
//! mostly to list them. A process that came later is therefore seen at once, and a bystander that
//! takes a socket, or whose pid is another process by now, after so many looks.

use std::collections::HashSet;
use std::fs;
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{CWD, Mode, OFlags, RawDir, openat, readlinkat_raw};
use rustix::io::Errno;

use super::sockets::{inodes, is_local};
use crate::target::Target;

/// How many looks go by until each bystander was looked into again.
const SHARES: u32 = 20;

/// A process that holds a socket of the server. Its start tells it from an earlier one of its pid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Holder {
    /// When it started, in ticks since the machine did.
    started_ticks: u64,
    pub(crate) pid: u32,
}

#[cfg(test)]
impl Holder {
    /// One that nobody looked for.
    pub(crate) fn of_test(pid: u32) -> Self {
        Self { started_ticks: 1, pid }
    }
}

/// What was seen at one look.
#[derive(Debug, Clone, Default)]
pub(crate) struct Sight {
    /// Whether anybody listens there at all, on this machine and in this network namespace.
    pub(crate) is_served: bool,
    pub(crate) holders: HashSet<Holder>,
    /// How many processes may not be looked into.
    pub(crate) unreadable: usize,
}

/// The processes that serve some targets.
#[derive(Debug)]
pub(crate) struct Processes {
    targets: Vec<Target>,
    /// Who was there at the last whole look and has held nothing since.
    bystanders: Mutex<HashSet<u32>>,
}

impl Processes {
    pub(crate) fn at(mut targets: Vec<Target>) -> Self {
        targets.retain(is_local);
        Self { targets, bystanders: Mutex::default() }
    }

    /// Whether there is anything to look at: nobody looks into another machine.
    pub(crate) fn is_local(&self) -> bool {
        !self.targets.is_empty()
    }

    /// Looks who is there: into every process, since one that is not seen now would pass for a
    /// newcomer later.
    pub(crate) fn look(&self) -> io::Result<Sight> {
        let (sight, bystanders) = self.look_into(|_| true)?;
        *self.bystanders() = bystanders;
        Ok(sight)
    }

    /// Those who hold a socket now and did not before. `number` counts the looks, and says which
    /// share of the bystanders is looked into.
    pub(crate) fn newcomers(&self, before: &Sight, number: u32) -> io::Result<HashSet<Holder>> {
        let bystanders = self.bystanders().clone();
        let is_due = |pid| pid % SHARES == number % SHARES;
        let (sight, _) = self.look_into(|pid| is_due(pid) || !bystanders.contains(&pid))?;
        // The next look is to see them again.
        let mut bystanders = self.bystanders();
        sight.holders.iter().for_each(|holder| _ = bystanders.remove(&holder.pid));
        Ok(&sight.holders - &before.holders)
    }

    fn bystanders(&self) -> MutexGuard<'_, HashSet<u32>> {
        self.bystanders.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks into the processes that this chooses, and says who of them held nothing.
    fn look_into(&self, chosen: impl Fn(u32) -> bool) -> io::Result<(Sight, HashSet<u32>)> {
        let mut sockets = HashSet::new();
        for target in &self.targets {
            sockets.extend(inodes(target)?);
        }
        let mut sight = Sight { is_served: !sockets.is_empty(), ..Sight::default() };
        let mut bystanders = HashSet::new();
        if !sight.is_served {
            // Nobody holds what is not there, and whoever serves next is not a bystander.
            return Ok((sight, bystanders));
        }
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else { continue };
            if !chosen(pid) {
                continue;
            }
            match holds(pid, &sockets) {
                Ok(true) => sight
                    .holders
                    .extend(started_ticks(pid).map(|started_ticks| Holder { pid, started_ticks })),
                Ok(false) => _ = bystanders.insert(pid),
                Err(Errno::ACCESS | Errno::PERM) => {
                    sight.unreadable += 1;
                    bystanders.insert(pid);
                }
                // It has ended meanwhile.
                Err(Errno::NOENT | Errno::SRCH) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok((sight, bystanders))
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
        for number in 0..3 {
            let newcomers = pids(&processes.newcomers(&before, number).unwrap());
            assert!(newcomers.contains(&holding.0.id()) && !newcomers.contains(&own));
        }
        let gone = holding.0.id();
        drop(holding);
        let after = pids(&processes.look().unwrap().holders);
        assert!(after.contains(&own) && !after.contains(&gone));
    }

    /// Has a process taken for one that held nothing at the last whole look.
    fn take_for_bystander(processes: &Processes, pid: u32) {
        *processes.bystanders() = HashSet::from([pid]);
    }

    #[test]
    fn a_bystander_that_takes_a_socket_is_seen_when_its_turn_comes_and_from_then_on() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let processes = at(&listener);
        let holding = Holding::new(&listener);
        let pid = holding.0.id();
        let before = Sight::default();
        take_for_bystander(&processes, pid);
        let seen = (0..SHARES)
            .filter(|number| pids(&processes.newcomers(&before, *number).unwrap()).contains(&pid));
        assert_eq!(seen.collect::<Vec<_>>(), (pid % SHARES..SHARES).collect::<Vec<_>>());
    }

    #[test]
    fn a_bystander_that_took_a_socket_is_no_newcomer_after_the_next_restart() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let processes = at(&listener);
        let holding = Holding::new(&listener);
        let pid = holding.0.id();
        take_for_bystander(&processes, pid);
        let before = processes.look().unwrap();
        assert!(pids(&before.holders).contains(&pid));
        let newcomers =
            (0..SHARES).map(|number| pids(&processes.newcomers(&before, number).unwrap()));
        assert!(!newcomers.flatten().any(|newcomer| newcomer == pid));
    }

    #[test]
    fn where_nobody_listens_at_the_first_look_nobody_is_a_bystander() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let target = Target::Tcp(listener.local_addr().unwrap());
        let processes = Processes::at(vec![target]);
        drop(listener);
        assert!(!processes.look().unwrap().is_served && processes.bystanders().is_empty());
    }

    #[test]
    fn who_holds_nothing_at_a_look_is_a_bystander() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = TcpListener::bind("127.0.0.1:0").unwrap();
        let (holding, idle) = (Holding::new(&listener), Holding::new(&other));
        let processes = at(&listener);
        let first = processes.look().unwrap();
        let bystanders = processes.bystanders().clone();
        assert!(bystanders.contains(&idle.0.id()) && !bystanders.contains(&holding.0.id()));
        assert_eq!(bystanders.intersection(&pids(&first.holders)).count(), 0);
        let second = pids(&processes.look().unwrap().holders);
        assert!(second.contains(&holding.0.id()) && second.contains(&std::process::id()));
    }

    #[test]
    fn a_pid_that_is_another_process_by_now_is_new() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let processes = at(&listener);
        let mut before = processes.look().unwrap();
        let is_own = |holder: &&Holder| holder.pid == std::process::id();
        let own = before.holders.iter().find(is_own).copied().unwrap();
        before.holders = HashSet::from([Holder { started_ticks: own.started_ticks - 1, ..own }]);
        assert!(processes.newcomers(&before, 0).unwrap().contains(&own));
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
