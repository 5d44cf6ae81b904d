//! An echo over TCP whose every fault is on a switch. Refuses a fault that nobody asked for.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rekindle_prove::Target;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What it does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EchoAct {
    Answer,
    CloseUnanswered,
    Reset,
    Half,
    WrongByte,
    Twice,
    Silence,
    /// Closes right after the answer.
    AnswerAndClose,
    /// After the answer, when the gate opens: a reset.
    ResetIdle,
    /// After the answer, when the gate opens: bytes that nobody asked for.
    Unsolicited,
}

type Script = dyn Fn(usize) -> EchoAct + Send + Sync;

pub(crate) struct EchoServer {
    pub(crate) target: Target,
    shared: Arc<Shared>,
    accepting: JoinHandle<()>,
}

struct Shared {
    script: Box<Script>,
    messages: AtomicUsize,
    gate: watch::Sender<bool>,
    length: usize,
}

impl EchoServer {
    /// For messages of this length.
    pub(crate) async fn start(
        length: usize,
        tls: Option<TlsAcceptor>,
        script: impl Fn(usize) -> EchoAct + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let target = Target::Tcp(listener.local_addr().unwrap());
        let script: Box<Script> = Box::new(script);
        let (messages, gate) = (AtomicUsize::new(0), watch::Sender::new(false));
        let shared = Arc::new(Shared { script, messages, gate, length });
        let accepting = tokio::spawn({
            let shared = Arc::clone(&shared);
            async move {
                loop {
                    let (socket, _) = listener.accept().await.unwrap();
                    let (shared, tls) = (Arc::clone(&shared), tls.clone());
                    tokio::spawn(async move {
                        match tls {
                            None => serve(socket, |socket| socket, &shared).await,
                            Some(tls) => {
                                let stream = tls.accept(socket).await?;
                                serve(stream, |stream| stream.get_ref().0, &shared).await
                            }
                        }
                    });
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
}

impl Drop for EchoServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

/// Serves one connection until the client has ended it, and then ends it too.
async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    socket: fn(&S) -> &TcpStream,
    shared: &Shared,
) -> io::Result<()> {
    let mut message = vec![0; shared.length];
    while stream.read_exact(&mut message).await.is_ok() {
        let number = shared.messages.fetch_add(1, Ordering::SeqCst);
        let act = (shared.script)(number);
        let mut answer = message.clone();
        match act {
            EchoAct::CloseUnanswered => break,
            EchoAct::Reset => return socket(&stream).set_zero_linger(),
            EchoAct::Silence => std::future::pending().await,
            EchoAct::Half => answer.truncate(shared.length / 2),
            EchoAct::WrongByte => answer[shared.length - 1] ^= 1,
            EchoAct::Twice => answer.extend_from_slice(&message),
            EchoAct::Answer
            | EchoAct::AnswerAndClose
            | EchoAct::ResetIdle
            | EchoAct::Unsolicited => {}
        }
        stream.write_all(&answer).await?;
        stream.flush().await?;
        match act {
            EchoAct::Half | EchoAct::AnswerAndClose => break,
            EchoAct::ResetIdle | EchoAct::Unsolicited => {
                shared.gate.subscribe().wait_for(|is_open| *is_open).await.unwrap();
                if act == EchoAct::ResetIdle {
                    return socket(&stream).set_zero_linger();
                }
                stream.write_all(b"news").await?;
                stream.flush().await?;
            }
            _ => {}
        }
    }
    stream.shutdown().await
}
