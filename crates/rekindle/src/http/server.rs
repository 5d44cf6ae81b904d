//! The server of one listener: the tasks that accept connections, take in those that moved here,
//! and say the course.

use std::io;
use std::os::fd::AsFd;
use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use rekindle_core::SocketKind;
use rustix::io::ioctl_fionbio;
use rustix::net::sockopt::{set_socket_keepalive, set_tcp_keepidle, set_tcp_nodelay};
use tokio::task::yield_now;
use tower_service::Service;
use tracing::{debug, warn};

use crate::async_stream::AsyncStream;
use crate::http::capacity::Capacity;
use crate::http::connection_info::{ConnectionInfo, Origin};
use crate::http::course::set_course;
use crate::http::exchange::BoxError;
use crate::http::harbour::Harbour;
use crate::http::home::Home;
use crate::http::lot::{Leaver, Lot, Sleeper};
use crate::http::options::HttpOptions;
use crate::http::permits::Permits;
use crate::http::request_body::RequestBody;
#[cfg(feature = "axum")]
use crate::http::routes::prepared;
use crate::http::session::{Paused, Session};
use crate::http::site::Site;
#[cfg(feature = "tls")]
use crate::http::tls;
use crate::http::wire::Stay;
use crate::listener::Listener;
use crate::moves::{Arrival, Mailbox};
use crate::shared::{Shared, Stage};

/// What `Receiver::protocol` says of a connection between two requests.
pub(crate) const HTTP1: &str = "http/1.1";

/// After how many connections that leave the lot other tasks have their turn.
const WAKES_AT_ONCE: usize = 64;

/// A listener's server, before it is started.
#[derive(Debug)]
pub(crate) struct Server<A> {
    home: Arc<Home<A>>,
    capacity: Capacity,
    kind: SocketKind,
    app: A,
}

impl<A, B> Server<A>
where
    A: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    A::Future: Send,
    A::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    /// Starts serving what comes to `listener`, and to `mailbox` from older processes.
    pub(crate) fn start<S: AsyncStream>(
        shared: &Arc<Shared>,
        listener: Listener<S>,
        mailbox: Option<Mailbox>,
        options: HttpOptions,
        permits: Permits,
        app: A,
    ) {
        let harbour = Harbour::new(permits, shared.tracker.clone());
        let receiver = mailbox.as_ref().map(|mailbox| mailbox.receiver().clone());
        tokio::spawn(set_course(Arc::clone(shared), receiver.clone(), Arc::clone(&harbour)));
        let capacity = Capacity::new(options.max_connections);
        let site = Site::new(listener.name(), shared, receiver, harbour, options);
        #[cfg(feature = "axum")]
        let app = prepared(app);
        let home = Home::new(Arc::new(site), app.clone());
        let server = Self { home, capacity, kind: listener.kind(), app };
        if let Some(mailbox) = mailbox {
            tokio::spawn(server.clone().take_in::<S>(mailbox, Arc::clone(shared)));
        }
        tokio::spawn(server.accept_until_failed(listener, Arc::clone(shared)));
    }

    /// Accepts for as long as there is something to accept. Who never becomes ready lets go of the
    /// listener.
    async fn accept_until_failed<S: AsyncStream>(self, listener: Listener<S>, shared: Arc<Shared>) {
        let has_failed = |stage: &Stage| matches!(stage, Stage::Failed(_)).then_some(());
        tokio::select! {
            () = self.accept(listener) => {}
            () = shared.stage.until(has_failed) => {}
        }
    }

    async fn accept<S: AsyncStream>(self, listener: Listener<S>) {
        loop {
            self.capacity.room().await;
            let Some(connection) = listener.accept().await else {
                return;
            };
            let peer = connection.peer();
            let (stream, guard) = connection.into_parts();
            self.prepare(&stream);
            let info = ConnectionInfo::new(&self.home.site.place, peer, Origin::Accepted);
            let stay = Stay { info, guard, seat: self.capacity.seat() };
            self.run(self.session(), Paused { stream, bytes: Bytes::new(), stay });
        }
    }

    async fn take_in<S: AsyncStream>(self, mailbox: Mailbox, shared: Arc<Shared>) {
        let is_over = |stage: &Stage| match stage {
            Stage::Starting | Stage::Serving | Stage::Draining | Stage::Ending(_) => None,
            Stage::Failed(_) | Stage::Finished(_) => Some(()),
        };
        // Most processes that nothing moves to do without.
        let mut lot = None;
        loop {
            let arrivals = tokio::select! {
                arrivals = mailbox.arrived() => arrivals,
                // What older processes would move here from now on stays with them.
                () = shared.stage.until(is_over) => break,
            };
            if lot.is_none() {
                lot = self.lot::<S>();
            }
            let mut silent = Vec::with_capacity(arrivals.len());
            for Arrival { descriptor, peer, guard, bytes } in arrivals {
                let seat = self.capacity.seat();
                let sleeper = Sleeper { descriptor, peer, guard, seat };
                if bytes.is_empty() && lot.is_some() {
                    silent.push(sleeper);
                } else {
                    self.wake::<S>(Leaver { resting: None, sleeper, first: bytes.into() });
                }
            }
            for sleeper in lot.iter().flat_map(|lot| lot.park(std::mem::take(&mut silent))) {
                self.wake::<S>(Leaver { resting: None, sleeper, first: Bytes::new() });
            }
        }
        mailbox.abandon();
        if let Some(lot) = lot {
            lot.end();
        }
    }

    /// Where those wait that say nothing, and somebody who looks after it.
    fn lot<S: AsyncStream>(&self) -> Option<Arc<Lot>> {
        let lot = Lot::new(self.home.site.options.idle_timeout)
            .inspect_err(|error| debug!(%error, "each connection has a task of its own"))
            .ok()?;
        let lot = Arc::new(lot);
        lot.open();
        tokio::spawn(self.clone().look_after::<S>(Arc::clone(&lot)));
        Some(lot)
    }

    async fn look_after<S: AsyncStream>(self, lot: Arc<Lot>) {
        let mut course = self.home.site.place.course.clone();
        while let Some(leavers) = lot.leavers(&mut course).await {
            for (count, leaver) in (1..).zip(leavers) {
                self.wake::<S>(leaver);
                // At a turn of the course it can be thousands: others are not to wait for all.
                if count % WAKES_AT_ONCE == 0 {
                    yield_now().await;
                }
            }
        }
    }

    /// Serves a connection that moved here.
    fn wake<S: AsyncStream>(&self, leaver: Leaver) {
        let Leaver { sleeper: Sleeper { descriptor, peer, guard, seat }, first, resting } = leaver;
        let stream = ioctl_fionbio(&descriptor, true)
            .map_err(io::Error::from)
            .and_then(|()| S::from_descriptor(descriptor));
        match stream {
            Ok(stream) => {
                let info = ConnectionInfo::new(&self.home.site.place, peer, Origin::Moved);
                let session = self.session();
                if let Some(resting) = resting {
                    // From here on it says so itself.
                    session.rest();
                    drop(resting);
                }
                self.run(
                    session,
                    Paused { stream, bytes: first, stay: Stay { info, guard, seat } },
                );
            }
            Err(error) => {
                let listener = &self.home.site.place.listener;
                warn!(%listener, %error, "a connection that moved here is lost");
            }
        }
    }

    fn session(&self) -> Session<A> {
        Session::new(Arc::clone(&self.home), self.app.clone())
    }

    fn run<S: AsyncStream>(&self, session: Session<A>, connection: Paused<S>) {
        #[cfg(feature = "tls")]
        if self.home.site.handshakes.is_some() {
            tokio::spawn(tls::run(session, Arc::clone(&self.home.site), connection));
            return;
        }
        tokio::spawn(session.run(connection, self.home.site.protocols));
    }

    /// Sets what the options say of a new connection. One that cannot be set is served as it is.
    fn prepare(&self, stream: &impl AsFd) {
        if self.kind != SocketKind::Tcp {
            return;
        }
        let HttpOptions { nodelay, tcp_keepalive, .. } = self.home.site.options;
        let mut outcome = Ok(());
        if nodelay {
            outcome = set_tcp_nodelay(stream, true);
        }
        if let Some(silence) = tcp_keepalive {
            outcome = outcome
                .and_then(|()| set_socket_keepalive(stream, true))
                .and_then(|()| set_tcp_keepidle(stream, silence));
        }
        if let Err(error) = outcome {
            debug!(%error, "a connection keeps the system's settings");
        }
    }
}

impl<A: Clone> Clone for Server<A> {
    fn clone(&self) -> Self {
        Self {
            home: Arc::clone(&self.home),
            capacity: self.capacity.clone(),
            kind: self.kind,
            app: self.app.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use axum::{Extension, Router};
    use rekindle_core::NewFailure;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpStream;

    use super::*;
    use crate::async_stream::Stream;
    use crate::http::course::Course;
    use crate::http::testing::Process;

    #[tokio::test]
    async fn connections_stay_away_from_a_process_that_does_not_look_for_them_any_more() {
        let Process { shared, site, .. } = Process::new();
        let (shared, capacity) = (Arc::new(shared), Capacity::new(None));
        let mailbox = Mailbox::new(site.receiver.clone().unwrap(), <TcpStream as Stream>::KIND);
        let home = Home::new(site, Router::new());
        let server = Server { home, capacity, kind: SocketKind::Tcp, app: Router::new() };
        let take_in = server.take_in::<TcpStream>(mailbox.clone(), Arc::clone(&shared));
        assert!(mailbox.is_attended());
        shared.stage.change(|stage| *stage = Stage::Failed(NewFailure::OldDied));
        take_in.await;
        assert!(!mailbox.is_attended());
    }

    #[tokio::test]
    async fn who_leaves_the_lot_to_wait_elsewhere_rests_all_the_time() {
        let Process { shared, harbour, site } = Process::new();
        let (home, capacity) = (Home::new(site, Router::new()), Capacity::new(None));
        let seat = capacity.seat();
        let server = Server { home, capacity, kind: SocketKind::Tcp, app: Router::new() };
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let descriptor = listener.accept().unwrap().0.into();
        harbour.set_course(Course::Goodbye);
        let guard = shared.tracker.guard();
        let resting = Some(guard.resting());
        let sleeper = Sleeper { descriptor, peer: None, guard, seat };
        server.wake::<TcpStream>(Leaver { resting, sleeper, first: Bytes::new() });
        assert_eq!(shared.tracker.counts(), (1, 1), "before its task had a turn");
        tokio::task::yield_now().await;
        assert_eq!(shared.tracker.counts(), (1, 1));
    }

    #[tokio::test]
    async fn what_moves_here_is_served_as_soon_as_it_has_spoken_here_or_there() {
        let Process { shared, site, .. } = Process::new();
        let (shared, capacity) = (Arc::new(shared), Capacity::new(None));
        let mailbox = Mailbox::new(site.receiver.clone().unwrap(), <TcpStream as Stream>::KIND);
        let peer_of = async |Extension(info): Extension<ConnectionInfo>| {
            format!("{} {}", info.peer().unwrap(), info.has_moved())
        };
        let app = Router::new().route("/", get(peer_of));
        let home = Home::new(site, app.clone());
        let server = Server { home, capacity, kind: SocketKind::Tcp, app };
        let take_in = tokio::spawn(server.take_in::<TcpStream>(mailbox.clone(), shared.clone()));
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let request = b"GET / HTTP/1.1\r\nhost: a\r\n\r\n";
        for said_there in [0, 5] {
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            // It blocks, as a process of another make may have left it.
            let (server, peer) = listener.accept().unwrap();
            let (descriptor, guard) = (server.into(), shared.tracker.guard());
            let bytes = request[..said_there].to_vec();
            mailbox.deliver([Arrival { descriptor, peer: Some(peer), guard, bytes }]);
            tokio::task::yield_now().await;
            client.write_all(&request[said_there..]).await.unwrap();
            let mut answer = [0; 1024];
            let length = client.read(&mut answer).await.unwrap();
            let answer = String::from_utf8_lossy(&answer[..length]);
            assert!(answer.ends_with(&format!("{peer} true")), "{answer}");
        }
        take_in.abort();
    }
}
