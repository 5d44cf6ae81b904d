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

use std::future::pending;
use std::sync::Arc;
use std::task::{Context, Waker};

use rekindle_core::{Ending, Receiver};
use tokio::sync::watch;

use crate::http::harbour::{Harbour, Mooring};
use crate::moves::Outlook;
use crate::shared::{Shared, Stage};

/// What a connection is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Course {
    /// Be served here.
    Stay = 0,
    /// Move to the successor at the next idle moment; until then all is as usual.
    Move = 1,
    /// End with the next response, which says so; stay open until there is one.
    Goodbye = 2,
    /// End with the response that is under way, or at once if there is none.
    Close = 3,
    /// End at once.
    Cut = 4,
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
    /// The course of this number.
    pub(crate) const fn of(number: u8) -> Self {
        match number {
            0 => Self::Stay,
            1 => Self::Move,
            2 => Self::Goodbye,
            3 => Self::Close,
            _ => Self::Cut,
        }
    }

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
    harbour: Arc<Harbour>,
) {
    loop {
        let situation = Situation::of(&shared);
        harbour.set_course(situation.course(receiver.as_ref()));
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

/// One connection's view of the course.
#[derive(Debug)]
pub(crate) struct Helm {
    mooring: Mooring,
    course: Course,
    standing: Standing,
    /// Whom the mooring wakes.
    waker: Option<Waker>,
}

impl Helm {
    pub(crate) fn new(harbour: &Arc<Harbour>, standing: Standing) -> Self {
        let mooring = harbour.moor();
        let course = mooring.course();
        let mut helm = Self { mooring, course, standing: Standing::Free, waker: None };
        helm.set_standing(standing);
        helm
    }

    pub(crate) const fn mooring(&self) -> &Mooring {
        &self.mooring
    }

    /// The course of this connection. The task is woken when it changes; if it turns to a move,
    /// with the permit.
    #[inline]
    pub(crate) fn poll_course(&mut self, context: &Context<'_>) -> Course {
        // Before the course is looked at: either the turn is seen, or the waker.
        if !self.waker.as_ref().is_some_and(|waker| waker.will_wake(context.waker())) {
            self.mooring.berth().set_waker(Some(context.waker().clone()));
            self.waker = Some(context.waker().clone());
        }
        self.course = self.mooring.course();
        if self.course == Course::Stay && self.standing == Standing::Bound {
            self.set_standing(Standing::Free);
        }
        self.course.with(self.standing)
    }

    /// Whether the course was to stay when this was last asked.
    #[inline]
    pub(crate) fn stays(&self) -> bool {
        self.course == Course::Stay
    }

    /// Whether the course has turned since it was last asked for.
    pub(crate) fn has_turned(&self) -> bool {
        self.mooring.course() != self.course
    }

    /// What this connection cannot do from here on.
    pub(crate) fn set_standing(&mut self, standing: Standing) {
        let (was_free, is_free) = (self.standing == Standing::Free, standing == Standing::Free);
        self.standing = standing;
        if was_free != is_free {
            self.mooring.set_aside(!is_free);
        }
    }
}

#[cfg(test)]
mod tests {
    use rekindle_core::{Generation, Text};
    use rekindle_unix::Bell;

    use super::*;
    use crate::http::permits::Permits;
    use crate::tracker::Tracker;

    fn harbour(course: Course) -> Arc<Harbour> {
        let tracker = Tracker::new(Arc::new(Bell::new().unwrap()));
        let harbour = Harbour::new(Permits::new(), tracker);
        harbour.set_course(course);
        harbour
    }

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
        let (harbour, context) = (harbour(Course::Move), Context::from_waker(Waker::noop()));
        let mut helm = Helm::new(&harbour, Standing::Bound);
        assert_eq!(helm.poll_course(&context), Course::Goodbye);
        harbour.set_course(Course::Stay);
        assert_eq!(helm.poll_course(&context), Course::Stay);
        harbour.set_course(Course::Move);
        assert_eq!(helm.poll_course(&context), Course::Move, "the next upgrade may take it");
        helm.set_standing(Standing::Begun);
        harbour.set_course(Course::Close);
        assert_eq!(helm.poll_course(&context), Course::Goodbye, "it is answered first");
        harbour.set_course(Course::Cut);
        assert_eq!(helm.poll_course(&context), Course::Cut);
    }

    #[tokio::test]
    async fn a_task_that_looks_is_woken_by_the_next_change() {
        let harbour = harbour(Course::Stay);
        let mut helm = Helm::new(&harbour, Standing::Free);
        let turned =
            tokio::spawn(std::future::poll_fn(move |context| match helm.poll_course(context) {
                Course::Stay => std::task::Poll::Pending,
                course => std::task::Poll::Ready(course),
            }));
        tokio::task::yield_now().await;
        harbour.set_course(Course::Move);
        assert_eq!(turned.await.unwrap(), Course::Move);
    }
}
