//! A program that uses what the other server does not: a group of listeners on one address, a
//! kept descriptor, hooks, signals that are bound anew, and upgrades that it asks for itself.
//!
//! It writes one line to `parts.log` for whatever happens, and answers each connection with one
//! line. `upgrade`, sent on the listener `command`, lets it upgrade itself and is answered with
//! the verdict; `refuse` does the same while its hook refuses.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, Write};
use std::num::NonZeroU16;
use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};
use rekindle::{Running, Service, Signal, SignalAction, TcpListener};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

fn log(line: &str) {
    let file = OpenOptions::new().create(true).append(true).open("parts.log");
    let line = format!("{} {line}\n", std::process::id());
    // A line is written at once, so that those of two processes do not mix.
    if let Ok(mut file) = file {
        let _ = file.write_all(line.as_bytes());
    }
}

#[tokio::main]
async fn main() -> Result<()> {
    let refuses = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&refuses);
    let mut service = Service::builder()
        .pid_file("parts.pid")
        .rendezvous("parts.meet")
        .probation(Duration::from_millis(300))
        .signal(Signal::Usr1, SignalAction::Upgrade)
        .leave_signal(Signal::Winch)
        .before_signal(Signal::Hup, || log("before HUP"))
        .after_signal(Signal::Hup, || log("after HUP"))
        .before_spawn(move || {
            log("before spawn");
            if asked.load(Ordering::SeqCst) { Err("not on a Sunday") } else { Ok(()) }
        })
        .after_commit(|| log("after commit"))
        .on_abort(|verdict| log(&format!("abort: {verdict}")))
        .on_rollback(|verdict| log(&format!("roll back: {verdict}")))
        .start()?;
    let kept = kept_text(&mut service)?;
    let command = service.tcp("command", "127.0.0.1:0")?;
    let group = service.tcp_group("group", "127.0.0.1:0", NonZeroU16::MIN.saturating_add(2))?;
    let ports: Vec<_> = group.iter().filter_map(TcpListener::local_addr).collect();
    let running = Arc::new(service.ready().await?);
    let at = command.local_addr().context("it has an address")?;
    log(&format!("serving {at} generation {} kept {kept} group {ports:?}", running.generation()));
    for listener in group {
        tokio::spawn(async move {
            while let Some(mut connection) = listener.accept().await {
                let _ = connection.write_all(listener.name().as_bytes()).await;
            }
        });
    }
    while let Some(mut connection) = command.accept().await {
        let (running, refuses) = (Arc::clone(&running), Arc::clone(&refuses));
        tokio::spawn(async move {
            let mut word = String::new();
            let _ = connection.read_to_string(&mut word).await;
            refuses.store(word == "refuse", Ordering::SeqCst);
            let _ = connection.write_all(upgrade(&running).await.as_bytes()).await;
        });
    }
    let report = running.drained().await;
    log(&format!("ending with {} cut", report.cut));
    Ok(())
}

async fn upgrade(running: &Running) -> String {
    match running.upgrade().await {
        Ok(report) => format!("{} of {} phases", report.verdict, report.phases.len()),
        Err(refusal) => format!("refused: {refusal}"),
    }
}

/// What the first process wrote into a file that has no name any more: only its descriptor, kept
/// over the generations, leads there.
fn kept_text(service: &mut Service) -> Result<String> {
    let file = match service.inherited("notes")? {
        Some(kept) => {
            let again = kept.try_clone_to_owned()?;
            File::from(again)
        }
        None => {
            let mut file = tempfile::tempfile()?;
            write!(file, "from-{}", std::process::id())?;
            service.keep("notes", file.as_fd().try_clone_to_owned()?)?;
            file
        }
    };
    let (mut file, mut text) = (file, String::new());
    file.rewind()?;
    file.read_to_string(&mut text)?;
    Ok(text)
}
