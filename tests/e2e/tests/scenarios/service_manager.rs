//! Under a service manager: what it is told, by sd_notify(3), and what it lends, by
//! sd_listen_fds(3).

use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};

use rekindle::control::{Reply, Request, Wait};
use rekindle_e2e::{
    Ended, Face, HttpClient, Launch, Manner, Next, NotifySocket, PATIENCE, Settings,
    assert_nothing_noticed, new_connections, serves_on,
};
use rekindle_unix::Signal;
use rustix::time::{ClockId, clock_gettime};

use crate::{PROGRAMS, each_face};

each_face!(
    the_manager_is_told_of_an_upgrade_and_of_the_new_main_process,
    the_manager_is_told_that_a_failed_reload_is_over,
    the_manager_is_told_of_a_stop,
    lent_listeners_are_found_by_name_and_never_shut_down,
);

/// The time of the clock that the manager compares with.
fn monotonic_usec() -> u128 {
    std::time::Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap().as_micros()
}

fn launch(face: Face) -> (Launch, NotifySocket) {
    let launch = Launch::new(PROGRAMS, &Settings::new(face));
    let socket = NotifySocket::bind(launch.installation().directory());
    let launch = launch.variable("NOTIFY_SOCKET", socket.path());
    (launch, socket)
}

async fn the_manager_is_told_of_an_upgrade_and_of_the_new_main_process(face: Face) {
    let (launch, manager) = launch(face);
    let server = launch.start();
    let old = server.first_pid();
    let ready = manager.next();
    assert_eq!((ready.pid, ready.value("READY")), (old, Some("1")));

    let before = monotonic_usec();
    let new = server.upgrade().committed().pid;
    let reloading = manager.next();
    assert_eq!((reloading.pid, reloading.value("RELOADING")), (old, Some("1")));
    let at: u128 = reloading.value("MONOTONIC_USEC").unwrap().parse().unwrap();
    assert!(before <= at && at <= monotonic_usec(), "{at}");
    // The new one says that it is ready, and so does the old one, to whom alone a manager listens
    // that hears the main process only.
    let mut ready = [manager.next_with("READY").pid, manager.next_with("READY").pid];
    ready.sort_unstable();
    let mut both = [old, new];
    both.sort_unstable();
    assert_eq!(ready, both);

    // The old one stays the main process for as long as it may resume, and hands that on itself.
    assert_eq!(server.first_ended(), None);
    let third = server.upgrade().committed().pid;
    let main = manager.next_with("MAINPID");
    assert_eq!((main.pid, main.value("MAINPID")), (old, Some(new.to_string().as_str())));
    assert_eq!(server.first_end(), Ended::Exited(0));
    assert_ne!(third, new);
}

async fn the_manager_is_told_that_a_failed_reload_is_over(face: Face) {
    let (launch, manager) = launch(face);
    let server = launch.start();
    let old = server.first_pid();
    assert!(manager.next().value("READY").is_some());
    server.installation().install(Next::Bad(Manner::ExitsAfterOffer));
    server.upgrade().failed("aborted", "starting", "exited");
    let (reloading, ready) = (manager.next(), manager.next());
    assert_eq!((reloading.pid, reloading.value("RELOADING")), (old, Some("1")));
    assert_eq!((ready.pid, ready.value("READY")), (old, Some("1")));

    server.installation().install(Next::Good);
    let mut upgrade = server.begin_upgrade(Wait::Confirmed);
    let new = upgrade.until("probation").unwrap();
    server.signal(new, Signal::Kill);
    upgrade.verdict().failed("rolled-back", "probation", "exited");
    server.signal(old, Signal::Term);
    // The new one never became the main process.
    loop {
        let notice = manager.next();
        assert_eq!(notice.value("MAINPID"), None, "{notice:?}");
        if notice.value("STOPPING").is_some() {
            return assert_eq!(notice.pid, old);
        }
    }
}

async fn the_manager_is_told_of_a_stop(face: Face) {
    let (launch, manager) = launch(face);
    let server = launch.start();
    assert!(manager.next().value("READY").is_some());
    assert!(matches!(server.ask(&Request::Stop {}), Reply::Stopped { cut: 0, .. }));
    let stopping = manager.next();
    assert_eq!(stopping.value("STOPPING"), Some("1"));
    let extend: u64 = stopping.value("EXTEND_TIMEOUT_USEC").unwrap().parse().unwrap();
    assert!(extend >= 60_000_000, "as long as the drain may take: {extend}");
}

async fn lent_listeners_are_found_by_name_and_never_shut_down(face: Face) {
    // A service manager passes them blocking, as these are.
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = tcp.local_addr().unwrap();
    let settings = Settings::new(face)
        .listeners(&[("http", "tcp:127.0.0.1:1"), ("local", "unix:configured.sock")]);
    let launch = Launch::new(PROGRAMS, &settings);
    let path = launch.installation().path("lent.sock");
    let unix = UnixListener::bind(&path).unwrap();
    let script = "exec 3<&0 4<&1 0</dev/null 1>/dev/null; \
                  LISTEN_PID=$$ LISTEN_FDS=2 LISTEN_FDNAMES=http:local exec ./current \"$0\"";
    let server = launch
        .by(["/bin/sh", "-c", script])
        .stream(tcp.try_clone().unwrap().into())
        .stream(unix.try_clone().unwrap().into())
        .start();
    assert_eq!(server.socket_address("http"), address);
    assert!(!server.path("configured.sock").exists(), "it is not bound beside the lent one");
    let load = new_connections(server.target());
    let local = || {
        let stream = UnixStream::connect(&path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        HttpClient::over(stream).get("/").unwrap().generation
    };
    for generation in 1..=3 {
        assert_eq!(local(), generation);
        server.upgrade().committed();
    }
    serves_on(&load);
    assert_nothing_noticed(&load.stop().await);

    let last = server.status().pid;
    assert!(matches!(server.ask(&Request::Stop {}), Reply::Stopped { cut: 0, .. }));
    server.wait_for_end(last);
    // They are the manager's: clients wait in the queue for the next start.
    let _tcp_client = TcpStream::connect(address).unwrap();
    let _unix_client = UnixStream::connect(&path).unwrap();
    tcp.set_nonblocking(false).unwrap();
    unix.set_nonblocking(false).unwrap();
    tcp.accept().unwrap();
    unix.accept().unwrap();
}
