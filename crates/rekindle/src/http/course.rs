//! The course: what the connections of one listener are to do, as the life of the process goes.
//!
//! ```text
//!                      replaced, and the successor takes them
//!        ┌──────────────────────────────────────────────────► Move
//!        │             replaced, and it does not                 │
//!   Stay ┼──────────────────────────────────────────────────► Goodbye
//!    ▲   │             stopped: nobody will serve them           │
//!    │   └──────────────────────────────────────────────────► Close
//!    └── rolled back ◄── Move, Goodbye                           │  the hammer fell
//!                                                                ▼
//!                                                               Cut
//! ```
//!
//! It refuses to know a connection: what one of them cannot do is said by its [`Standing`].

use std::fmt;
use std::future::{Future, pending};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Context;

use rekindle_core::{Ending, Receiver};
use tokio::sync::watch;
use tokio::task::unconstrained;

use crate::moves::Outlook;
use crate::shared::{Shared, Stage};

/// What a connection is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// Be served here.
    Stay,
    /// Move to the successor at the next idle moment; until then all is as usual.
    Move,
    /// End with the next response, which says so; stay open until there is one.
    Goodbye,
    /// End with the response that is under way, or at once if there is none.
    Close,
    /// End at once.
    Cut,
}

/// What a connection cannot do, whatever the course.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It can do anything.
    Free,
    /// It cannot move: it was given back, or its kind cannot.
    Bound,
    /// A request has begun to arrive on it: it is to be answered before the connection ends.
    Begun,
}

impl Course {
    /// The course of a connection of this standing.
    pub(crate) const fn with(self, standing: Standing) -> Self {
        match (self, standing) {
            (Self::Move, Standing::Bound | Standing::Begun) | (Self::Close, Standing::Begun) => {
                Self::Goodbye
            }
            (course, _) => course,
        }
    }

    /// Whether the next response is the last one.
    pub(crate) const fn is_last_word(self) -> bool {
        match self {
            Self::Goodbye | Self::Close => true,
            Self::Stay | Self::Move | Self::Cut => false,
        }
    }
}

/// What a course is derived from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Situation {
    stage: Stage,
    outlook: Outlook,
    is_cut: bool,
}

impl Situation {
    fn of(shared: &Shared) -> Self {
        let stage = shared.stage.look(Clone::clone);
        let outlook = shared.outbox.outlook().look(Clone::clone);
        Self { stage, outlook, is_cut: shared.tracker.is_cut() }
    }

    /// The course of the connections that `receiver` would take over.
    fn course(&self, receiver: Option<&Receiver>) -> Course {
        if self.is_cut {
            return Course::Cut;
        }
        match &self.stage {
            Stage::Starting | Stage::Serving => Course::Stay,
            Stage::Failed(_) => Course::Close,
            // While nobody is there it is not known yet what the successor takes.
            Stage::Draining => self.succession(receiver).unwrap_or(Course::Stay),
            Stage::Ending(Ending::Upgraded(_)) => {
                self.succession(receiver).unwrap_or(Course::Goodbye)
            }
            Stage::Ending(Ending::Stopped) => self.succession(receiver).unwrap_or(Course::Close),
            Stage::Finished(_) => Course::Cut,
        }
    }

    fn succession(&self, receiver: Option<&Receiver>) -> Option<Course> {
        match &self.outlook {
            Outlook::Nobody => None,
            Outlook::Successor(takes) => {
                let takes = receiver.is_some_and(|receiver| takes.contains(receiver));
                Some(if takes { Course::Move } else { Course::Goodbye })
            }
        }
    }
}

/// Says the course of one listener's connections, as it changes, until the process is finished.
pub(crate) async fn set_course(
    shared: Arc<Shared>,
    receiver: Option<Receiver>,
    course: watch::Sender<Course>,
) {
    loop {
        let situation = Situation::of(&shared);
        let now = situation.course(receiver.as_ref());
        course.send_if_modified(|course| std::mem::replace(course, now) != now);
        if matches!(situation.stage, Stage::Finished(_) | Stage::Failed(_)) {
            return;
        }
        tokio::select! {
            () = shared.stage.until(|stage| (*stage != situation.stage).then_some(())) => {}
            () = shared.outbox.outlook().until(|it| (*it != situation.outlook).then_some(())) => {}
            () = shared.tracker.cut_changed(situation.is_cut) => {}
        }
    }
}

/// Waits until the course is not to stay.
pub(crate) async fn departed(mut course: watch::Receiver<Course>) {
    if course.wait_for(|course| *course != Course::Stay).await.is_err() {
        pending().await
    }
}

/// Waits for the hammer.
pub(crate) async fn cut(mut course: watch::Receiver<Course>) {
    if course.wait_for(|course| *course == Course::Cut).await.is_err() {
        pending().await
    }
}

type Turn = Pin<Box<dyn Future<Output = ()> + Send>>;

/// One connection's view of the course.
pub(crate) struct Helm {
    published: watch::Receiver<Course>,
    course: Course,
    standing: Standing,
    /// The next change, once the task waits for it.
    turn: Option<Turn>,
}

impl Helm {
    pub(crate) fn new(published: &watch::Receiver<Course>, standing: Standing) -> Self {
        let mut published = published.clone();
        let course = *published.borrow_and_update();
        Self { published, course, standing, turn: None }
    }

    /// The course of this connection. The task is woken when it changes.
    pub(crate) fn poll_course(&mut self, context: &mut Context<'_>) -> Course {
        // The usual case is one load: who waits for the turn is this task, and stays so.
        while self.turn.is_none() || self.has_turned() {
            self.course = *self.published.borrow_and_update();
            if self.course == Course::Stay && self.standing == Standing::Bound {
                self.standing = Standing::Free;
            }
            let turn = self.turn.insert(Box::pin(turn(self.published.clone())));
            if pin!(unconstrained(turn)).poll(context).is_ready() {
                self.turn = None;
            }
        }
        self.course.with(self.standing)
    }

    fn has_turned(&self) -> bool {
        // Once nobody is left to change it, it can still have changed for the last time.
        self.published.has_changed().unwrap_or_else(|_| *self.published.borrow() != self.course)
    }

    /// Whether the course was to stay when this was last asked.
    pub(crate) fn stays(&self) -> bool {
        self.course == Course::Stay
    }

    /// What this connection cannot do from here on.
    pub(crate) fn set_standing(&mut self, standing: Standing) {
        self.standing = standing;
    }
}

async fn turn(mut published: watch::Receiver<Course>) {
    if published.changed().await.is_err() {
        pending().await
    }
}

impl fmt::Debug for Helm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { published: _, course, standing, turn: _ } = self;
        formatter.debug_struct("Helm").field("course", course).field("standing", standing).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use rekindle_core::{Generation, Text};

    use super::*;

    fn receiver(name: &str) -> Receiver {
        Receiver { name: name.parse().unwrap(), protocol: Text::from("http/1.1") }
    }

    fn course(stage: Stage, takes: Option<&[&str]>, asks: Option<&str>) -> Course {
        let outlook = takes.map_or(Outlook::Nobody, |names| {
            Outlook::Successor(names.iter().map(|name| receiver(name)).collect())
        });
        let situation = Situation { stage, outlook, is_cut: false };
        situation.course(asks.map(receiver).as_ref())
    }

    #[test]
    fn a_listener_s_connections_do_what_its_successor_allows() {
        let (upgraded, stopped) = (Ending::Upgraded(Generation::FIRST), Ending::Stopped);
        let table = [
            (Stage::Serving, None, Some("a"), Course::Stay),
            (Stage::Serving, Some(["a"]), Some("a"), Course::Stay),
            (Stage::Draining, None, Some("a"), Course::Stay),
            (Stage::Draining, Some(["a"]), Some("a"), Course::Move),
            (Stage::Draining, Some(["b"]), Some("a"), Course::Goodbye),
            (Stage::Draining, Some(["a"]), None, Course::Goodbye),
            (Stage::Ending(upgraded), Some(["a"]), Some("a"), Course::Move),
            (Stage::Ending(upgraded), Some(["b"]), Some("a"), Course::Goodbye),
            (Stage::Ending(upgraded), None, Some("a"), Course::Goodbye),
            (Stage::Ending(stopped), None, Some("a"), Course::Close),
            (Stage::Ending(stopped), Some(["a"]), Some("a"), Course::Move),
        ];
        for (stage, takes, asks, expected) in table {
            let takes = takes.as_ref().map(|names| names.as_slice());
            assert_eq!(
                course(stage.clone(), takes, asks),
                expected,
                "{stage:?} {takes:?} {asks:?}"
            );
        }
    }

    #[test]
    fn the_hammer_has_the_last_word() {
        let (stage, outlook) = (Stage::Serving, Outlook::Nobody);
        let situation = Situation { stage, outlook, is_cut: true };
        assert_eq!(situation.course(None), Course::Cut);
    }

    #[test]
    fn what_cannot_move_says_goodbye_until_a_roll_back() {
        let (set, published) = watch::channel(Course::Move);
        let mut helm = Helm::new(&published, Standing::Bound);
        let mut context = Context::from_waker(Waker::noop());
        assert_eq!(helm.poll_course(&mut context), Course::Goodbye);
        set.send_replace(Course::Stay);
        assert_eq!(helm.poll_course(&mut context), Course::Stay);
        set.send_replace(Course::Move);
        assert_eq!(helm.poll_course(&mut context), Course::Move, "the next upgrade may take it");
        helm.set_standing(Standing::Begun);
        set.send_replace(Course::Close);
        assert_eq!(helm.poll_course(&mut context), Course::Goodbye, "it is answered first");
        set.send_replace(Course::Cut);
        drop(set);
        assert_eq!(helm.poll_course(&mut context), Course::Cut);
    }

    #[tokio::test]
    async fn a_task_that_looks_is_woken_by_the_next_change() {
        let (set, published) = watch::channel(Course::Stay);
        let mut helm = Helm::new(&published, Standing::Free);
        let turned =
            tokio::spawn(std::future::poll_fn(move |context| match helm.poll_course(context) {
                Course::Stay => std::task::Poll::Pending,
                course => std::task::Poll::Ready(course),
            }));
        tokio::task::yield_now().await;
        set.send_replace(Course::Move);
        assert_eq!(turned.await.unwrap(), Course::Move);
    }
}
