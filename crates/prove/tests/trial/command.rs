//! Restarts by a command.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rekindle_prove::restart::Command;
use rekindle_prove::{Restart as _, RestartError};

/// Waits until a process has ended: it is gone, or waits for its parent to hear of it.
async fn ended(pid: &str) {
    let deadline = Instant::now() + Duration::from_secs(10);
    let runs = |stat: String| !stat.contains(") Z ");
    while fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(runs) {
        assert!(Instant::now() < deadline, "process {pid} still runs");
        // It is nobody's child here, so that nothing tells of its end.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until a file has a whole line.
async fn line(path: &Path) -> String {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => assert!(Instant::now() < deadline, "nothing in {}", path.display()),
        }
        // A shell writes it, and nothing tells when.
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn it_is_told_the_number_of_the_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("numbers");
    let command = Command::new(format!("echo number $1 >> '{}'", path.display()));
    for number in 1..=3 {
        command.restart(number).await.unwrap();
    }
    assert_eq!(fs::read_to_string(path).unwrap(), "number 1\nnumber 2\nnumber 3\n");
}

#[tokio::test]
async fn one_that_fails_is_quoted() {
    let command = Command::new("echo first; echo second >&2; exit 3");
    let error = command.restart(1).await.unwrap_err();
    let RestartError::Failed { status, output, .. } = &error else { panic!("{error}") };
    assert_eq!((status.code(), output.as_str()), (Some(3), "first\nsecond"));
    let error = Command::new("kill -9 $$").restart(1).await.unwrap_err().to_string();
    assert_eq!(error, "run `kill -9 $$`: it ended with signal: 9 (SIGKILL) and said nothing");
}

#[tokio::test]
async fn one_that_hangs_is_killed_with_its_children() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("child");
    let line_of_shell = format!("echo before; sleep 1000 & echo $! > '{}'; wait", path.display());
    let limit = Duration::from_millis(300);
    let began = Instant::now();
    let error = Command::new(line_of_shell).limit(limit).restart(1).await.unwrap_err();
    assert!(matches!(error, RestartError::TooLong { .. }), "{error}");
    assert!(error.to_string().ends_with("it still ran after 300ms and was killed: before"));
    assert!(began.elapsed() >= limit && began.elapsed() < Duration::from_secs(10));
    ended(&line(&path).await).await;
}

#[tokio::test]
async fn one_that_nobody_waits_for_is_killed_with_its_children() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("child");
    let line_of_shell = format!("sleep 1000 & echo $! > '{}'; wait", path.display());
    let command = Command::new(line_of_shell);
    let child = tokio::select! {
        result = command.restart(1) => panic!("{result:?}"),
        child = line(&path) => child,
    };
    ended(&child).await;
}

#[tokio::test]
async fn one_that_writes_much_is_not_held_up() {
    // Many times what a pipe holds.
    let command = Command::new("head -c 20000000 /dev/zero | tr '\\0' x; echo; echo end; exit 1");
    let error = command.restart(1).await.unwrap_err();
    let RestartError::Failed { output, .. } = error else { panic!("{error}") };
    assert!(output.ends_with("x\nend") && output.len() < 10_000, "{}", output.len());
}

#[tokio::test]
async fn what_it_leaves_in_the_background_is_neither_waited_for_nor_cut() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("state");
    // It writes to the pipe of the command long after that has ended: with nobody who reads, the
    // kernel would kill it (SIGPIPE) before its last word.
    let background = format!(
        "(read go < '{fifo}'; head -c 300000 /dev/zero && echo alive > '{path}') & exit 0",
        fifo = directory.path().join("fifo").display(),
        path = path.display()
    );
    let fifo = directory.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let began = Instant::now();
    Command::new(background).restart(1).await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(5));
    tokio::task::spawn_blocking(move || fs::write(fifo, "go\n")).await.unwrap().unwrap();
    assert_eq!(line(&path).await, "alive");
}

#[tokio::test]
async fn one_that_leaves_its_server_in_the_background_is_done_when_it_ends() {
    let mut least = Duration::MAX;
    for _ in 0..10 {
        let began = Instant::now();
        Command::new("sleep 1 & exit 0").restart(1).await.unwrap();
        least = least.min(began.elapsed());
    }
    // The output of one that fails is waited for so long.
    assert!(least < Duration::from_millis(100), "{least:?}");
}

#[tokio::test]
async fn it_has_no_input_and_a_process_group_of_its_own() {
    let own = fs::read_to_string("/proc/self/stat").unwrap();
    let group = |stat: &str| {
        let (_, fields) = stat.rsplit_once(')').unwrap();
        fields.split_whitespace().nth(2).unwrap().to_owned()
    };
    let error = Command::new("cat; cat /proc/$$/stat; exit 1").restart(1).await.unwrap_err();
    let RestartError::Failed { output, .. } = error else { panic!("{error}") };
    assert_ne!(group(&output), group(&own));
    assert_eq!(group(&output), output.split(' ').next().unwrap(), "it leads its group");
}
