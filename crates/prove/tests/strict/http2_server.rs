//! A server of HTTP/2 that is written frame by frame, so that it can break every rule of RFC 9113.
//! Its faults are on a switch, as with `server`.

use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rekindle_prove::Target;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use crate::server::{Secured, Socket};

const PREFACE_BYTES: usize = 24;
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const GOAWAY: u8 = 7;
const WINDOW_UPDATE: u8 = 8;
const END_STREAM: u8 = 1;
const ACK: u8 = 1;
const END_HEADERS: u8 = 4;
/// `:status: 200` and `:status: 404` of the static table (RFC 7541, Appendix A).
const OK: u8 = 0x88;
const NOT_FOUND: u8 = 0x8d;
const REFUSED_STREAM: u32 = 7;

/// What a server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Answer,
    /// Answers when the gate opens.
    Hold,
    Silence,
    WrongStatus,
    WrongBody,
    /// Refuses the stream, unprocessed.
    Refuse,
    /// Resets the stream with this code.
    Reset(u32),
    /// Says that this stream is the last, and answers it.
    Goodbye,
    /// Says that this stream, and all after it, are not processed.
    GoodbyeBefore,
    /// Answers, and closes the connection without a word.
    AnswerAndClose,
    /// Answers, and closes the connection when the gate opens.
    CloseIdle,
    /// Says that this stream is the last when the gate opens, after its answer.
    GoodbyeIdle,
    /// Closes the connection.
    Cut,
    /// Resets the connection.
    CutByReset,
    /// Sends what is no HTTP/2.
    BreakRules,
    /// Answers a half, and closes the connection.
    Half,
}

type Script = Arc<dyn Fn(usize) -> Act + Send + Sync>;

pub(crate) struct Http2Server {
    pub(crate) target: Target,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    script: Script,
    gate: watch::Sender<bool>,
    connections: AtomicUsize,
    requests: AtomicUsize,
    /// The most requests that were under way on a connection.
    most_open: AtomicUsize,
    allowed: Allowed,
}

/// What a server says of how many requests may be under way on a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Nothing, in its settings.
    AnyNumber,
    /// So many.
    Most(u32),
    /// It never sends its settings.
    NotSaid,
    /// Nothing at all: it ends each connection when it has said its settings.
    Nothing,
}

impl Http2Server {
    pub(crate) async fn new(script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        Self::allowing(Allowed::AnyNumber, script).await
    }

    /// One that allows so many streams at a time.
    pub(crate) async fn allowing(
        allowed: Allowed,
        script: impl Fn(usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        Self::start(allowed, None, script).await
    }

    /// Over TLS. One that cuts ends its connections without a word of TLS.
    pub(crate) async fn tls(
        config: Arc<rustls::ServerConfig>,
        cuts: bool,
        script: impl Fn(usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let secured = Some((TlsAcceptor::from(config), !cuts));
        Self::start(Allowed::AnyNumber, secured, script).await
    }

    async fn start(
        allowed: Allowed,
        secured: Option<(TlsAcceptor, bool)>,
        script: impl Fn(usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let target = Target::Tcp(listener.local_addr().unwrap());
        let shared = Arc::new(Shared {
            script: Arc::new(script),
            gate: watch::Sender::new(false),
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
            most_open: AtomicUsize::new(0),
            allowed,
        });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    let (socket, _) = listener.accept().await.unwrap();
                    socket.set_nodelay(true).unwrap();
                    shared.connections.fetch_add(1, Ordering::SeqCst);
                    let (shared, secured) = (Arc::clone(&shared), secured.clone());
                    tokio::spawn(async move {
                        let Some((acceptor, says_goodbye)) = secured else {
                            return Connection::new(socket, shared).serve().await;
                        };
                        let stream = acceptor.accept(socket).await?;
                        Connection::new(Secured { stream, says_goodbye }, shared).serve().await
                    });
                }
            }
        });
        Self { target, shared, accepting }
    }

    pub(crate) fn open_gate(&self) {
        self.shared.gate.send_replace(true);
    }

    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn most_open(&self) -> usize {
        self.shared.most_open.load(Ordering::SeqCst)
    }
}

impl Drop for Http2Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

struct Connection<S> {
    socket: BufReader<S>,
    shared: Arc<Shared>,
    /// The bodies of the requests under way, as far as they have come.
    bodies: HashMap<u32, Vec<u8>>,
    open: HashSet<u32>,
    held: Vec<(u32, Vec<u8>)>,
    /// What the gate lets happen.
    at_gate: Option<Act>,
    last_stream: u32,
}

/// Whether a connection goes on.
#[derive(PartialEq)]
enum Goes {
    On,
    Away,
}

impl<S: Socket> Connection<S> {
    fn new(socket: S, shared: Arc<Shared>) -> Self {
        let socket = BufReader::new(socket);
        let (bodies, held) = (HashMap::new(), Vec::new());
        Self { socket, shared, bodies, open: HashSet::new(), held, at_gate: None, last_stream: 0 }
    }

    /// An error of the socket ends it: clients may give up.
    async fn serve(mut self) -> io::Result<()> {
        self.socket.read_exact(&mut [0; PREFACE_BYTES]).await?;
        if let Some(settings) = self.settings() {
            self.send(SETTINGS, 0, 0, &settings).await?;
        }
        if self.shared.allowed == Allowed::Nothing {
            return self.end().await;
        }
        let mut gate = self.shared.gate.subscribe();
        let mut has_passed = false;
        loop {
            tokio::select! {
                // What it shows stays in its buffer.
                shown = self.socket.fill_buf() => {
                    if shown?.is_empty() || self.take_frame().await? == Goes::Away {
                        return self.end().await;
                    }
                }
                () = async { drop(gate.wait_for(|is_open| *is_open).await) }, if !has_passed => {
                    has_passed = true;
                    for (stream, body) in std::mem::take(&mut self.held) {
                        self.answer(stream, OK, &body).await?;
                    }
                    match self.at_gate {
                        Some(Act::CloseIdle) => return self.end().await,
                        Some(Act::GoodbyeIdle) => self.goodbye(self.last_stream).await?,
                        _ => {}
                    }
                }
            }
        }
    }

    /// What it says of itself first, if it does.
    fn settings(&self) -> Option<Vec<u8>> {
        match self.shared.allowed {
            Allowed::NotSaid => None,
            Allowed::AnyNumber | Allowed::Nothing => Some(Vec::new()),
            // SETTINGS_MAX_CONCURRENT_STREAMS.
            Allowed::Most(most) => Some([&[0, 3], &most.to_be_bytes()[..]].concat()),
        }
    }

    /// Ends it in order: a close over unread bytes would be a reset.
    async fn end(mut self) -> io::Result<()> {
        self.socket.get_mut().end().await;
        self.socket.get_ref().shut();
        while self.socket.read(&mut [0; 1024]).await? > 0 {}
        Ok(())
    }

    async fn take_frame(&mut self) -> io::Result<Goes> {
        let mut header = [0; 9];
        self.socket.read_exact(&mut header).await?;
        let [a, b, c, kind, flags, stream @ ..] = header;
        let mut content = vec![0; u32::from_be_bytes([0, a, b, c]) as usize];
        self.socket.read_exact(&mut content).await?;
        let stream = u32::from_be_bytes(stream);
        match kind {
            SETTINGS if flags & ACK == 0 => self.send(SETTINGS, ACK, 0, &[]).await?,
            PING if flags & ACK == 0 => self.send(PING, ACK, 0, &content).await?,
            HEADERS => {
                self.open.insert(stream);
                self.last_stream = stream;
                self.shared.most_open.fetch_max(self.open.len(), Ordering::SeqCst);
                self.bodies.insert(stream, Vec::new());
            }
            DATA => {
                let increment = (content.len() as u32).to_be_bytes();
                if !content.is_empty() {
                    self.send(WINDOW_UPDATE, 0, 0, &increment).await?;
                    self.send(WINDOW_UPDATE, 0, stream, &increment).await?;
                }
                if let Some(body) = self.bodies.get_mut(&stream) {
                    body.extend_from_slice(&content);
                }
            }
            RST_STREAM => {
                self.open.remove(&stream);
                self.bodies.remove(&stream);
            }
            _ => {}
        }
        if matches!(kind, HEADERS | DATA)
            && flags & END_STREAM != 0
            && let Some(body) = self.bodies.remove(&stream)
        {
            return self.act(stream, body).await;
        }
        Ok(Goes::On)
    }

    async fn act(&mut self, stream: u32, mut body: Vec<u8>) -> io::Result<Goes> {
        let number = self.shared.requests.fetch_add(1, Ordering::SeqCst);
        if body.is_empty() {
            body = b"pid 7 generation 3".to_vec();
        }
        let act = (self.shared.script)(number);
        let is_gate_open = *self.shared.gate.borrow();
        match act {
            Act::Answer => self.answer(stream, OK, &body).await?,
            Act::Hold if is_gate_open => self.answer(stream, OK, &body).await?,
            Act::Hold => self.held.push((stream, body)),
            Act::Silence => {}
            Act::WrongStatus => self.answer(stream, NOT_FOUND, &body).await?,
            Act::WrongBody => {
                body[0] = !body[0];
                self.answer(stream, OK, &body).await?;
            }
            Act::Refuse => self.reset(stream, REFUSED_STREAM).await?,
            Act::Reset(code) => self.reset(stream, code).await?,
            Act::Goodbye => {
                self.goodbye(stream).await?;
                self.answer(stream, OK, &body).await?;
            }
            Act::GoodbyeBefore => self.goodbye(stream - 1).await?,
            Act::AnswerAndClose => {
                self.answer(stream, OK, &body).await?;
                return Ok(Goes::Away);
            }
            Act::CloseIdle | Act::GoodbyeIdle => {
                self.at_gate = Some(act);
                self.answer(stream, OK, &body).await?;
            }
            Act::Cut => return Ok(Goes::Away),
            Act::CutByReset => {
                self.socket.get_mut().reset();
                return Err(io::ErrorKind::ConnectionReset.into());
            }
            // A frame of data on a stream that nobody has opened.
            Act::BreakRules => self.send(DATA, 0, 0, b"what").await?,
            Act::Half => {
                self.send(HEADERS, END_HEADERS, stream, &[OK]).await?;
                self.send(DATA, 0, stream, &body[..body.len() / 2]).await?;
                return Ok(Goes::Away);
            }
        }
        Ok(Goes::On)
    }

    async fn answer(&mut self, stream: u32, status: u8, body: &[u8]) -> io::Result<()> {
        self.open.remove(&stream);
        self.send(HEADERS, END_HEADERS, stream, &[status]).await?;
        for piece in body.chunks(16 * 1024) {
            self.send(DATA, 0, stream, piece).await?;
        }
        self.send(DATA, END_STREAM, stream, &[]).await
    }

    async fn reset(&mut self, stream: u32, code: u32) -> io::Result<()> {
        self.open.remove(&stream);
        self.send(RST_STREAM, 0, stream, &code.to_be_bytes()).await
    }

    async fn goodbye(&mut self, last_stream: u32) -> io::Result<()> {
        let content = [last_stream.to_be_bytes(), 0_u32.to_be_bytes()].concat();
        self.send(GOAWAY, 0, 0, &content).await
    }

    async fn send(&mut self, kind: u8, flags: u8, stream: u32, content: &[u8]) -> io::Result<()> {
        let mut frame = (content.len() as u32).to_be_bytes()[1..].to_vec();
        frame.extend_from_slice(&[kind, flags]);
        frame.extend_from_slice(&stream.to_be_bytes());
        frame.extend_from_slice(content);
        self.socket.write_all(&frame).await?;
        self.socket.flush().await
    }
}
