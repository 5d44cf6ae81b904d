//! Who leaves the lot, when, and with what.

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::pin::pin;
use std::task::Poll;

use tokio::sync::watch::Sender;

use super::*;
use crate::http::capacity::Capacity;
use crate::http::testing::{Process, settle};
use crate::tracker::Tracker;

struct Yard {
    lot: Lot,
    tracker: Tracker,
    course: Sender<Course>,
    seen: watch::Receiver<Course>,
}

impl Yard {
    fn new(idle_timeout: Option<Duration>) -> Self {
        let (course, seen) = watch::channel(Course::Stay);
        let lot = Lot::new(idle_timeout).unwrap();
        lot.open();
        Self { lot, tracker: Process::new().shared.tracker, course, seen }
    }

    /// A connection that is in the lot if there is room. Returns its client.
    fn park(&self) -> Result<UnixStream, UnixStream> {
        let (client, server) = UnixStream::pair().unwrap();
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let (guard, seat) = (self.tracker.guard(), Capacity::new(None).seat());
        let sleeper = Sleeper { descriptor: server.into(), peer: None, guard, seat };
        match self.lot.park(vec![sleeper]).is_empty() {
            true => Ok(client),
            false => Err(client),
        }
    }

    async fn leavers(&mut self) -> Option<Vec<Leaver>> {
        self.lot.leavers(&mut self.seen).await
    }

    /// Those who leave now.
    fn leavers_now(&mut self) -> Poll<Option<Vec<Leaver>>> {
        settle(pin!(self.lot.leavers(&mut self.seen)))
    }
}

fn is_closed(mut client: &UnixStream) -> bool {
    client.read(&mut [0]).unwrap() == 0
}

#[tokio::test]
async fn who_speaks_leaves_with_what_was_said_and_whose_client_left_is_closed() {
    let mut yard = Yard::new(None);
    let (mut speaks, silent, leaves) = (yard.park().unwrap(), yard.park(), yard.park().unwrap());
    drop(leaves);
    speaks.write_all(b"GET").unwrap();
    let leavers = yard.leavers().await.unwrap();
    let said: Vec<_> = leavers.iter().map(|leaver| leaver.first.as_ref()).collect();
    assert_eq!(said, [b"GET"]);
    assert_eq!(yard.tracker.in_flight(), 2, "that one, and the silent one");
    drop(leavers);
    assert!(is_closed(&speaks));
    // The place that is free now is another's.
    let next = [yard.park().unwrap(), yard.park().unwrap()];
    (&next[0]).write_all(b"1").unwrap();
    assert_eq!(yard.leavers().await.unwrap()[0].first, "1");
    assert_eq!(yard.tracker.in_flight(), 2);
    drop((silent, next));
}

#[tokio::test]
async fn more_than_are_looked_at_in_one_go_leave() {
    let mut yard = Yard::new(None);
    let clients: Vec<_> = (0..3 * AT_ONCE).map(|_| yard.park().unwrap()).collect();
    for mut client in &clients {
        client.write_all(b"x").unwrap();
    }
    let mut left = 0;
    while left < clients.len() {
        left += yard.leavers().await.unwrap().len();
    }
    assert_eq!(left, clients.len());
    assert_eq!(yard.tracker.in_flight(), 0);
}

#[tokio::test]
async fn when_the_course_turns_all_leave_and_nobody_comes_until_it_is_to_stay_again() {
    let mut yard = Yard::new(None);
    let _clients = [yard.park().unwrap(), yard.park().unwrap()];
    for course in [Course::Move, Course::Goodbye] {
        yard.course.send_replace(course);
        let Poll::Ready(Some(leavers)) = yard.leavers_now() else { panic!("nobody leaves") };
        assert!(leavers.len() == 2 && leavers.iter().all(|it| it.first.is_empty()));
        assert_eq!(yard.tracker.counts(), (2, 2), "nobody is at work on them");
        assert!(yard.park().is_err() && yard.leavers_now().is_pending());
        yard.course.send_replace(Course::Stay);
        assert!(yard.leavers_now().is_pending());
        let again = leavers.into_iter().map(|leaver| leaver.sleeper).collect();
        assert!(yard.lot.park(again).is_empty());
        assert_eq!(yard.tracker.counts(), (2, 0), "this process goes on");
    }
}

#[tokio::test]
async fn at_the_end_of_the_service_the_silent_are_closed_and_the_others_are_answered() {
    let mut yard = Yard::new(None);
    let (silent, mut speaks) = (yard.park().unwrap(), yard.park().unwrap());
    speaks.write_all(b"GET").unwrap();
    yard.course.send_replace(Course::Close);
    let leavers = yard.leavers().await.unwrap();
    assert_eq!((leavers.len(), yard.tracker.counts()), (1, (1, 0)));
    assert!(is_closed(&silent));
    assert!(yard.leavers_now().is_pending(), "it may have been rolled back");
}

#[tokio::test]
async fn the_hammer_closes_all_and_after_the_last_course_nobody_is_waited_for() {
    let mut yard = Yard::new(None);
    let mut client = yard.park().unwrap();
    client.write_all(b"GET").unwrap();
    yard.course.send_replace(Course::Cut);
    assert!(yard.leavers_now().is_pending());
    assert_eq!(yard.tracker.in_flight(), 0);
    yard.course = watch::channel(Course::Stay).0;
    assert!(yard.leavers().await.is_none());
    // Whatever the last one was.
    let mut yard = Yard::new(None);
    let _client = yard.park().unwrap();
    yard.course = watch::channel(Course::Stay).0;
    assert_eq!(yard.leavers().await.unwrap().len(), 1);
    assert!(yard.leavers().await.is_none());
}

#[tokio::test]
async fn when_nobody_comes_any_more_those_in_it_are_waited_for() {
    let mut yard = Yard::new(None);
    let _client = yard.park().unwrap();
    yard.lot.end();
    assert!(yard.leavers_now().is_pending());
    yard.course.send_replace(Course::Goodbye);
    assert_eq!(yard.leavers().await.unwrap().len(), 1);
    assert!(yard.leavers().await.is_none());
    // Though it ends when the course has turned already.
    let mut yard = Yard::new(None);
    yard.course.send_replace(Course::Close);
    assert!(yard.leavers_now().is_pending());
    yard.lot.end();
    assert!(yard.leavers().await.is_none());
}

#[tokio::test]
async fn who_is_silent_for_too_long_is_closed_then_and_not_before() {
    let limit = Duration::from_millis(200);
    let mut yard = Yard::new(Some(limit));
    let begun = Instant::now();
    let first = [yard.park().unwrap(), yard.park().unwrap()];
    let is_swept = |yard: &Yard, left| yard.tracker.in_flight() == left;
    tokio::time::timeout(limit / 2, yard.leavers()).await.unwrap_err();
    assert!(is_swept(&yard, 2));
    let later = Instant::now();
    let last = yard.park().unwrap();
    let swept = tokio::time::timeout_at(later + limit - limit / 8, yard.leavers()).await;
    assert!(swept.is_err() && begun.elapsed() >= limit);
    assert!(is_swept(&yard, 1) && is_closed(&first[0]) && is_closed(&first[1]));
    tokio::time::timeout_at(later + 2 * limit, yard.leavers()).await.unwrap_err();
    assert!(is_swept(&yard, 0) && is_closed(&last));
}
