//! An echo over WebSocket whose every fault is on a switch. Refuses a fault that nobody asked for.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::{SinkExt, StreamExt};
use rekindle_prove::Target;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

/// What it does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SocketAct {
    Answer,
    /// In two frames, a ping between them.
    AnswerInFragments,
    /// Ends the TCP connection and says nothing.
    EndUnanswered,
    Reset,
    /// Half of the frame, then the end.
    Half,
    WrongByte,
    Text,
    /// A frame with an opcode that is none.
    BadFrame,
    Twice,
    Silence,
    /// A close frame with this code in place of the answer.
    CloseUnanswered(u16),
    /// The answer, and a close frame with this code after it.
    AnswerAndClose(u16),
    /// The answer, and the bare end of the TCP connection after it.
    AnswerAndEnd,
    /// After the answer, when the gate opens: a ping. Counts the pong.
    Ping,
    /// After the answer, when the gate opens: a close frame with this code.
    CloseIdle(u16),
}

/// What it does with a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Greeting {
    Accept,
    Status(u16),
    End,
    Reset,
    Garbage,
}

type Script = dyn Fn(usize) -> SocketAct + Send + Sync;

pub(crate) struct SocketServer {
    pub(crate) target: Target,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    script: Box<Script>,
    greeting: Greeting,
    messages: AtomicUsize,
    pongs: AtomicUsize,
    /// Close frames of clients.
    goodbyes: AtomicUsize,
    gate: watch::Sender<bool>,
}

impl SocketServer {
    pub(crate) async fn start(
        greeting: Greeting,
        script: impl Fn(usize) -> SocketAct + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let target = Target::Tcp(listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            script: Box::new(script),
            greeting,
            messages: AtomicUsize::new(0),
            pongs: AtomicUsize::new(0),
            goodbyes: AtomicUsize::new(0),
            gate: watch::Sender::new(false),
        });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    let (socket, _) = listener.accept().await.unwrap();
                    // What follows an answer is not to wait until the client acknowledges that.
                    socket.set_nodelay(true).unwrap();
                    tokio::spawn(attend(socket, Arc::clone(&shared)));
                }
            }
        });
        Self { target, shared, accepting }
    }

    pub(crate) fn open_gate(&self) {
        self.shared.gate.send_replace(true);
    }

    pub(crate) fn messages(&self) -> usize {
        self.shared.messages.load(Ordering::SeqCst)
    }

    pub(crate) fn pongs(&self) -> usize {
        self.shared.pongs.load(Ordering::SeqCst)
    }

    pub(crate) fn goodbyes(&self) -> usize {
        self.shared.goodbyes.load(Ordering::SeqCst)
    }
}

impl Drop for SocketServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn attend(mut socket: TcpStream, shared: Arc<Shared>) {
    match shared.greeting {
        Greeting::Accept => {
            let socket = tokio_tungstenite::accept_async(socket).await.unwrap();
            // An error of the socket ends it: clients may give up.
            let _ = serve(socket, &shared).await;
        }
        Greeting::Status(status) => {
            #[expect(clippy::result_large_err, reason = "so tungstenite has it")]
            let refuse = |_: &Request, _: Response| -> Result<Response, ErrorResponse> {
                let mut refusal = ErrorResponse::new(None);
                *refusal.status_mut() = status.try_into().unwrap();
                Err(refusal)
            };
            let _ = tokio_tungstenite::accept_hdr_async(socket, refuse).await;
        }
        Greeting::End | Greeting::Reset | Greeting::Garbage => {
            read_head(&mut socket).await;
            if shared.greeting == Greeting::Garbage {
                socket.write_all(b"HTTP/1.1 101 No\r\nupgrade: chat\r\n\r\n").await.unwrap();
            }
            if shared.greeting == Greeting::Reset {
                socket.set_zero_linger().unwrap();
            }
        }
    }
}

async fn read_head(socket: &mut TcpStream) {
    use tokio::io::AsyncReadExt;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(socket.read_u8().await.unwrap());
    }
}

type Failed = tokio_tungstenite::tungstenite::Error;

async fn serve(mut socket: WebSocketStream<TcpStream>, shared: &Shared) -> Result<(), Failed> {
    while let Some(message) = socket.next().await {
        let payload = match message? {
            Message::Binary(payload) => payload,
            Message::Pong(_) => {
                shared.pongs.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            Message::Close(_) => {
                shared.goodbyes.fetch_add(1, Ordering::SeqCst);
                continue;
            }
            other => panic!("{other}"),
        };
        let number = shared.messages.fetch_add(1, Ordering::SeqCst);
        let act = (shared.script)(number);
        if !answer(&mut socket, act, payload.to_vec()).await? {
            return Ok(());
        }
        if let SocketAct::Ping | SocketAct::CloseIdle(_) = act {
            shared.gate.subscribe().wait_for(|is_open| *is_open).await.unwrap();
            match act {
                SocketAct::CloseIdle(code) => close(&mut socket, code).await?,
                _ => socket.send(Message::Ping("are you there".into())).await?,
            }
        }
    }
    Ok(())
}

/// Answers a message, and says whether to go on.
async fn answer(
    socket: &mut WebSocketStream<TcpStream>,
    act: SocketAct,
    mut payload: Vec<u8>,
) -> Result<bool, Failed> {
    match act {
        SocketAct::EndUnanswered => return Ok(false),
        SocketAct::Reset => {
            socket.get_ref().set_zero_linger()?;
            return Ok(false);
        }
        SocketAct::Silence => std::future::pending().await,
        SocketAct::Half => {
            let half = &frame(0x82, &payload)[..payload.len() / 2];
            socket.get_mut().write_all(half).await?;
            return Ok(false);
        }
        SocketAct::BadFrame => {
            socket.get_mut().write_all(&frame(0x83, &payload)).await?;
            return Ok(true);
        }
        SocketAct::AnswerInFragments => {
            let (first, last) = payload.split_at(payload.len() / 3);
            let wire = [frame(0x02, first), frame(0x89, b"ping"), frame(0x80, last)].concat();
            socket.get_mut().write_all(&wire).await?;
            return Ok(true);
        }
        SocketAct::Text => {
            socket.send(Message::Text("text".into())).await?;
            return Ok(true);
        }
        SocketAct::CloseUnanswered(code) => {
            close(socket, code).await?;
            return Ok(true);
        }
        SocketAct::WrongByte => {
            let last = payload.len() - 1;
            payload[last] ^= 1;
        }
        SocketAct::Twice => socket.feed(Message::Binary(payload.clone().into())).await?,
        _ => {}
    }
    socket.send(Message::Binary(payload.into())).await?;
    if let SocketAct::AnswerAndClose(code) = act {
        close(socket, code).await?;
    }
    Ok(act != SocketAct::AnswerAndEnd)
}

async fn close(socket: &mut WebSocketStream<TcpStream>, code: u16) -> Result<(), Failed> {
    socket.close(Some(CloseFrame { code: code.into(), reason: "".into() })).await
}

/// A frame of a server: not masked.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).expect("tests of frames use short messages");
    assert!(length < 126);
    [&[first, length], payload].concat()
}
