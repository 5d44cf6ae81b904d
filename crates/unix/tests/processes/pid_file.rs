//! The pid file over first starts, upgrades, roll backs and crashes, by many at once.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{DEADLINE, HELPER, Helper};
use rekindle_unix::{PidFile, PidFileError, Process, Signal};
use tempfile::TempDir;

fn own() -> u32 {
    std::process::id()
}

fn home() -> (TempDir, PathBuf) {
    let home = TempDir::new().unwrap();
    let path = home.path().join("server.pid");
    (home, path)
}

/// The names in a directory, hidden ones too.
fn names(home: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(home.path()).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// Another process that tries to acquire `path`, and its first line.
fn acquire_elsewhere(path: &Path) -> (Helper, String) {
    let mut helper = Helper::start(Command::new(HELPER).arg("pid-file").arg(path));
    let line = helper.line();
    (helper, line)
}

#[test]
fn a_first_start_writes_its_pid_and_leaves_nothing_when_it_ends() {
    let (home, path) = home();
    let file = PidFile::acquire(&path).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", own()));
    assert_eq!(PidFile::read(&path).unwrap(), own());
    assert_eq!(names(&home), ["server.pid"]);
    assert!(file.is_ours().unwrap());
    assert_eq!(file.path(), path);
    file.remove().unwrap();
    assert_eq!(names(&home), [""; 0]);

    drop(PidFile::acquire(&path).unwrap());
    assert_eq!(names(&home), [""; 0], "dropped is removed");
}

#[test]
fn everybody_may_read_it_and_only_its_owner_write() {
    let (_home, path) = home();
    let _file = PidFile::acquire(&path).unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode & !0o644, 0);
    assert_ne!(mode & 0o600, 0);
}

#[test]
fn a_second_instance_is_refused_and_told_which_one_runs() {
    let (_home, path) = home();
    let (first, line) = acquire_elsewhere(&path);
    assert_eq!(line, "acquired");
    let pid = first.pid();
    assert_eq!(PidFile::read(&path).unwrap(), pid);

    let error = PidFile::acquire(&path).unwrap_err();
    assert!(matches!(error, PidFileError::Running { pid: Some(found), .. } if found == pid));
    assert!(error.to_string().contains(&format!("process {pid}")), "{error}");
    assert!(error.to_string().contains(&format!("`{}`", path.display())), "{error}");
    let (second, line) = acquire_elsewhere(&path);
    assert_eq!(line, format!("running Some({pid})"));
    assert_eq!(PidFile::read(&path).unwrap(), pid, "the refused ones changed nothing");

    second.finish();
    first.finish();
    PidFile::acquire(&path).unwrap();
}

#[test]
fn the_same_process_is_a_second_instance_too() {
    let (_home, path) = home();
    let _file = PidFile::acquire(&path).unwrap();
    let error = PidFile::acquire(&path).unwrap_err();
    assert!(matches!(error, PidFileError::Running { pid: Some(pid), .. } if pid == own()));
}

#[test]
fn the_file_of_a_killed_instance_is_stale_and_replaced() {
    let (home, path) = home();
    let (killed, line) = acquire_elsewhere(&path);
    assert_eq!(line, "acquired");
    let process = Process::open(killed.pid()).unwrap();
    killed.kill();
    assert!(process.wait_for(DEADLINE).unwrap());
    assert_eq!(names(&home), ["server.pid"], "nobody was left to remove it");

    let _file = PidFile::acquire(&path).unwrap();
    assert_eq!(PidFile::read(&path).unwrap(), own());
    assert_eq!(names(&home), ["server.pid"]);
}

#[test]
fn a_file_that_nobody_holds_is_stale_whatever_is_in_it() {
    let (_home, path) = home();
    let parent = format!("{}\n", std::os::unix::process::parent_id());
    // The last is the pid of a process that runs.
    for content in ["", "garbage", "0\n", "4194304\n", &"9".repeat(10_000), &parent] {
        fs::write(&path, content).unwrap();
        let file = PidFile::acquire(&path).unwrap();
        assert_eq!(PidFile::read(&path).unwrap(), own());
        file.remove().unwrap();
    }
}

#[test]
fn what_is_no_regular_file_is_refused_and_left_alone() {
    let (home, path) = home();
    let target = home.path().join("target");
    fs::write(&target, "precious").unwrap();
    let make: [(&str, &dyn Fn()); 4] = [
        ("a directory", &|| fs::create_dir(&path).unwrap()),
        ("a symbolic link", &|| symlink(&target, &path).unwrap()),
        ("a symbolic link", &|| symlink("nowhere", &path).unwrap()),
        ("a named pipe", &|| {
            assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        }),
    ];
    for (kind, make) in make {
        make();
        let before = fs::symlink_metadata(&path).unwrap().file_type();
        for error in [PidFile::acquire(&path).unwrap_err(), PidFile::take_over(&path).unwrap_err()]
        {
            assert!(matches!(error, PidFileError::NotAFile { .. }), "{error}");
            assert!(error.to_string().contains(kind), "{error}");
        }
        assert_eq!(fs::symlink_metadata(&path).unwrap().file_type(), before);
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
        assert_eq!(names(&home).len(), 2);
        if before.is_dir() { fs::remove_dir(&path) } else { fs::remove_file(&path) }.unwrap();
    }
}

#[test]
fn a_directory_that_is_not_there_is_told() {
    let (home, _) = home();
    let path = home.path().join("missing/server.pid");
    for error in [PidFile::acquire(&path).unwrap_err(), PidFile::take_over(&path).unwrap_err()] {
        assert!(matches!(error, PidFileError::DirectoryMissing { .. }), "{error}");
        assert!(error.to_string().contains(&path.display().to_string()));
    }
}

#[test]
fn reading_tells_apart_what_is_wrong() {
    let (home, path) = home();
    assert!(matches!(PidFile::read(&path).unwrap_err(), PidFileError::NotFound { .. }));
    for content in ["", "x", "1 2", &"1".repeat(1_000)] {
        fs::write(&path, content).unwrap();
        let error = PidFile::read(&path).unwrap_err();
        assert!(matches!(error, PidFileError::Malformed { .. }), "{content:?}: {error}");
        assert!(error.to_string().contains(&path.display().to_string()));
    }
    assert!(matches!(PidFile::read(home.path()).unwrap_err(), PidFileError::NotAFile { .. }));
    fs::write(&path, " 77\n").unwrap();
    symlink(&path, home.path().join("link")).unwrap();
    assert_eq!(PidFile::read(home.path().join("link")).unwrap(), 77);
}

#[test]
fn a_successor_takes_over_and_the_predecessor_removes_nothing_of_it() {
    let (home, path) = home();
    let (old, line) = acquire_elsewhere(&path);
    assert_eq!(line, "acquired");

    let new = PidFile::take_over(&path).unwrap();
    assert_eq!(PidFile::read(&path).unwrap(), own());
    old.finish();
    assert_eq!(PidFile::read(&path).unwrap(), own(), "the old one has removed its own alone");
    assert!(new.is_ours().unwrap());

    let (third, line) = acquire_elsewhere(&path);
    assert_eq!(line, format!("running Some({})", own()));
    third.finish();
    new.remove().unwrap();
    assert_eq!(names(&home), [""; 0]);
}

#[test]
fn an_old_process_that_resumes_writes_its_own_again() {
    let (home, path) = home();
    let mut old = PidFile::acquire(&path).unwrap();
    let new = PidFile::take_over(&path).unwrap();
    assert!(!old.is_ours().unwrap());
    // The new process dies: its lock goes, its file stays.
    new.leave();
    assert!(path.exists());

    old.write_again().unwrap();
    assert!(old.is_ours().unwrap());
    let error = PidFile::acquire(&path).unwrap_err();
    assert!(matches!(error, PidFileError::Running { .. }), "it is locked: {error}");
    old.remove().unwrap();
    assert_eq!(names(&home), [""; 0]);
}

#[test]
fn an_old_process_that_leaves_its_file_gives_up_the_lock_alone() {
    let (_home, path) = home();
    PidFile::acquire(&path).unwrap().leave();
    assert_eq!(PidFile::read(&path).unwrap(), own());
    PidFile::acquire(&path).unwrap();
}

#[test]
fn a_hundred_upgrades_leave_one_file() {
    let (home, path) = home();
    let mut current = PidFile::acquire(&path).unwrap();
    for _ in 0..100 {
        let next = PidFile::take_over(&path).unwrap();
        assert!(next.is_ours().unwrap());
        drop(std::mem::replace(&mut current, next));
        assert!(current.is_ours().unwrap());
    }
    assert_eq!(names(&home), ["server.pid"]);
}

#[test]
fn a_relative_path_is_made_absolute_at_once() {
    let file = PidFile::acquire(format!("relative-{}.pid", own())).unwrap();
    assert!(file.path().is_absolute());
    assert_eq!(file.path().parent().unwrap(), std::env::current_dir().unwrap());
    file.remove().unwrap();
}

#[test]
fn of_many_first_starts_at_once_exactly_one_wins() {
    for round in 0..20 {
        let (home, path) = home();
        if round % 2 == 1 {
            fs::write(&path, "4194304\n").unwrap();
        }
        let start = Barrier::new(8);
        let winners: Vec<_> = thread::scope(|scope| {
            let starters: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        start.wait();
                        match PidFile::acquire(&path) {
                            Ok(file) => Some(file),
                            Err(PidFileError::Running { pid, .. }) => {
                                assert_eq!(pid, Some(own()));
                                None
                            }
                            Err(error) => panic!("{error}"),
                        }
                    })
                })
                .collect();
            starters.into_iter().filter_map(|starter| starter.join().unwrap()).collect()
        });
        assert_eq!(winners.len(), 1);
        assert!(winners[0].is_ours().unwrap());
        assert_eq!(names(&home), ["server.pid"]);
    }
}

#[test]
fn of_many_processes_that_start_at_once_exactly_one_wins() {
    let (_home, path) = home();
    fs::write(&path, "4194304\n").unwrap();
    let mut helpers: Vec<_> =
        (0..8).map(|_| Helper::start(Command::new(HELPER).arg("pid-file").arg(&path))).collect();
    let lines: Vec<_> = helpers.iter_mut().map(Helper::line).collect();
    let winner = PidFile::read(&path).unwrap();
    assert_eq!(lines.iter().filter(|line| *line == "acquired").count(), 1, "{lines:?}");
    let refused = format!("running Some({winner})");
    assert_eq!(lines.iter().filter(|line| **line == refused).count(), 7, "{lines:?}");
    for helper in helpers {
        helper.finish();
    }
}

#[test]
fn a_lock_on_the_directory_by_a_stranger_does_not_keep_a_server_from_starting() {
    let (home, path) = home();
    fs::write(&path, "4194304\n").unwrap();
    let directory = fs::File::open(home.path()).unwrap();
    rustix::fs::flock(&directory, rustix::fs::FlockOperation::LockExclusive).unwrap();

    let start = Barrier::new(4);
    let winners = thread::scope(|scope| {
        let starters: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    start.wait();
                    PidFile::acquire(&path).ok()
                })
            })
            .collect();
        starters.into_iter().filter_map(|starter| starter.join().unwrap()).collect::<Vec<_>>()
    });
    assert_eq!(winners.len(), 1, "even then there is one winner");
}

#[test]
fn each_change_waits_for_its_turn_at_the_directory_but_not_without_end() {
    let (home, path) = home();
    let mut old = PidFile::acquire(&path).unwrap();
    let directory = fs::File::open(home.path()).unwrap();
    rustix::fs::flock(&directory, rustix::fs::FlockOperation::LockExclusive).unwrap();
    let waited = |begin: Instant| begin.elapsed() >= Duration::from_millis(500);

    let begin = Instant::now();
    let new = PidFile::take_over(&path).unwrap();
    assert!(waited(begin));
    let begin = Instant::now();
    old.write_again().unwrap();
    assert!(waited(begin));
    let begin = Instant::now();
    old.remove().unwrap();
    assert!(waited(begin));
    new.leave();
    assert!(!path.exists());
}

#[test]
fn a_reader_sees_a_whole_and_locked_file_at_each_moment() {
    let (_home, path) = home();
    let mut file = PidFile::acquire(&path).unwrap();
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            for _ in 0..500 {
                file.write_again().unwrap();
            }
            done.store(true, Ordering::Release);
        });
        while !done.load(Ordering::Acquire) {
            assert_eq!(PidFile::read(&path).unwrap(), own());
            let error = PidFile::acquire(&path).unwrap_err();
            assert!(
                matches!(error, PidFileError::Running { .. } | PidFileError::Contended { .. }),
                "{error}"
            );
        }
    });
}

#[test]
fn a_predecessor_that_ends_at_the_moment_of_the_take_over_removes_nothing_of_it() {
    let (_home, path) = home();
    for _ in 0..300 {
        let old = PidFile::acquire(&path).unwrap();
        let start = Barrier::new(2);
        let new = thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                old.remove().unwrap();
            });
            start.wait();
            PidFile::take_over(&path).unwrap()
        });
        assert!(new.is_ours().unwrap());
        new.remove().unwrap();
    }
}

#[test]
fn the_pid_that_is_read_can_be_signalled() {
    let (_home, path) = home();
    let (server, line) = acquire_elsewhere(&path);
    assert_eq!(line, "acquired");
    let process = Process::open(PidFile::read(&path).unwrap()).unwrap();
    process.kill(Signal::Term).unwrap();
    assert!(process.wait_for(DEADLINE).unwrap());
    drop(server);
}
