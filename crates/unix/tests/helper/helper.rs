//! The child of this crate's tests: each first argument is one small program.
//!
//! It reports in lines on standard output and waits on standard input. Owns no judgement: what is
//! right is said by the tests.

use std::env;
use std::error::Error;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd;
use std::path::Path;

use rekindle_unix::{
    CHANNEL_VARIABLE, ExitStatus, Marker, PidFile, PidFileError, Program, Signals, SpawnError,
    SpawnOptions, descriptor_limit, die_by, open_descriptors, raise_descriptor_limit, spawn,
    take_variable,
};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit, WaitId, WaitIdOptions, getrlimit, setrlimit, waitid};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let task = arguments.next().unwrap_or_default();
    match (task.as_str(), arguments.next().unwrap_or_default().as_str()) {
        ("program", _) => program(),
        ("program-from-elsewhere", _) => program_from_elsewhere(),
        ("restart", task) => restart(task),
        ("spawn", path) => spawn_and_tell(path, arguments),
        ("spawn-often", path) => spawn_often(path),
        ("fail-often", path) => fail_often(path),
        ("starve", path) => starve(path),
        ("marker", _) => marker(),
        ("take", name) => take(name),
        ("pid-file", path) => pid_file(path),
        ("die", signal) => die(signal),
        ("limits", _) => limits(),
        (task, _) => Err(format!("no such task: `{task}`").into()),
    }
}

/// Tells how this program would be started again.
fn program() -> Result<(), Box<dyn Error>> {
    tell(&Program::current()?)
}

/// The same, after all that could lead astray has changed.
fn program_from_elsewhere() -> Result<(), Box<dyn Error>> {
    let program = Program::current()?;
    env::set_current_dir("/")?;
    let _ = take_variable("PATH");
    let _ = take_variable("PWD");
    tell(&program)
}

fn tell(program: &Program) -> Result<(), Box<dyn Error>> {
    println!("name {}", program.name().display());
    println!("directory {}", program.directory().display());
    match program.resolve() {
        Ok(path) => println!("path {}", path.display()),
        Err(error) => println!("error {error}"),
    }
    Ok(())
}

/// Waits for the end of standard input, then starts itself again with another task.
fn restart(task: &str) -> Result<(), Box<dyn Error>> {
    let mut program = Program::current()?;
    println!("started");
    wait_for_end_of_input()?;
    program.set_arguments([task]);
    let status = spawn(&program, &SpawnOptions::default())?.wait()?;
    println!("child {status}");
    Ok(())
}

/// Starts a program, tells when it has hold of it, and waits for its end.
fn spawn_and_tell(
    path: &str,
    arguments: impl Iterator<Item = String>,
) -> Result<(), Box<dyn Error>> {
    let mut program = Program::new(path)?;
    program.set_arguments(arguments);
    let mut child = spawn(&program, &SpawnOptions::default())?;
    println!("spawned");
    child.wait()?;
    Ok(())
}

/// Starts a short program often, where ended children are ignored, and counts any other outcome
/// than the two that there are.
fn spawn_often(path: &str) -> Result<(), Box<dyn Error>> {
    let program = Program::new(path)?;
    let mut other = 0;
    for _ in 0..200 {
        other += match spawn(&program, &SpawnOptions::default()) {
            Ok(mut child) => u32::from(child.wait()? != ExitStatus::Unknown),
            Err(SpawnError::Vanished { .. }) => 0,
            Err(_) => 1,
        };
    }
    println!("other {other}");
    tell_of_children();
    Ok(())
}

/// Runs a program to its end.
fn run(path: &str, arguments: impl Iterator<Item = String>) -> Result<(), Box<dyn Error>> {
    let mut program = Program::new(path)?;
    program.set_arguments(arguments);
    spawn(&program, &SpawnOptions::default())?.wait()?;
    Ok(())
}

/// Starts what cannot be started, and tells what that left behind.
fn fail_often(path: &str) -> Result<(), Box<dyn Error>> {
    let program = Program::new(path)?;
    let before = open_descriptors()?;
    for _ in 0..50 {
        if spawn(&program, &SpawnOptions::default()).is_ok() {
            return Err("it started".into());
        }
    }
    println!("descriptors +{}", open_descriptors()? - before);
    tell_of_children();
    Ok(())
}

/// Starts a program when no descriptor is left to watch it with.
fn starve(path: &str) -> Result<(), Box<dyn Error>> {
    let program = Program::new(path)?;
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: Some(3), ..limit })?;
    let result = spawn(&program, &SpawnOptions::default());
    setrlimit(Resource::Nofile, limit)?;
    println!("limited {}", matches!(result, Err(SpawnError::LimitReached { .. })));
    tell_of_children();
    Ok(())
}

fn tell_of_children() {
    match waitid(WaitId::All, WaitIdOptions::EXITED | WaitIdOptions::NOHANG) {
        Err(Errno::CHILD) => println!("child none"),
        other => println!("child {other:?}"),
    }
}

/// Takes the channel, and tells what came of it.
fn marker() -> Result<(), Box<dyn Error>> {
    match Marker::take() {
        Ok(None) => println!("none"),
        Ok(Some(channel)) => {
            let flags = rustix::io::fcntl_getfd(&channel)?;
            println!("adopted {} {flags:?}", channel.as_raw_fd());
            rustix::io::write(&channel, b"hello")?;
        }
        Err(error) => println!("refused stale={} {error}", error.is_stale()),
    }
    println!("variable {:?}", env::var_os(CHANNEL_VARIABLE));
    println!("again {}", Marker::take()?.is_some());
    Ok(())
}

/// Takes a variable, and tells what a child of any kind then sees of it.
fn take(name: &str) -> Result<(), Box<dyn Error>> {
    println!("taken {:?}", take_variable(name));
    println!("again {:?}", take_variable(name));
    let script = format!("printenv {name} || echo child has none");
    run("/bin/sh", ["-c".into(), script.clone()].into_iter())?;
    std::process::Command::new("/bin/sh").args(["-c", &script]).status()?;
    Ok(())
}

/// Acquires a pid file and holds it until the end of standard input.
fn pid_file(path: &str) -> Result<(), Box<dyn Error>> {
    match PidFile::acquire(path) {
        Ok(_file) => {
            println!("acquired");
            wait_for_end_of_input()?;
        }
        Err(PidFileError::Running { pid, .. }) => println!("running {pid:?}"),
        Err(error) => return Err(error.into()),
    }
    Ok(())
}

/// Handles a signal, and dies by it all the same.
fn die(signal: &str) -> Result<(), Box<dyn Error>> {
    let signal = signal.parse()?;
    let _signals = Signals::new(&[signal])?;
    die_by(signal)
}

/// Counts descriptors, then raises their limit.
fn limits() -> Result<(), Box<dyn Error>> {
    println!("open {}", open_descriptors()?);
    // Counted in another way, for which no directory need be open.
    let is_open = |number: String| Path::new("/proc/self/fd").join(number).is_symlink();
    println!("tried {}", (0..4_096).filter(|number| is_open(number.to_string())).count());
    let one_more = File::open("/dev/null")?;
    println!("more {}", open_descriptors()?);
    drop(one_more);
    println!("before {:?}", descriptor_limit());
    println!("after {:?}", raise_descriptor_limit()?);
    println!("now {:?}", descriptor_limit());
    Ok(())
}

fn wait_for_end_of_input() -> io::Result<()> {
    io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
