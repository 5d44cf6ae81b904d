//! `Registry` and `Severable`: connections that another thread can cut at the drain deadline. It
//! refuses to keep a descriptor open, to outlive it, and to touch one that was closed meanwhile.
//!
//! ```text
//!                  with_mut begins
//!          ┌────────┐ ─────────► ┌────────────────┐
//! register │  Open  │            │      Lent      │  sever_all only notes that it came;
//! ────────►│ number │ ◄───────── │ severed: yes/no│  the loan's end does what it noted
//!          └────────┘  its end   └────────────────┘
//!               │ drop, into_inner
//!               ▼
//!            Vacant
//! ```
#![expect(unsafe_code, reason = "a registered descriptor is borrowed across threads")]

use std::fmt;
use std::ops::Deref;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::net::{Shutdown, shutdown, sockopt};

/// The connections that can be cut together. A clone means the same registry.
///
/// ```
/// use std::io::Read;
/// use std::os::unix::net::UnixStream;
///
/// use rekindle_unix::Registry;
///
/// let registry = Registry::new();
/// let (connection, mut client) = UnixStream::pair()?;
/// let connection = registry.register(connection);
/// assert_eq!(registry.sever_all(), 1);
/// assert_eq!(client.read(&mut [0; 8])?, 0);
/// drop(connection);
/// assert!(registry.is_empty());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Registry(Arc<Mutex<Slots>>);

impl Registry {
    /// An empty registry.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes a connection one that can be cut, for as long as the result lives.
    ///
    /// Register connections only, and only while they are this process's: cutting ends a
    /// connection for all processes that have it. A listener is never cut (see
    /// [`sever_all`](Self::sever_all)), a connection that moved must be taken out first.
    ///
    /// What is owned must be `'static`: a borrowed descriptor could be closed by its owner while
    /// a forgotten registration still had its number.
    pub fn register<T: AsFd + 'static>(&self, connection: T) -> Severable<T> {
        let index = self.slots().insert(connection.as_fd().as_raw_fd());
        Severable { registration: Registration { registry: self.clone(), index }, connection }
    }

    /// Cuts all registered connections (`shutdown(2)`, both directions) and says how many it cut.
    ///
    /// Their owners see the end of the file and then errors, and drop them as they always do.
    /// Those that are not connected or that ended already are passed over. So are listeners:
    /// to shut one down would end it for the successor too. A connection whose owner is within
    /// [`with_mut`](Severable::with_mut) is counted, and cut when that returns.
    ///
    /// Nothing here waits for the network, so all are cut at practically the same time.
    pub fn sever_all(&self) -> usize {
        let mut slots = self.slots();
        let mut severed = 0;
        for slot in &mut slots.entries {
            match slot {
                Slot::Open(descriptor) => severed += usize::from(sever(*descriptor)),
                Slot::Lent { severed: noted } => {
                    *noted = true;
                    severed += 1;
                }
                Slot::Vacant { .. } => {}
            }
        }
        severed
    }

    /// How many connections are registered.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots().occupied
    }

    /// Whether no connection is registered: drained.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// No caller's code runs under the lock, so a poisoned one guards nothing half-done.
    fn slots(&self) -> MutexGuard<'_, Slots> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection that its [`Registry`] can cut from another thread.
///
/// It gives out shared references only ([`Deref`]): `std`'s and tokio's sockets can be read and
/// written through those. An exclusive reference would let its holder replace the connection, and
/// the registry would then cut whatever got the old descriptor's number; for the types that need
/// one there is [`with_mut`](Self::with_mut), which settles that.
///
/// The registration ends before the connection is dropped or given back.
pub struct Severable<T: AsFd + 'static> {
    // The order matters: fields are dropped from the first to the last.
    registration: Registration,
    connection: T,
}

impl<T: AsFd + 'static> Severable<T> {
    /// Ends the registration and gives the connection back: from here on nobody cuts it.
    pub fn into_inner(self) -> T {
        let Self { registration, connection } = self;
        drop(registration);
        connection
    }

    /// Gives `act` the connection exclusively, even to replace it.
    ///
    /// Cuts that come meanwhile are made when `act` returns: let it do one non-blocking
    /// operation, such as one `poll_read`.
    pub fn with_mut<R>(&mut self, act: impl FnOnce(&mut T) -> R) -> R {
        let loan = Loan::begin(self);
        act(&mut loan.severable.connection)
    }
}

impl<T: AsFd + 'static> Deref for Severable<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.connection
    }
}

impl<T: AsFd + 'static> AsFd for Severable<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}

impl<T: AsFd + fmt::Debug + 'static> fmt::Debug for Severable<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Severable").field(&self.connection).finish()
    }
}

/// A place in the registry, vacated when dropped.
struct Registration {
    registry: Registry,
    index: usize,
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.registry.slots().remove(self.index);
    }
}

/// The time in which a connection is exclusively its user's. It ends even if the user panics.
struct Loan<'severable, T: AsFd + 'static> {
    severable: &'severable mut Severable<T>,
}

impl<'severable, T: AsFd + 'static> Loan<'severable, T> {
    fn begin(severable: &'severable mut Severable<T>) -> Self {
        let Registration { registry, index } = &severable.registration;
        registry.slots().entries[*index] = Slot::Lent { severed: false };
        Self { severable }
    }
}

impl<T: AsFd + 'static> Drop for Loan<'_, T> {
    fn drop(&mut self) {
        let descriptor = self.severable.connection.as_fd().as_raw_fd();
        let Registration { registry, index } = &self.severable.registration;
        let slot = &mut registry.slots().entries[*index];
        if let Slot::Lent { severed: true } = slot {
            sever(descriptor);
        }
        *slot = Slot::Open(descriptor);
    }
}

/// The places: as many as there ever were connections at once, the vacant ones in a chain, so
/// that taking and leaving one cost the same however many there are.
#[derive(Debug, Default)]
struct Slots {
    entries: Vec<Slot>,
    vacant: Option<usize>,
    occupied: usize,
}

#[derive(Debug)]
enum Slot {
    /// Nobody's; `next` is the next such place.
    Vacant { next: Option<usize> },
    /// A registered connection's descriptor.
    Open(RawFd),
    /// A registered connection that its owner is changing just now.
    Lent { severed: bool },
}

impl Slots {
    fn insert(&mut self, descriptor: RawFd) -> usize {
        self.occupied += 1;
        let Some(index) = self.vacant else {
            self.entries.push(Slot::Open(descriptor));
            return self.entries.len() - 1;
        };
        let taken = std::mem::replace(&mut self.entries[index], Slot::Open(descriptor));
        self.vacant = match taken {
            Slot::Vacant { next } => next,
            Slot::Open(_) | Slot::Lent { .. } => None,
        };
        index
    }

    fn remove(&mut self, index: usize) {
        self.entries[index] = Slot::Vacant { next: self.vacant.replace(index) };
        self.occupied -= 1;
    }
}

/// Shuts a registered socket down; says whether it was a connection that could be.
///
/// Call it with the registry locked, for a descriptor whose slot is `Open` (or about to be).
fn sever(descriptor: RawFd) -> bool {
    // SAFETY: the descriptor is open until this call returns. It comes from `AsFd` of a value
    // that a `Severable` owns and has given out only as a shared reference since, so what
    // `as_fd` lent cannot have been closed: a caller could still hold that very borrow. Before
    // the value is dropped, given back or lent exclusively, its slot is vacated or marked, for
    // which the lock is needed that is held here. A `Severable` that is forgotten is never
    // dropped, and since `T` is `'static` it owns its descriptor or borrows it for ever.
    let socket = unsafe { BorrowedFd::borrow_raw(descriptor) };
    let listener = sockopt::socket_acceptconn(socket).unwrap_or(false);
    !listener && shutdown(socket, Shutdown::Both).is_ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    fn connection() -> UnixDatagram {
        UnixDatagram::unbound().unwrap()
    }

    #[test]
    fn places_are_taken_again_in_whatever_order_they_were_left() {
        const AT_ONCE: usize = 8;
        let registry = Registry::new();
        let mut registered: Vec<_> =
            (0..AT_ONCE).map(|_| registry.register(connection())).collect();
        for round in 0..100 {
            for leaving in [round % AT_ONCE, round * 5 % (AT_ONCE - 1), round * 3 % (AT_ONCE - 2)] {
                drop(registered.swap_remove(leaving));
            }
            assert_eq!(registry.len(), AT_ONCE - 3);
            registered.extend((0..3).map(|_| registry.register(connection())));
            assert_eq!(registry.len(), AT_ONCE);
        }
        assert_eq!(registry.slots().entries.len(), AT_ONCE, "vacant places were not taken again");
        let mut places: Vec<_> =
            registered.iter().map(|connection| connection.registration.index).collect();
        places.sort_unstable();
        assert_eq!(places, (0..AT_ONCE).collect::<Vec<_>>(), "two share a place");
    }

    #[test]
    fn a_poisoned_registry_goes_on() {
        let registry = Registry::new();
        let poisoner = registry.clone();
        let outcome = std::thread::spawn(move || {
            let _slots = poisoner.slots();
            panic!("expected by the test");
        })
        .join();
        assert!(outcome.is_err());
        let connection = registry.register(connection());
        assert_eq!(registry.len(), 1);
        drop(connection);
        assert!(registry.is_empty());
    }
}
