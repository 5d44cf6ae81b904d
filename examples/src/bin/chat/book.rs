//! The book of rooms: what was said last in each, kept from generation to generation.
//!
//! Two processes must not number the messages of one room, and both are there for a moment at each
//! upgrade. So numbers are given by the process that has the book open, and one at a time can: it
//! is a file in memory, and whoever opens it has it locked. A process that dies drops its lock.
//!
//! What was said goes along and not only its numbers, since a member may pass a generation over: if
//! it moves when the next process has been replaced already, it missed what was said there.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread;

use anyhow::ensure;
use rekindle::Service;
use rustix::fs::{FlockOperation, MemfdFlags, flock, memfd_create};
use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::room::Room;

const NAME: &str = "book";

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
    /// What the last one wrote who had it open: rooms by name. One that died may have left half
    /// of it.
    pub(crate) fn read(&mut self) -> anyhow::Result<Vec<(String, Room)>> {
        let mut text = String::new();
        self.file.read_to_string(&mut text)?;
        let mut lines = text.lines();
        let mut rooms = Vec::new();
        while let Some(line) = lines.next() {
            let Page { name, next, messages } = serde_json::from_str(line)?;
            let recent: Vec<&str> = lines.by_ref().take(messages).collect();
            ensure!(recent.len() == messages, "it ends in the middle of `{name}`");
            rooms.push((name, Room::with(next, recent)));
        }
        Ok(rooms)
    }

    /// Writes down where the rooms are, and closes it.
    pub(crate) fn close<'a>(
        mut self,
        rooms: impl IntoIterator<Item = (&'a String, &'a Room)>,
    ) -> anyhow::Result<()> {
        self.file.set_len(0)?;
        self.file.rewind()?;
        let mut writer = BufWriter::new(&self.file);
        for (name, room) in rooms {
            let messages = room.recent().len();
            let page = Page { name: name.clone(), next: room.next(), messages };
            serde_json::to_writer(&mut writer, &page)?;
            writer.write_all(b"\n")?;
            // Each is JSON, which has no line end in it.
            for message in room.recent() {
                writer.write_all(message.as_bytes())?;
                writer.write_all(b"\n")?;
            }
        }
        Ok(writer.flush()?)
    }
}

/// What stands above a room's messages, each of which has a line.
#[derive(Debug, Serialize, Deserialize)]
struct Page {
    name: String,
    /// The number of the next message.
    next: u64,
    messages: usize,
}

#[cfg(test)]
pub(crate) mod tests {
    use rustix::io::Errno;

    use super::*;

    impl Book {
        /// The same one, as another generation has it.
        pub(crate) fn again(&self) -> Self {
            Self { descriptor: self.descriptor.try_clone().unwrap() }
        }
    }

    /// The books of two generations, which are the same one.
    pub(crate) fn two() -> [Book; 2] {
        let mut service = Service::builder().stub().start().unwrap();
        let first = Book::shared(&mut service).unwrap();
        let second = first.again();
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

    fn room(next: u64, messages: usize) -> Room {
        let mut room = Room::with(next - messages as u64, []);
        (0..messages).for_each(|_| room.say(|number| number.to_string().into()));
        room
    }

    #[tokio::test]
    async fn what_one_writes_the_next_one_reads() {
        let [first, second] = two();
        let mut open = first.open().await.unwrap();
        assert!(open.read().unwrap().is_empty());
        let long = [("garden".into(), room(1000, 3)), ("kitchen".into(), room(1, 0))];
        open.close(long.iter().map(|(name, room)| (name, room))).unwrap();
        let mut open = second.open().await.unwrap();
        assert_eq!(open.read().unwrap(), long);
        let short = [("attic".into(), room(2, 1))];
        open.close(short.iter().map(|(name, room)| (name, room))).unwrap();
        assert_eq!(first.open().await.unwrap().read().unwrap(), short);
    }

    #[tokio::test]
    async fn one_that_died_while_it_wrote_is_noticed() {
        for half in ["{\"name\":", "{\"name\":\"garden\",\"next\":9,\"messages\":2}\n{}\n"] {
            let [first, second] = two();
            let mut open = first.open().await.unwrap();
            open.file.write_all(half.as_bytes()).unwrap();
            drop(open);
            assert!(second.open().await.unwrap().read().is_err(), "{half}");
        }
    }
}
