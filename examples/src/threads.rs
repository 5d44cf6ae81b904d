//! Connections served by threads, one each. Refuses to decide what is said: that is `http`'s.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use rekindle::Connection;
use tracing::{debug, warn};

use crate::http::{Conversation, Step};
use crate::server::Server;

/// How long a client may take to see the last word and close its end.
const LINGER: Duration = Duration::from_secs(1);

const BUFFER_BYTES: usize = 16 * 1024;

/// Serves a connection in a thread of its own.
pub fn spawn(server: &Server, connection: Connection<TcpStream>) {
    let (server, peer) = (server.clone(), connection.peer());
    let thread = thread::Builder::new().spawn(move || {
        if let Err(error) = serve(&server, connection) {
            debug!(?peer, %error, "a connection broke");
        }
    });
    if let Err(error) = thread {
        warn!(?peer, %error, "no thread for a client, who is turned away");
    }
}

/// Serves a connection until either side closes it.
fn serve(server: &Server, mut connection: Connection<TcpStream>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    connection.set_read_timeout(Some(server.read_timeout))?;
    connection.set_write_timeout(Some(server.read_timeout))?;
    let mut conversation = Conversation::new(server.site);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match conversation.step(server.goodbye.is_due()) {
            Step::Read => match connection.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(count) => conversation.receive(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => conversation.time_out(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            },
            Step::Pause(pause) => thread::sleep(pause),
            Step::Write(bytes) => connection.write_all(&bytes)?,
            Step::Close => return close(&connection, &mut buffer),
        }
    }
}

/// Closes a connection in two steps (RFC 9112 §9.6): to close it at once while the client still
/// sends would make the kernel reset it, and the client might lose the answer that it was given.
fn close(mut stream: &TcpStream, buffer: &mut [u8]) -> io::Result<()> {
    let deadline = Instant::now() + LINGER;
    stream.set_read_timeout(Some(LINGER))?;
    stream.shutdown(Shutdown::Write)?;
    while stream.read(buffer)? > 0 && Instant::now() < deadline {}
    Ok(())
}
