//! The server with the face for tasks: with HTTP by its own hand, or served by the library.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use anyhow::Context;
use rekindle::http::HttpOptions;
use rekindle::{
    Address, AsyncStream, Connection, DatagramSocket, DatagramTransport, Listener, Running,
    Service, SocketKind, Stream,
};
use rekindle_e2e::{Face, Settings};
use rustix::net::{RecvFlags, SendFlags};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::sleep;

use crate::app::app;
use crate::exchange::Inbox;
use crate::site::Site;
use crate::{Served, builder, listeners, start_child};

/// The longest message.
const MESSAGE_LIMIT_BYTES: usize = 2048;

pub(crate) fn serve(settings: &Settings) -> Served {
    // Before there is a runtime: markers are taken out of the environment.
    let service = builder(settings).start()?;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let report = runtime.block_on(run(service, settings));
    // What was cut need not end.
    runtime.shutdown_background();
    report
}

async fn run(mut service: Service, settings: &Settings) -> Served {
    let site = Arc::new(Site::new(service.generation()));
    for (name, address) in listeners(settings) {
        listen(&mut service, &site, settings, &name, &address)
            .with_context(|| format!("listen on `{address}`"))?;
    }
    sleep(settings.start_delay).await;
    let running = service.ready().await?;
    start_child(settings)?;
    say_goodbye_in_time(&running, &site).await;
    Ok(running.drained().await)
}

/// Kept connections are told as soon as a next generation has taken over, unless it is rolled
/// back. Returns when this process is ending.
async fn say_goodbye_in_time(running: &Running, site: &Site) {
    loop {
        running.draining().await;
        site.say_goodbye(true);
        if running.resumed().await.is_err() {
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
            tokio::spawn(async move { correspond(&socket, &site).await });
        }
        SocketKind::UnixDatagram => {
            let socket = service.unix_datagram(name, address)?;
            tokio::spawn(async move { correspond(&socket, &site).await });
        }
        SocketKind::UnixStream => {
            let listener = service.unix(name, address)?;
            if settings.face == Face::Serve {
                service.serve_with(listener, app(site, delay), options(settings));
                return Ok(());
            }
            tokio::spawn(accept(listener, delay, move |it| converse(it, Arc::clone(&site))));
        }
        SocketKind::UnixSeqpacket => {
            let listener = service.seqpacket(name, address)?;
            tokio::spawn(accept(listener, delay, move |it| packets(it, Arc::clone(&site))));
        }
        _ => {
            let listener = service.tcp(name, address)?;
            if settings.face == Face::Serve {
                service.serve_with(listener, app(site, delay), options(settings));
                return Ok(());
            }
            tokio::spawn(accept(listener, delay, move |it| converse(it, Arc::clone(&site))));
        }
    }
    Ok(())
}

/// How the library serves.
fn options(settings: &Settings) -> HttpOptions {
    let mut options = HttpOptions::new();
    if let Some(timeout) = settings.header_read_timeout {
        options = options.header_read_timeout(timeout);
    }
    if !settings.accept_delay.is_zero() {
        // Each connection asks once, and is slow: this is the rate that is asked for.
        options = options.max_connections(1);
    }
    options
}

async fn accept<S, F>(
    listener: Listener<S>,
    delay: std::time::Duration,
    serve: impl Fn(Connection<S>) -> F,
) where
    S: Stream,
    F: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    loop {
        if !delay.is_zero() {
            sleep(delay).await;
        }
        let Some(connection) = listener.accept().await else { return };
        let served = serve(connection);
        tokio::spawn(async move {
            if let Err(error) = served.await {
                eprintln!("a connection ends: {error:#}");
            }
        });
    }
}

async fn converse<S>(mut connection: Connection<S>, site: Arc<Site>) -> anyhow::Result<()>
where
    S: AsyncStream + Unpin,
{
    let mut inbox = Inbox::default();
    let mut chunk = [0; 4096];
    loop {
        while let Some(request) = inbox.next()? {
            let delay = Site::delay(&request);
            if !delay.is_zero() {
                sleep(delay).await;
            }
            let answer = site.answer(request);
            connection.write_all(&answer.bytes).await?;
            if answer.closes {
                return Ok(());
            }
        }
        match connection.read(&mut chunk).await? {
            0 => return Ok(()),
            count => inbox.extend(&chunk[..count]),
        }
    }
}

/// There is no type for connections of packets, so a thread of the runtime waits for them.
async fn packets(connection: Connection<OwnedFd>, site: Arc<Site>) -> anyhow::Result<()> {
    let (socket, guard) = connection.into_parts();
    tokio::task::spawn_blocking(move || {
        let _guard = guard;
        rustix::io::ioctl_fionbio(&socket, false)?;
        let mut buffer = [0; MESSAGE_LIMIT_BYTES];
        loop {
            match rustix::net::recv(&socket, &mut buffer[..], RecvFlags::empty())?.0 {
                0 => return Ok(()),
                count => {
                    let reply = site.reply(&buffer[..count]);
                    rustix::net::send(&socket, &reply, SendFlags::NOSIGNAL)?;
                }
            }
        }
    })
    .await?
}

async fn correspond<T: DatagramTransport>(socket: &DatagramSocket<T>, site: &Site)
where
    T::Peer: Sync,
{
    let mut buffer = [0; MESSAGE_LIMIT_BYTES];
    while let Some(datagram) = socket.receive(&mut buffer).await {
        let reply = site.reply(&buffer[..datagram.length_bytes]);
        if let Err(error) = socket.send(&reply, &datagram.peer).await {
            eprintln!("a message is not answered: {error}");
        }
    }
}
