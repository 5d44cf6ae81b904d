//! `Program`: how to start this program, or another, again and again.
//!
//! Owns name, arguments, directory and environment of the next start. Refuses to start anything,
//! which is `spawn`, and to keep the file that it found: the next start looks anew.

use std::collections::BTreeMap;
use std::env;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::executable;
use crate::origin;
use crate::program_error::ProgramError;
use crate::watchdog::WATCHDOG_PID_VARIABLE;

/// How to start a program: by name, so that the next start runs what the name leads to *then*.
///
/// A deployment installs the next version beside the running one and switches a symbolic link, or
/// replaces the file or its whole directory. So nothing is resolved before the moment of a start,
/// and neither a later `chdir` of this process nor a later change of its `PATH` matters.
///
/// A child is told its start directory in `PWD`, under the name used here, and so captures the
/// same name again with [`Program::current`], over any number of generations.
#[derive(Clone, Debug)]
pub struct Program {
    name: OsString,
    argument_zero: OsString,
    arguments: Vec<OsString>,
    directory: PathBuf,
    search_path: OsString,
    variables: BTreeMap<OsString, Option<OsString>>,
}

impl Program {
    /// This program, as it was started. To be called first thing in `main`, before the process
    /// changes its directory or its environment.
    ///
    /// It is found again by the name that it was started with (`argv[0]`), from the directory
    /// that it was started in. Was that name made up, it is found by the name that the kernel
    /// executed, or in the last resort by its file.
    ///
    /// # Errors
    ///
    /// [`ProgramError::DirectoryUnknown`] if the current directory was deleted.
    pub fn current() -> Result<Program, ProgramError> {
        let mut arguments = env::args_os();
        let argument_zero = arguments.next().unwrap_or_default();
        let arguments = arguments.collect();
        let mut program = Program::with_name(OsString::new(), arguments)?;
        program.name = origin::name(&argument_zero, &program.directory, &program.search_path);
        program.argument_zero = argument_zero;
        // It names the one process that is to pat systemd's watchdog: us. A successor that read
        // it would leave the watchdog alone, and systemd would kill the service; see
        // sd_watchdog_enabled(3), which takes an absent one for "whoever reads this".
        if env::var_os(WATCHDOG_PID_VARIABLE) == Some(std::process::id().to_string().into()) {
            program.remove_variable(WATCHDOG_PID_VARIABLE);
        }
        Ok(program)
    }

    /// The program `path`, without arguments, in the directory of this process.
    ///
    /// As with [`Program::set_path`], a name without a slash is searched for.
    ///
    /// # Errors
    ///
    /// [`ProgramError::DirectoryUnknown`] if the current directory was deleted. Whether the
    /// program is there is not looked at; [`Program::resolve`] does that.
    pub fn new(path: impl Into<PathBuf>) -> Result<Program, ProgramError> {
        Program::with_name(path.into().into_os_string(), Vec::new())
    }

    fn with_name(name: OsString, arguments: Vec<OsString>) -> Result<Program, ProgramError> {
        let directory =
            origin::directory().map_err(|source| ProgramError::DirectoryUnknown { source })?;
        Ok(Program {
            argument_zero: name.clone(),
            name,
            arguments,
            directory,
            search_path: origin::search_path(),
            variables: BTreeMap::new(),
        })
    }

    /// Starts `path` from now on, which is then also what the program is told as its name.
    ///
    /// With a slash in it, it is taken from the start directory. Without one, it is searched for
    /// at each start in the `PATH` that was captured with this value, as execvp(3) does.
    pub fn set_path(&mut self, path: impl Into<PathBuf>) -> &mut Program {
        self.name = path.into().into_os_string();
        self.argument_zero.clone_from(&self.name);
        self
    }

    /// Gives these arguments from now on, instead of those it has. The program's own name, which
    /// C counts as argument 0, is not among them.
    pub fn set_arguments<I>(&mut self, arguments: I) -> &mut Program
    where
        I: IntoIterator,
        I::Item: Into<OsString>,
    {
        self.arguments = arguments.into_iter().map(Into::into).collect();
        self
    }

    /// Starts in `directory` from now on. A relative one is taken from the directory it has.
    pub fn set_directory(&mut self, directory: impl AsRef<Path>) -> &mut Program {
        self.directory.push(directory);
        self
    }

    /// Sets the environment variable `name`, over what this process has.
    pub fn set_variable(
        &mut self,
        name: impl Into<OsString>,
        value: impl Into<OsString>,
    ) -> &mut Program {
        self.variables.insert(name.into(), Some(value.into()));
        self
    }

    /// Leaves out the environment variable `name`, though this process may have it.
    pub fn remove_variable(&mut self, name: impl Into<OsString>) -> &mut Program {
        self.variables.insert(name.into(), None);
        self
    }

    /// The name by which it is found.
    #[must_use]
    pub fn name(&self) -> &OsStr {
        &self.name
    }

    /// Its arguments, without its own name.
    #[must_use]
    pub fn arguments(&self) -> &[OsString] {
        &self.arguments
    }

    /// The directory in which it starts.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// The file that a start would run now. Symbolic links in it are left as they are.
    ///
    /// # Errors
    ///
    /// Each reason why a start would fail that can be known beforehand, each with the path: see
    /// [`ProgramError`].
    pub fn resolve(&self) -> Result<PathBuf, ProgramError> {
        executable::check_directory(&self.directory)?;
        executable::find(&self.name, &self.directory, &self.search_path)
    }

    /// What the program is told as its name.
    pub(crate) fn argument_zero(&self) -> &OsStr {
        &self.argument_zero
    }

    /// The environment of a start now: that of this process, with the changes asked for.
    pub(crate) fn environment(&self) -> BTreeMap<OsString, OsString> {
        let mut environment: BTreeMap<_, _> = env::vars_os().collect();
        environment.insert("PWD".into(), self.directory.clone().into());
        for (name, value) in &self.variables {
            match value {
                Some(value) => environment.insert(name.clone(), value.clone()),
                None => environment.remove(name),
            };
        }
        environment
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_program_is_captured_as_it_was_started() {
        let program = Program::current().unwrap();
        let arguments: Vec<_> = env::args_os().skip(1).collect();
        assert_eq!(program.arguments(), arguments);
        assert_eq!(program.argument_zero(), env::args_os().next().unwrap());
        assert!(program.directory().is_absolute());
        let found = std::fs::canonicalize(program.resolve().unwrap()).unwrap();
        assert_eq!(found, std::fs::canonicalize("/proc/self/exe").unwrap());
    }

    #[test]
    fn a_new_path_is_also_the_new_name_of_the_program() {
        let mut program = Program::current().unwrap();
        program.set_path("/srv/other").set_arguments(["-v", "2"]);
        assert_eq!(program.name(), "/srv/other");
        assert_eq!(program.argument_zero(), "/srv/other");
        assert_eq!(program.arguments(), ["-v", "2"]);
    }

    #[test]
    fn a_relative_directory_is_taken_from_the_one_before() {
        let mut program = Program::new("x").unwrap();
        program.set_directory("/srv");
        assert_eq!(program.directory(), Path::new("/srv"));
        program.set_directory("app");
        assert_eq!(program.directory(), Path::new("/srv/app"));
    }

    #[test]
    fn the_environment_is_ours_with_the_changes() {
        let mut program = Program::new("x").unwrap();
        program.set_directory("/srv");
        let plain = program.environment();
        assert_eq!(plain.get(OsStr::new("PATH")), env::var_os("PATH").as_ref());
        assert_eq!(plain.get(OsStr::new("PWD")), Some(&"/srv".into()));

        program
            .set_variable("REKINDLE_TEST", "1")
            .remove_variable("PATH");
        let changed = program.environment();
        assert_eq!(changed.get(OsStr::new("REKINDLE_TEST")), Some(&"1".into()));
        assert_eq!(changed.get(OsStr::new("PATH")), None);
        assert!(env::var_os("REKINDLE_TEST").is_none(), "ours is left alone");

        program
            .set_variable("PWD", "/elsewhere")
            .remove_variable("REKINDLE_TEST");
        let again = program.environment();
        assert_eq!(
            again.get(OsStr::new("PWD")),
            Some(&"/elsewhere".into()),
            "the caller wins"
        );
        assert_eq!(again.get(OsStr::new("REKINDLE_TEST")), None);
    }

    #[test]
    fn a_start_directory_that_is_gone_is_told_before_anything_else() {
        let mut program = Program::new("/absent").unwrap();
        program.set_directory("/nowhere/at/all");
        let error = program.resolve().unwrap_err();
        assert!(
            matches!(error, ProgramError::DirectoryMissing { .. }),
            "{error}"
        );
        assert!(error.to_string().contains("`/nowhere/at/all`"));
    }
}
