//! A connection's last moments: what the client still sends is read and thrown away.
//!
//! A socket that is closed with something unread resets its connection, and the reset overtakes
//! the last response on its way to the program behind the client's socket. So the response that
//! refuses a body, or says that it is the last one, would be lost to those who were still sending.

use std::future::poll_fn;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, ReadBuf};
use tokio::time::timeout;

/// How long a client may take to see that it was answered.
const LONGEST: Duration = Duration::from_secs(2);

/// How much it may send meanwhile.
const MOST_BYTES: usize = 4 * 1024 * 1024;

/// How much of it is looked at at once, on the stack.
const PIECE_BYTES: usize = 8 * 1024;

/// Reads what comes, until the client closes its side or has had its chance. The side to the
/// client was shut down before.
pub(crate) async fn linger<IO: AsyncRead + Unpin>(stream: &mut IO) {
    let mut left = MOST_BYTES;
    // Who is out of time has been answered all the same.
    let _ = timeout(LONGEST, poll_fn(|context| poll_end(stream, &mut left, context))).await;
}

fn poll_end<IO: AsyncRead + Unpin>(
    stream: &mut IO,
    left: &mut usize,
    context: &mut Context<'_>,
) -> Poll<()> {
    let mut space = [const { MaybeUninit::uninit() }; PIECE_BYTES];
    loop {
        let mut buffer = ReadBuf::uninit(&mut space);
        let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer));
        let length = buffer.filled().len();
        *left = left.saturating_sub(length);
        if read.is_err() || length == 0 || *left == 0 {
            return Poll::Ready(());
        }
    }
}
