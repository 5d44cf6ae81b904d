//! From a program's name to the file that exec would run.
//!
//! Owns the rules of execvp(3), applied without running anything, so that a failure can be told
//! apart and named. Refuses to remember anything: every call looks anew.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD, FileType, accessat, stat};
use rustix::io::Errno;

use crate::program_error::ProgramError;

/// Where the C library looks when there is no `PATH`.
pub(crate) const DEFAULT_SEARCH_PATH: &str = "/bin:/usr/bin";

/// Finds the file that `name` means for a process in `directory` with this `search_path`.
///
/// A name with a slash is a path. One without is searched for in each directory of the search
/// path, of which an empty one means `directory`. The answer begins with `directory` or is
/// absolute; symbolic links in it stay as they are, so that its text goes on to follow them.
pub(crate) fn find(
    name: &OsStr,
    directory: &Path,
    search_path: &OsStr,
) -> Result<PathBuf, ProgramError> {
    if name.as_bytes().contains(&b'/') {
        let path = directory.join(name);
        return check_executable(&path).map(|()| path);
    }
    search(name, directory, search_path)
}

fn search(name: &OsStr, directory: &Path, search_path: &OsStr) -> Result<PathBuf, ProgramError> {
    // As execvp does, a file that cannot be run hides no later one that can, but it is a better
    // answer than "not found" if there is no other.
    let mut unusable = None;
    if !name.is_empty() {
        for element in search_path.as_bytes().split(|&byte| byte == b':') {
            let path = directory.join(OsStr::from_bytes(element)).join(name);
            match check_executable(&path) {
                Ok(()) => return Ok(path),
                Err(ProgramError::NotFound { .. }) => {}
                Err(error) => unusable = unusable.or(Some(error)),
            }
        }
    }
    Err(unusable.unwrap_or_else(|| ProgramError::NotOnPath {
        name: name.to_owned(),
        search_path: search_path.to_owned(),
    }))
}

/// Whether `path` leads to a regular file that this user may execute.
fn check_executable(path: &Path) -> Result<(), ProgramError> {
    let kind = match stat(path) {
        Ok(stat) => FileType::from_raw_mode(stat.st_mode),
        Err(error) => return Err(unreachable_file(path, error)),
    };
    match kind {
        FileType::RegularFile => {}
        FileType::Directory => {
            return Err(ProgramError::IsDirectory {
                path: path.to_owned(),
            });
        }
        _ => {
            return Err(ProgramError::NotAFile {
                path: path.to_owned(),
            });
        }
    }
    // By the effective user, as exec will ask. This says no on a file system mounted `noexec` too.
    accessat(CWD, path, Access::EXEC_OK, AtFlags::EACCESS)
        .map_err(|error| unreachable_file(path, error))
}

fn unreachable_file(path: &Path, error: Errno) -> ProgramError {
    let path = path.to_owned();
    let source = error.into();
    match error {
        Errno::NOENT | Errno::NOTDIR => ProgramError::NotFound { path, source },
        Errno::ACCESS | Errno::PERM => ProgramError::NotExecutable { path, source },
        _ => ProgramError::Unreadable { path, source },
    }
}

/// Whether a process can be started in `directory`.
pub(crate) fn check_directory(directory: &Path) -> Result<(), ProgramError> {
    // The slash at the end makes the system insist on a directory.
    accessat(CWD, directory.join(""), Access::EXEC_OK, AtFlags::EACCESS).map_err(|error| {
        ProgramError::DirectoryMissing {
            directory: directory.to_owned(),
            source: error.into(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use tempfile::TempDir;

    fn write(path: &Path, mode: u32) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn found(name: &str, home: &TempDir, search_path: &str) -> Result<PathBuf, ProgramError> {
        find(OsStr::new(name), home.path(), OsStr::new(search_path))
    }

    #[test]
    fn a_name_with_a_slash_is_a_path_from_the_directory() {
        let home = TempDir::new().unwrap();
        write(&home.path().join("bin/server"), 0o755);
        let server = home.path().join("bin/server");

        assert_eq!(found("bin/server", &home, "").unwrap(), server);
        assert_eq!(
            found("./bin/server", &home, "").unwrap(),
            home.path().join("./bin/server")
        );
        assert_eq!(found(server.to_str().unwrap(), &home, "").unwrap(), server);
        let error = found("./server", &home, "bin").unwrap_err();
        assert!(matches!(error, ProgramError::NotFound { .. }), "{error}");
    }

    #[test]
    fn a_name_without_a_slash_is_searched_for_in_order() {
        let home = TempDir::new().unwrap();
        write(&home.path().join("a/server"), 0o755);
        write(&home.path().join("b/server"), 0o755);
        let (a, b) = (home.path().join("a"), home.path().join("b"));

        let both = format!("/nowhere:{}:{}", b.display(), a.display());
        assert_eq!(found("server", &home, &both).unwrap(), b.join("server"));
        assert_eq!(
            found("server", &home, "a:b").unwrap(),
            a.join("server"),
            "relative elements"
        );
    }

    #[test]
    fn an_empty_element_of_the_search_path_is_the_directory() {
        let home = TempDir::new().unwrap();
        write(&home.path().join("server"), 0o755);
        for search_path in ["", "/nowhere:", ":/nowhere", "/nowhere::/nowhere"] {
            let path = found("server", &home, search_path).unwrap();
            assert_eq!(fs::canonicalize(path).unwrap(), home.path().join("server"));
        }
        let error = found("server", &home, "/nowhere").unwrap_err();
        assert!(matches!(error, ProgramError::NotOnPath { .. }), "{error}");
    }

    #[test]
    fn what_cannot_be_run_hides_nothing_later_and_is_named_if_there_is_nothing() {
        let home = TempDir::new().unwrap();
        write(&home.path().join("a/server"), 0o644);
        fs::create_dir_all(home.path().join("b/server")).unwrap();
        write(&home.path().join("c/server"), 0o755);

        assert_eq!(
            found("server", &home, "a:b:c").unwrap(),
            home.path().join("c/server")
        );
        let error = found("server", &home, "a:b").unwrap_err();
        let ProgramError::NotExecutable { path, .. } = error else {
            panic!("{error}")
        };
        assert_eq!(path, home.path().join("a/server"));
        let error = found("server", &home, "b:a").unwrap_err();
        assert!(matches!(error, ProgramError::IsDirectory { .. }), "{error}");
    }

    #[test]
    fn each_reason_is_told_apart() {
        let home = TempDir::new().unwrap();
        write(&home.path().join("plain"), 0o644);
        symlink("absent", home.path().join("dangling")).unwrap();
        symlink("circle", home.path().join("circle")).unwrap();
        let error = |name| found(name, &home, "").unwrap_err();

        assert!(matches!(error("./absent"), ProgramError::NotFound { .. }));
        assert!(matches!(
            error("./plain/below"),
            ProgramError::NotFound { .. }
        ));
        assert!(matches!(error("./dangling"), ProgramError::NotFound { .. }));
        assert!(matches!(error("./circle"), ProgramError::Unreadable { .. }));
        assert!(matches!(
            error("./plain"),
            ProgramError::NotExecutable { .. }
        ));
        assert!(matches!(error("./"), ProgramError::IsDirectory { .. }));
        assert!(matches!(error("/dev/null"), ProgramError::NotAFile { .. }));
        assert!(matches!(error(""), ProgramError::NotOnPath { .. }));
        for name in ["./absent", "./circle", "./plain", "/dev/null"] {
            let shown = home.path().join(name).display().to_string();
            assert!(error(name).to_string().contains(&format!("`{shown}`")));
        }
    }

    #[test]
    fn the_answer_keeps_symbolic_links_by_name() {
        let home = TempDir::new().unwrap();
        write(&home.path().join("v1/server"), 0o755);
        symlink("v1", home.path().join("current")).unwrap();
        let path = found("current/server", &home, "").unwrap();
        assert_eq!(path, home.path().join("current/server"));
    }

    #[test]
    fn a_directory_must_be_one() {
        let home = TempDir::new().unwrap();
        write(&home.path().join("plain"), 0o755);
        check_directory(home.path()).unwrap();
        for name in ["absent", "plain"] {
            let error = check_directory(&home.path().join(name)).unwrap_err();
            let ProgramError::DirectoryMissing { directory, .. } = error else {
                panic!("{error}")
            };
            assert_eq!(directory, home.path().join(name));
        }
    }
}
