//! Connections served by tasks, one each. Refuses to decide what is said: that is `http`'s.

use std::io;
use std::time::Duration;

use rekindle::Connection;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tracing::debug;

use crate::http::{Conversation, Step};
use crate::server::Server;

/// How long a client may take to see the last word and close its end.
const LINGER: Duration = Duration::from_secs(1);

const BUFFER_BYTES: usize = 16 * 1024;

/// Serves a connection in a task of its own.
pub fn spawn(server: &Server, connection: Connection<TcpStream>) {
    let (server, peer) = (server.clone(), connection.peer());
    tokio::spawn(async move {
        if let Err(error) = serve(&server, connection).await {
            debug!(?peer, %error, "a connection broke");
        }
    });
}

/// Serves a connection until either side closes it.
async fn serve(server: &Server, mut connection: Connection<TcpStream>) -> io::Result<()> {
    connection.set_nodelay(true)?;
    let patience = server.read_timeout;
    let mut conversation = Conversation::new(server.site);
    let mut buffer = vec![0; BUFFER_BYTES];
    loop {
        match conversation.step(server.goodbye.is_due()) {
            Step::Read => match timeout(patience, connection.read(&mut buffer)).await {
                Ok(Ok(0)) => return Ok(()),
                Ok(Ok(count)) => conversation.receive(&buffer[..count]),
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) => conversation.time_out(),
            },
            Step::Pause(pause) => sleep(pause).await,
            Step::Write(bytes) => timeout(patience, connection.write_all(&bytes)).await??,
            Step::Close => return close(connection, &mut buffer).await,
        }
    }
}

/// Closes a connection in two steps (RFC 9112 §9.6): to close it at once while the client still
/// sends would make the kernel reset it, and the client might lose the answer that it was given.
async fn close(mut connection: Connection<TcpStream>, buffer: &mut [u8]) -> io::Result<()> {
    connection.shutdown().await?;
    let client_closes = async {
        while connection.read(buffer).await? > 0 {}
        Ok(())
    };
    // A client that does not close in time has had its chance.
    timeout(LINGER, client_closes).await.unwrap_or(Ok(()))
}
