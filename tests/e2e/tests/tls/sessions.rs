//! Sessions resume in the next generation.

use rekindle_e2e::{Certificate, TlsClients};
use rustls::HandshakeKind::{Full, Resumed};
use rustls::version::{TLS12, TLS13};

use crate::{server, settings};

#[test]
fn a_session_resumes_in_every_later_generation() {
    const UPGRADES: u64 = 5;
    let certificate = Certificate::new();
    let (server, address) = server(&certificate, settings());
    for version in [&TLS12, &TLS13] {
        let clients = TlsClients::new(version, &[&certificate]);
        let first = server.status().generation;
        let mut kind = Full;
        for generation in first..=first + UPGRADES {
            let mut client = clients.connect(address).unwrap();
            assert_eq!(client.handshake().unwrap(), kind, "{version:?}, generation {generation}");
            // The tickets of TLS 1.3 come with the answer.
            assert_eq!(client.get("/").unwrap().generation, generation);
            kind = Resumed;
            server.upgrade().committed();
        }
    }
}

#[test]
fn a_session_resumes_in_a_later_generation_though_the_one_between_was_not_asked() {
    let certificate = Certificate::new();
    let (server, address) = server(&certificate, settings());
    let clients = TlsClients::new(&TLS13, &[&certificate]);
    clients.connect(address).unwrap().get("/").unwrap();
    for _ in 0..3 {
        server.upgrade().committed();
    }
    let mut client = clients.connect(address).unwrap();
    assert_eq!(client.handshake().unwrap(), Resumed);
    assert_eq!(client.get("/").unwrap().generation, 4);
}
