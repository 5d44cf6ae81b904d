//! The repository: where it is, and which files are part of it.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A work tree of this repository.
#[derive(Debug, Clone)]
pub(crate) struct Repository {
    root: PathBuf,
}

impl Repository {
    /// The one that this program was started in by cargo, else the one that it was built in.
    pub(crate) fn find() -> Self {
        let package = env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        Self { root: package.parent().unwrap_or(&package).to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// `program`, to be run at the root.
    pub(crate) fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.current_dir(&self.root);
        command
    }

    /// The cargo that runs us, to be run at the root with these arguments.
    pub(crate) fn cargo(&self, arguments: &[&str]) -> Command {
        let cargo = env::var("CARGO").unwrap_or_else(|_| "cargo".into());
        let mut command = self.command(&cargo);
        command.args(arguments);
        command
    }

    /// All files that are committed or would be, relative to the root, in order.
    pub(crate) fn files(&self) -> Result<Vec<String>> {
        let output = self
            .command("git")
            .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"])
            .output()
            .context("list the repository's files: is git there?")?;
        ensure!(
            output.status.success(),
            "list the repository's files: git says `{}`",
            String::from_utf8_lossy(&output.stderr).trim()
        );
        let listed = String::from_utf8(output.stdout).context("list files: a name is not UTF-8")?;
        let mut files: Vec<String> = listed
            .split_terminator('\0')
            // What is deleted and not committed yet is listed all the same.
            .filter(|file| self.root.join(file).is_file())
            .map(str::to_owned)
            .collect();
        files.sort_unstable();
        files.dedup();
        Ok(files)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_has_the_workspace_and_this_package_is_in_it() {
        let repository = Repository::find();
        assert!(repository.root().join("Cargo.lock").is_file());
        let files = repository.files().unwrap();
        assert!(files.contains(&"xtask/src/repository.rs".to_owned()), "{files:?}");
        assert!(!files.iter().any(|file| file.starts_with("target/")), "{files:?}");
        assert!(files.is_sorted());
    }

    #[test]
    fn where_there_is_no_repository_it_says_so() {
        let nowhere = tempfile::tempdir().unwrap();
        let repository = Repository { root: nowhere.path().to_owned() };
        let error = repository.files().unwrap_err().to_string();
        assert!(error.contains("not a git repository"), "{error}");
    }
}
