//! A service with generations. Owns its listener and its connections, which end with it; counts by
//! itself what it does to clients, and refuses to do what nobody asked for.

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rekindle_prove::{Group, Mode, Plan, Request, RestartError, Target, Trial};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// What becomes of the old generation at a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// All its connections go on, with the new generation.
    Moves,
    /// Nothing happens: the restart is none.
    Stays,
    /// Those of its connections end that have no request, with an end of file; the others go on.
    ClosesIdle,
    /// Its connections end that have a request which is held, without an answer.
    CutsHeld,
    /// Nobody listens for this time; connections go on.
    Deaf(Duration),
}

#[derive(Clone)]
pub(crate) struct Service {
    pub(crate) target: Target,
    shared: Arc<Shared>,
    accepting: Arc<Mutex<Accepting>>,
    /// Holds the port while nobody listens, so that nobody else gets it.
    _guard: Arc<TcpSocket>,
}

struct Accepting(JoinHandle<()>);

impl Drop for Accepting {
    fn drop(&mut self) {
        self.0.abort();
    }
}

type Body = Box<dyn Fn(&str, u64) -> Answer + Send + Sync>;

struct Shared {
    /// How it answers a request of this path, in this generation.
    body: Body,
    generation: AtomicU64,
    fate: watch::Sender<(u64, Fate)>,
    held: watch::Sender<u64>,
    closed: AtomicU64,
}

/// What is answered.
pub(crate) enum Answer {
    Text(String),
    Status(&'static str),
    /// The last answer of its connection, as it says itself.
    Last,
    /// Nothing, until [`Fate::CutsHeld`].
    Held,
}

impl Service {
    /// A service that names its generation.
    pub(crate) fn new() -> Self {
        Self::answering(|path, generation| match path {
            "/hold" => Answer::Held,
            _ => Answer::Text(format!("pid {} generation {generation}", 1_000 + generation)),
        })
    }

    /// A service that answers like this.
    pub(crate) fn answering(body: impl Fn(&str, u64) -> Answer + Send + Sync + 'static) -> Self {
        let guard = bound(([127, 0, 0, 1], 0).into());
        let address = guard.local_addr().unwrap();
        let listener = bound(address).listen(128).unwrap();
        let shared = Arc::new(Shared {
            body: Box::new(body),
            generation: AtomicU64::new(1),
            fate: watch::Sender::new((0, Fate::Moves)),
            held: watch::Sender::new(0),
            closed: AtomicU64::new(0),
        });
        let accepting = Arc::new(Mutex::new(accept(listener, Arc::clone(&shared))));
        Self { target: Target::Tcp(address), shared, accepting, _guard: Arc::new(guard) }
    }

    /// How many connections it has ended by now.
    pub(crate) fn closed(&self) -> u64 {
        self.shared.closed.load(Ordering::SeqCst)
    }

    /// Waits until so many requests are held.
    pub(crate) async fn holds(&self, count: u64) {
        self.shared.held.subscribe().wait_for(|held| *held >= count).await.unwrap();
    }

    pub(crate) async fn restart(&self, number: u32, fate: Fate) {
        if fate == Fate::Stays {
            return;
        }
        if let Fate::Deaf(time) = fate {
            self.accepting.lock().unwrap().0.abort();
            // The time is the fault.
            tokio::time::sleep(time).await;
            let Target::Tcp(address) = self.target else { unreachable!() };
            let accepting = accept(bound(address).listen(128).unwrap(), Arc::clone(&self.shared));
            *self.accepting.lock().unwrap() = accepting;
        }
        self.shared.generation.fetch_add(1, Ordering::SeqCst);
        self.shared.fate.send_replace((u64::from(number), fate));
    }

    /// A trial with this load, in which each restart has the fate that this says.
    pub(crate) fn trial(
        &self,
        groups: impl IntoIterator<Item = Group>,
        fate: impl Fn(u32) -> Fate + Send + Sync + 'static,
    ) -> Trial {
        let plan = groups.into_iter().fold(Plan::new(self.target.clone()), Plan::group);
        let service = self.clone();
        Trial::new(plan)
            .every(Duration::from_millis(150))
            .settle(Duration::from_millis(600))
            .restart(move |number| {
                let (service, fate) = (service.clone(), fate(number));
                async move {
                    service.restart(number, fate).await;
                    Ok::<(), RestartError>(())
                }
            })
    }
}

/// Two clients that keep their connections, and one that does not.
pub(crate) fn busy() -> [Group; 2] {
    // Not all that the machine can do: other tests run beside this one.
    let pause = Duration::from_millis(2);
    [
        Group::new(Mode::Keep, Request::get("/")).connections(2).pause(pause),
        Group::new(Mode::New, Request::get("/")).pause(pause),
    ]
}

fn bound(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket
}

fn accept(listener: TcpListener, shared: Arc<Shared>) -> Accepting {
    Accepting(tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(socket, Arc::clone(&shared)));
        }
    }))
}

/// Serves one connection. An error of the socket ends it: clients may give up.
async fn serve(mut socket: TcpStream, shared: Arc<Shared>) -> io::Result<()> {
    let mut fates = shared.fate.subscribe();
    let born = fates.borrow().0;
    loop {
        let request = tokio::select! {
            biased;
            request = read_request(&mut socket) => request?,
            _ = fates.wait_for(|(of, fate)| *of > born && *fate == Fate::ClosesIdle) => {
                shared.closed.fetch_add(1, Ordering::SeqCst);
                return Ok(());
            }
        };
        let Some(Asked { path, wants_close }) = request else { return Ok(()) };
        let generation = shared.generation.load(Ordering::SeqCst);
        let answer = (shared.body)(&path, generation);
        let is_last = wants_close || matches!(answer, Answer::Last);
        let (status, field, body) = match answer {
            Answer::Text(body) => ("200 OK", "", body),
            Answer::Status(status) => (status, "", String::new()),
            Answer::Last => ("200 OK", "connection: close\r\n", String::new()),
            Answer::Held => {
                shared.held.send_modify(|held| *held += 1);
                fates.wait_for(|(of, fate)| *of > born && *fate == Fate::CutsHeld).await.unwrap();
                shared.closed.fetch_add(1, Ordering::SeqCst);
                return Ok(());
            }
        };
        let length = body.len();
        let answer = format!("HTTP/1.1 {status}\r\n{field}content-length: {length}\r\n\r\n{body}");
        socket.write_all(answer.as_bytes()).await?;
        if is_last {
            return Ok(());
        }
    }
}

struct Asked {
    path: String,
    wants_close: bool,
}

/// The next request, or `None` if the client left in order. Its body is read and forgotten.
async fn read_request(socket: &mut TcpStream) -> io::Result<Option<Asked>> {
    let mut bytes = Vec::new();
    let head_bytes = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if socket.read_buf(&mut bytes).await? == 0 {
            return Ok(None);
        }
    };
    let head = String::from_utf8(bytes[..head_bytes].to_vec()).expect("heads are ASCII");
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let length: usize = length.map_or(0, |length| length.parse().expect("a number"));
    let rest = (head_bytes + length).saturating_sub(bytes.len());
    socket.read_exact(&mut vec![0; rest]).await?;
    let path = head.split(' ').nth(1).expect("a request line has three words").to_owned();
    Ok(Some(Asked { path, wants_close: head.contains("\r\nconnection: close\r\n") }))
}
