//! The face for threads, on a stub: real sockets, no other process.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram, UnixStream};
use std::thread;
use std::time::{Duration, Instant};

use rekindle::blocking::{Running, Service};
use rekindle::{DrainEnd, Ending, HammerCause, ListenError};

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn stub() -> Service {
    let builder = Service::builder().stub().drain_timeout(Duration::from_secs(30));
    builder.start_blocking().expect("a stub starts")
}

fn read_all(mut stream: impl Read) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("the server ends the answer");
    text
}

#[test]
fn a_connection_is_served_and_a_stop_waits_for_it() -> Outcome {
    let mut service = stub();
    let listener = service.tcp("echo", "127.0.0.1:0")?;
    let address = listener.local_addr().ok_or("it has an address")?;
    assert_ne!(address.port(), 0);
    let running = service.ready()?;
    let client = TcpStream::connect(address)?;
    let mut connection = listener.accept().ok_or("one waits")?;
    assert_eq!(connection.peer(), Some(client.local_addr()?));
    assert_eq!(running.in_flight(), 1);

    running.stop();
    assert_eq!(running.ending(), Ending::Stopped);
    let finishing = thread::spawn(move || running.drained());
    connection.write_all(b"done")?;
    drop(connection);
    assert_eq!(read_all(client), "done");
    let report = finishing.join().map_err(|_| "it drains")?;
    assert_eq!((report.end, report.at_start, report.cut), (DrainEnd::Drained, 1, 0));
    Ok(())
}

#[test]
fn accept_waits_until_the_program_is_ready_and_ends_with_the_stop() -> Outcome {
    let mut service = stub();
    let listener = service.tcp("echo", "127.0.0.1:0")?;
    let address = listener.local_addr().ok_or("it has an address")?;
    let serving = thread::spawn(move || {
        let mut served = 0;
        while let Some(mut connection) = listener.accept() {
            served += 1;
            connection.write_all(b"x").expect("the client reads");
        }
        served
    });
    let early = TcpStream::connect(address)?;
    let running = service.ready()?;
    assert_eq!(read_all(early), "x");
    running.stop();
    let served = serving.join().map_err(|_| "it ends")?;
    assert_eq!(served, 1);
    assert_eq!(running.drained().cut, 0);
    assert!(TcpStream::connect(address).is_err(), "nobody accepts there any more");
    Ok(())
}

#[test]
fn who_waits_in_the_queue_at_a_stop_is_still_served() -> Outcome {
    const CLIENTS: usize = 20;
    let mut service = stub();
    let listener = service.tcp("echo", "127.0.0.1:0")?;
    let address = listener.local_addr().ok_or("it has an address")?;
    let running = service.ready()?;
    let clients =
        (0..CLIENTS).map(|_| TcpStream::connect(address)).collect::<Result<Vec<_>, _>>()?;
    running.stop();
    assert_eq!(running.ending(), Ending::Stopped);
    let mut served = 0;
    while let Some(mut connection) = listener.accept() {
        connection.write_all(b"x")?;
        served += 1;
    }
    assert_eq!(served, CLIENTS);
    for client in clients {
        assert_eq!(read_all(client), "x");
    }
    Ok(())
}

#[test]
fn what_is_stuck_is_cut_at_the_deadline_and_counted() -> Outcome {
    const DEADLINE: Duration = Duration::from_millis(300);
    let builder = Service::builder().stub().drain_timeout(DEADLINE);
    let mut service = builder.start_blocking()?;
    let listener = service.unix("stuck", "@rekindle-test-stuck-blocking")?;
    let running = service.ready()?;
    let address = listener.address().ok_or("it has an address")?;
    assert_eq!(address.to_string(), "unix:@rekindle-test-stuck-blocking");
    let name = SocketAddr::from_abstract_name("rekindle-test-stuck-blocking")?;
    let client = UnixStream::connect_addr(&name)?;
    let mut connection = listener.accept().ok_or("one waits")?;
    // A thread that waits in `read` for a client that never writes.
    let stuck = thread::spawn(move || connection.read(&mut [0; 1]));
    let begun = Instant::now();
    running.stop();
    let report = running.drained();
    let took = begun.elapsed();
    assert!(took >= DEADLINE && took < DEADLINE * 4, "{took:?}");
    assert_eq!(report.end, DrainEnd::Hammered(HammerCause::Deadline));
    assert_eq!((report.at_start, report.cut), (1, 1));
    assert_eq!(stuck.join().map_err(|_| "it ends")??, 0, "the read sees the end");
    assert_eq!(read_all(client), "", "and so does the client");
    Ok(())
}

#[test]
fn a_guard_counts_like_a_connection_and_sees_the_hammer() -> Outcome {
    let running = stub().ready()?;
    let guard = running.guard();
    running.stop();
    let _ = running.ending();
    assert!(!guard.is_cut());
    running.hammer();
    let report = running.drained();
    assert_eq!(report.end, DrainEnd::Hammered(HammerCause::Operator));
    assert_eq!(report.cut, 1);
    assert!(guard.is_cut());
    Ok(())
}

#[test]
fn datagrams_are_received_answered_and_end_with_the_stop() -> Outcome {
    let mut service = stub();
    let socket = service.udp("echo", "127.0.0.1:0")?;
    let address = socket.local_addr().ok_or("it has an address")?;
    let running = service.ready()?;
    let client = std::net::UdpSocket::bind("127.0.0.1:0")?;
    client.send_to(b"hello", address)?;
    let mut buffer = [0; 16];
    let datagram = socket.receive(&mut buffer).ok_or("one waits")?;
    assert_eq!(&buffer[..datagram.length_bytes], b"hello");
    assert_eq!(datagram.peer, client.local_addr()?);
    socket.send(b"hello back", &datagram.peer)?;
    let (length, _) = client.recv_from(&mut buffer)?;
    assert_eq!(&buffer[..length], b"hello back");
    assert_eq!(running.in_flight(), 1, "an answer may still follow");
    drop(datagram);
    running.stop();
    assert!(socket.receive(&mut buffer).is_none());
    assert_eq!(running.drained().end, DrainEnd::Drained);
    Ok(())
}

#[test]
fn unix_datagram_and_seqpacket_sockets_work_and_their_paths_are_removed() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name).to_str().expect("it is UTF-8").to_owned();
    let mut service = stub();
    let datagrams = service.unix_datagram("datagrams", &path("datagram"))?;
    let packets = service.seqpacket("packets", &path("seqpacket"))?;
    let streams = service.unix("streams", &path("stream"))?;
    let running = service.ready()?;

    let client = UnixDatagram::bind(path("client"))?;
    client.send_to(b"x", path("datagram"))?;
    let mut buffer = [0; 4];
    let datagram = datagrams.receive(&mut buffer).ok_or("one waits")?;
    datagrams.send(b"y", &datagram.peer)?;
    assert_eq!(client.recv(&mut buffer)?, 1);
    drop(datagram);

    let client = rekindle_unix::Channel::connect(path("seqpacket").as_ref())?;
    let connection = packets.accept().ok_or("one waits")?;
    client.send(b"frame", &[]).map_err(|error| error.to_string())?;
    let mut bytes = [0; 16];
    assert_eq!(rustix::io::read(&connection, &mut bytes)?, 5);
    drop(connection);

    let _client = UnixStream::connect(path("stream"))?;
    drop(streams.accept().ok_or("one waits")?);

    running.stop();
    assert!(packets.accept().is_none() && streams.accept().is_none());
    assert_eq!(running.drained().cut, 0);
    for name in ["datagram", "seqpacket", "stream"] {
        assert!(!std::path::Path::new(&path(name)).exists(), "{name} is left behind");
    }
    Ok(())
}

#[test]
fn bad_names_and_addresses_are_refused_with_the_reason() -> Outcome {
    let mut service = stub();
    let _listener = service.tcp("a", "127.0.0.1:0")?;
    assert!(matches!(service.tcp("a", "127.0.0.1:0"), Err(ListenError::NameTaken { .. })));
    assert!(matches!(service.tcp("", "127.0.0.1:0"), Err(ListenError::Name(_))));
    assert!(matches!(service.tcp("b:c", "127.0.0.1:0"), Err(ListenError::Name(_))));
    let reserved = service.tcp("rekindle.control", "127.0.0.1:0");
    assert!(matches!(reserved, Err(ListenError::Reserved { .. })));
    assert!(matches!(service.tcp("b", "localhost:80"), Err(ListenError::Address(_))));
    assert!(matches!(service.tcp("b", "unix:/tmp/x"), Err(ListenError::Kind { .. })));
    assert!(matches!(service.udp("b", "tcp:127.0.0.1:1"), Err(ListenError::Kind { .. })));
    assert!(matches!(service.unix("b", "/no/such/directory/x"), Err(ListenError::Bind { .. })));
    Ok(())
}

#[test]
fn a_stub_cannot_be_upgraded_and_says_so() -> Outcome {
    let running: Running = stub().ready()?;
    let report = running.upgrade()?;
    let message = report.verdict.to_string();
    assert!(message.contains("cannot start itself"), "{message}");
    assert_eq!(running.generation().number(), 1);
    Ok(())
}

#[test]
fn a_unix_client_that_does_not_read_holds_up_nobody() -> Outcome {
    let directory = tempfile::tempdir()?;
    let path = |name: &str| directory.path().join(name).to_str().expect("it is UTF-8").to_owned();
    let mut service = stub();
    let socket = service.unix_datagram("datagrams", &path("server"))?;
    let _running = service.ready()?;
    let deaf = UnixDatagram::bind(path("deaf"))?;
    deaf.send_to(b"x", path("server"))?;
    let mut buffer = [0; 4];
    let peer = socket.receive(&mut buffer).ok_or("one waits")?.peer;
    let full = (0..10_000).find_map(|_| socket.send(b"x", &peer).err());
    assert_eq!(full.map(|error| error.kind()), Some(std::io::ErrorKind::WouldBlock));
    Ok(())
}
