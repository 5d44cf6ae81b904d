//! HTTP/2 on one connection. It does not move: its client is told to go away (GOAWAY, in two
//! steps, so that no request is lost that was on its way), and what is in flight is finished.

pub(crate) mod grace;

use std::error::Error;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http2::{Builder, Connection};
use hyper::service::{HttpService, Service};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::Instant;
use tracing::debug;

use crate::http::course::Course;
use crate::http::exchange::BoxError;
use crate::http::http2::grace::{Away, Grace};
use crate::http::pilot::{Awaited, Pilot};
use crate::http::tally::Tally;
use crate::http::wire::Wire;

/// A connection as hyper serves it.
pub(crate) type Served<IO, S> = Connection<TokioIo<Grace<Wire<IO>>>, S, TokioExecutor>;

/// Serves a connection until it is over.
pub(crate) async fn serve<IO, S, B>(
    connection: Served<IO, S>,
    away: Away,
    tally: Arc<Tally>,
    pilot: &mut Pilot,
) where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    let mut driver = Driver { connection, away, tally, pilot, stay: true, idle: None };
    poll_fn(|context| driver.poll(context)).await;
    driver.pilot.set_idle(false);
}

/// hyper's settings.
pub(crate) fn builder(max_head_size: usize, max_concurrent_streams: u32) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(max_concurrent_streams)
        .max_header_list_size(u32::try_from(max_head_size).unwrap_or(u32::MAX));
    builder
}

struct Driver<'a, IO, S>
where
    S: HttpService<Incoming>,
{
    connection: Served<IO, S>,
    away: Away,
    tally: Arc<Tally>,
    pilot: &'a mut Pilot,
    /// Whether the client was not told to go away yet.
    stay: bool,
    /// None while there is something to be done.
    idle: Option<Idle>,
}

/// Since when no stream is open and all is written, and how many streams there were by then.
struct Idle {
    since: Instant,
    begun: u32,
}

impl<IO, S, B> Driver<'_, IO, S>
where
    IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    S: Service<Request<Incoming>, Response = Response<B>>,
    S::Error: Into<BoxError>,
    S::Future: Send + 'static,
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BoxError>,
{
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        self.tally.forget_wait();
        loop {
            // Polled before anything is decided, as what came in and what is written decide. Who is
            // sent away before its handshake is through is told right after it.
            if let Poll::Ready(result) = Pin::new(&mut self.connection).poll(context) {
                if let Err(error) = result {
                    debug!(error = &error as &dyn Error, "a connection broke");
                }
                return Poll::Ready(());
            }
            let sends_away = match self.pilot.poll_course(context) {
                Course::Cut => return Poll::Ready(()),
                Course::Stay => false,
                Course::Move | Course::Goodbye | Course::Close => self.stay,
            };
            if sends_away {
                self.send_away(Instant::now());
                continue;
            }
            // Asked once: the last token can be dropped in another thread at any time.
            let is_open = self.tally.is_busy();
            // Of a tunnel nobody knows how long it lasts.
            let is_busy = is_open || self.tally.is_unflushed() || self.tally.is_upgraded();
            self.pilot.set_idle(!is_busy);
            if is_busy {
                self.idle = None;
                if is_open && !self.tally.wait_for_tokens(context) {
                    continue;
                }
                return Poll::Pending;
            }
            match self.poll_too_long(context) {
                Some(Step::PollAgain) => {}
                Some(Step::Over) => return Poll::Ready(()),
                None => return Poll::Pending,
            }
        }
    }

    fn send_away(&mut self, now: Instant) {
        self.stay = false;
        self.away.set();
        self.idle = Some(Idle { since: now, begun: self.tally.begun() });
        Pin::new(&mut self.connection).graceful_shutdown();
    }

    /// A connection without a stream for too long is sent away, and one that does not go is ended.
    fn poll_too_long(&mut self, context: &mut Context<'_>) -> Option<Step> {
        let begun = self.tally.begun();
        let idle = match self.idle.take() {
            Some(idle) if idle.begun == begun => idle,
            Some(_) | None => Idle { since: Instant::now(), begun },
        };
        let since = self.idle.insert(idle).since;
        let awaited = if self.stay { Awaited::FirstByte } else { Awaited::RestOfHead };
        if !self.pilot.poll_too_long(awaited, since, context) {
            return None;
        }
        if !self.stay {
            return Some(Step::Over);
        }
        self.send_away(Instant::now());
        Some(Step::PollAgain)
    }
}

/// What to do with a connection that waits for too long.
enum Step {
    PollAgain,
    Over,
}
