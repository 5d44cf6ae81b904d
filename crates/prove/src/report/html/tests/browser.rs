//! A browser for tests, Chromium without a window. Owns its process; refuses to judge a page.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const NAMES: [&str; 4] =
    ["chromium-headless-shell", "chromium", "chromium-browser", "google-chrome"];
/// A page takes a second or two; a machine that builds at the same time may be slow.
pub(crate) const DEADLINE: Duration = Duration::from_secs(120);

/// The width of a page, and its colours.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) name: &'static str,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) is_dark: bool,
}

/// What a browser made of a page.
pub(crate) struct Seen {
    pub(crate) dom: String,
    log: String,
}

impl Seen {
    /// What the page or its script complained of.
    pub(crate) fn complaints(&self) -> Vec<&str> {
        self.log.lines().filter(|line| line.contains(":CONSOLE:")).collect()
    }
}

/// A browser that is killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The program, and a directory of its own in which it can write.
pub(crate) struct Browser {
    program: PathBuf,
    home: tempfile::TempDir,
}

impl Browser {
    /// The first that is on the path; without one the test says that it was skipped.
    pub(crate) fn find() -> Option<Self> {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let programs = NAMES.iter().flat_map(|name| {
            std::env::split_paths(&path).map(|place| place.join(name)).collect::<Vec<_>>()
        });
        let Some(program) = programs.into_iter().find(|program| program.is_file()) else {
            eprintln!("skipped: none of {NAMES:?} is on the path");
            return None;
        };
        Some(Self { program, home: tempfile::tempdir().unwrap() })
    }

    /// Opens a page and says what became of it.
    fn open(&self, page: &str, look: Look, options: &[String]) -> Seen {
        let file = self.home.path().join("page.html");
        fs::write(&file, page).unwrap();
        let mut command = Command::new(&self.program);
        command
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"])
            .args(["--enable-logging=stderr", "--no-first-run"])
            .arg(format!("--user-data-dir={}", self.home.path().join("profile").display()))
            .arg(format!("--window-size={},{}", look.width, look.height))
            .arg(format!("--blink-settings=preferredColorScheme={}", u8::from(!look.is_dark)))
            .args(options)
            .arg(format!("file://{}", file.display()))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut running = Running(command.spawn().unwrap());
        let dom = read(running.0.stdout.take().unwrap());
        let log = read(running.0.stderr.take().unwrap());
        let dom = dom.recv_timeout(DEADLINE).expect("the browser ends in time");
        let log = log.recv_timeout(DEADLINE).expect("the browser ends in time");
        assert!(running.0.wait().unwrap().success(), "{log}");
        Seen { dom, log }
    }

    /// Opens a page and says what is in it once its script has run.
    pub(crate) fn dump(&self, page: &str, look: Look) -> Seen {
        let options = ["--dump-dom".to_owned(), "--virtual-time-budget=2000".to_owned()];
        self.open(page, look, &options)
    }

    /// Takes a picture of a page.
    pub(crate) fn shoot(&self, page: &str, look: Look, picture: &Path) -> Seen {
        self.open(page, look, &[format!("--screenshot={}", picture.display())])
    }
}

fn read(mut from: impl Read + Send + 'static) -> mpsc::Receiver<String> {
    let (to, text) = mpsc::channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        // Nobody waits for it any more if the test has failed.
        let _ = to.send(String::from_utf8_lossy(&bytes).into_owned());
    });
    text
}
