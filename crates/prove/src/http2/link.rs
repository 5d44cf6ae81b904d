//! One connection of HTTP/2. Owns its handshake, the task that drives it, and what a failure on it
//! means; refuses to open sockets.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use h2::client::{self, Connection, SendRequest};
use h2::{Reason, SendStream};
use tokio::sync::watch;
use tokio::task::yield_now;

use crate::account::cause::Cause;
use crate::account::failure::FailureKind;
use crate::account::fault::Fault;
use crate::flow::{Flow, SLOW_RECEIVE_BUFFER_BYTES};
use crate::http2::draft::Draft;
use crate::http2::standing::{End, Standing};
use crate::http2::tap::Tap;
use crate::http2::watched::{Watched, Watching};
use crate::stream::{Glance, Stream};
use crate::wrong::WrongAnswer;

/// How much of one answer may come before it is read.
const STREAM_WINDOW_BYTES: u32 = 1024 * 1024;
/// The same of all answers of a connection together.
const CONNECTION_WINDOW_BYTES: u32 = 64 * 1024 * 1024;
/// The longest head, as with HTTP/1.1.
const MAX_HEAD_BYTES: u32 = 64 * 1024;

/// How many requests may be under way before the server has said how many it allows: it may allow
/// one only, and what waits within `h2` for its turn has a number that a goodbye may seem to cross.
const MOST_OPEN_AT_FIRST: usize = 1;

/// How often the driver is let go first if something has come before a request begins. On a busy
/// connection there may always be something; an end is behind none of it for long.
const MOST_TURNS: usize = 16;

/// A connection that lanes share.
#[derive(Debug)]
pub(crate) struct Link {
    requests: SendRequest<Bytes>,
    watched: Watched,
    pub(crate) local_port: Option<u16>,
    standing: Arc<watch::Sender<Standing>>,
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) response: client::ResponseFuture,
    pub(crate) outgoing: SendStream<Bytes>,
    pub(crate) body: Bytes,
    pub(crate) open: Open,
}

/// That a request is under way, until this is dropped.
#[derive(Debug)]
pub(crate) struct Open {
    link: Arc<Link>,
}

impl Link {
    /// Begins HTTP/2 on a stream that is ready for it, and drives it in a task of its own.
    pub(crate) async fn new(
        stream: Stream,
        local_port: Option<u16>,
        flow: Flow,
    ) -> Result<Self, Fault> {
        let fresh = Standing::allowing(MOST_OPEN_AT_FIRST);
        let standing = Arc::new(watch::Sender::new(fresh));
        let watching = Watching::new(stream.socket()).map_err(|error| Fault {
            kind: FailureKind::CouldNotMeasure,
            cause: Cause::from(&error),
        })?;
        let watched = watching.watched();
        let tap = Tap::new(stream, Arc::clone(&standing), watching);
        let window = match flow.reads_slowly() {
            true => SLOW_RECEIVE_BUFFER_BYTES,
            false => STREAM_WINDOW_BYTES,
        };
        let handshake = client::Builder::new()
            .enable_push(false)
            .initial_window_size(window)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .max_header_list_size(MAX_HEAD_BYTES)
            .initial_max_send_streams(MOST_OPEN_AT_FIRST)
            .handshake(tap)
            .await;
        let (requests, connection) = handshake.map_err(|error| fault_of(&error, &standing))?;
        tokio::spawn(drive(connection, Arc::clone(&standing)));
        Ok(Self { requests, watched, local_port, standing })
    }

    pub(crate) fn is_usable(&self) -> bool {
        self.standing.borrow().is_usable()
    }

    /// How many requests it has answered.
    pub(crate) fn answered(&self) -> u64 {
        self.standing.borrow().answered
    }

    pub(crate) fn count_answer(&self) {
        self.modify(|standing| standing.answered += 1);
    }

    /// What a lane without a request under way sees.
    pub(crate) fn look(&self) -> Glance {
        self.modify(Standing::look)
    }

    /// Waits until there is something to see.
    pub(crate) async fn until_not_quiet(&self) -> Glance {
        let mut changes = self.standing.subscribe();
        loop {
            match self.look() {
                Glance::Quiet => {}
                seen => return seen,
            }
            if changes.changed().await.is_err() {
                // The sender is our own, and outlives this call.
                return Glance::Left;
            }
        }
    }

    /// Begins a request, once the server allows one more at a time. `None` if the connection has
    /// ended before a byte of it was sent.
    pub(crate) async fn begin(self: &Arc<Self>, draft: &Draft) -> Result<Option<Begun>, Fault> {
        let Some(open) = self.open().await else {
            return Ok(None);
        };
        let mut requests = self.requests.clone();
        let begun = match poll_fn(|context| requests.poll_ready(context)).await {
            Ok(()) if self.is_usable_now().await => draft.begin(&mut requests),
            Ok(()) => return Ok(None),
            Err(error) => Err(error),
        };
        match begun {
            Ok((response, outgoing, body)) => Ok(Some(Begun { response, outgoing, body, open })),
            Err(_) if !self.is_usable() => Ok(None),
            Err(error) => Err(fault_of(&error, &self.standing)),
        }
    }

    /// What is to be counted of a request that failed, by the number of its stream.
    pub(crate) fn fault(&self, error: &h2::Error, stream: u32) -> Fault {
        let goodbye = self.standing.borrow().goodbye;
        if goodbye.is_some_and(|goodbye| goodbye.last_stream < stream) {
            return Fault { kind: FailureKind::Lost, cause: Cause::NotProcessed };
        }
        fault_of(error, &self.standing)
    }

    /// Whether it is usable, once what the kernel has by now is read: the reactor may not have
    /// heard of an end yet, and the verdict "between requests" or "crossed" hangs on that.
    async fn is_usable_now(&self) -> bool {
        for _ in 0..MOST_TURNS {
            if !self.is_usable() || !self.watched.has_news() {
                break;
            }
            yield_now().await;
        }
        self.is_usable()
    }

    /// Waits until one more request may be under way, if any may.
    async fn open(self: &Arc<Self>) -> Option<Open> {
        let mut changes = self.standing.subscribe();
        loop {
            let allowed = self.requests.current_max_send_streams();
            let may_open = self.modify(|standing| {
                let has_room = standing.open < standing.most_open.min(allowed);
                if standing.is_usable() && has_room {
                    standing.open += 1;
                }
                (standing.is_usable(), has_room)
            });
            match may_open {
                (true, true) => return Some(Open { link: Arc::clone(self) }),
                (true, false) => changes.changed().await.ok()?,
                (false, _) => return None,
            }
        }
    }

    /// Changes what nobody waits for.
    fn modify<T>(&self, change: impl FnOnce(&mut Standing) -> T) -> T {
        let mut done = None;
        self.standing.send_if_modified(|standing| {
            done = Some(change(standing));
            false
        });
        done.expect("the change is called once")
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.link.standing.send_if_modified(|standing| {
            standing.open -= 1;
            // Somebody may wait for room.
            standing.open + 1 >= standing.most_open
        });
    }
}

/// Has a connection do its work until it ends, and tells how many requests it allows.
async fn drive(mut connection: Connection<Tap, Bytes>, standing: Arc<watch::Sender<Standing>>) {
    let ended = poll_fn(|context| {
        let polled = Pin::new(&mut connection).poll(context);
        let allowed = connection.max_concurrent_send_streams();
        standing.send_if_modified(|standing| {
            // Somebody may wait for room.
            std::mem::replace(&mut standing.most_open, allowed) < allowed
        });
        polled
    });
    if let Err(error) = ended.await
        && error.is_library()
    {
        let end = End::Broken(broken_rules(&error));
        standing.send_modify(|standing| {
            standing.end.get_or_insert(end);
        });
    }
}

/// What an error means, beside what was seen on the wire.
fn fault_of(error: &h2::Error, standing: &watch::Sender<Standing>) -> Fault {
    let reason = error.reason().unwrap_or(Reason::INTERNAL_ERROR);
    if error.is_reset() && error.is_remote() {
        let cause = match reason {
            Reason::REFUSED_STREAM => Cause::StreamRefused,
            reason => Cause::StreamReset { code: reason.into() },
        };
        return Fault { kind: FailureKind::Reset, cause };
    }
    if error.is_library() {
        if error.is_go_away() {
            broke_request(standing);
        }
        return broken_rules(error).into();
    }
    broke_request(standing);
    match standing.borrow().end {
        Some(End::Cut(cause)) => Fault::cut(cause),
        Some(End::Broken(wrong)) => wrong.into(),
        None => Fault::LOST,
    }
}

fn broke_request(standing: &watch::Sender<Standing>) {
    standing.send_if_modified(|standing| {
        standing.broke_request = true;
        false
    });
}

fn broken_rules(error: &h2::Error) -> WrongAnswer {
    let code = error.reason().unwrap_or(Reason::PROTOCOL_ERROR).into();
    WrongAnswer::Http2 { code }
}

#[cfg(test)]
mod tests {
    use rustix::io::write;
    use tokio::net::UnixStream;

    use super::*;
    use crate::endpoint::Endpoint;
    use crate::group::{Group, Mode};
    use crate::request::Request;
    use crate::target::Target;

    const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0";
    const GOAWAY: &[u8] = b"\0\0\x08\x07\0\0\0\0\0\0\0\0\0\0\0\0\0";

    /// A connection, and the server's end of it.
    async fn linked() -> (Arc<Link>, Draft, UnixStream) {
        let (near, far) = UnixStream::pair().unwrap();
        write(&far, SETTINGS).unwrap();
        let link = Link::new(near.into(), None, Flow::default()).await.unwrap();
        let endpoint = Endpoint::from(Target::Unix("/nowhere".into()));
        let draft = Draft::new(&Group::new(Mode::Keep, Request::get("/")), &endpoint, 1);
        (Arc::new(link), draft, far)
    }

    /// On one thread: the driver cannot run unless it is let go first.
    #[tokio::test]
    async fn no_request_begins_after_an_end_that_the_reactor_has_not_heard_of() {
        let (link, draft, far) = linked().await;
        write(&far, GOAWAY).unwrap();
        assert!(link.begin(&draft).await.unwrap().is_none());
        assert_eq!(link.look(), Glance::Goodbye);

        let (link, draft, far) = linked().await;
        drop(link.begin(&draft).await.unwrap().expect("there is no end yet"));
        drop(far);
        assert!(link.begin(&draft).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn a_connection_that_is_left_ends_although_it_is_watched() {
        let (link, _, far) = linked().await;
        let mut server = Stream::from(far);
        let Ok(Link { requests, watched, .. }) = Arc::try_unwrap(link) else {
            panic!("nobody else has it");
        };
        drop(requests);
        while !matches!(server.until_not_quiet().await, Glance::Ended(_)) {}
        assert!(!watched.has_news());
    }
}
