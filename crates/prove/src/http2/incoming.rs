//! An answer as it comes. Owns the pace of reading; refuses to judge.

use bytes::Bytes;
use h2::{RecvStream, client};
use http::response::Parts;
use tokio::time::{Instant, sleep_until};

use crate::flow::Reading;

/// The answer of one request.
#[derive(Debug)]
pub(crate) struct Incoming {
    state: State,
    reading: Reading,
}

#[derive(Debug)]
enum State {
    Head(client::ResponseFuture),
    Body(RecvStream),
}

/// A piece of an answer.
#[derive(Debug)]
pub(crate) enum Piece {
    Head(Box<Parts>),
    Body(Bytes),
    End,
}

impl Incoming {
    pub(crate) fn new(response: client::ResponseFuture, reading: Reading) -> Self {
        Self { state: State::Head(response), reading }
    }

    /// The next piece. Nothing of it is lost if this is given up.
    pub(crate) async fn next(&mut self) -> Result<Piece, h2::Error> {
        if let Some(until) = self.reading.waits_until(Instant::now) {
            sleep_until(until).await;
        }
        match &mut self.state {
            State::Head(response) => {
                let (head, body) = response.await?.into_parts();
                self.state = State::Body(body);
                Ok(Piece::Head(Box::new(head)))
            }
            State::Body(body) => match body.data().await {
                Some(bytes) => {
                    let bytes = bytes?;
                    // The server may send as much again.
                    body.flow_control().release_capacity(bytes.len())?;
                    self.reading.read(bytes.len(), Instant::now);
                    Ok(Piece::Body(bytes))
                }
                None => {
                    // Trailers, if there are any, end the stream.
                    body.trailers().await?;
                    Ok(Piece::End)
                }
            },
        }
    }
}
