//! What tests leave for people to look at. Owns where that is; refuses to make it: tests do.

use std::env;
use std::path::{Path, PathBuf};

/// The directory `report` in the target directory, if any test has left something there.
pub(super) fn kept() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    kept_beside(&program)
}

/// As above, for a program that cargo built as `<target>/<profile>/<name>`.
fn kept_beside(program: &Path) -> Option<PathBuf> {
    let directory = program.parent()?.with_file_name("report");
    let mut entries = directory.read_dir().ok()?;
    entries.next().is_some().then_some(directory)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_tests_left_is_found_beside_the_profile() {
        let target = tempfile::tempdir().unwrap();
        let program = target.path().join("debug/xtask");
        assert_eq!(kept_beside(&program), None);
        let directory = target.path().join("report");
        fs::create_dir(&directory).unwrap();
        assert_eq!(kept_beside(&program), None, "it is empty");
        fs::write(directory.join("nginx.html"), "").unwrap();
        assert_eq!(kept_beside(&program), Some(directory));
    }
}
