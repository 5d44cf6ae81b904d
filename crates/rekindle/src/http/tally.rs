//! The tally of one connection: what is open on it, as those see it who read, write, answer and
//! drive it. It holds counts and flags, and decides nothing.
//!
//! An *exchange* is a request and its response. A [`Token`] is in each part of it that hyper or the
//! program may still hold: the request's body, the program's future, the response's body. No token,
//! no exchange.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::task::{Context, Waker};

/// The tally of one connection.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    tokens: AtomicU32,
    /// How many exchanges have begun, modulo 2^32.
    begun: AtomicU32,
    /// How often bytes came in, modulo 2^32.
    reads: AtomicU32,
    /// Something was written and not flushed, or the connection is being shut down.
    unflushed: AtomicBool,
    /// A request's body was dropped before its end: hyper has yet to decide about the rest of it.
    unread: AtomicBool,
    /// Nothing more is to be read between two exchanges.
    corked: AtomicBool,
    /// A read was held back because of that: nobody is woken by what comes in.
    withheld: AtomicBool,
    /// The next response says that it is the last one.
    last_word: AtomicBool,
    /// The connection speaks something else than HTTP from here on.
    upgraded: AtomicBool,
    /// Who is to be woken when the last token is dropped, and whether.
    awaited: AtomicBool,
    waker: Mutex<Option<Waker>>,
    /// The task that read first: that in which HTTP is spoken.
    reader: OnceLock<Waker>,
}

/// The moment before a poll, if nothing was open.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark {
    begun: Option<u32>,
}

impl Tally {
    /// An exchange begins.
    #[inline]
    pub(crate) fn begin(self: &Arc<Self>) -> Token {
        // Not in one step, which would cost more: there is only one who begins them.
        self.begun.store(self.begun().wrapping_add(1), Ordering::Relaxed);
        self.unread.store(false, Ordering::Relaxed);
        Token::new(self)
    }

    /// How many exchanges have begun.
    #[inline]
    pub(crate) fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    /// How often bytes came in.
    #[inline]
    pub(crate) fn reads(&self) -> u32 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Whether an exchange is open.
    #[inline]
    pub(crate) fn is_busy(&self) -> bool {
        self.tokens.load(Ordering::SeqCst) > 0
    }

    /// Whether no exchange is open and all that was written is out.
    #[inline]
    pub(crate) fn is_quiet(&self) -> bool {
        !self.is_busy() && !self.is_unflushed()
    }

    /// Whether something was written that is not out yet.
    #[inline]
    pub(crate) fn is_unflushed(&self) -> bool {
        self.unflushed.load(Ordering::Relaxed)
    }

    /// To be taken before a poll of the connection.
    #[inline]
    pub(crate) fn mark(&self) -> Mark {
        Mark { begun: (!self.is_busy()).then(|| self.begun()) }
    }

    /// Whether the connection, just polled, is between two exchanges, and nothing is left to be
    /// decided about the last one: nothing was open when the poll began, and nothing began in it.
    /// For it is in a poll like that in which hyper deals with a body that nobody read.
    #[inline]
    pub(crate) fn is_idle_since(&self, mark: Mark) -> bool {
        self.is_quiet() && mark.begun == Some(self.begun())
    }

    /// Bytes came in, in the task of this context.
    #[inline]
    pub(crate) fn note_read(&self, context: &Context<'_>) {
        self.reader.get_or_init(|| context.waker().clone());
        // Not in one step, which would cost more: there is only one who reads.
        self.reads.store(self.reads().wrapping_add(1), Ordering::Relaxed);
    }

    /// The task that reads, once there was something to read.
    #[inline]
    pub(crate) fn reader(&self) -> Option<&Waker> {
        self.reader.get()
    }

    #[inline]
    pub(crate) fn set_unflushed(&self, unflushed: bool) {
        self.unflushed.store(unflushed, Ordering::Relaxed);
    }

    /// A request's body was dropped before its end.
    pub(crate) fn note_unread(&self) {
        self.unread.store(true, Ordering::Relaxed);
    }

    /// Whether the last request's body was dropped before its end.
    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed)
    }

    /// Whether nothing is read from here on between two exchanges.
    #[inline]
    pub(crate) fn cork(&self, corked: bool) {
        self.corked.store(corked, Ordering::Relaxed);
    }

    /// Whether a read is to be held back now.
    #[inline]
    pub(crate) fn withholds(&self) -> bool {
        let withholds = self.corked.load(Ordering::Relaxed) && !self.is_unread() && !self.is_busy();
        if withholds {
            self.withheld.store(true, Ordering::Relaxed);
        }
        withholds
    }

    /// Whether a read was held back since this was last asked.
    #[inline]
    pub(crate) fn take_withheld(&self) -> bool {
        // It is hardly ever so, and only the reader says it: the task that asks here.
        self.withheld.load(Ordering::Relaxed) && self.withheld.swap(false, Ordering::Relaxed)
    }

    /// Whether the next response is to say that it is the last one.
    #[inline]
    pub(crate) fn set_last_word(&self, last_word: bool) {
        self.last_word.store(last_word, Ordering::Relaxed);
    }

    #[inline]
    pub(crate) fn has_last_word(&self) -> bool {
        self.last_word.load(Ordering::Relaxed)
    }

    /// The response switches protocols.
    pub(crate) fn note_upgrade(&self) {
        self.upgraded.store(true, Ordering::Release);
    }

    #[inline]
    pub(crate) fn is_upgraded(&self) -> bool {
        self.upgraded.load(Ordering::Acquire)
    }

    /// The task does not wait for the last token now. Who drops that meanwhile may still see the
    /// older word, and wake it for nothing: so this need not be ordered with anything.
    #[inline]
    pub(crate) fn forget_wait(&self) {
        self.awaited.store(false, Ordering::Relaxed);
    }

    /// Wakes the task when the last token is dropped. Returns whether there is one.
    pub(crate) fn wait_for_tokens(&self, context: &Context<'_>) -> bool {
        let mut waker = self.waker.lock().unwrap_or_else(PoisonError::into_inner);
        if !waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            *waker = Some(context.waker().clone());
        }
        drop(waker);
        self.awaited.store(true, Ordering::SeqCst);
        self.is_busy()
    }
}

/// A part of an exchange that is still there.
#[derive(Debug)]
pub(crate) struct Token {
    tally: Arc<Tally>,
}

impl Token {
    #[inline]
    fn new(tally: &Arc<Tally>) -> Self {
        tally.tokens.fetch_add(1, Ordering::SeqCst);
        Self { tally: Arc::clone(tally) }
    }

    pub(crate) const fn tally(&self) -> &Arc<Tally> {
        &self.tally
    }
}

impl Clone for Token {
    /// A token for another part of the same exchange.
    fn clone(&self) -> Self {
        Self::new(&self.tally)
    }
}

impl Drop for Token {
    #[inline]
    fn drop(&mut self) {
        let tally = &self.tally;
        let last = tally.tokens.fetch_sub(1, Ordering::SeqCst) == 1;
        if last && tally.awaited.load(Ordering::SeqCst) {
            let waker = tally.waker.lock().unwrap_or_else(PoisonError::into_inner).take();
            if let Some(waker) = waker {
                waker.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[test]
    fn an_exchange_that_begins_and_ends_within_a_poll_is_not_idleness() {
        let tally = Arc::new(Tally::default());
        let mark = tally.mark();
        assert!(tally.is_idle_since(mark));
        drop(tally.begin());
        assert!(tally.is_quiet() && !tally.is_idle_since(mark));
        let token = tally.begin();
        let mark = tally.mark();
        drop(token);
        assert!(!tally.is_idle_since(mark), "it was open when the poll began");
        assert!(tally.is_idle_since(tally.mark()));
        tally.set_unflushed(true);
        assert!(!tally.is_idle_since(tally.mark()));
    }

    #[test]
    fn the_cork_holds_between_exchanges_only() {
        let tally = Arc::new(Tally::default());
        tally.cork(true);
        assert!(tally.withholds());
        let token = tally.begin();
        assert!(!tally.withholds(), "the body of the request has to come in");
        tally.note_unread();
        drop(token);
        assert!(!tally.withholds(), "what is left of the body is still to be looked at");
        drop(tally.begin());
        assert!(tally.withholds());
    }

    #[test]
    fn who_waits_is_woken_by_the_last_token_and_by_no_other() {
        let (tally, wakes) = (Arc::new(Tally::default()), Arc::new(Wakes::default()));
        let waker = Waker::from(Arc::clone(&wakes));
        let context = Context::from_waker(&waker);
        let woken = || wakes.0.load(Ordering::SeqCst);
        assert!(!tally.wait_for_tokens(&context), "there is none");
        tally.forget_wait();
        let token = tally.begin();
        let other = token.clone();
        drop(token);
        assert!(tally.wait_for_tokens(&context));
        assert_eq!(woken(), 0);
        drop(other);
        assert_eq!(woken(), 1);
        tally.forget_wait();
        drop(tally.begin());
        assert_eq!(woken(), 1, "nobody waits");
    }
}
