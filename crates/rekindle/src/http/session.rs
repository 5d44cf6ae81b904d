//! A session: the life of one connection in this process.
//!
//! ```text
//!            first bytes                    between two requests
//!   parked ─────────────► HTTP/1 ─────────────────────────────────► moved to the successor
//!    │ │                    ▲                                        │
//!    │ └──► HTTP/2          └──────────────────── given back ────────┤
//!    │        │                                                      ▼
//!    └────────┴─────────────────────────────────────────────────►  over
//! ```

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use hyper_util::rt::TokioIo;
use rekindle_core::{MOVE_LIMIT_BYTES, MoveRefusal, MovedEntry};
use tower_service::Service;
use tracing::{debug, warn};

use crate::http::capacity::Seat;
use crate::http::connection_info::ConnectionInfo;
use crate::http::course::{Standing, cut};
use crate::http::exchange::{BoxError, Exchanges, SpeakingTask, service};
use crate::http::home::Home;
use crate::http::http1::{self, End, Purpose};
use crate::http::http2;
use crate::http::http2::grace::{Away, Grace};
use crate::http::linger::linger;
use crate::http::parked::{self, Protocols, Wake};
use crate::http::permits::Permit;
use crate::http::pilot::Pilot;
use crate::http::request_body::RequestBody;
use crate::http::response_body::{counted, held};
use crate::http::tally::Tally;
use crate::http::transport::{Transport, say_farewell};
use crate::http::wire::{Stay, Wire};
use crate::moves::GivenBack;

/// One connection's session.
pub(crate) struct Session<A> {
    home: Arc<Home<A>>,
    app: A,
    pilot: Pilot,
}

/// A connection between two requests: its stream, and what was read from it and not understood.
pub(crate) struct Paused<IO> {
    pub(crate) stream: IO,
    pub(crate) bytes: Bytes,
    pub(crate) stay: Stay,
}

impl<A, B> Session<A>
where
    A: Service<Request<RequestBody>, Response = Response<B>> + Clone + Send + 'static,
    A::Future: Send,
    A::Error: Into<BoxError>,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    pub(crate) fn new(home: Arc<Home<A>>, app: A) -> Self {
        let pilot = home.site.pilot();
        Self { home, app, pilot }
    }

    /// Says that the connection does nothing but wait, until its task knows better.
    pub(crate) fn rest(&self) {
        self.pilot.set_idle(true);
    }

    /// Serves a connection until it is over or moved. `protocols` is what it may speak.
    pub(crate) async fn run<IO: Transport>(mut self, connection: Paused<IO>, protocols: Protocols) {
        let mut next = Some(connection);
        while let Some(Paused { mut stream, bytes, stay }) = next {
            next = match parked::wait(&mut stream, bytes, protocols, &mut self.pilot).await {
                // In a box: parked ones shall not take the room that only these need.
                Wake::Http1(first) => {
                    let end = Box::pin(self.http1(Paused { stream, bytes: first, stay })).await;
                    self.after_http1(end, protocols).await
                }
                Wake::Http2(first) => {
                    // It does not move: others may, in its place.
                    self.pilot.stand_aside();
                    Box::pin(self.http2(Paused { stream, bytes: first, stay })).await;
                    None
                }
                Wake::Leave(permit, bytes) => {
                    // Who is on its way does not rest: its guard goes along.
                    self.pilot.set_idle(false);
                    self.leave(Paused { stream, bytes, stay }, permit, protocols)
                }
                Wake::Over => {
                    self.pilot.set_idle(false);
                    close(stream, stay).await;
                    None
                }
            }
        }
    }

    async fn http1<IO: Transport>(&mut self, connection: Paused<IO>) -> End<IO> {
        let (wire, exchanges) = self.begin(connection);
        let (tally, task) = (Arc::clone(&exchanges.tally), Arc::clone(&exchanges.task));
        let service = service(self.app.clone(), exchanges, held);
        let connection = self.home.site.http1.serve_connection(TokioIo::new(wire), service);
        http1::serve(connection.with_upgrades(), tally, task, &mut self.pilot).await
    }

    async fn http2<IO: Transport>(&mut self, connection: Paused<IO>) {
        let (wire, exchanges) = self.begin(connection);
        let tally = Arc::clone(&exchanges.tally);
        let service = service(self.app.clone(), exchanges, counted);
        let away = Away::default();
        let stream = TokioIo::new(Grace::new(wire, away.clone()));
        let connection = self.home.site.http2.serve_connection(stream, service);
        http2::serve(connection, away, tally, &mut self.pilot).await;
    }

    fn begin<IO: Transport>(&self, connection: Paused<IO>) -> (Wire<IO>, Exchanges) {
        let Paused { stream, bytes, stay } = connection;
        let tally = Arc::new(Tally::default());
        let exchanges = Exchanges {
            info: stay.info.clone(),
            tally: Arc::clone(&tally),
            task: SpeakingTask::default(),
            request_timeout: self.home.site.options.request_timeout,
        };
        (Wire::new(stream, bytes, tally, stay), exchanges)
    }

    /// What is next for a connection that HTTP/1 was spoken on.
    async fn after_http1<IO: Transport>(
        &mut self,
        end: End<IO>,
        protocols: Protocols,
    ) -> Option<Paused<IO>> {
        let (wire, bytes, purpose) = match end {
            End::Over => return None,
            End::Shut { wire, is_unread } => {
                let Wire { mut stream, stay, .. } = wire;
                self.pilot.stand_aside();
                if is_unread || stream.has_arrived() {
                    tokio::select! {
                        () = linger(&mut stream) => {}
                        () = cut(self.home.site.place.course.clone()) => {}
                    }
                }
                // The order matters: it counts until it is closed.
                drop(stream);
                drop(stay);
                return None;
            }
            End::Apart { wire, bytes, purpose } => (wire, bytes, purpose),
        };
        match purpose {
            Purpose::Leave(permit) => {
                let Wire { stream, stay, .. } = wire;
                self.leave(Paused { stream, bytes, stay }, permit, protocols)
            }
            Purpose::Close if bytes.is_empty() && !wire.stream.has_arrived() => {
                let Wire { stream, stay, .. } = wire;
                close(stream, stay).await;
                None
            }
            // A request has begun to arrive: it is answered.
            Purpose::Close => {
                self.pilot.helm.set_standing(Standing::Begun);
                let Wire { stream, stay, .. } = wire;
                Some(Paused { stream, bytes, stay })
            }
        }
    }

    /// Moves a connection to the successor, which ends this session; if it comes back, another one
    /// begins. Returns what cannot go.
    fn leave<IO: Transport>(
        &mut self,
        connection: Paused<IO>,
        permit: Permit,
        protocols: Protocols,
    ) -> Option<Paused<IO>> {
        let receiver = self.home.site.receiver.clone();
        let Some(receiver) = receiver.filter(|_| connection.bytes.len() <= MOVE_LIMIT_BYTES) else {
            self.pilot.helm.set_standing(Standing::Bound);
            return Some(connection);
        };
        let Paused { stream, bytes, stay: Stay { info, guard, seat } } = connection;
        let descriptor = stream
            .into_descriptor()
            .inspect_err(|error| warn!(%error, "a connection that should move is lost"))
            .ok()?;
        // Copied, so that hyper's whole buffer does not wait with them.
        let entry = MovedEntry { receiver, bytes: bytes.to_vec() };
        let home = Arc::clone(&self.home);
        let claim = move |result: Result<(), GivenBack>| {
            // It is out of the way, whatever else is to be done.
            drop(permit);
            if let Err(back) = result {
                let runtime = home.runtime.clone();
                runtime.spawn(Self::come_back::<IO>(home, back, info, seat, protocols));
            }
        };
        let outbox = &self.home.site.place.outbox;
        outbox.hand_over_with(entry, descriptor, guard, Box::new(claim));
        None
    }

    /// Serves a connection on that was given back.
    async fn come_back<IO: Transport>(
        home: Arc<Home<A>>,
        GivenBack { connection, bytes, refusal }: GivenBack,
        info: ConnectionInfo,
        seat: Seat,
        protocols: Protocols,
    ) {
        debug!(listener = info.listener(), %refusal, "a connection stays");
        let Some((descriptor, guard)) = connection else { return };
        let stream = match IO::from_descriptor(descriptor) {
            Ok(stream) => stream,
            Err(error) => return warn!(%error, "a connection that came back is lost"),
        };
        let app = home.app();
        let mut session = Self::new(home, app);
        if refusal != MoveRefusal::NoSuccessor {
            session.pilot.helm.set_standing(Standing::Bound);
        }
        // Otherwise the course turns in a moment, if it has not yet: after a roll back there is
        // nothing that its client would have to be told.
        let stay = Stay { info, guard, seat };
        session.run(Paused { stream, bytes: bytes.into(), stay }, protocols).await;
    }
}

/// Closes a connection. The order matters: it counts until it is closed.
async fn close<IO: Transport>(mut stream: IO, stay: Stay) {
    say_farewell(&mut stream).await;
    drop(stream);
    drop(stay);
}

#[cfg(test)]
mod tests;
