//! How this process was started: by which name, and in which directory.
//!
//! Owns the reading of what the kernel and the shell left behind for it. Refuses to look again
//! later: a process may change its directory and its environment.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::fs::stat;
use rustix::param::linux_execfn;

use crate::executable::{DEFAULT_SEARCH_PATH, find};

/// Which file a name leads to: device and inode.
type FileIdentity = (u64, u64);

/// The search path of this process.
pub(crate) fn search_path() -> OsString {
    env::var_os("PATH").unwrap_or_else(|| DEFAULT_SEARCH_PATH.into())
}

/// The directory that this process is in, by the name that whoever started it used.
///
/// A shell writes the name it came by into `PWD`. getcwd(3) would give the name with each
/// symbolic link resolved, and a release directory that is switched by one would be missed. `PWD`
/// is believed only if it leads to the same directory.
pub(crate) fn directory() -> io::Result<PathBuf> {
    let here = identity(Path::new("."));
    let named = env::var_os("PWD")
        .map(PathBuf::from)
        .filter(|named| named.is_absolute());
    match named {
        Some(named) if here.is_some() && identity(&named) == here => Ok(named),
        _ => env::current_dir(),
    }
}

/// The name by which to find this program again, seen from `directory`.
///
/// Rightly it is `argument_zero`, what the starter called it. Yet a starter may make that up (a
/// login shell's `-sh`, a `server: master` for process lists), and then it may even lead to some
/// other program. So it is believed only if it leads to the same file as the name that the kernel
/// was given to execute (`AT_EXECFN`, see getauxval(3)), which comes next: it too follows symbolic
/// links. The last resort is the file itself.
pub(crate) fn name(argument_zero: &OsStr, directory: &Path, search_path: &OsStr) -> OsString {
    let executed = OsStr::from_bytes(linux_execfn().to_bytes());
    let leads_to = |name: &OsStr| identity(&find(name, directory, search_path).ok()?);
    choose_name(argument_zero, executed, leads_to)
        .map(OsStr::to_owned)
        .or_else(running_file)
        .unwrap_or_else(|| argument_zero.to_owned())
}

fn choose_name<'a>(
    argument_zero: &'a OsStr,
    executed: &'a OsStr,
    leads_to: impl Fn(&OsStr) -> Option<FileIdentity>,
) -> Option<&'a OsStr> {
    let leads_to = |name: &OsStr| is_lasting(name).then(|| leads_to(name)).flatten();
    // Without a slash, the kernel meant the current directory where we would search.
    let is_path = executed.as_bytes().contains(&b'/');
    let by_executed = Some(executed).filter(|_| is_path).and_then(leads_to);
    match (leads_to(argument_zero), by_executed) {
        (Some(named), Some(executed)) if named == executed => Some(argument_zero),
        (_, Some(_)) => Some(executed),
        (Some(_), None) => Some(argument_zero),
        (None, None) => None,
    }
}

/// Whether a name means the same in every process. A program that was executed by the number of
/// a descriptor, or as `/proc/self/exe`, has a name that does not.
fn is_lasting(name: &OsStr) -> bool {
    let name = name.as_bytes();
    !name.starts_with(b"/proc/") && !name.starts_with(b"/dev/fd/")
}

/// The file that runs, without the mark that the kernel adds once it was deleted: the next
/// version will have the same name.
fn running_file() -> Option<OsString> {
    const DELETED: &[u8] = b" (deleted)";
    let path = std::fs::read_link("/proc/self/exe").ok()?;
    if path.exists() {
        return Some(path.into());
    }
    let mut name = path.into_os_string().into_vec();
    if name.ends_with(DELETED) {
        name.truncate(name.len() - DELETED.len());
    }
    Some(OsString::from_vec(name))
}

fn identity(path: &Path) -> Option<FileIdentity> {
    let stat = stat(path).ok()?;
    Some((stat.st_dev, stat.st_ino))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The name chosen where these names lead to files of these numbers.
    fn chosen(argument_zero: &str, executed: &str, files: &[(&str, u64)]) -> Option<String> {
        let leads_to = |name: &OsStr| {
            files
                .iter()
                .find(|(known, _)| OsStr::new(known) == name)
                .map(|&(_, inode)| (0, inode))
        };
        choose_name(OsStr::new(argument_zero), OsStr::new(executed), leads_to)
            .map(|name| name.to_str().unwrap().to_owned())
    }

    #[test]
    fn the_name_that_the_starter_used_comes_first() {
        let files = [("server", 1), ("/usr/bin/server", 1)];
        assert_eq!(
            chosen("server", "/usr/bin/server", &files).unwrap(),
            "server"
        );
    }

    #[test]
    fn a_name_that_was_made_up_gives_way_to_the_name_that_was_executed() {
        let files = [("/srv/current/server", 1), ("cat", 2)];
        for made_up in ["server: master", "-server", "", "cat"] {
            let name = chosen(made_up, "/srv/current/server", &files).unwrap();
            assert_eq!(name, "/srv/current/server", "{made_up}");
        }
    }

    #[test]
    fn the_name_that_was_executed_counts_only_while_it_leads_somewhere() {
        let files = [
            ("./server", 1),
            ("/dev/fd/5", 1),
            ("/proc/self/fd/5", 1),
            ("bare", 1),
        ];
        for executed in ["/gone", "/dev/fd/5", "/proc/self/fd/5", "bare", ""] {
            assert_eq!(chosen("./server", executed, &files).unwrap(), "./server");
            assert_eq!(chosen("made up", executed, &files), None);
            assert_eq!(chosen("/dev/fd/5", executed, &files), None);
        }
    }

    #[test]
    fn a_running_process_finds_itself() {
        let directory = directory().unwrap();
        let argument_zero = env::args_os().next().unwrap();
        let name = name(&argument_zero, &directory, &search_path());
        let path = find(&name, &directory, &search_path()).unwrap();
        assert_eq!(identity(&path), identity(Path::new("/proc/self/exe")));
    }

    #[test]
    fn the_last_resort_is_the_running_file() {
        let path = running_file().unwrap();
        assert_eq!(
            identity(Path::new(&path)),
            identity(Path::new("/proc/self/exe"))
        );
    }
}
