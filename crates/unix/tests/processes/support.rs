//! What the tests of this crate share: scripts, and the helper program as a child.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

/// Longer than anything takes that is not stuck.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// The helper program, see `tests/helper`.
pub(crate) const HELPER: &str = env!("CARGO_BIN_EXE_rekindle-unix-helper");

/// Writes an executable shell script.
///
/// By another process: were the file open for writing in this one, a child that a parallel test is
/// just starting would keep it open for a moment, and the script would be busy.
pub(crate) fn write_script(path: &Path, script: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let status = Command::new("/bin/sh")
        .args([
            "-c",
            r#"printf '#!/bin/sh\n%s\n' "$2" > "$1" && chmod 755 "$1""#,
            "sh",
        ])
        .args([path.as_os_str(), script.as_ref()])
        .status()
        .unwrap();
    assert!(status.success());
}

/// Runs a command to its end and gives its output.
pub(crate) fn output_of(command: &mut Command) -> String {
    let output = command.stderr(Stdio::inherit()).output().unwrap();
    assert!(output.status.success(), "{command:?}: {:?}", output.status);
    String::from_utf8(output.stdout).unwrap()
}

/// What stands behind `key` in lines of key and value.
pub(crate) fn value<'a>(output: &'a str, key: &str) -> &'a str {
    output
        .lines()
        .find_map(|line| line.strip_prefix(key)?.strip_prefix(' '))
        .unwrap_or_else(|| panic!("no `{key}` in {output:?}"))
}

/// The helper as a running child. It is killed and reaped when it is dropped.
#[derive(Debug)]
pub(crate) struct Helper {
    child: Child,
    output: BufReader<ChildStdout>,
}

impl Helper {
    /// Starts `command`, which must be the helper, with pipes to talk to it.
    pub(crate) fn start(command: &mut Command) -> Helper {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Helper { child, output }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its next line.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Ends its standard input, and gives the rest of its output.
    pub(crate) fn finish(mut self) -> String {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.output.read_to_string(&mut rest).unwrap();
        let status = self.child.wait().unwrap();
        assert!(status.success(), "{status}, {rest:?}");
        rest
    }

    /// Ends it without warning.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
