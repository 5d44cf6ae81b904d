//! Numbered messages over UDP, each of which comes back. Owns what it means that none does, or
//! another one; refuses to send one twice.
//!
//! A client has one socket, connected to the server, so that the kernel tells of a port at which
//! nobody listens (`ECONNREFUSED`) and keeps all other senders out. After any failure the client
//! goes on with another socket. An answer that comes too late for its message finds nobody there:
//! it was counted when the time was over, and is not counted again.

use std::io;

use tokio::net::UdpSocket;
use tokio::time::Instant;

use crate::account::cause::Cause;
use crate::account::failure::{FailureKind, Phase};
use crate::account::fault::Fault;
use crate::connect::Connector;
use crate::group::Group;
use crate::message::Message;
use crate::received::Received;
use crate::stream::Glance;

/// More than any datagram has.
const INPUT_BYTES: usize = 64 * 1024;

/// A client of an echo over UDP, on one socket at a time.
#[derive(Debug)]
pub(crate) struct Datagrams {
    message: Message,
    input: Box<[u8]>,
    socket: Option<UdpSocket>,
}

impl Datagrams {
    pub(crate) fn new(group: &Group, client: u64) -> Self {
        let message = Message::new(group.request.content_bytes(), client);
        let input = vec![0; INPUT_BYTES].into_boxed_slice();
        Self { message, input, socket: None }
    }

    pub(crate) fn renew(&mut self, random: &mut fastrand::Rng) {
        self.message.renew(random);
    }

    pub(crate) async fn connect(&mut self, connector: &Connector) -> Result<Option<u16>, Fault> {
        let connected = connector.datagrams().await?;
        self.socket = Some(connected.stream);
        Ok(connected.local_port)
    }

    pub(crate) async fn greet(&mut self, _phase: &mut Phase) -> Result<(), Fault> {
        Ok(())
    }

    pub(crate) async fn exchange(&mut self, phase: &mut Phase) -> Result<Received, Fault> {
        let Self { message, input, socket } = self;
        let socket = socket.as_ref().expect("it is connected before it asks");
        *phase = Phase::Sending;
        socket.send(message.bytes()).await.map_err(|error| broken(&error))?;
        *phase = Phase::Awaiting;
        let count = socket.recv(input).await.map_err(|error| broken(&error))?;
        *phase = Phase::Reading;
        message.compare_whole(&input[..count])?;
        Ok(Received { at: Instant::now(), keeps: true })
    }

    pub(crate) fn glance(&mut self) -> Glance {
        let Self { input, socket, .. } = self;
        let Some(socket) = socket else {
            return Glance::Quiet;
        };
        let received = match socket.try_recv(input) {
            // The reactor may not have heard of it yet: the kernel is asked.
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                let flags = rustix::net::RecvFlags::DONTWAIT;
                let received = rustix::net::recv(&*socket, &mut **input, flags);
                received.map(|(count, _)| count).map_err(io::Error::from)
            }
            received => received,
        };
        match received {
            Ok(count) => Glance::Bytes(count),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Glance::Quiet,
            Err(error) => Glance::Ended(Cause::from(&error)),
        }
    }

    pub(crate) async fn until_not_quiet(&mut self) -> Glance {
        loop {
            let ready = match &self.socket {
                Some(socket) => socket.readable().await,
                None => return Glance::Quiet,
            };
            if let Err(error) = ready {
                return Glance::Ended(Cause::from(&error));
            }
            match self.glance() {
                Glance::Quiet => {}
                seen => return seen,
            }
        }
    }

    pub(crate) fn leave(&mut self) {
        self.socket = None;
    }
}

/// An error under a message: mostly that the server's machine said that nobody listens.
fn broken(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::ConnectionRefused
        | io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable => {
            Fault { kind: FailureKind::Refused, cause: Cause::from(error) }
        }
        _ => Fault::broken(error),
    }
}

#[cfg(test)]
mod tests {
    use rustix::net::{SendFlags, send};

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::group::Mode;
    use crate::protocol::Protocol;
    use crate::request::Request;
    use crate::target::Target;

    #[tokio::test]
    async fn a_glance_sees_what_the_reactor_has_not_heard() {
        let far = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        let target = Target::Udp(far.local_addr().unwrap());
        let group = Group::new(Mode::Keep, Request::message("", 20)).protocol(Protocol::Datagrams);
        let connector = Connector::new(&Endpoint::from(target), &group).unwrap();
        let mut near = Datagrams::new(&group, 1);
        let port = near.connect(&connector).await.unwrap().unwrap();
        far.connect(("127.0.0.1", port)).await.unwrap();
        // One thread and no await from here on: the reactor cannot run in between.
        assert_eq!(near.glance(), Glance::Quiet);
        send(&far, b"abc", SendFlags::empty()).unwrap();
        assert_eq!(near.glance(), Glance::Bytes(3));
        assert_eq!(near.glance(), Glance::Quiet);
        drop(far);
        send(near.socket.as_ref().unwrap(), b"x", SendFlags::empty()).unwrap();
        let errno = rustix::io::Errno::CONNREFUSED.raw_os_error();
        assert_eq!(near.glance(), Glance::Ended(Cause::System { errno }));
    }
}
