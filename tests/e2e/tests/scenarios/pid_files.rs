//! The pid file names the process that serves, at every moment.

use std::collections::BTreeSet;
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};

use rekindle::control::Request;
use rekindle_e2e::{Face, Launch, Server, Settings};
use rekindle_unix::PidFile;

use crate::{PROGRAMS, each_face, server};

each_face!(
    s22_the_pid_file_is_right_after_every_upgrade_and_never_half_written,
    s22_a_stale_pid_file_is_replaced,
    s22_a_second_instance_is_refused,
);

fn settings(face: Face) -> Settings {
    Settings { pid_file: Some("app.pid".into()), ..Settings::new(face) }
}

fn named(server: &Server) -> u32 {
    PidFile::read(server.path("app.pid")).unwrap()
}

async fn s22_the_pid_file_is_right_after_every_upgrade_and_never_half_written(face: Face) {
    let server = server(&settings(face));
    let reader = Reader::start(&server);
    let mut pids = BTreeSet::from([server.first_pid()]);
    assert_eq!(named(&server), server.first_pid());
    for _ in 0..20 {
        let verdict = server.upgrade().committed();
        assert_eq!(named(&server), verdict.pid, "as soon as the verdict is there");
        pids.insert(verdict.pid);
    }
    let last = server.status().pid;
    let (reads, seen) = reader.stop();
    assert!(reads > 100, "{reads}");
    // It may be asleep for the whole of a generation.
    assert!(seen.len() > 1 && seen.is_subset(&pids), "{seen:?} of {pids:?}");
    let _ = server.ask(&Request::Stop {});
    server.wait_for_end(last);
    assert!(!server.path("app.pid").exists(), "it goes with the last process");
}

async fn s22_a_stale_pid_file_is_replaced(face: Face) {
    // Nobody holds its lock, so it is stale: whether its pid is nobody's, a stranger's, or none.
    let ours = format!("{}\n", std::process::id());
    for stale in ["4194304\n", ours.as_str(), "", "nonsense"] {
        let launch = Launch::new(PROGRAMS, &settings(face));
        fs::write(launch.installation().path("app.pid"), stale).unwrap();
        let server = launch.start();
        assert_eq!(named(&server), server.first_pid(), "{stale:?}");
    }
}

async fn s22_a_second_instance_is_refused(face: Face) {
    let server = server(&settings(face));
    for _ in 0..2 {
        let output = server.run_beside(&settings(face));
        assert_eq!(output.status.code(), Some(1));
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        let holder = server.status().pid;
        assert!(words.contains(&format!("process {holder} holds it")), "{words}");
        assert_eq!(named(&server), holder);
        server.upgrade().committed();
    }
}

/// Reads the pid file all the time.
struct Reader {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<(u64, BTreeSet<u32>)>,
}

impl Reader {
    fn start(server: &Server) -> Self {
        let path = server.path("app.pid");
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let (mut reads, mut seen) = (0, BTreeSet::new());
            while !stopped.load(Ordering::Relaxed) {
                let text = fs::read_to_string(&path).expect("there is one at every moment");
                let pid = text.strip_suffix('\n').expect("it is whole").parse();
                seen.insert(pid.expect("it is a number"));
                reads += 1;
            }
            (reads, seen)
        });
        Self { stop, thread }
    }

    fn stop(self) -> (u64, BTreeSet<u32>) {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap()
    }
}
