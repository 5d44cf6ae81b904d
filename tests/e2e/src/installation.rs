//! Where a service is installed: a directory of its own with the link `current` to the program.
//! Owns what a deployment changes there; refuses to start anything.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::manner::Manner;

/// The binaries of this package, as the test that was built with them knows.
#[derive(Debug, Clone, Copy)]
pub struct Programs {
    /// The good server.
    pub server: &'static str,
    /// The bad next version.
    pub impostor: &'static str,
    /// Somebody who asks over a control socket.
    pub ask: &'static str,
}

/// Which next version is installed.
#[derive(Debug, Clone, Copy)]
pub enum Next {
    /// The server.
    Good,
    /// One that misbehaves.
    Bad(Manner),
    /// None: the link leads nowhere.
    Missing,
    /// A file that nobody may execute.
    NotExecutable,
    /// A file that is executable and no program.
    NotAProgram,
}

/// A directory in which a service is installed. It is removed when dropped.
#[derive(Debug)]
pub struct Installation {
    directory: TempDir,
    programs: Programs,
}

impl Installation {
    /// A new directory, with the good server in it.
    #[must_use]
    pub fn new(programs: Programs) -> Self {
        let installation = Self { directory: TempDir::new().unwrap(), programs };
        installation.install(Next::Good);
        installation
    }

    /// The directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A path in the directory.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.directory.path().join(name)
    }

    /// The program that the service is started by.
    #[must_use]
    pub fn current(&self) -> PathBuf {
        self.path("current")
    }

    /// The binaries.
    #[must_use]
    pub const fn programs(&self) -> Programs {
        self.programs
    }

    /// Lets `current` lead to another next version, at once.
    pub fn install(&self, next: Next) {
        match next {
            Next::Good => self.switch(self.programs.server),
            Next::Bad(manner) => {
                let text = serde_json::to_vec(&manner).unwrap();
                fs::write(self.path(Manner::FILE), text).unwrap();
                self.switch(self.programs.impostor);
            }
            Next::Missing => self.switch(self.path("nowhere")),
            Next::NotExecutable => {
                fs::write(self.path("plain"), "#!/bin/sh\n").unwrap();
                self.switch(self.path("plain"));
            }
            Next::NotAProgram => {
                let path = self.path("noise");
                fs::write(&path, [0x7f; 64]).unwrap();
                fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
                self.switch(path);
            }
        }
    }

    /// Lets `current` lead to `target`: a new link takes the place of the old one, as a
    /// deployment does it, so that there is one at every moment.
    pub fn switch(&self, target: impl AsRef<Path>) {
        let fresh = self.path("current.new");
        symlink(target, &fresh).unwrap();
        fs::rename(fresh, self.current()).unwrap();
    }
}
