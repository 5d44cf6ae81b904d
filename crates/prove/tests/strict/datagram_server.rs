//! An echo over UDP whose every fault is on a switch. Refuses a fault that nobody asked for.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rekindle_prove::Target;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// What it does with a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatagramAct {
    Answer,
    Drop,
    /// Answers when the next one comes.
    Late,
    WrongByte,
    Short,
    Twice,
    /// The answer to the one before.
    Previous,
}

pub(crate) struct DatagramServer {
    pub(crate) target: Target,
    received: Arc<AtomicUsize>,
    serving: JoinHandle<()>,
}

impl DatagramServer {
    pub(crate) async fn start(
        script: impl Fn(usize) -> DatagramAct + Send + Sync + 'static,
    ) -> Self {
        let socket = UdpSocket::bind(("127.0.0.1", 0)).await.unwrap();
        let target = Target::Udp(socket.local_addr().unwrap());
        let received = Arc::new(AtomicUsize::new(0));
        let serving = tokio::spawn(serve(socket, Arc::clone(&received), script));
        Self { target, received, serving }
    }

    pub(crate) fn received(&self) -> usize {
        self.received.load(Ordering::SeqCst)
    }
}

impl Drop for DatagramServer {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(
    socket: UdpSocket,
    received: Arc<AtomicUsize>,
    script: impl Fn(usize) -> DatagramAct,
) {
    let mut input = vec![0; 64 * 1024];
    let mut previous = Vec::new();
    let mut late: Option<(Vec<u8>, SocketAddr)> = None;
    loop {
        let (count, from) = socket.recv_from(&mut input).await.unwrap();
        if let Some((answer, to)) = late.take() {
            socket.send_to(&answer, to).await.unwrap();
        }
        let datagram = input[..count].to_vec();
        let mut answers = vec![datagram.clone()];
        match script(received.fetch_add(1, Ordering::SeqCst)) {
            DatagramAct::Answer => {}
            DatagramAct::Drop => answers.clear(),
            DatagramAct::Late => late = answers.pop().map(|answer| (answer, from)),
            DatagramAct::WrongByte => answers[0][count - 1] ^= 1,
            DatagramAct::Short => answers[0].truncate(count - 1),
            DatagramAct::Twice => answers.push(datagram.clone()),
            DatagramAct::Previous => answers[0] = previous,
        }
        previous = datagram;
        for answer in answers {
            socket.send_to(&answer, from).await.unwrap();
        }
    }
}
