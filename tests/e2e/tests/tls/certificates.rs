//! An upgrade brings the certificate that is in the files by then, if it is a good one.

use std::fs;

use rekindle_e2e::{Certificate, TlsClients};
use rustls::HandshakeKind;
use rustls::version::TLS13;

use crate::{server, settings};

#[test]
fn new_connections_see_the_new_certificate_and_old_ones_live() {
    let (old, new) = (Certificate::new(), Certificate::new());
    let (server, address) = server(&old, settings());
    let clients = TlsClients::new(&TLS13, &[&old, &new]);
    let mut kept = clients.connect(address).unwrap();
    assert_eq!(kept.get("/").unwrap().generation, 1);
    assert!(kept.was_shown(&old));
    new.install(server.installation().directory());
    assert!(clients.connect(address).unwrap().get("/").is_ok());
    server.upgrade().committed();
    let mut fresh = clients.connect(address).unwrap();
    assert_eq!(fresh.handshake().unwrap(), HandshakeKind::Full, "of another certificate");
    assert!(fresh.was_shown(&new));
    assert_eq!(fresh.get("/").unwrap().generation, 2);
    assert_eq!(kept.get("/").unwrap().generation, 1);
}

#[test]
fn a_bad_certificate_aborts_the_upgrade_with_its_words_and_the_old_one_serves_on() {
    let certificate = Certificate::new();
    let (server, address) = server(&certificate, settings());
    let clients = TlsClients::new(&TLS13, &[&certificate]);
    let mut kept = clients.connect(address).unwrap();
    kept.handshake().unwrap();
    let directory = server.installation().directory();
    let key = directory.join(Certificate::KEY_FILE);
    for (content, words) in
        [("", "find a private key in"), ("-----BEGIN PRIVATE KEY-----\nAAAA\n", "as PEM")]
    {
        fs::write(&key, content).unwrap();
        let verdict = server.upgrade();
        assert_eq!(verdict.verdict, "aborted", "{verdict:?}");
        assert!(verdict.message.contains(words), "{verdict:?}");
        assert!(verdict.message.contains(Certificate::KEY_FILE), "{verdict:?}");
    }
    assert_eq!(kept.get("/").unwrap().generation, 1);
    assert!(!clients.connect(address).unwrap().get("/").unwrap().closes);
    certificate.install(directory);
    server.upgrade().committed();
}
