//! A server whose every fault is on a switch. Owns its sockets and tasks, which end with it;
//! refuses to do a fault that nobody asked for.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use rekindle_prove::{Load, Tally, Target};
use rustix::net::Shutdown;
use tempfile::TempDir;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// How much of each body is remembered.
const KEPT_BYTES: usize = 64;

/// What a server does with a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Act {
    Answer,
    AnswerChunked,
    /// The body ends with the connection.
    AnswerUntilClose,
    /// Asked to close after the answer, and does not.
    AnswerAndStay,
    AnnounceClose,
    /// Closes right after the answer, without a word.
    AnswerAndClose,
    CloseUnanswered,
    Reset,
    HalfAnswer,
    HalfAnswerReset,
    Silence,
    WrongStatus,
    WrongBody,
    ShortBody,
    MalformedHead,
    TrailingBytes,
    /// As `TrailingBytes`, in a segment of its own.
    LateBytes,
    /// After the answer, when the gate opens: bytes that nobody asked for.
    Unsolicited,
    /// After the answer, when the gate opens: an end of file.
    CloseIdle,
    /// After the answer, when the gate opens: a reset.
    ResetIdle,
    /// Answers when the gate opens.
    AnswerLate,
}

/// Chooses by the number of the request, from 0, over all connections.
type Script = Arc<dyn Fn(usize) -> Act + Send + Sync>;

pub(crate) struct Server {
    pub(crate) target: Target,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
    _directory: Option<TempDir>,
}

struct Shared {
    script: Script,
    gate: watch::Sender<bool>,
    generation: AtomicU64,
    /// Until then nothing is answered.
    resumes: std::sync::Mutex<Instant>,
    requests: AtomicUsize,
    /// Connections that the client ended in order, between two requests.
    left: AtomicUsize,
    bodies: std::sync::Mutex<Vec<Vec<u8>>>,
}

impl Server {
    pub(crate) async fn tcp(script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        Self::on(listener, script)
    }

    pub(crate) fn on(
        listener: TcpListener,
        script: impl Fn(usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let target = Target::Tcp(listener.local_addr().unwrap());
        let shared = Shared::new(script);
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    let (socket, _) = listener.accept().await.unwrap();
                    tokio::spawn(serve(socket, Arc::clone(&shared)));
                }
            }
        });
        Self { target, shared, accepting, _directory: None }
    }

    /// Over TLS. One that cuts ends its connections without a word of TLS.
    pub(crate) async fn tls(
        config: Arc<rustls::ServerConfig>,
        cuts: bool,
        script: impl Fn(usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let target = Target::Tcp(listener.local_addr().unwrap());
        let (shared, acceptor) = (Shared::new(script), TlsAcceptor::from(config));
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    let (socket, _) = listener.accept().await.unwrap();
                    let (acceptor, shared) = (acceptor.clone(), Arc::clone(&shared));
                    tokio::spawn(async move {
                        let stream = acceptor.accept(socket).await?;
                        serve(Secured { stream, says_goodbye: !cuts }, shared).await
                    });
                }
            }
        });
        Self { target, shared, accepting, _directory: None }
    }

    pub(crate) fn unix(script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        Self::unix_with_queue(1024, script)
    }

    /// At which so many connections may wait to be accepted.
    pub(crate) fn unix_with_queue(
        length: i32,
        script: impl Fn(usize) -> Act + Send + Sync + 'static,
    ) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("socket");
        let listener = UnixListener::bind(&path).unwrap();
        // The length that counts is the last that was asked for.
        rustix::net::listen(&listener, length).unwrap();
        let shared = Shared::new(script);
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    let (socket, _) = listener.accept().await.unwrap();
                    tokio::spawn(serve(socket, Arc::clone(&shared)));
                }
            }
        });
        Self { target: Target::Unix(path), shared, accepting, _directory: Some(directory) }
    }

    /// Lets all that wait at the gate pass, now and from now on.
    pub(crate) fn open_gate(&self) {
        self.shared.gate.send_replace(true);
    }

    /// Answers nothing for so long, from now on.
    pub(crate) fn pause(&self, time: Duration) {
        *self.shared.resumes.lock().unwrap() = Instant::now() + time;
    }

    pub(crate) fn set_generation(&self, generation: u64) {
        self.shared.generation.store(generation, Ordering::SeqCst);
    }

    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn left(&self) -> usize {
        self.shared.left.load(Ordering::SeqCst)
    }

    /// The bodies of all POST requests so far, each up to 64 bytes.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.shared.bodies.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Shared {
    fn new(script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Arc<Self> {
        Arc::new(Self {
            script: Arc::new(script),
            gate: watch::Sender::new(false),
            generation: AtomicU64::new(1),
            resumes: std::sync::Mutex::new(Instant::now()),
            requests: AtomicUsize::new(0),
            left: AtomicUsize::new(0),
            bodies: std::sync::Mutex::default(),
        })
    }

    async fn until_resumed(&self) {
        let resumes = *self.resumes.lock().unwrap();
        sleep_until(resumes).await;
    }

    async fn gate(&self) {
        self.gate.subscribe().wait_for(|is_open| *is_open).await.unwrap();
    }
}

/// This fault for `count` requests, every `every`th one, the first after `every - 1` good ones.
pub(crate) fn faulty(act: Act, count: usize, every: usize) -> impl Fn(usize) -> Act {
    move |number| {
        let is_due = (number + 1) % every == 0 && (number + 1) / every <= count;
        if is_due { act } else { Act::Answer }
    }
}

pub(crate) fn honest(_: usize) -> Act {
    Act::Answer
}

/// Waits until the counters are as wanted; fails with them after a time that is ample.
pub(crate) async fn until(load: &Load, wanted: impl Fn(&Tally) -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !wanted(&load.snapshot()) {
        assert!(Instant::now() < deadline, "still {:?}", load.snapshot());
        // A snapshot has no event to wait for: it is taken again.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    fn reset(&mut self);

    /// Says that nothing more comes, in TCP alone.
    fn shut(&self);

    /// Ends it, with all that is said before.
    fn end(&mut self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }
}

impl Socket for TcpStream {
    fn reset(&mut self) {
        self.set_zero_linger().unwrap();
    }

    fn shut(&self) {
        // The client may be gone.
        let _ = rustix::net::shutdown(self, Shutdown::Write);
    }
}

impl Socket for UnixStream {
    fn reset(&mut self) {
        panic!("a Unix socket has no reset on demand");
    }

    fn shut(&self) {
        // The client may be gone.
        let _ = rustix::net::shutdown(self, Shutdown::Write);
    }
}

/// A connection with TLS.
pub(crate) struct Secured {
    pub(crate) stream: TlsStream<TcpStream>,
    pub(crate) says_goodbye: bool,
}

impl Socket for Secured {
    fn reset(&mut self) {
        self.stream.get_ref().0.set_zero_linger().unwrap();
        self.says_goodbye = false;
    }

    fn shut(&self) {
        self.stream.get_ref().0.shut();
    }

    async fn end(&mut self) {
        if self.says_goodbye {
            // The client may be gone.
            let _ = self.stream.shutdown().await;
        }
    }
}

impl AsyncRead for Secured {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, bytes)
    }
}

impl AsyncWrite for Secured {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

struct Asked {
    /// `None` for a GET.
    body: Option<Vec<u8>>,
    wants_close: bool,
}

/// Serves one connection. An error of the socket ends it: clients may give up.
async fn serve(mut socket: impl Socket, shared: Arc<Shared>) -> io::Result<()> {
    let served = talk(&mut socket, shared).await;
    socket.end().await;
    served
}

async fn talk(socket: &mut impl Socket, shared: Arc<Shared>) -> io::Result<()> {
    while let Some(asked) = read_request(socket).await? {
        let number = shared.requests.fetch_add(1, Ordering::SeqCst);
        if let Some(body) = &asked.body {
            let start = body[..body.len().min(KEPT_BYTES)].to_vec();
            shared.bodies.lock().unwrap().push(start);
        }
        let act = (shared.script)(number);
        if act == Act::AnswerLate {
            shared.gate().await;
        }
        shared.until_resumed().await;
        let generation = shared.generation.load(Ordering::SeqCst);
        socket.write_all(&answer(act, &asked, generation)).await?;
        socket.flush().await?;
        match act {
            Act::CloseUnanswered
            | Act::HalfAnswer
            | Act::AnswerAndClose
            | Act::AnnounceClose
            | Act::AnswerUntilClose => return Ok(()),
            Act::Silence => std::future::pending().await,
            Act::LateBytes => {
                // The client says what it saw of the first segment by reading on: it cannot have
                // closed, since the end of file has not come.
                tokio::task::yield_now().await;
                socket.write_all(b"late").await?;
                return Ok(());
            }
            Act::CloseIdle => {
                shared.gate().await;
                return Ok(());
            }
            Act::Unsolicited => {
                shared.gate().await;
                socket.write_all(b"HTTP/1.1 408 Request Timeout\r\n\r\n").await?;
            }
            Act::ResetIdle => {
                shared.gate().await;
                socket.reset();
                return Ok(());
            }
            Act::Reset | Act::HalfAnswerReset => {
                socket.reset();
                return Ok(());
            }
            Act::AnswerAndStay => {}
            _ if asked.wants_close => return Ok(()),
            _ => {}
        }
    }
    shared.left.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

fn answer(act: Act, asked: &Asked, generation: u64) -> Vec<u8> {
    let pid = 1_000 + generation;
    let mut body = match &asked.body {
        Some(body) => body.clone(),
        None => format!("pid {pid} generation {generation}").into_bytes(),
    };
    let mut head = format!("x-pid: {pid}\r\nx-generation: {generation}\r\n");
    let mut status = "200 OK";
    match act {
        Act::CloseUnanswered | Act::Reset | Act::Silence => return Vec::new(),
        Act::MalformedHead => return b"SSH-2.0-not_http\r\n\r\n".to_vec(),
        Act::WrongStatus => status = "503 Service Unavailable",
        Act::WrongBody => {
            let last = body.last_mut().expect("the body is not empty");
            *last = !*last;
        }
        Act::ShortBody => body.truncate(body.len() - 1),
        Act::AnnounceClose => head.push_str("Connection: close\r\n"),
        _ => {}
    }
    let framed = match act {
        Act::AnswerUntilClose => body,
        Act::AnswerChunked => {
            head.push_str("transfer-encoding: chunked\r\n");
            chunked(&body)
        }
        _ => {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
            body
        }
    };
    let mut wire = format!("HTTP/1.1 {status}\r\n{head}\r\n").into_bytes();
    wire.extend_from_slice(&framed);
    match act {
        Act::HalfAnswer | Act::HalfAnswerReset => wire.truncate(wire.len() / 2),
        Act::TrailingBytes => wire.extend_from_slice(b"more"),
        _ => {}
    }
    wire
}

fn chunked(body: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    for chunk in body.chunks(1_000) {
        wire.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        wire.extend_from_slice(chunk);
        wire.extend_from_slice(b"\r\n");
    }
    wire.extend_from_slice(b"0\r\n\r\n");
    wire
}

/// The next request, or `None` if the client left in order.
async fn read_request(socket: &mut impl Socket) -> io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let head_bytes = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(&mut bytes).await? == 0 {
            assert!(bytes.is_empty(), "the client left within a head");
            return Ok(None);
        }
    };
    let head = String::from_utf8(bytes[..head_bytes].to_vec()).expect("heads are ASCII");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let body = match length {
        None => None,
        Some(length) => {
            let mut body = bytes.split_off(head_bytes);
            let length: usize = length.parse().expect("a length is a number");
            let had = body.len();
            body.resize(length, 0);
            socket.read_exact(&mut body[had..]).await?;
            Some(body)
        }
    };
    assert_eq!(body.is_some(), head.starts_with("POST "));
    Ok(Some(Asked { body, wants_close: head.contains("\r\nconnection: close\r\n") }))
}
