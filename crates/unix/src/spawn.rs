//! `spawn`: starting a program, with at most one descriptor of ours.
//!
//! Owns what a child gets and does not get from us. Refuses to find the program (`program`), to
//! watch the child (`child`), and to try again.

use std::ffi::{CString, OsStr, OsString};
use std::os::fd::BorrowedFd;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use rustix::io::{Errno, retry_on_intr};
use rustix::process::{Pid, Signal as RawSignal, WaitId, WaitIdOptions, kill_process, waitid};

use crate::child::Child;
use crate::posix_spawn::{Attributes, FileActions, posix_spawn};
use crate::program::Program;
use crate::signal::Signal;
use crate::spawn_error::SpawnError;

/// What one start adds to the [`Program`].
#[derive(Clone, Debug, Default)]
pub struct SpawnOptions<'a> {
    /// The one descriptor that the child inherits, under the same number, beside its standard
    /// streams. Here it stays close-on-exec.
    pub inherit: Option<BorrowedFd<'a>>,
    /// Environment variables of this start, over those of the program: name and value.
    pub variables: Vec<(OsString, OsString)>,
    /// Whether the child leads a process group of its own, so that Ctrl-C of a terminal does not
    /// reach it. Else it stays in ours.
    pub new_process_group: bool,
}

/// Starts `program` by posix_spawn(3).
///
/// The child has
/// - the file that the program's name leads to now, in its start directory;
/// - the environment of this process, with the changes of program and options, and `PWD`;
/// - standard input, output and error of this process and [`SpawnOptions::inherit`]. Any other
///   descriptor it has only if somebody here made one without close-on-exec, which neither this
///   crate nor the standard library does;
/// - no signal blocked; the default action for each signal that we handle, for `SIGPIPE`, which
///   the Rust runtime ignores behind the program's back, and for `SIGCHLD`, which nobody wants to
///   be ignored. Other ignored signals stay ignored: whoever wrote `nohup` meant later
///   generations too.
///
/// The calling thread waits until the program runs. On slow storage, call it on a thread that has
/// the time.
///
/// # Errors
///
/// [`SpawnError`], each with the path. No child is left then, not even as a zombie.
pub fn spawn(program: &Program, options: &SpawnOptions<'_>) -> Result<Child, SpawnError> {
    let path = program.resolve()?;
    let strings = Strings::new(program, options, &path)?;
    let pid = start(&strings, options).map_err(|error| explain(program, &path, error))?;
    Child::adopt(pid).map_err(|error| match error {
        // Were it only a zombie, it could be found. The pid may be anybody's by now.
        Errno::SRCH => SpawnError::Vanished { path },
        _ => {
            abandon(pid);
            explain(program, &path, error)
        }
    })
}

/// All that is passed as C strings, built before there is a child.
struct Strings {
    path: CString,
    directory: CString,
    arguments: Vec<CString>,
    environment: Vec<CString>,
}

impl Strings {
    fn new(
        program: &Program,
        options: &SpawnOptions<'_>,
        path: &Path,
    ) -> Result<Strings, SpawnError> {
        let mut variables = program.environment();
        variables.extend(options.variables.iter().cloned());
        let arguments = [program.argument_zero()].into_iter();
        let arguments = arguments.chain(program.arguments().iter().map(OsString::as_os_str));
        Ok(Strings {
            path: c_string(path.as_os_str())?,
            directory: c_string(program.directory().as_os_str())?,
            arguments: arguments.map(c_string).collect::<Result<_, _>>()?,
            environment: variables
                .into_iter()
                .map(|(name, value)| assignment(name, &value))
                .collect::<Result<_, _>>()?,
        })
    }
}

fn assignment(name: OsString, value: &OsStr) -> Result<CString, SpawnError> {
    // A name that begins with `=` is odd, but was inherited by some and is passed on by all.
    if name.is_empty() || name.as_bytes()[1..].contains(&b'=') {
        return Err(SpawnError::NotAVariableName { name });
    }
    let mut text = name;
    text.push("=");
    text.push(value);
    c_string(&text)
}

fn c_string(text: &OsStr) -> Result<CString, SpawnError> {
    CString::new(text.as_bytes())
        .map_err(|error| SpawnError::NulByte { text: OsString::from_vec(error.into_vec()) })
}

fn start(strings: &Strings, options: &SpawnOptions<'_>) -> Result<Pid, Errno> {
    let mut actions = FileActions::new()?;
    actions.change_directory(&strings.directory)?;
    if let Some(descriptor) = options.inherit {
        actions.inherit(descriptor)?;
    }
    let mut attributes = Attributes::new()?;
    attributes.block_no_signal()?;
    attributes.restore_default_actions(&[Signal::Pipe, Signal::Chld])?;
    if options.new_process_group {
        attributes.lead_process_group()?;
    }
    posix_spawn(&strings.path, &actions, &attributes, &strings.arguments, &strings.environment)
}

/// Ends a child that we cannot watch. Until somebody has waited for it, its pid is its own.
fn abandon(pid: Pid) {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    if waitid(WaitId::Pid(pid), look).is_ok() {
        // Each may fail only because somebody else waited for it meanwhile.
        let _ = kill_process(pid, RawSignal::KILL);
        let _ = retry_on_intr(|| waitid(WaitId::Pid(pid), WaitIdOptions::EXITED));
    }
}

/// Says what an error number of posix_spawn means. The number alone does not tell the steps
/// before exec from exec, so the program is looked for once more.
fn explain(program: &Program, path: &Path, error: Errno) -> SpawnError {
    if matches!(error, Errno::NOENT | Errno::NOTDIR | Errno::ACCESS)
        && let Err(error) = program.resolve()
    {
        return error.into();
    }
    let path = PathBuf::from(path);
    let source = error.into();
    match error {
        Errno::TXTBSY => SpawnError::TextBusy { path, source },
        Errno::NOENT => SpawnError::InterpreterMissing { path, source },
        Errno::ACCESS | Errno::PERM => SpawnError::PermissionDenied { path, source },
        Errno::NOEXEC => SpawnError::NotAProgram { path, source },
        Errno::TOOBIG => SpawnError::ArgumentsTooLong { path, source },
        Errno::AGAIN | Errno::NOMEM | Errno::MFILE | Errno::NFILE => {
            SpawnError::LimitReached { path, source }
        }
        _ => SpawnError::Other { path, source },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_becomes_an_assignment() {
        let text = assignment("NAME".into(), OsStr::new("a=b")).unwrap();
        assert_eq!(text.as_bytes(), b"NAME=a=b");
        let text = assignment("=odd".into(), OsStr::new("")).unwrap();
        assert_eq!(text.as_bytes(), b"=odd=");
    }

    #[test]
    fn what_would_be_read_as_something_else_is_no_name() {
        for name in ["", "A=B", "A="] {
            let error = assignment(name.into(), OsStr::new("x")).unwrap_err();
            assert!(matches!(error, SpawnError::NotAVariableName { .. }), "{error}");
        }
    }

    #[test]
    fn a_nul_byte_is_refused_and_not_cut_at() {
        for (name, value) in [("A\0B", "x"), ("A", "x\0y")] {
            let error = assignment(name.into(), OsStr::new(value)).unwrap_err();
            let SpawnError::NulByte { text } = error else { panic!("{error}") };
            assert_eq!(text, format!("{name}={value}").as_str());
        }
    }

    #[test]
    fn numbers_of_the_system_get_their_meaning() {
        let program = Program::new("/bin/sh").unwrap();
        let path = Path::new("/bin/sh");
        let meaning = |error| explain(&program, path, error);
        assert!(meaning(Errno::TXTBSY).is_text_busy());
        assert!(!meaning(Errno::NOENT).is_text_busy());
        assert!(matches!(meaning(Errno::NOENT), SpawnError::InterpreterMissing { .. }));
        assert!(matches!(meaning(Errno::ACCESS), SpawnError::PermissionDenied { .. }));
        assert!(matches!(meaning(Errno::NOEXEC), SpawnError::NotAProgram { .. }));
        assert!(matches!(meaning(Errno::TOOBIG), SpawnError::ArgumentsTooLong { .. }));
        assert!(matches!(meaning(Errno::AGAIN), SpawnError::LimitReached { .. }));
        assert!(matches!(meaning(Errno::MFILE), SpawnError::LimitReached { .. }));
        assert!(matches!(meaning(Errno::IO), SpawnError::Other { .. }));
    }

    #[test]
    fn a_program_that_vanished_in_the_meantime_is_missing_and_not_its_interpreter() {
        let program = Program::new("/absent/program").unwrap();
        let error = explain(&program, Path::new("/absent/program"), Errno::NOENT);
        assert!(matches!(error, SpawnError::Program(_)), "{error}");
    }
}
