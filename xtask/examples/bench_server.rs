//! The server that the benches measure: as little program around the library as there can be.
//!
//! `bench_server DIRECTORY LISTENERS` keeps its pid file and its control socket in the directory,
//! listens on that many ports of the loopback, answers every request with
//! `pid N generation G`, and is upgraded by `SIGHUP`. On its standard output it says when it came
//! how far, one line a moment: a word, the process id, the time of `CLOCK_MONOTONIC` in
//! nanoseconds, which all processes share; and with `serving`, what it listens on.

#[path = "common/say.rs"]
mod say;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use rekindle::{Connection, Service, TcpListener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use self::say::say;

/// Short, as what is measured is a process that serves alone, its predecessor long gone.
const PROBATION: Duration = Duration::from_millis(20);

/// The longest request head, in bytes.
const HEAD_LIMIT_BYTES: usize = 4096;

fn main() -> Result<()> {
    say("main", "");
    let mut arguments = std::env::args_os().skip(1);
    let directory = PathBuf::from(arguments.next().context("usage: DIRECTORY LISTENERS")?);
    let listeners = arguments.next().context("usage: DIRECTORY LISTENERS")?;
    let listeners = listeners.to_str().context("read LISTENERS")?.parse().context("LISTENERS")?;
    let runtime = tokio::runtime::Runtime::new()?;
    runtime.block_on(serve(&directory, listeners))
}

async fn serve(directory: &Path, listeners: usize) -> Result<()> {
    say("runtime", "");
    let mut service = Service::builder()
        .pid_file(directory.join("pid"))
        .control(directory.join("control"))
        .probation(PROBATION)
        .before_spawn(|| {
            say("spawning", "");
            Ok::<(), Infallible>(())
        })
        .start()?;
    say("offered", "");
    let listeners = (0..listeners)
        .map(|number| service.tcp(&format!("listener-{number}"), "127.0.0.1:0"))
        .collect::<Result<Vec<_>, _>>()?;
    let addresses = addresses(&listeners);
    say("claimed", "");
    let running = service.ready().await?;
    say("serving", &addresses);
    let body = format!("pid {} generation {}\n", std::process::id(), running.generation());
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n", body.len());
    let response: Arc<str> = format!("{head}Connection: close\r\n\r\n{body}").into();
    for listener in listeners {
        tokio::spawn(accept(listener, Arc::clone(&response)));
    }
    running.drained().await;
    Ok(())
}

async fn accept(listener: TcpListener, response: Arc<str>) {
    while let Some(connection) = listener.accept().await {
        let response = Arc::clone(&response);
        tokio::spawn(async move {
            // A client that goes away is its own affair: whoever measures sees what it got.
            let _gone = answer(connection, &response).await;
        });
    }
}

async fn answer(mut connection: Connection<TcpStream>, response: &str) -> io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") && head.len() < HEAD_LIMIT_BYTES {
        if connection.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
    }
    connection.write_all(response.as_bytes()).await?;
    connection.shutdown().await
}

fn addresses(listeners: &[TcpListener]) -> String {
    let addresses = listeners.iter().filter_map(TcpListener::local_addr);
    addresses.map(|address: SocketAddr| address.to_string()).collect::<Vec<_>>().join(",")
}
