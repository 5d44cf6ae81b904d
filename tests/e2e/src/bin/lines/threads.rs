//! The server of lines with the face for threads.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rekindle::blocking::Running;
use rekindle::{Connection, Generation, Report};
use rekindle_e2e::Settings;

use crate::conversation::Conversation;
use crate::{NAME, builder};

/// How often a thread that reads looks whether its process is replaced.
const LOOK_EVERY: Duration = Duration::from_millis(20);

pub(crate) fn serve(settings: &Settings) -> anyhow::Result<Report> {
    let mut service = builder(settings).start_blocking()?;
    let generation = service.generation();
    let listener = service.tcp("lines", "127.0.0.1:0")?;
    let handed_over = match settings.takes_connections {
        true => Some(service.handed_over::<TcpStream>(NAME)?),
        false => None,
    };
    let running = service.ready()?;
    let replaced = Arc::new(AtomicBool::new(false));
    let arrivals = Arc::clone(&replaced);
    let arriving = thread::spawn(move || {
        let Some(handed_over) = handed_over else { return };
        while let Some((connection, state)) = handed_over.next() {
            let began = Conversation::from_state(&state).expect("it is of our own making");
            let replaced = Arc::clone(&arrivals);
            thread::spawn(move || converse(connection, began, generation, &replaced));
        }
        eprintln!("no more connections are handed over");
    });
    let accepted = Arc::clone(&replaced);
    thread::spawn(move || {
        while let Some(connection) = listener.accept() {
            let replaced = Arc::clone(&accepted);
            let began = Conversation::default();
            thread::spawn(move || converse(connection, began, generation, &replaced));
        }
    });
    note_replacement(&running, &replaced);
    let report = running.drained();
    arriving.join().expect("it takes what comes until no more can");
    Ok(report)
}

/// Returns when this process is ending.
fn note_replacement(running: &Running, replaced: &AtomicBool) {
    loop {
        running.draining();
        replaced.store(true, Ordering::SeqCst);
        if running.resumed().is_err() {
            return;
        }
        replaced.store(false, Ordering::SeqCst);
    }
}

/// Talks until the client leaves or the next process takes over.
fn converse(
    mut connection: Connection<TcpStream>,
    mut conversation: Conversation,
    generation: Generation,
    replaced: &AtomicBool,
) {
    let mut chunk = [0; 4096];
    let mut stays = false;
    let timeout = |connection: &Connection<TcpStream>| {
        connection.set_read_timeout(Some(LOOK_EVERY)).expect("it is not zero");
    };
    timeout(&connection);
    loop {
        stays &= replaced.load(Ordering::SeqCst);
        if replaced.load(Ordering::SeqCst) && !stays {
            match connection.hand_over_blocking(NAME, conversation.to_state()) {
                Ok(()) => return,
                Err(error) => {
                    eprintln!("a connection stays: {}", error.refusal);
                    let Some(back) = error.connection else { return };
                    connection = back;
                    stays = true;
                }
            }
        }
        match connection.read(&mut chunk) {
            Ok(count @ 1..) => {
                let answers = conversation.hear(&chunk[..count], generation);
                if connection.write_all(&answers).is_err() {
                    return;
                }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => return,
        }
    }
}
