//! The server of the benches, built as a user would build theirs: in release mode.

use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::repository::Repository;
use crate::tool;

const SERVER: &str = "bench_server";

/// Builds it, and returns where it is.
pub(crate) fn build(repository: &Repository) -> Result<PathBuf> {
    let what = ["--package", "xtask", "--example", SERVER];
    let how = ["--release", "--message-format", "json-render-diagnostics"];
    let messages = tool::read(&mut repository.cargo(&[&["build"], &what[..], &how].concat()))?;
    executable(&messages).context("build the server: cargo does not say where it is")
}

/// The server's path in what cargo says, one JSON object a line.
fn executable(messages: &str) -> Option<PathBuf> {
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut servers = messages.filter(|message| message["target"]["name"] == SERVER);
    servers.find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_found_among_all_that_is_built() {
        let messages = r#"{"reason":"artifact","target":{"name":"rekindle"},"executable":null}
{"reason":"artifact","target":{"name":"bench_server"},"executable":"/bench_server"}
{"reason":"build-finished","success":true}
"#;
        assert_eq!(executable(messages), Some("/bench_server".into()));
        assert_eq!(executable(r#"{"reason":"build-finished","success":true}"#), None);
        assert_eq!(executable("error: no such example"), None);
    }
}
