//! The server of one listener: the tasks that accept connections, take in those that moved here,
//! and say the course.

use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::sync::Arc;

use http::{Request, Response};
use http_body::Body;
use rekindle_core::SocketKind;
use rustix::net::getpeername;
use rustix::net::sockopt::{set_socket_keepalive, set_tcp_keepidle, set_tcp_nodelay};
use tower_service::Service;
use tracing::warn;

use crate::async_stream::AsyncStream;
use crate::http::capacity::Capacity;
use crate::http::connection_info::{ConnectionInfo, Origin};
use crate::http::course::set_course;
use crate::http::exchange::BoxError;
use crate::http::harbour::Harbour;
use crate::http::home::Home;
use crate::http::options::HttpOptions;
use crate::http::permits::Permits;
use crate::http::request_body::RequestBody;
use crate::http::session::{Paused, Session};
use crate::http::site::Site;
#[cfg(feature = "tls")]
use crate::http::tls;
use crate::http::wire::Stay;
use crate::listener::Listener;
use crate::moves::{Arrival, Mailbox};
use crate::shared::{Shared, Stage};
use crate::tracker::Guard;

/// What `Receiver::protocol` says of a connection between two requests.
pub(crate) const HTTP1: &str = "http/1.1";

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
            self.serve(
                stream,
                Vec::new(),
                guard,
                ConnectionInfo::new(&self.home.site.place, peer, Origin::Accepted),
            );
        }
    }

    async fn take_in<S: AsyncStream>(self, mailbox: Mailbox, shared: Arc<Shared>) {
        let is_over = |stage: &Stage| match stage {
            Stage::Starting | Stage::Serving | Stage::Draining | Stage::Ending(_) => None,
            Stage::Failed(_) | Stage::Finished(_) => Some(()),
        };
        loop {
            let arrivals = tokio::select! {
                arrivals = mailbox.arrived() => arrivals,
                // What older processes would move here from now on stays with them.
                () = shared.stage.until(is_over) => return mailbox.abandon(),
            };
            for Arrival { descriptor, guard, bytes } in arrivals {
                let peer = self.peer(&descriptor);
                match S::from_descriptor(descriptor) {
                    Ok(stream) => {
                        let info = ConnectionInfo::new(&self.home.site.place, peer, Origin::Moved);
                        self.serve(stream, bytes, guard, info);
                    }
                    Err(error) => {
                        let listener = &self.home.site.place.listener;
                        warn!(%listener, %error, "a connection that moved here is lost");
                    }
                }
            }
        }
    }

    fn serve<S: AsyncStream>(&self, stream: S, bytes: Vec<u8>, guard: Guard, info: ConnectionInfo) {
        let stay = Stay { info, guard, seat: self.capacity.seat() };
        let session = Session::new(Arc::clone(&self.home), self.app.clone());
        let connection = Paused { stream, bytes: bytes.into(), stay };
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
            tracing::debug!(%error, "a connection keeps the system's settings");
        }
    }

    /// The client's address. Names of Unix clients are theirs to choose, and are not asked for.
    fn peer(&self, descriptor: &impl AsFd) -> Option<SocketAddr> {
        if self.kind != SocketKind::Tcp {
            return None;
        }
        getpeername(descriptor).ok().flatten().and_then(|peer| SocketAddr::try_from(peer).ok())
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
    use axum::Router;
    use rekindle_core::NewFailure;
    use tokio::net::TcpStream;

    use super::*;
    use crate::async_stream::Stream;
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
}
