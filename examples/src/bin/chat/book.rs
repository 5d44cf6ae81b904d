//! The book of rooms: how far each one's numbers have come, kept from generation to generation.
//!
//! Two processes must not number the messages of one room, and both are there for a moment at each
//! upgrade. So numbers are given by the process that has the book open, and one at a time can: it
//! is a file in memory, and whoever opens it has it locked. A process that dies drops its lock.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::FileExt;
use std::thread;

use rekindle::Service;
use rustix::fs::{FlockOperation, MemfdFlags, flock, memfd_create};
use tokio::sync::oneshot;

const NAME: &str = "book";

/// The next number of each room.
pub(crate) type Table = BTreeMap<String, u64>;

/// The book, open or not.
#[derive(Debug)]
pub(crate) struct Book {
    descriptor: OwnedFd,
}

/// The book, in the hands of this process until this is dropped.
#[derive(Debug)]
pub(crate) struct OpenBook {
    file: File,
}

impl Book {
    /// The book that all generations of this service share: it goes along with each upgrade.
    pub(crate) fn shared(service: &mut Service) -> anyhow::Result<Self> {
        let descriptor = if let Some(kept) = service.inherited(NAME)? {
            kept.try_clone_to_owned()?
        } else {
            let descriptor = memfd_create(NAME, MemfdFlags::CLOEXEC)?;
            service.keep(NAME, descriptor.try_clone()?)?;
            descriptor
        };
        Ok(Self { descriptor })
    }

    /// Opens it, as soon as no other process has it open.
    pub(crate) async fn open(&self) -> io::Result<OpenBook> {
        // A lock belongs to what `open(2)` makes, and the descriptor that was inherited is of the
        // same making in all generations. So this makes one that is nobody else's.
        let path = format!("/proc/self/fd/{}", self.descriptor.as_raw_fd());
        let file = File::options().read(true).write(true).open(path)?;
        let (sender, opened) = oneshot::channel();
        // Not a task: the runtime would wait for it at the end, and it waits for other processes.
        thread::spawn(move || {
            let locked = flock(&file, FlockOperation::LockExclusive);
            // If nobody waits for it any more, it is closed again by that.
            let _ = sender.send(locked.map(|()| OpenBook { file }));
        });
        let opened = opened.await.map_err(io::Error::other)?;
        Ok(opened?)
    }
}

impl OpenBook {
    /// What the last one wrote who had it open. One that died may have left half of it.
    pub(crate) fn read(&mut self) -> io::Result<Table> {
        let mut text = String::new();
        self.file.read_to_string(&mut text)?;
        match text.as_str() {
            "" => Ok(Table::new()),
            text => Ok(serde_json::from_str(text)?),
        }
    }

    /// Writes down where the rooms are, and closes it.
    pub(crate) fn close(self, table: &Table) -> io::Result<()> {
        let text = serde_json::to_vec(table)?;
        self.file.set_len(0)?;
        self.file.write_all_at(&text, 0)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use rustix::io::Errno;

    use super::*;

    /// The books of two generations, which are the same one.
    pub(crate) fn two() -> [Book; 2] {
        let mut service = Service::builder().stub().start().unwrap();
        let first = Book::shared(&mut service).unwrap();
        let second = Book { descriptor: first.descriptor.try_clone().unwrap() };
        [first, second]
    }

    #[tokio::test]
    async fn one_process_at_a_time_has_it_open() {
        let [first, second] = two();
        let open = first.open().await.unwrap();
        let path = format!("/proc/self/fd/{}", second.descriptor.as_raw_fd());
        let other = File::open(path).unwrap();
        let locked = flock(&other, FlockOperation::NonBlockingLockExclusive);
        assert_eq!(locked, Err(Errno::WOULDBLOCK));
        drop(open);
        second.open().await.unwrap();
    }

    #[tokio::test]
    async fn what_one_writes_the_next_one_reads() {
        let [first, second] = two();
        let mut open = first.open().await.unwrap();
        assert_eq!(open.read().unwrap(), Table::new());
        let long = Table::from([("garden".into(), 1000), ("kitchen".into(), 7)]);
        open.close(&long).unwrap();
        let mut open = second.open().await.unwrap();
        assert_eq!(open.read().unwrap(), long);
        let short = Table::from([("attic".into(), 1)]);
        open.close(&short).unwrap();
        assert_eq!(first.open().await.unwrap().read().unwrap(), short);
    }

    #[tokio::test]
    async fn one_that_died_while_it_wrote_is_noticed() {
        let [first, second] = two();
        let open = first.open().await.unwrap();
        open.file.write_all_at(b"{\"garden\":", 0).unwrap();
        drop(open);
        assert!(second.open().await.unwrap().read().is_err());
    }
}
