//! TLS on a socket, against a server of another library: what it passes on, and how it ends.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use rustix::io::write;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::{AsyncRead as _, AsyncReadExt, AsyncWrite as _, AsyncWriteExt, ReadBuf};
use tokio::net::UnixStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::*;
use crate::stream::{Glance, Stream};
use crate::tls::Tls;

/// More than all buffers between two ends hold.
const MUCH_BYTES: usize = 4 * 1024 * 1024;

fn server() -> TlsAcceptor {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider);
    let builder = builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth();
    Arc::new(builder.with_single_cert(vec![made.cert.der().clone()], key).unwrap()).into()
}

/// Both ends of a connection, their handshake done.
async fn pair() -> (Stream, TlsStream<UnixStream>) {
    let (near, far) = UnixStream::pair().unwrap();
    let client = Tls::new("localhost").insecure().client(None).unwrap();
    let mut near = Stream::Tls(Box::new(Encrypted::new(Socket::Unix(near), &client).unwrap()));
    let accepting = server().accept(far);
    let (greeted, accepted) = tokio::join!(near.shake_hands(), accepting);
    greeted.unwrap();
    (near, accepted.unwrap())
}

/// What no two places of have in common.
fn content() -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(3);
    (0..MUCH_BYTES).map(|_| random.u8(..)).collect()
}

#[tokio::test]
async fn much_goes_both_ways_at_once() {
    let (near, far) = pair().await;
    let (content, mut come, mut gone) = (content(), Vec::new(), Vec::new());
    let (mut near_read, mut near_write) = tokio::io::split(near);
    let (mut far_read, mut far_write) = tokio::io::split(far);
    let sends = async {
        near_write.write_all(&content).await.unwrap();
        near_write.shutdown().await.unwrap();
    };
    let answers = async {
        far_write.write_all(&content).await.unwrap();
        far_write.shutdown().await.unwrap();
    };
    let reads = near_read.read_to_end(&mut come);
    let hears = far_read.read_to_end(&mut gone);
    let ((), (), read, heard) = tokio::join!(sends, answers, reads, hears);
    // To its end, which each has said.
    assert_eq!((read.unwrap(), heard.unwrap()), (MUCH_BYTES, MUCH_BYTES));
    assert!(come == content && gone == content);
}

#[tokio::test]
async fn a_flush_waits_until_all_is_with_the_kernel() {
    let (mut near, mut far) = pair().await;
    let content = content();
    let mut taken = 0;
    poll_fn(|context| {
        loop {
            match Pin::new(&mut near).poll_write(context, &content[taken..]) {
                Poll::Ready(count) => taken += count.unwrap(),
                Poll::Pending => return Poll::Ready(()),
            }
        }
    })
    .await;
    assert!(near.holds_unsent() && taken < MUCH_BYTES, "the socket is full");
    let mut is_flushed = false;
    let mut flushing = pin!(async {
        AsyncWriteExt::flush(&mut near).await.unwrap();
        is_flushed = true;
    });
    let is_blocked =
        poll_fn(|context| Poll::Ready(flushing.as_mut().poll(context).is_pending())).await;
    assert!(is_blocked, "nobody reads yet");
    let mut read = vec![0; taken];
    let (done, ()) = tokio::join!(far.read_exact(&mut read), flushing);
    assert_eq!((done.unwrap(), read.as_slice()), (taken, &content[..taken]));
    assert!(is_flushed && !near.holds_unsent());
}

#[tokio::test]
async fn what_was_said_before_the_end_is_read_before_it() {
    for cuts in [false, true] {
        let (mut near, mut far) = pair().await;
        far.write_all(b"last words").await.unwrap();
        if cuts {
            drop(far.into_inner());
        } else {
            far.shutdown().await.unwrap();
        }
        let mut words = [0; 10];
        near.read_exact(&mut words[..4]).await.unwrap();
        near.read_exact(&mut words[4..]).await.unwrap();
        assert_eq!(&words, b"last words");
        for _ in 0..2 {
            let end = near.read(&mut words).await.map_err(|error| error.kind());
            let expected = if cuts { Err(io::ErrorKind::UnexpectedEof) } else { Ok(0) };
            assert_eq!(end, expected, "and it stays so");
        }
    }
}

#[tokio::test]
async fn nothing_to_read_is_pending_and_woken_by_what_comes() {
    let (mut near, mut far) = pair().await;
    let mut bytes = [0; 8];
    let mut read = pin!(near.read(&mut bytes));
    let is_blocked = poll_fn(|context| Poll::Ready(read.as_mut().poll(context).is_pending())).await;
    assert!(is_blocked);
    let (count, written) = tokio::join!(read, far.write_all(b"abc"));
    assert_eq!((count.unwrap(), written.unwrap()), (3, ()));
}

#[tokio::test]
async fn what_is_decrypted_already_needs_no_news_of_the_socket() {
    let (mut near, mut far) = pair().await;
    far.write_all(b"ab").await.unwrap();
    let mut one = [0];
    for expected in [b"a", b"b"] {
        near.ready(Interest::READABLE).await.unwrap();
        let mut buffer = ReadBuf::new(&mut one);
        poll_fn(|context| Pin::new(&mut near).poll_read(context, &mut buffer)).await.unwrap();
        assert_eq!(buffer.filled(), expected);
    }
}

#[tokio::test]
async fn what_is_no_tls_breaks_it() {
    let (mut near, far) = pair().await;
    write(far.get_ref().0, b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
    let error = near.read(&mut [0; 8]).await.unwrap_err();
    assert_eq!(Fault::broken(&error).kind, FailureKind::Wrong, "{error}");
}

#[tokio::test]
async fn a_glance_sees_what_the_reactor_has_not_heard() {
    // One thread and no wait from the writing on: the reactor cannot run in between.
    let (mut near, mut far) = pair().await;
    // Tickets, which are nothing to see, may have come first.
    assert_eq!(near.glance(), Glance::Quiet);
    far.write_all(b"abc").await.unwrap();
    assert_eq!(near.glance(), Glance::Bytes(3));
    assert_eq!(near.glance(), Glance::Quiet);
    drop(far);
    assert_eq!(near.glance(), Glance::Ended(Cause::CutTls));
}
