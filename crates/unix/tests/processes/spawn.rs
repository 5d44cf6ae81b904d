//! What a child gets from us and what it does not, and why a program was not started.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use crate::support::{DEADLINE, HELPER, Helper, output_of, write_script};
use rekindle_unix::{Bell, ExitStatus, Program, ProgramError, SpawnError, SpawnOptions, spawn};
use rustix::io::{FdFlags, fcntl_getfd};
use tempfile::TempDir;

/// A shell that runs `script`, whose output goes to the file `out` in `home`, its start directory.
fn shell(home: &TempDir, script: &str) -> Program {
    let mut program = Program::new("/bin/sh").unwrap();
    program.set_directory(home.path());
    program.set_arguments(["-c", &format!("exec > out\n{script}")]);
    program
}

/// Runs `program` to a good end and gives what it wrote into `out`.
fn run(home: &TempDir, program: &Program, options: &SpawnOptions<'_>) -> String {
    let mut child = spawn(program, options).unwrap();
    assert_eq!(child.wait_for(DEADLINE).unwrap(), Some(ExitStatus::Code(0)));
    fs::read_to_string(home.path().join("out")).unwrap()
}

fn run_script(script: &str) -> String {
    let home = TempDir::new().unwrap();
    run(&home, &shell(&home, script), &SpawnOptions::default())
}

/// The set of signals in the line `key` of `/proc/PID/status`.
fn signal_set(status: &str, key: &str) -> u64 {
    let line = status.lines().find_map(|line| line.strip_prefix(key)).unwrap();
    u64::from_str_radix(line.trim_start_matches(':').trim(), 16).unwrap()
}

fn bit(signal: i32) -> u64 {
    1 << (signal - 1)
}

/// The descriptors of this process that any child would inherit: whoever runs the tests may have
/// left some.
fn inheritable() -> Vec<RawFd> {
    let numbers = fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap().parse::<RawFd>().unwrap());
    let numbers: Vec<_> = numbers.collect();
    numbers.into_iter().filter(|&number| is_inheritable(number)).collect()
}

fn is_inheritable(number: RawFd) -> bool {
    fs::read_to_string(format!("/proc/self/fdinfo/{number}")).is_ok_and(|info| {
        let flags = info.lines().find_map(|line| line.strip_prefix("flags:")).unwrap();
        i32::from_str_radix(flags.trim(), 8).unwrap() & libc::O_CLOEXEC == 0
    })
}

#[test]
fn a_child_has_the_inherited_descriptor_and_no_other_of_ours() {
    let home = TempDir::new().unwrap();
    let (inherited, other) = UnixStream::pair().unwrap();
    let _others = (
        File::open("/dev/null").unwrap(),
        TcpListener::bind("127.0.0.1:0").unwrap(),
        Bell::new().unwrap(),
        spawn(&shell(&home, "true"), &SpawnOptions::default()).unwrap(),
    );

    let mut expected = inheritable();
    expected.push(inherited.as_raw_fd());
    expected.sort_unstable();
    let options = SpawnOptions { inherit: Some(inherited.as_fd()), ..SpawnOptions::default() };
    let listing = run(&home, &shell(&home, "ls /proc/$$/fd; :"), &options);
    let mut found: Vec<RawFd> = listing.lines().map(|line| line.parse().unwrap()).collect();
    found.sort_unstable();
    assert_eq!(found, expected);

    assert!(fcntl_getfd(&inherited).unwrap().contains(FdFlags::CLOEXEC), "ours stays as it was");
    assert!(fcntl_getfd(&other).unwrap().contains(FdFlags::CLOEXEC));
}

#[test]
fn the_inherited_descriptor_leads_to_us() {
    let home = TempDir::new().unwrap();
    let (inherited, ours) = UnixStream::pair().unwrap();
    let script = format!("echo hello >&{}", inherited.as_raw_fd());
    let options = SpawnOptions { inherit: Some(inherited.as_fd()), ..SpawnOptions::default() };
    let mut child = spawn(&shell(&home, &script), &options).unwrap();
    drop(inherited);
    let text = std::io::read_to_string(ours).unwrap();
    assert_eq!(text, "hello\n");
    assert_eq!(child.wait().unwrap(), ExitStatus::Code(0));
}

#[test]
fn a_child_has_no_signal_blocked() {
    block(libc::SIGUSR1);
    let status = run_script("exec cat /proc/self/status");
    let own = fs::read_to_string("/proc/thread-self/status").unwrap();
    assert_eq!(signal_set(&own, "SigBlk"), bit(libc::SIGUSR1), "the calling thread is as it was");
    assert_eq!(signal_set(&status, "SigBlk"), 0);
}

/// Blocks `signal` for the calling thread, which a test has to itself.
fn block(signal: i32) {
    // SAFETY: The set is initialised before it is used, and the call has no other effect.
    unsafe {
        let mut set = std::mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, signal);
        assert_eq!(libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()), 0);
    }
}

#[test]
fn a_child_does_not_ignore_what_the_runtime_ignores() {
    let own = fs::read_to_string("/proc/self/status").unwrap();
    assert_ne!(signal_set(&own, "SigIgn") & bit(libc::SIGPIPE), 0, "else this shows nothing");
    let status = run_script("exec cat /proc/self/status");
    assert_eq!(signal_set(&status, "SigIgn") & bit(libc::SIGPIPE), 0);
}

#[test]
fn what_was_ignored_on_purpose_stays_ignored_but_for_ended_children() {
    let mut helper = Helper::start(
        Command::new("env")
            .args(["--ignore-signal=HUP", "--ignore-signal=CHLD", HELPER])
            // It tells its status, and then waits with us until the helper has hold of it.
            .args(["spawn", "/bin/cat", "/proc/self/status", "-"]),
    );
    let mut output = String::new();
    while !(output.contains("spawned\n") && output.contains("SigCgt")) {
        output += &format!("{}\n", helper.line());
    }
    helper.finish();
    assert_ne!(signal_set(&output, "SigIgn") & bit(libc::SIGHUP), 0);
    assert_eq!(signal_set(&output, "SigIgn") & bit(libc::SIGCHLD), 0);
}

#[test]
fn a_child_starts_in_its_directory_and_is_told_its_name() {
    let home = TempDir::new().unwrap();
    fs::create_dir(home.path().join("real")).unwrap();
    symlink("real", home.path().join("link")).unwrap();
    let mut program = shell(&home, r#"pwd -P; echo "$PWD""#);
    program.set_directory("link");
    let mut child = spawn(&program, &SpawnOptions::default()).unwrap();
    assert_eq!(child.wait().unwrap(), ExitStatus::Code(0));

    let output = fs::read_to_string(home.path().join("real/out")).unwrap();
    let real = home.path().join("real").canonicalize().unwrap();
    let link = home.path().join("link");
    assert_eq!(output, format!("{}\n{}\n", real.display(), link.display()));
}

#[test]
fn a_start_changes_the_environment_of_the_child_alone() {
    let home = TempDir::new().unwrap();
    let script = r#"echo "$PROGRAM $OPTION ${HOME-none} ${PATH:+some}""#;
    let mut program = shell(&home, script);
    program.set_variable("PROGRAM", "a").set_variable("OPTION", "b").remove_variable("HOME");
    let variables = vec![("OPTION".into(), "c d".into())];
    let options = SpawnOptions { variables, ..SpawnOptions::default() };
    assert_eq!(run(&home, &program, &options), "a c d none some\n");
    assert_eq!(run(&home, &program, &SpawnOptions::default()), "a b none some\n");
    assert_eq!(std::env::var_os("PROGRAM"), None);
}

#[test]
fn arguments_arrive_as_they_are() {
    let home = TempDir::new().unwrap();
    let script = r#"for argument; do echo "<$argument>"; done > out"#;
    let mut program = shell(&home, "");
    program.set_arguments(["-c", script, "sh", "", "a b", "*", "$HOME", "é\n"]);
    let output = run(&home, &program, &SpawnOptions::default());
    assert_eq!(output, "<>\n<a b>\n<*>\n<$HOME>\n<é\n>\n");
}

#[test]
fn a_child_leads_a_process_group_only_if_asked_to() {
    let home = TempDir::new().unwrap();
    let program = shell(&home, "cut -d ' ' -f 5 /proc/$$/stat; echo $$");
    let own = rustix::process::getpgrp().as_raw_nonzero().to_string();

    let output = run(&home, &program, &SpawnOptions::default());
    assert_eq!(output.lines().next().unwrap(), own);
    let options = SpawnOptions { new_process_group: true, ..SpawnOptions::default() };
    let output = run(&home, &program, &options);
    let lines: Vec<_> = output.lines().collect();
    assert_eq!(lines[0], lines[1]);
}

#[test]
fn a_link_that_is_switched_is_followed_at_the_next_start() {
    let home = TempDir::new().unwrap();
    write_script(&home.path().join("v1/server"), "echo one > out");
    write_script(&home.path().join("v2/server"), "echo two > out");
    symlink("v1", home.path().join("current")).unwrap();
    let mut program = Program::new("current/server").unwrap();
    program.set_directory(home.path());

    assert_eq!(run(&home, &program, &SpawnOptions::default()), "one\n");
    fs::remove_file(home.path().join("current")).unwrap();
    symlink("v2", home.path().join("current")).unwrap();
    assert_eq!(run(&home, &program, &SpawnOptions::default()), "two\n");
}

#[test]
fn a_program_is_searched_for_at_each_start() {
    let mut program = Program::new("sh").unwrap();
    program.set_arguments(["-c", "exit 3"]);
    let mut child = spawn(&program, &SpawnOptions::default()).unwrap();
    assert_eq!(child.wait().unwrap(), ExitStatus::Code(3));
}

/// Tries to start `program`, which must fail.
fn failure(program: &Program) -> SpawnError {
    spawn(program, &SpawnOptions::default()).map(drop).unwrap_err()
}

/// A program of its own directory, of which the error is to be seen.
fn program_at(home: &TempDir, name: &str) -> (Program, PathBuf) {
    let path = home.path().join(name);
    (Program::new(&path).unwrap(), path)
}

#[test]
fn a_file_that_is_being_written_is_busy_and_then_starts() {
    let home = TempDir::new().unwrap();
    let (program, path) = program_at(&home, "server");
    write_script(&path, "exit 7");

    let writer = OpenOptions::new().append(true).open(&path).unwrap();
    let error = failure(&program);
    assert!(error.is_text_busy(), "{error}");
    assert!(error.to_string().contains(&format!("`{}`", path.display())), "{error}");
    drop(writer);

    // A child that a parallel test is just starting may still have the writer's descriptor.
    let deadline = Instant::now() + DEADLINE;
    let mut child = loop {
        match spawn(&program, &SpawnOptions::default()) {
            Ok(child) => break child,
            Err(error) => assert!(error.is_text_busy() && Instant::now() < deadline, "{error}"),
        }
    };
    assert_eq!(child.wait().unwrap(), ExitStatus::Code(7));
}

#[test]
fn a_program_that_cannot_be_found_or_run_is_told_with_the_reason() {
    let home = TempDir::new().unwrap();
    let (missing, missing_path) = program_at(&home, "missing");
    let (plain, plain_path) = program_at(&home, "plain");
    write_script(&plain_path, "");
    fs::set_permissions(&plain_path, fs::Permissions::from_mode(0o644)).unwrap();
    let (directory, directory_path) = program_at(&home, "");

    let error = failure(&missing);
    assert!(matches!(error, SpawnError::Program(ProgramError::NotFound { .. })), "{error}");
    assert!(error.to_string().contains(&missing_path.display().to_string()));
    let error = failure(&plain);
    assert!(matches!(error, SpawnError::Program(ProgramError::NotExecutable { .. })), "{error}");
    assert!(error.to_string().contains(&plain_path.display().to_string()));
    let error = failure(&directory);
    assert!(matches!(error, SpawnError::Program(ProgramError::IsDirectory { .. })), "{error}");
    assert!(error.to_string().contains(&directory_path.display().to_string()));
}

#[test]
fn a_start_directory_that_is_gone_is_not_taken_for_a_missing_program() {
    let home = TempDir::new().unwrap();
    let mut program = Program::new("/bin/sh").unwrap();
    program.set_directory(home.path().join("gone"));
    let error = failure(&program);
    assert!(matches!(error, SpawnError::Program(ProgramError::DirectoryMissing { .. })), "{error}");
}

#[test]
fn a_file_that_is_no_program_is_told_from_a_missing_interpreter() {
    let home = TempDir::new().unwrap();
    let (no_program, path) = program_at(&home, "no-program");
    write_script(&path, "");
    replace_content(&path, "nonsense");
    let error = failure(&no_program);
    assert!(matches!(error, SpawnError::NotAProgram { .. }), "{error}");

    replace_content(&path, "#!/nowhere/interpreter");
    let error = failure(&no_program);
    assert!(matches!(error, SpawnError::InterpreterMissing { .. }), "{error}");
}

/// Writes `content` into a file by another process, for the reason told at `write_script`.
fn replace_content(path: &Path, content: &str) {
    let script = r#"echo "$2" > "$1""#;
    let mut shell = Command::new("/bin/sh");
    shell.args([OsStr::new("-c"), script.as_ref(), "sh".as_ref(), path.as_ref(), content.as_ref()]);
    assert!(shell.status().unwrap().success());
}

#[test]
fn what_is_too_long_is_refused_by_the_system_and_told() {
    let home = TempDir::new().unwrap();
    let mut program = shell(&home, "true");
    // A single string may have 128 KiB, see execve(2).
    program.set_arguments(["x".repeat(1 << 20)]);
    let error = failure(&program);
    assert!(matches!(error, SpawnError::ArgumentsTooLong { .. }), "{error}");
}

#[test]
fn a_nul_byte_is_refused_wherever_it_is() {
    let home = TempDir::new().unwrap();
    let mut argument = shell(&home, "true");
    argument.set_arguments(["a\0b"]);
    let mut variable = shell(&home, "true");
    variable.set_variable("NAME", "a\0b");
    for program in [argument, variable] {
        let error = failure(&program);
        assert!(matches!(error, SpawnError::NulByte { .. }), "{error}");
    }
}

#[test]
fn a_failed_start_costs_no_descriptor_and_leaves_no_child() {
    let home = TempDir::new().unwrap();
    let path = home.path().join("no-program");
    write_script(&path, "");
    replace_content(&path, "nonsense");
    let output = output_of(Command::new(HELPER).arg("fail-often").arg(&path));
    assert_eq!(output, "descriptors +0\nchild none\n");
}

#[test]
fn a_child_that_cannot_be_watched_is_not_left_alone() {
    let output = output_of(Command::new(HELPER).args(["starve", "/bin/cat"]));
    assert_eq!(output, "limited true\nchild none\n");
}

#[test]
fn where_ended_children_are_ignored_a_short_one_is_lost_but_never_mistaken() {
    let output = output_of(Command::new("env").args([
        "--ignore-signal=CHLD",
        HELPER,
        "spawn-often",
        "/bin/true",
    ]));
    assert_eq!(output, "other 0\nchild none\n");
}
