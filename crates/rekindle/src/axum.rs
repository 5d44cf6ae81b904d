//! `axum::serve` on our listeners.

use std::future::pending;
use std::io;
use std::net::SocketAddr;

use axum::serve::Listener as AxumListener;
use tokio::net::{TcpStream, UnixStream};

use crate::async_stream::NO_PEER;
use crate::connection::Connection;
use crate::listener::Listener;

impl AxumListener for Listener<TcpStream> {
    type Io = Connection<TcpStream>;
    type Addr = SocketAddr;

    /// Once this process accepts no more it waits for ever: `axum::serve` goes on serving the
    /// connections that it has, and ends with its task.
    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match Listener::accept(self).await {
            Some(connection) => {
                let peer = connection.peer().unwrap_or(NO_PEER);
                (connection, peer)
            }
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Listener::local_addr(self).ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }
}

impl AxumListener for Listener<UnixStream> {
    type Io = Connection<UnixStream>;
    /// Clients of a Unix socket have no address of their own.
    type Addr = ();

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match Listener::accept(self).await {
            Some(connection) => (connection, ()),
            None => pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<()> {
        Ok(())
    }
}
