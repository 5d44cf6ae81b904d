//! Kept connections that do nothing, and whether they are alive.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;

use super::connection::{Connection, Progress};
use super::poller::Poller;

/// How long it may be that no answer comes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How many requests are under way at once: what is measured are the connections, not the load.
const AT_ONCE: usize = 64;

/// Asks on each once, and then again each time that a line comes in.
pub(crate) fn run(address: SocketAddr, connections: usize) -> Result<()> {
    raise_descriptor_limit()?;
    let mut clients = Clients { places: Vec::new(), poller: Poller::new()? };
    loop {
        clients.ask_all(address, connections)?;
        let mut line = String::new();
        if io::stdin().read_line(&mut line).context("read a word")? == 0 {
            return Ok(());
        }
    }
}

/// All connections, but for those that were lost.
struct Clients {
    places: Vec<Option<Connection>>,
    poller: Poller,
}

impl Clients {
    /// Asks once on each, and says who answered how many. The first time it opens them: not all
    /// at once, which would be too many for the server's queue.
    fn ask_all(&mut self, address: SocketAddr, connections: usize) -> Result<()> {
        let (mut answered, mut failed) = (BTreeMap::<u32, u64>::new(), 0u64);
        let (mut begun, mut ended) = (0, 0);
        while ended < connections {
            while begun < connections && begun - ended < AT_ONCE {
                if begun == self.places.len() {
                    self.open(address)?;
                }
                let asked = self.places[begun].as_mut().map(Connection::ask);
                if !matches!(asked, Some(Ok(()))) {
                    self.places[begun] = None;
                    (failed, ended) = (failed + 1, ended + 1);
                }
                begun += 1;
            }
            let patience = if ended < connections { PATIENCE } else { Duration::ZERO };
            let ready = self.poller.wait(patience)?;
            ensure!(!ready.is_empty() || ended == connections, "hear an answer in time");
            for place in ready {
                match self.places[place].as_mut().map(Connection::receive) {
                    Some(Ok(Progress::Partly)) | None => {}
                    Some(Ok(Progress::Answered(answer))) if !answer.announces_close => {
                        *answered.entry(answer.pid).or_default() += 1;
                        ended += 1;
                    }
                    Some(Ok(Progress::Answered(_) | Progress::Closed) | Err(_)) => {
                        self.places[place] = None;
                        // What was not asked yet is counted when it is its turn.
                        if place < begun {
                            (failed, ended) = (failed + 1, ended + 1);
                        }
                    }
                }
            }
        }
        say(&answered, failed);
        Ok(())
    }

    fn open(&mut self, address: SocketAddr) -> Result<()> {
        let place = self.places.len();
        let connection =
            Connection::open(address).with_context(|| format!("open connection {place}"))?;
        self.poller.watch(place, &connection)?;
        self.places.push(Some(connection));
        Ok(())
    }
}

fn say(answered: &BTreeMap<u32, u64>, failed: u64) {
    let answers: Vec<_> =
        answered.iter().map(|(pid, count)| json!({ "pid": pid, "count": count })).collect();
    println!("{}", json!({ "answers": answers, "failed": failed }));
}

fn raise_descriptor_limit() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let raised = Rlimit { current: maximum, maximum };
    setrlimit(Resource::Nofile, raised).context("raise the limit of descriptors")
}
