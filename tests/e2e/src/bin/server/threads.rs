//! The server with the face for threads.

use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use anyhow::Context;
use rekindle::blocking::{DatagramSocket, Listener, Running, Service, Stream};
use rekindle::{Address, Connection, DatagramTransport, SocketKind};
use rekindle_e2e::Settings;
use rustix::net::{RecvFlags, SendFlags};

use crate::exchange::Inbox;
use crate::site::Site;
use crate::{Served, builder, listeners, start_child};

/// The longest message.
const MESSAGE_LIMIT_BYTES: usize = 2048;

pub(crate) fn serve(settings: &Settings) -> Served {
    let mut service = builder(settings).start_blocking()?;
    let site = Arc::new(Site::new(service.generation()));
    for (name, address) in listeners(settings) {
        listen(&mut service, &site, settings, &name, &address)
            .with_context(|| format!("listen on `{address}`"))?;
    }
    thread::sleep(settings.start_delay);
    let running = service.ready()?;
    start_child(settings)?;
    say_goodbye_in_time(&running, &site);
    Ok(running.drained())
}

/// Kept connections are told as soon as a next generation has taken over, unless it is rolled
/// back. Returns when this process is ending.
fn say_goodbye_in_time(running: &Running, site: &Site) {
    loop {
        running.draining();
        site.say_goodbye(true);
        if running.resumed().is_err() {
            return;
        }
        site.say_goodbye(false);
    }
}

fn listen(
    service: &mut Service,
    site: &Arc<Site>,
    settings: &Settings,
    name: &str,
    address: &str,
) -> anyhow::Result<()> {
    let site = Arc::clone(site);
    let delay = settings.accept_delay;
    match address.parse::<Address>()?.socket_kind() {
        SocketKind::Udp => {
            let socket = service.udp(name, address)?;
            thread::spawn(move || correspond(&socket, &site));
        }
        SocketKind::UnixDatagram => {
            let socket = service.unix_datagram(name, address)?;
            thread::spawn(move || correspond(&socket, &site));
        }
        SocketKind::UnixStream => {
            let listener = service.unix(name, address)?;
            thread::spawn(move || accept(&listener, delay, &site, converse));
        }
        SocketKind::UnixSeqpacket => {
            let listener = service.seqpacket(name, address)?;
            thread::spawn(move || accept(&listener, delay, &site, packets));
        }
        _ => {
            let listener = service.tcp(name, address)?;
            thread::spawn(move || accept(&listener, delay, &site, converse));
        }
    }
    Ok(())
}

fn accept<S: Stream>(
    listener: &Listener<S>,
    delay: Duration,
    site: &Arc<Site>,
    serve: fn(Connection<S>, &Site) -> anyhow::Result<()>,
) {
    loop {
        thread::sleep(delay);
        let Some(connection) = listener.accept() else { return };
        let site = Arc::clone(site);
        thread::spawn(move || {
            if let Err(error) = serve(connection, &site) {
                eprintln!("a connection ends: {error:#}");
            }
        });
    }
}

fn converse<S: Stream>(mut connection: Connection<S>, site: &Site) -> anyhow::Result<()>
where
    for<'a> &'a S: Read + Write,
{
    let mut inbox = Inbox::default();
    let mut chunk = [0; 4096];
    loop {
        while let Some(request) = inbox.next()? {
            thread::sleep(Site::delay(&request));
            let answer = site.answer(request);
            connection.write_all(&answer.bytes)?;
            if answer.closes {
                return Ok(());
            }
        }
        match connection.read(&mut chunk)? {
            0 => return Ok(()),
            count => inbox.extend(&chunk[..count]),
        }
    }
}

fn packets(connection: Connection<OwnedFd>, site: &Site) -> anyhow::Result<()> {
    let mut buffer = [0; MESSAGE_LIMIT_BYTES];
    loop {
        match rustix::net::recv(&connection, &mut buffer[..], RecvFlags::empty())?.0 {
            0 => return Ok(()),
            count => {
                let reply = site.reply(&buffer[..count]);
                rustix::net::send(&connection, &reply, SendFlags::NOSIGNAL)?;
            }
        }
    }
}

fn correspond<T: DatagramTransport>(socket: &DatagramSocket<T>, site: &Site) {
    let mut buffer = [0; MESSAGE_LIMIT_BYTES];
    while let Some(datagram) = socket.receive(&mut buffer) {
        let reply = site.reply(&buffer[..datagram.length_bytes]);
        if let Err(error) = socket.send(&reply, &datagram.peer) {
            eprintln!("a message is not answered: {error}");
        }
    }
}
