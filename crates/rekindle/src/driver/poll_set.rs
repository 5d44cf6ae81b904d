//! What the driver waits for.

use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::Duration;

use rekindle_core::Generation;
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tracing::error;

use super::Driver;
use crate::poll_timeout::timespec;

/// How long to rest when the system cannot even wait.
const ERROR_PAUSE: Duration = Duration::from_millis(10);

/// Who has something to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token {
    Bell,
    Signals,
    Old,
    Successor,
    Child,
    Elder(Generation),
    Rendezvous,
    Control,
    Operator(u64),
}

/// Sleeps until something happens or the driver's timeout is over, and says what.
pub(super) fn wait(driver: &Driver) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(8);
    let mut set = Vec::with_capacity(8);
    add_all(driver, &mut |token, descriptor, flags| {
        tokens.push(token);
        set.push(PollFd::from_borrowed_fd(descriptor, flags));
    });
    match poll(&mut set, timespec(driver.timeout()).as_ref()) {
        Ok(0) | Err(Errno::INTR) => return Vec::new(),
        Ok(_) => {}
        // Only a lack of kernel memory is left: the next round may have better luck.
        Err(error) => {
            error!(%error, "cannot wait for events");
            thread::sleep(ERROR_PAUSE);
            return Vec::new();
        }
    }
    let ready = set.iter().map(|entry| !entry.revents().is_empty());
    tokens.into_iter().zip(ready).filter_map(|(token, ready)| ready.then_some(token)).collect()
}

fn add_all<'a>(driver: &'a Driver, add: &mut impl FnMut(Token, BorrowedFd<'a>, PollFlags)) {
    add(Token::Bell, driver.shared.bell().as_fd(), PollFlags::IN);
    if let Some(signals) = &driver.signals {
        add(Token::Signals, signals.as_fd(), PollFlags::IN);
    }
    if let Some(incoming) = &driver.incoming
        && incoming.can_hear()
    {
        add(Token::Old, incoming.as_fd(), interest(incoming.wants_room()));
    }
    if let Some(successor) = &driver.successor {
        if let Some(link) = successor.open_link() {
            add(Token::Successor, link.as_fd(), interest(link.wants_room()));
        }
        if let Some(child) = successor.child() {
            add(Token::Child, child.as_fd(), PollFlags::IN);
        }
    }
    // Only one process reads what an elder sends.
    for (generation, link) in driver.elders.iter() {
        if driver.life.reads(generation) {
            add(Token::Elder(generation), link.as_fd(), interest(link.wants_room()));
        } else if link.wants_room() {
            add(Token::Elder(generation), link.as_fd(), PollFlags::OUT);
        }
    }
    for (token, porter) in
        [(Token::Rendezvous, &driver.rendezvous), (Token::Control, driver.operators.porter())]
    {
        if let Some(descriptor) = porter.waiting() {
            add(token, descriptor, PollFlags::IN);
        }
    }
    for (number, operator) in driver.operators.connections() {
        add(Token::Operator(number), operator.as_fd(), operator.interest());
    }
}

fn interest(wants_room: bool) -> PollFlags {
    if wants_room { PollFlags::IN | PollFlags::OUT } else { PollFlags::IN }
}
