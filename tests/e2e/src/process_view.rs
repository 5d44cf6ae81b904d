//! A process as `/proc` shows it (proc(5)). Owns the reading; refuses to touch the process.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

/// A view of one process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessView {
    pid: u32,
}

/// A process of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub pid: u32,
    /// Its parent's id.
    pub parent: u32,
    /// Its state: `Z` has ended and was not reaped.
    pub state: char,
}

impl ProcessView {
    /// The process of this id.
    #[must_use]
    pub const fn of(pid: u32) -> Self {
        Self { pid }
    }

    /// The open descriptors, and what each is.
    #[must_use]
    pub fn descriptors(self) -> BTreeMap<u32, String> {
        let entries = fs::read_dir(self.path("fd")).unwrap();
        entries
            .filter_map(|entry| {
                let path = entry.unwrap().path();
                // It may have been closed since the directory was read.
                let target = fs::read_link(&path).ok()?;
                let number = path.file_name()?.to_str()?.parse().ok()?;
                Some((number, target.to_string_lossy().into_owned()))
            })
            .collect()
    }

    /// Whether a program that it starts inherits this descriptor: it is not close-on-exec.
    #[must_use]
    pub fn passes_on(self, descriptor: u32) -> bool {
        const CLOSE_ON_EXEC: u32 = 0o2_000_000;
        let info = fs::read_to_string(self.path("fdinfo").join(descriptor.to_string()));
        let flags = info.ok().and_then(|info| {
            let text = info.lines().find_map(|line| line.strip_prefix("flags:"))?;
            u32::from_str_radix(text.trim(), 8).ok()
        });
        flags.is_some_and(|flags| flags & CLOSE_ON_EXEC == 0)
    }

    /// The environment that it was started with.
    #[must_use]
    pub fn environment(self) -> BTreeSet<String> {
        let bytes = fs::read(self.path("environ")).unwrap();
        let variables = bytes.split(|byte| *byte == 0).filter(|variable| !variable.is_empty());
        variables.map(|variable| String::from_utf8_lossy(variable).into_owned()).collect()
    }

    /// The memory that it has in use, in KiB.
    #[must_use]
    pub fn resident_kib(self) -> u64 {
        let status = fs::read_to_string(self.path("status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
    }

    /// How many threads it has.
    #[must_use]
    pub fn threads(self) -> usize {
        fs::read_dir(self.path("task")).unwrap().count()
    }

    /// The file that it runs.
    #[must_use]
    pub fn program(self) -> PathBuf {
        fs::read_link(self.path("exe")).unwrap()
    }

    /// The name of its command; none if it is gone.
    #[must_use]
    pub fn name(self) -> Option<String> {
        let name = fs::read_to_string(self.path("comm")).ok()?;
        Some(name.trim_end().to_owned())
    }

    /// The processes of the group that it leads or led.
    #[must_use]
    pub fn group(self) -> Vec<Member> {
        let pids = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            entry.unwrap().file_name().to_str().and_then(|name| name.parse::<u32>().ok())
        });
        pids.filter_map(stat)
            .filter_map(|(member, group)| (group == self.pid).then_some(member))
            .collect()
    }

    fn path(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.pid))
    }
}

/// A process and its group; none if it is gone. The command's name may hold blanks and
/// parentheses, so fields are counted from behind the last one.
fn stat(pid: u32) -> Option<(Member, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = text.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace();
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    Some((Member { pid, parent, state }, group))
}
