//! The face for tasks, on a stub: real sockets, no other process.

use std::time::Duration;

use rekindle::{DrainEnd, Ending, HammerCause, Service};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket, UnixStream};
use tokio::time::Instant;

type Outcome = Result<(), Box<dyn std::error::Error>>;

fn stub() -> Service {
    let builder = Service::builder().stub().drain_timeout(Duration::from_secs(30));
    builder.start().expect("a stub starts")
}

async fn read_all(mut stream: impl tokio::io::AsyncRead + Unpin) -> std::io::Result<String> {
    let mut text = String::new();
    stream.read_to_string(&mut text).await?;
    Ok(text)
}

#[tokio::test]
async fn a_connection_is_served_and_a_stop_waits_for_it() -> Outcome {
    let mut service = stub();
    let listener = service.tcp("echo", "127.0.0.1:0")?;
    let address = listener.local_addr().ok_or("it has an address")?;
    let running = service.ready().await?;
    let client = TcpStream::connect(address).await?;
    let mut connection = listener.accept().await.ok_or("one waits")?;
    assert_eq!(connection.peer(), Some(client.local_addr()?));

    running.stop();
    assert_eq!(running.ending().await, Ending::Stopped);
    let finishing = tokio::spawn(async move { running.drained().await });
    connection.write_all(b"done").await?;
    connection.shutdown().await?;
    assert_eq!(read_all(client).await?, "done");
    assert!(!finishing.is_finished(), "the connection is still there");
    drop(connection);
    let report = finishing.await?;
    assert_eq!((report.end, report.at_start, report.cut), (DrainEnd::Drained, 1, 0));
    Ok(())
}

#[tokio::test]
async fn accept_waits_until_the_program_is_ready_and_ends_with_the_stop() -> Outcome {
    let mut service = stub();
    let listener = service.tcp("echo", "127.0.0.1:0")?;
    let address = listener.local_addr().ok_or("it has an address")?;
    let serving = tokio::spawn(async move {
        let mut served = 0;
        while let Some(mut connection) = listener.accept().await {
            served += 1;
            connection.write_all(b"x").await.expect("the client reads");
        }
        served
    });
    let early = TcpStream::connect(address).await?;
    let running = service.ready().await?;
    assert_eq!(read_all(early).await?, "x");
    running.stop();
    assert_eq!(serving.await?, 1);
    assert_eq!(running.drained().await.cut, 0);
    assert!(TcpStream::connect(address).await.is_err(), "nobody accepts there any more");
    Ok(())
}

#[tokio::test]
async fn who_waits_in_the_queue_at_a_stop_is_still_served() -> Outcome {
    const CLIENTS: usize = 20;
    let mut service = stub();
    let listener = service.tcp("echo", "127.0.0.1:0")?;
    let address = listener.local_addr().ok_or("it has an address")?;
    let running = service.ready().await?;
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        clients.push(TcpStream::connect(address).await?);
    }
    running.stop();
    assert_eq!(running.ending().await, Ending::Stopped);
    let mut served = 0;
    while let Some(mut connection) = listener.accept().await {
        connection.write_all(b"x").await?;
        served += 1;
    }
    assert_eq!(served, CLIENTS);
    for client in clients {
        assert_eq!(read_all(client).await?, "x");
    }
    Ok(())
}

#[tokio::test]
async fn what_is_stuck_is_cut_at_the_deadline_and_counted() -> Outcome {
    const DEADLINE: Duration = Duration::from_millis(300);
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("stuck.sock");
    let mut service = Service::builder().stub().drain_timeout(DEADLINE).start()?;
    let listener = service.unix("stuck", path.to_str().ok_or("it is UTF-8")?)?;
    let running = service.ready().await?;
    let client = UnixStream::connect(&path).await?;
    let mut connection = listener.accept().await.ok_or("one waits")?;
    let stuck = tokio::spawn(async move { connection.read(&mut [0; 1]).await });
    let begun = Instant::now();
    running.stop();
    let report = running.drained().await;
    let took = begun.elapsed();
    assert!(took >= DEADLINE && took < DEADLINE * 4, "{took:?}");
    assert_eq!(report.end, DrainEnd::Hammered(HammerCause::Deadline));
    assert_eq!((report.at_start, report.cut), (1, 1));
    assert_eq!(stuck.await??, 0, "the read sees the end");
    assert_eq!(read_all(client).await?, "", "and so does the client");
    Ok(())
}

#[tokio::test]
async fn many_tasks_accept_on_one_listener_and_each_connection_is_served_once() -> Outcome {
    const CLIENTS: usize = 200;
    let mut service = stub();
    let listener = std::sync::Arc::new(service.tcp("echo", "127.0.0.1:0")?);
    let address = listener.local_addr().ok_or("it has an address")?;
    let running = service.ready().await?;
    let mut acceptors = Vec::new();
    for _ in 0..4 {
        let listener = std::sync::Arc::clone(&listener);
        acceptors.push(tokio::spawn(async move {
            let mut served = 0;
            while let Some(mut connection) = listener.accept().await {
                connection.write_all(b"x").await.expect("the client reads");
                served += 1;
            }
            served
        }));
    }
    for _ in 0..CLIENTS {
        assert_eq!(read_all(TcpStream::connect(address).await?).await?, "x");
    }
    running.stop();
    let mut served = 0;
    for acceptor in acceptors {
        served += acceptor.await?;
    }
    assert_eq!(served, CLIENTS);
    Ok(())
}

#[tokio::test]
async fn an_accept_that_is_dropped_loses_no_connection() -> Outcome {
    let mut service = stub();
    let listener = service.tcp("echo", "127.0.0.1:0")?;
    let address = listener.local_addr().ok_or("it has an address")?;
    let running = service.ready().await?;
    for _ in 0..100 {
        let waiting = tokio::time::timeout(Duration::from_micros(50), listener.accept()).await;
        assert!(waiting.is_err());
        let client = TcpStream::connect(address).await?;
        let mut connection = listener.accept().await.ok_or("one waits")?;
        connection.write_all(b"x").await?;
        drop(connection);
        assert_eq!(read_all(client).await?, "x");
    }
    assert_eq!(running.in_flight(), 0);
    Ok(())
}

#[tokio::test]
async fn datagrams_are_received_answered_and_end_with_the_stop() -> Outcome {
    let mut service = stub();
    let socket = service.udp("echo", "127.0.0.1:0")?;
    let address = socket.local_addr().ok_or("it has an address")?;
    let running = service.ready().await?;
    let client = UdpSocket::bind("127.0.0.1:0").await?;
    client.send_to(b"hello", address).await?;
    let mut buffer = [0; 16];
    let datagram = socket.receive(&mut buffer).await.ok_or("one waits")?;
    assert_eq!(&buffer[..datagram.length_bytes], b"hello");
    socket.send(b"hello back", &datagram.peer).await?;
    let (length, _) = client.recv_from(&mut buffer).await?;
    assert_eq!(&buffer[..length], b"hello back");
    assert_eq!(running.in_flight(), 1, "an answer may still follow");
    drop(datagram);
    running.stop();
    assert!(socket.receive(&mut buffer).await.is_none());
    assert_eq!(running.drained().await.end, DrainEnd::Drained);
    Ok(())
}
