//! Listeners of every kind survive; dropped ones are closed, added ones are bound.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rekindle::control::Wait;
use rekindle_e2e::{
    Correspondent, Ended, Face, HttpClient, ProcessView, Server, Settings, Ticked, Ticker,
    eventually,
};
use rekindle_unix::{Address, Signal};

use crate::{each_face, server};

each_face!(
    s18_all_kinds_survive_ten_upgrades,
    s18_dropped_ones_are_closed_and_added_ones_are_bound,
    s18_a_dropped_one_finishes_what_it_has,
    s18_a_dropped_one_is_served_again_after_a_roll_back,
    s18_a_renamed_one_is_the_same,
);

/// One of each kind. Abstract names are the whole machine's, so each is used once.
fn all_kinds() -> Vec<(String, String)> {
    static USED: AtomicU32 = AtomicU32::new(0);
    let number = USED.fetch_add(1, Ordering::Relaxed);
    let unique = format!("rekindle-e2e-{}-{number}", std::process::id());
    let kinds = [
        ("tcp4", "tcp:127.0.0.1:0".to_owned()),
        ("tcp6", "tcp6:[::1]:0".to_owned()),
        ("dual", "tcp:[::]:0".to_owned()),
        ("path", "unix:stream.sock".to_owned()),
        ("abstract", format!("unix:@{unique}")),
        ("packets", "unix-seqpacket:packets.sock".to_owned()),
        ("abstract packets", format!("unix-seqpacket:@{unique}-packets")),
        ("udp4", "udp:127.0.0.1:0".to_owned()),
        ("udp6", "udp6:[::1]:0".to_owned()),
        ("datagrams", "unix-datagram:datagrams.sock".to_owned()),
    ];
    let without_v6 = std::net::TcpListener::bind("[::1]:0").is_err();
    if without_v6 {
        println!("skipped: IPv6, which this machine does not have");
    }
    let kinds = kinds.into_iter().filter(|(_, address)| !(without_v6 && address.contains('[')));
    kinds.map(|(name, address)| (name.to_owned(), address)).collect()
}

/// A client of the listener `name`. A relative path is of the directory of the service.
fn correspondent(server: &Server, address: &str) -> Correspondent {
    let absolute = match address.split_once(':') {
        Some((scheme, path)) if scheme.starts_with("unix") && !path.starts_with(['@', '/']) => {
            format!("{scheme}:{}", server.path(path).display())
        }
        _ => address.to_owned(),
    };
    Correspondent::of(&absolute)
}

fn addresses(server: &Server) -> BTreeMap<String, String> {
    server.status().listeners.into_iter().map(|it| (it.name, it.address)).collect()
}

async fn s18_all_kinds_survive_ten_upgrades(face: Face) {
    let settings = Settings { listeners: all_kinds(), ..Settings::new(face) };
    let server = server(&settings);
    let before = addresses(&server);
    assert_eq!(before.len(), settings.listeners.len(), "{before:?}");
    let tickers: Vec<_> = before
        .iter()
        .map(|(name, address)| {
            let mut client = correspondent(&server, address);
            let ticker = Ticker::start(move |number| {
                // A pause between two questions, so that they are spread over the upgrade.
                std::thread::sleep(Duration::from_millis(1));
                client.ask(number)
            });
            (name.clone(), ticker)
        })
        .collect();
    for _ in 0..10 {
        server.upgrade().committed();
    }
    assert_eq!(addresses(&server), before, "port 0 stays the port that it became");
    for (address, name) in before.iter().map(|(name, address)| (address, name)) {
        let generation = correspondent(&server, address).ask(0).unwrap();
        assert_eq!(generation, 11, "{name}");
    }
    for (name, ticker) in tickers {
        let Ticked { answered, failures, .. } = ticker.stop();
        assert_eq!(failures, Vec::<String>::new(), "{name}");
        assert!(answered > 0, "{name}");
    }
}

async fn s18_dropped_ones_are_closed_and_added_ones_are_bound(face: Face) {
    let probation = Duration::from_millis(300);
    let kinds = all_kinds();
    let settings = Settings { listeners: kinds, probation, ..Settings::new(face) };
    let server = server(&settings);
    let before = addresses(&server);
    // Each once, however many descriptors it has: they are named by their inodes.
    let sockets = |pid| {
        let descriptors = ProcessView::of(pid).descriptors().into_values();
        descriptors.filter(|it| it.starts_with("socket:")).collect::<BTreeSet<_>>().len()
    };
    // The control socket, and those of the driver and the runtime. The connection on which the
    // status was asked for may still be among them, and is not the new process's.
    let others = sockets(server.first_pid()) - before.len();
    let fewer =
        settings.clone().listeners(&[("tcp4", "tcp:127.0.0.1:0"), ("more", "unix:more.sock")]);
    let mut upgrade = server.begin_upgrade_with(Wait::Confirmed, &fewer);
    upgrade.until("probation");
    // Until it is confirmed, the old process serves what the new one did not claim.
    for (name, address) in before.iter().filter(|(name, _)| *name != "tcp4") {
        let generation = correspondent(&server, address).ask(1).unwrap();
        assert_eq!(generation, 1, "{name}");
    }
    let verdict = upgrade.verdict().committed();
    assert!(verdict.confirmed);
    assert_eq!(server.first_end(), Ended::Exited(0));
    let after = addresses(&server);
    assert_eq!(after.keys().collect::<Vec<_>>(), ["more", "tcp4"]);
    assert_eq!(after["tcp4"], before["tcp4"]);
    for name in ["tcp4", "more"] {
        assert_eq!(correspondent(&server, &after[name]).ask(2).unwrap(), 2, "{name}");
    }
    for name in ["path", "abstract", "packets", "abstract packets"] {
        correspondent(&server, &before[name]).ask(3).unwrap_err();
    }
    if let Some(dual) = before.get("dual") {
        let dual: Address = dual.parse().unwrap();
        let port = dual.internet().unwrap().socket().port();
        HttpClient::connect(([127, 0, 0, 1], port).into()).unwrap_err();
    }
    for path in ["stream.sock", "packets.sock", "datagrams.sock"] {
        assert!(!server.path(path).exists(), "{path} is left behind");
    }
    eventually("no descriptor of a dropped one is left", || {
        (sockets(verdict.pid) <= others + after.len()).then_some(())
    });
}

async fn s18_a_dropped_one_finishes_what_it_has(face: Face) {
    let probation = Duration::from_millis(300);
    let settings = Settings { probation, ..Settings::new(face) };
    let two =
        settings.clone().listeners(&[("http", "tcp:127.0.0.1:0"), ("dropped", "tcp:127.0.0.1:0")]);
    let server = server(&two);
    let address = server.socket_address("dropped");
    let mut upgrade = server.begin_upgrade_with(Wait::Confirmed, &settings);
    upgrade.until("probation");
    // It comes after the commit, when nothing else was in flight, and lasts over the confirmation.
    let mut client = HttpClient::connect(address).unwrap();
    client.send_get("/slow?ms=1000").unwrap();
    upgrade.verdict().committed();
    assert_eq!(client.answer().unwrap().generation, 1);
    assert_eq!(server.first_end(), Ended::Exited(0));
}

async fn s18_a_dropped_one_is_served_again_after_a_roll_back(face: Face) {
    let settings = Settings::new(face);
    let two = settings.clone().listeners(&[("http", "tcp:127.0.0.1:0"), ("extra", "unix:x.sock")]);
    let server = server(&two);
    let extra = server.address("extra");
    let mut upgrade = server.begin_upgrade_with(Wait::Confirmed, &settings);
    let pid = upgrade.until("probation").unwrap();
    server.signal(pid, Signal::Kill);
    upgrade.verdict().failed("rolled-back", "probation", "exited");
    assert_eq!(correspondent(&server, &extra).ask(1).unwrap(), 1);
    assert_eq!(server.upgrade().committed().generation, 3);
    assert_eq!(correspondent(&server, &extra).ask(2).unwrap(), 3);
}

async fn s18_a_renamed_one_is_the_same(face: Face) {
    let settings = Settings::new(face);
    let server = server(&settings.clone().listeners(&[("one", "unix:x.sock")]));
    let inode = || {
        use std::os::unix::fs::MetadataExt;
        std::fs::metadata(server.path("x.sock")).unwrap().ino()
    };
    let before = inode();
    let renamed = settings.listeners(&[("other", "unix:x.sock")]);
    assert_eq!(server.upgrade_with(&renamed).committed().generation, 2);
    assert_eq!(server.upgrade().committed().generation, 3);
    assert_eq!(server.first_end(), Ended::Exited(0));
    assert_eq!(addresses(&server).keys().collect::<Vec<_>>(), ["other"]);
    assert_eq!(inode(), before, "it was not bound anew");
    let address = server.address("other");
    assert_eq!(correspondent(&server, &address).ask(1).unwrap(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s19_a_thousand_listeners_each_once() {
    const LISTENERS: u16 = 1_000;
    let server = server(&Settings { crowd: LISTENERS, ..Settings::new(Face::Tokio) });
    let before = addresses(&server);
    assert_eq!(before.len(), 1 + usize::from(LISTENERS));
    let distinct: BTreeSet<_> = before.values().collect();
    assert_eq!(distinct.len(), before.len(), "each has a port of its own");
    for _ in 0..2 {
        server.upgrade().committed();
    }
    assert_eq!(addresses(&server), before);
    let status = server.status();
    assert_eq!(server.first_end(), Ended::Exited(0));
    for (name, address) in &before {
        assert_eq!(Correspondent::of(address).ask(1).unwrap(), 3, "{name}");
    }
    let sockets = ProcessView::of(status.pid).descriptors().into_values();
    let sockets = sockets.filter(|it| it.starts_with("socket:")).count();
    assert!((1_001..1_020).contains(&sockets), "{sockets} sockets for 1,001 listeners");
}
