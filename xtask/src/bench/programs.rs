//! The programs of the benches: servers and a client, built as a user would build theirs, in
//! release mode.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::repository::Repository;
use crate::tool;

/// Where they come from.
#[derive(Debug)]
pub(crate) enum Programs<'a> {
    /// Each is built when it is asked for.
    OfRepository(&'a Repository),
    /// They were built before, and are all in this directory.
    Built(&'a Path),
}

impl Programs<'_> {
    /// The plain server: as little program around the library as there can be.
    pub(crate) fn server(&self) -> Result<PathBuf> {
        self.find("bench_server")
    }

    /// The server of the HTTP benches.
    pub(crate) fn http_server(&self) -> Result<PathBuf> {
        self.find("bench_http_server")
    }

    /// Its client.
    pub(crate) fn client(&self) -> Result<PathBuf> {
        self.find("bench_client")
    }

    /// Our strict client.
    pub(crate) fn prove_client(&self) -> Result<PathBuf> {
        self.find("bench_prove_client")
    }

    fn find(&self, name: &str) -> Result<PathBuf> {
        match self {
            Self::OfRepository(repository) => build(repository, name),
            Self::Built(directory) => Ok(directory.join(name)),
        }
    }
}

fn build(repository: &Repository, name: &str) -> Result<PathBuf> {
    let what = ["--package", "xtask", "--example", name];
    let how = ["--release", "--message-format", "json-render-diagnostics"];
    let messages = tool::read(&mut repository.cargo(&[&["build"], &what[..], &how].concat()))?;
    executable(&messages, name)
        .with_context(|| format!("build `{name}`: cargo does not say where it is"))
}

/// The program's path in what cargo says, one JSON object a line.
fn executable(messages: &str, name: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut programs = messages.filter(|message| message["target"]["name"] == name);
    programs.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

/// Those that cargo built with the test that runs.
#[cfg(test)]
pub(crate) fn built_programs() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let directory = test.parent().and_then(Path::parent).unwrap().join("examples");
    for name in ["bench_server", "bench_http_server", "bench_client", "bench_prove_client"] {
        assert!(directory.join(name).is_file(), "`{name}` is built by `cargo test`");
    }
    directory
}

/// The plain server that cargo built with the test that runs.
#[cfg(test)]
pub(crate) fn built_server() -> PathBuf {
    built_programs().join("bench_server")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_among_all_that_is_built() {
        let messages = r#"{"reason":"artifact","target":{"name":"rekindle"},"executable":null}
{"reason":"artifact","target":{"name":"bench_server"},"executable":"/bench_server"}
{"reason":"artifact","target":{"name":"bench_client"},"executable":"/bench_client"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(executable(messages, "bench_server"), Some("/bench_server".into()));
        assert_eq!(executable(messages, "bench_client"), Some("/bench_client".into()));
        assert_eq!(executable(messages, "rekindle"), None);
        assert_eq!(executable("error: no such example", "bench_server"), None);
    }

    #[test]
    fn what_was_built_before_is_not_built_again() {
        let built = Programs::Built(Path::new("/there"));
        assert_eq!(built.server().unwrap(), Path::new("/there/bench_server"));
        assert_eq!(built.http_server().unwrap(), Path::new("/there/bench_http_server"));
        assert_eq!(built.client().unwrap(), Path::new("/there/bench_client"));
        assert_eq!(built.prove_client().unwrap(), Path::new("/there/bench_prove_client"));
    }
}
