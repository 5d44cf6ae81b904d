//! A member at its WebSocket: what it says, what it hears, and its way to the next process.

use std::future::pending;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::body::Bytes;
use rekindle::Connection;
use rekindle::http::WholeFrames;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};

use crate::hall::{Hall, Phase};
use crate::member::{MESSAGE_LIMIT_BYTES, Member};

/// How long a client may take to see why it has to go, and to close its end.
const LINGER: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<WholeFrames<Connection<TcpStream>>>;

/// A member at its WebSocket.
#[derive(Debug)]
pub(crate) struct Talk {
    hall: Hall,
    phase: watch::Receiver<Phase>,
    member: Member,
    socket: Socket,
    /// There once the member has entered its room.
    news: Option<watch::Receiver<u64>>,
}

/// What to do after something happened.
#[derive(Debug)]
enum Turn {
    GoOn,
    Close,
    Dismiss(CloseCode, &'static str),
}

/// A member between two messages, with nothing on its way to it.
#[derive(Debug)]
pub(crate) struct Departure {
    pub(crate) member: Member,
    pub(crate) connection: Connection<TcpStream>,
    /// What was read of the stream and not understood yet.
    pub(crate) unread: Bytes,
}

impl Talk {
    /// A talk on a connection of which `unread` was read already.
    pub(crate) async fn begin(hall: Hall, departure: Departure) -> Self {
        let Departure { member, connection, unread } = departure;
        let config = WebSocketConfig::default()
            .read_buffer_size(MESSAGE_LIMIT_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_LIMIT_BYTES))
            .max_frame_size(Some(MESSAGE_LIMIT_BYTES));
        let frames = WholeFrames::with_bytes(connection, unread);
        let socket = Socket::from_raw_socket(frames, Role::Server, Some(config)).await;
        let phase = hall.phase();
        Self { hall, phase, member, socket, news: None }
    }

    /// Goes on until the client goes, by itself or because it has to, or until it can go to the
    /// next process.
    pub(crate) async fn go_on(mut self) -> anyhow::Result<Option<Departure>> {
        loop {
            // Looked at before the rest: what was said in the meantime is delivered below.
            let phase = *self.phase.borrow_and_update();
            if phase == Phase::Open && self.news.is_none() {
                match self.hall.enter(&mut self.member) {
                    Ok(news) => self.news = Some(news),
                    Err(full) => return self.dismiss(CloseCode::Again, &full.to_string()).await,
                }
            }
            self.hall.say(&mut self.member);
            loop {
                match self.hall.next_for(&mut self.member) {
                    Ok(Some(message)) => self.socket.feed(Message::Text(message)).await?,
                    Ok(None) => break,
                    Err(slow) => return self.dismiss(CloseCode::Policy, &slow.to_string()).await,
                }
            }
            self.socket.flush().await?;
            let leaves = matches!(phase, Phase::Frozen | Phase::Leaving);
            if leaves && self.socket.get_ref().is_between_messages() {
                return Ok(Some(self.take_apart()));
            }
            match self.wait().await? {
                Turn::GoOn => {}
                Turn::Close => {
                    // The library has an answer to a close, if it was one.
                    self.socket.flush().await?;
                    return Ok(None);
                }
                Turn::Dismiss(code, reason) => return self.dismiss(code, reason).await,
            }
        }
    }

    /// Tells the client why it has to go: then it is gone.
    pub(crate) async fn dismiss(
        mut self,
        code: CloseCode,
        reason: &str,
    ) -> anyhow::Result<Option<Departure>> {
        let frame = CloseFrame { code, reason: reason.into() };
        let goes = async {
            self.socket.close(Some(frame)).await?;
            while self.socket.next().await.transpose()?.is_some() {}
            anyhow::Ok(())
        };
        // A client that does not close in time has had its chance.
        timeout(LINGER, goes).await.unwrap_or(Ok(()))?;
        Ok(None)
    }

    /// Waits until there is something to do.
    async fn wait(&mut self) -> anyhow::Result<Turn> {
        let news = async {
            match &mut self.news {
                Some(news) => news.changed().await,
                None => pending().await,
            }
        };
        // What a member said last has to have its number before it can say more.
        let can_say_more = self.member.unsaid.is_none();
        tokio::select! {
            biased;
            changed = self.phase.changed() => changed?,
            message = self.socket.next(), if can_say_more => {
                return Ok(self.hear(message.transpose()?));
            }
            changed = news => changed?,
        }
        Ok(Turn::GoOn)
    }

    /// Hears what the client says.
    fn hear(&mut self, message: Option<Message>) -> Turn {
        match message {
            Some(Message::Text(text)) => match serde_json::from_str(&text) {
                Ok(said) => {
                    self.member.unsaid = Some(said);
                    Turn::GoOn
                }
                Err(_error) => {
                    Turn::Dismiss(CloseCode::Policy, r#"say {"number": 1, "text": "…"}"#)
                }
            },
            Some(Message::Binary(_)) => Turn::Dismiss(CloseCode::Unsupported, "say it in text"),
            // The library answers a ping by itself.
            Some(Message::Ping(_) | Message::Pong(_) | Message::Frame(_)) => Turn::GoOn,
            Some(Message::Close(_)) | None => Turn::Close,
        }
    }

    /// To be called when all is flushed and the stream is between two messages: then the library
    /// holds nothing that would be lost with it.
    fn take_apart(self) -> Departure {
        let (connection, unread) = self.socket.into_inner().into_parts();
        Departure { member: self.member, connection, unread }
    }
}
