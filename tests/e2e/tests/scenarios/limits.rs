//! Too few descriptors: who cannot be served yet waits, and nothing else breaks.

use rekindle_e2e::{Face, HttpClient, ProcessView, Settings, eventually};
use rekindle_unix::Signal;

use crate::{each_face, server};

each_face!(s21_fifty_descriptors_and_a_hundred_clients);

async fn s21_fifty_descriptors_and_a_hundred_clients(face: Face) {
    const LIMIT: u32 = 50;
    const CLIENTS: usize = 100;
    let server = server(&Settings { descriptor_limit: Some(LIMIT.into()), ..Settings::new(face) });
    let pid = server.first_pid();
    let address = server.socket_address("http");
    let mut clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let mut client = HttpClient::connect(address).unwrap();
            client.send_get("/").unwrap();
            client
        })
        .collect();
    server.wait_for_log("clients have to wait");
    // What it inherited may be above the limit.
    let open = || ProcessView::of(pid).descriptors().range(..LIMIT).count();
    eventually("all descriptors are in use", || (open() == LIMIT as usize).then_some(()));
    // An upgrade needs some as well, and says so when there are none.
    server.signal(pid, Signal::Hup);
    server.wait_for_log("verdict=aborted while spawning");
    assert_eq!(server.first_ended(), None);
    // The clients that are served go, and the ones behind them come.
    let mut answered = 0;
    while let Some(mut client) = (!clients.is_empty()).then(|| clients.remove(0)) {
        assert_eq!(client.answer().unwrap().pid, pid);
        answered += 1;
    }
    assert_eq!(answered, CLIENTS);
    eventually("its descriptors are free again", || (open() < LIMIT as usize / 2).then_some(()));
    let verdict = server.upgrade().committed();
    let mut client = HttpClient::connect(address).unwrap();
    assert_eq!(client.get("/").unwrap().pid, verdict.pid);
}
