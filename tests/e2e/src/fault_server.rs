//! A server that loses at its restarts, each way on a switch, and knows what it did to whom. Owns
//! its listener and a runtime of its own; refuses to lose anything that nobody asked it to.
//!
//! Without a fault its restarts are perfect: the listener stays, and so do all connections; only
//! another process seems to answer.

mod connection;
mod ledger;
mod request;
mod shared;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use rekindle_prove::{Tally, Target};
use tokio::net::TcpSocket;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

pub use self::ledger::{Deed, Harm};

use self::connection::{Command, Connection, Order};
use self::shared::Shared;
use crate::fault::{Fault, Queue};
use crate::kernel::queued;
use crate::patience::PATIENCE;

/// How often the kernel's queue is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(1);

/// A server that loses as it is told to.
#[derive(Debug)]
pub struct FaultServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    door: Mutex<Door>,
    /// Taken when dropped.
    runtime: Option<Runtime>,
}

/// A listener, and the task that accepts from it.
#[derive(Debug)]
struct Door {
    /// Another descriptor of it, so that nobody is reset while nobody accepts.
    listener: Option<TcpListener>,
    accepting: JoinHandle<()>,
}

impl FaultServer {
    /// Starts one at this address; at port 0, the system chooses.
    #[must_use]
    pub fn start(address: SocketAddr) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shared = Arc::new(Shared::default());
        let listener = listen(runtime.handle(), address);
        let address = listener.local_addr().unwrap();
        let door = Mutex::new(open(runtime.handle(), listener, &shared));
        Self { address, shared, door, runtime: Some(runtime) }
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where it listens, to be loaded.
    #[must_use]
    pub const fn target(&self) -> Target {
        Target::Tcp(self.address)
    }

    /// Restarts with these faults, one after the other.
    pub async fn restart(&self, faults: &[Fault]) {
        self.shared.begin_restart();
        for fault in faults {
            match *fault {
                Fault::ResetQueue(queue) => self.reset_queue(queue).await,
                Fault::Refuse(queue, time) => self.refuse(queue, time).await,
                Fault::CloseIdle => self.order(Command::CloseIdle).await,
                Fault::TalkToIdle => self.order(Command::TalkToIdle).await,
                Fault::CutInFlight => self.order(Command::CutInFlight).await,
                Fault::EndInFlight => self.order(Command::EndInFlight).await,
                Fault::Answers(twist, count) => self.shared.add_twists(twist, count),
            }
        }
    }

    /// What it did, sorted. What it refused is not in it: that the kernel does.
    #[must_use]
    pub fn deeds(&self) -> Vec<Deed> {
        self.shared.ledger.sorted()
    }

    /// Whether it has done all that it was told to, and the clients have noticed as much: beside
    /// so many refusals, which it cannot know of.
    #[must_use]
    pub fn is_even_with(&self, tally: &Tally, refused: u64) -> bool {
        let done = self.shared.ledger.count() as u64 + refused;
        self.shared.is_straight() && tally.noticed() >= done
    }

    /// How often it answered as it should.
    #[must_use]
    pub fn answered(&self) -> u64 {
        self.shared.answered()
    }

    /// Has each connection do this, and waits until all have.
    async fn order(&self, command: Command) {
        let (done, mut all_done) = mpsc::channel(1);
        self.shared.order(|| Order { command, _done: done.clone() });
        drop(done);
        // Nothing is ever sent: it ends when the last one has dropped its order.
        while all_done.recv().await.is_some() {}
    }

    async fn reset_queue(&self, queue: Queue) {
        let mut door = self.door.lock().await;
        self.fill(&mut door, queue).await;
        let next = listen(self.handle(), self.address);
        // The old listener goes, and its queue with it.
        *door = open(self.handle(), next, &self.shared);
    }

    async fn refuse(&self, queue: Queue, time: Duration) {
        let mut door = self.door.lock().await;
        self.fill(&mut door, queue).await;
        door.listener = None;
        // The fault itself.
        sleep(time).await;
        *door = open(self.handle(), listen(self.handle(), self.address), &self.shared);
    }

    /// Accepts nobody any more, and waits until all wait. They will be reset.
    async fn fill(&self, door: &mut Door, Queue { waiting, path }: Queue) {
        door.accepting.abort();
        // That it was aborted is no news.
        let _ = (&mut door.accepting).await;
        let deadline = Instant::now() + PATIENCE;
        let ports = loop {
            let ports = queued(self.address);
            if ports.len() == waiting {
                break ports;
            }
            assert!(Instant::now() < deadline, "{waiting} should wait, and {ports:?} do");
            // The queue has no event to wait for.
            sleep(LOOK_EVERY).await;
        };
        for port in ports {
            let (restart, path) = (self.shared.restarts(), path.to_owned());
            let harm = Harm::Reset { crossed: false };
            self.shared.ledger.add(Deed { restart, path, port, harm });
        }
    }

    fn handle(&self) -> &Handle {
        self.runtime.as_ref().expect("it is taken when dropped").handle()
    }
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A listener that another one may listen beside.
fn listen(runtime: &Handle, address: SocketAddr) -> TcpListener {
    let _context = runtime.enter();
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.set_reuseport(true).unwrap();
    socket.bind(address).unwrap();
    socket.listen(1024).unwrap().into_std().unwrap()
}

/// Accepts from this listener.
fn open(runtime: &Handle, listener: TcpListener, shared: &Arc<Shared>) -> Door {
    let (shared, own) = (Arc::clone(shared), listener.try_clone().unwrap());
    let accepting = runtime.spawn(async move {
        let own = tokio::net::TcpListener::from_std(own).unwrap();
        while let Ok((socket, peer)) = own.accept().await {
            socket.set_nodelay(true).unwrap();
            let orders = shared.enlist();
            let connection = Connection::new(socket, peer.port(), Arc::clone(&shared), orders);
            tokio::spawn(connection.serve());
        }
    });
    Door { listener: Some(listener), accepting }
}
