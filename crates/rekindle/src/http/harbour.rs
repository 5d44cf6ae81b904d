//! The harbour: the course of one listener's connections, and their berths. A turn of the course
//! reaches all of them; those that it calls to move are woken one by one, with their permits.

use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use crate::http::berth::{Berth, Rest};
use crate::http::course::Course;
use crate::http::permits::{Permit, Permits};
use crate::tracker::Tracker;

/// One listener's harbour.
#[derive(Debug)]
pub(crate) struct Harbour {
    course: Current,
    /// The same, for those that have no berth.
    published: watch::Sender<Course>,
    berths: Mutex<Berths>,
    permits: Permits,
    tracker: Tracker,
}

/// What every connection looks at all the time, apart from what changes with each of them.
#[derive(Debug)]
#[repr(align(128))]
struct Current(AtomicU8);

#[derive(Debug, Default)]
struct Berths {
    all: Vec<Option<Arc<Berth>>>,
    free: Vec<usize>,
}

/// A connection in the harbour, until this is dropped.
#[derive(Debug)]
pub(crate) struct Mooring {
    harbour: Arc<Harbour>,
    berth: Arc<Berth>,
    index: usize,
}

impl Harbour {
    pub(crate) fn new(permits: Permits, tracker: Tracker) -> Arc<Self> {
        let (published, _) = watch::channel(Course::Stay);
        let course = Current(AtomicU8::new(Course::Stay as u8));
        Arc::new(Self { course, published, berths: Mutex::default(), permits, tracker })
    }

    #[inline]
    pub(crate) fn course(&self) -> Course {
        Course::of(self.course.0.load(Ordering::SeqCst))
    }

    /// The course for those that have no berth.
    pub(crate) fn subscribe(&self) -> watch::Receiver<Course> {
        self.published.subscribe()
    }

    /// Sets the course.
    pub(crate) fn set_course(&self, course: Course) {
        let berths = self.lock();
        if self.course.0.swap(course as u8, Ordering::SeqCst) == course as u8 {
            return;
        }
        // Whoever comes from here on sees the new course.
        let all: Vec<_> = berths.all.iter().flatten().cloned().collect();
        drop(berths);
        self.published.send_replace(course);
        match course {
            Course::Move => {
                // They are not woken to say so themselves.
                all.iter().for_each(|berth| self.count_rest(berth));
                self.permits.call(all);
            }
            Course::Stay | Course::Goodbye | Course::Close | Course::Cut => {
                all.iter().for_each(|berth| berth.wake());
            }
        }
    }

    /// A berth for one connection.
    pub(crate) fn moor(self: &Arc<Self>) -> Mooring {
        let berth = Arc::new(Berth::new());
        let index = self.lock().add(Arc::clone(&berth));
        Mooring { harbour: Arc::clone(self), berth, index }
    }

    /// Who is idle counts as resting from here on. Counted first: a moment too early is no harm.
    fn count_rest(&self, berth: &Berth) {
        if berth.rest() == Rest::Idle {
            self.tracker.begin_rest();
            if !berth.begins_to_count() {
                self.tracker.end_rest();
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Berths> {
        self.berths.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Berths {
    fn add(&mut self, berth: Arc<Berth>) -> usize {
        if let Some(index) = self.free.pop() {
            self.all[index] = Some(berth);
            return index;
        }
        self.all.push(Some(berth));
        self.all.len() - 1
    }

    fn remove(&mut self, index: usize) -> Option<Arc<Berth>> {
        let berth = self.all[index].take();
        self.free.push(index);
        berth
    }
}

impl Mooring {
    #[inline]
    pub(crate) fn berth(&self) -> &Berth {
        &self.berth
    }

    #[inline]
    pub(crate) fn course(&self) -> Course {
        self.harbour.course()
    }

    /// A permit to move is wanted.
    pub(crate) fn ask(&self) {
        self.harbour.permits.ask(&self.berth);
    }

    /// The permit, if it is there; none is wanted any more.
    #[inline]
    pub(crate) fn take_permit(&self) -> Option<Permit> {
        self.harbour.permits.take(&self.berth)
    }

    /// Whether no permit is wanted from here on, whatever the course.
    pub(crate) fn set_aside(&self, is_aside: bool) {
        self.harbour.permits.set_aside(&self.berth, is_aside);
    }

    /// Says whether the connection does nothing but wait for a request; and whether that counts,
    /// as it does once the course is not to stay.
    #[inline]
    pub(crate) fn set_rest(&self, rest: Rest) {
        if self.berth.rest() != rest {
            self.turn_to_rest(rest);
        }
    }

    fn turn_to_rest(&self, rest: Rest) {
        let tracker = &self.harbour.tracker;
        if rest == Rest::Counted {
            tracker.begin_rest();
        }
        if self.berth.set_rest(rest) == Rest::Counted {
            tracker.end_rest();
        }
        // The course may have turned when this one was busy still.
        if rest == Rest::Idle && self.course() != Course::Stay {
            self.harbour.count_rest(&self.berth);
        }
    }
}

impl Drop for Mooring {
    fn drop(&mut self) {
        self.set_rest(Rest::Busy);
        let berth = self.harbour.lock().remove(self.index);
        drop(berth);
        // It may still stand in the queue for a permit, or be about to be called.
        self.set_aside(true);
        self.berth.set_waker(None);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;
    use std::task::{Context, Wake, Waker};

    use rekindle_core::MOVE_WINDOW;
    use rekindle_unix::Bell;

    use super::*;
    use crate::http::berth::Ticket;
    use crate::http::course::{Helm, Standing};

    #[derive(Default)]
    struct Wakes(AtomicUsize);

    impl Wake for Wakes {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn harbour() -> Arc<Harbour> {
        let tracker = Tracker::new(Arc::new(Bell::new().unwrap()));
        Harbour::new(Permits::new(), tracker)
    }

    /// Connections whose tasks wait, and how often these were woken.
    fn waiting(harbour: &Arc<Harbour>, count: usize) -> Vec<(Helm, Arc<Wakes>)> {
        let wait = |_| {
            let (mut helm, wakes) = (Helm::new(harbour, Standing::Free), Arc::<Wakes>::default());
            let waker = Waker::from(Arc::clone(&wakes));
            let _course = helm.poll_course(&Context::from_waker(&waker));
            (helm, wakes)
        };
        (0..count).map(wait).collect()
    }

    fn woken(waiting: &[(Helm, Arc<Wakes>)]) -> usize {
        waiting.iter().map(|(_, wakes)| wakes.0.load(Ordering::SeqCst)).sum()
    }

    #[test]
    fn who_is_called_to_move_is_woken_with_its_permit_and_not_before() {
        let harbour = harbour();
        let mut all = waiting(&harbour, MOVE_WINDOW + 3);
        harbour.set_course(Course::Move);
        assert_eq!(woken(&all), MOVE_WINDOW);
        let permit = all[0].0.mooring().take_permit();
        assert!(permit.is_some());
        assert_eq!(woken(&all), MOVE_WINDOW);
        drop(permit);
        assert_eq!(woken(&all), MOVE_WINDOW + 1);
        // One that ends when it has just been woken.
        let (ended, _) = all.remove(1);
        drop(ended);
        assert_eq!(woken(&all), MOVE_WINDOW + 1, "one of them is not there any more");
        let (helm, wakes) = all.pop().unwrap();
        assert_eq!(helm.mooring().berth().ticket(), Ticket::Queued);
        drop(all);
        assert_eq!(helm.mooring().berth().ticket(), Ticket::Granted);
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn any_other_turn_wakes_everybody_once() {
        let harbour = harbour();
        let all = waiting(&harbour, MOVE_WINDOW + 3);
        for (course, times) in [(Course::Goodbye, 1), (Course::Goodbye, 1), (Course::Cut, 2)] {
            harbour.set_course(course);
            assert_eq!(woken(&all), times * all.len(), "{course:?}");
        }
    }

    #[test]
    fn who_cannot_move_is_told_at_once() {
        let harbour = harbour();
        let mut all = waiting(&harbour, MOVE_WINDOW + 3);
        let (helm, wakes) = all.last_mut().unwrap();
        helm.set_standing(Standing::Bound);
        harbour.set_course(Course::Move);
        assert_eq!(wakes.0.load(Ordering::SeqCst), 1);
        assert_eq!(helm.mooring().berth().ticket(), Ticket::None);
        assert_eq!(woken(&all), MOVE_WINDOW + 1);
    }

    #[test]
    fn who_is_idle_rests_from_the_turn_on_though_nobody_wakes_it() {
        let harbour = harbour();
        let resting = || harbour.tracker.counts().1;
        let all = waiting(&harbour, MOVE_WINDOW + 3);
        let (late, _) = all.last().unwrap();
        all[1..].iter().for_each(|(helm, _)| helm.mooring().set_rest(Rest::Idle));
        late.mooring().set_rest(Rest::Busy);
        assert_eq!(resting(), 0, "this process goes on");
        harbour.set_course(Course::Move);
        assert_eq!(resting(), all.len() as u64 - 2);
        // It saw the old course when it decided.
        late.mooring().set_rest(Rest::Idle);
        assert_eq!(resting(), all.len() as u64 - 1);
        late.mooring().set_rest(Rest::Counted);
        assert_eq!(resting(), all.len() as u64 - 1);
        harbour.set_course(Course::Stay);
        late.mooring().set_rest(Rest::Idle);
        assert_eq!(resting(), all.len() as u64 - 2);
        drop(all);
        assert_eq!(resting(), 0);
    }

    #[test]
    fn a_berth_is_used_again() {
        let harbour = harbour();
        for _ in 0..3 {
            drop(waiting(&harbour, 5));
        }
        let berths = harbour.lock();
        assert_eq!((berths.all.len(), berths.free.len()), (5, 5));
    }

    #[test]
    fn those_who_come_and_go_while_the_course_turns_lose_no_permit() {
        let harbour = harbour();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let all = waiting(&harbour, 20);
                        all.iter().for_each(|(helm, _)| helm.mooring().set_rest(Rest::Idle));
                        let taken = all.iter().map(|(helm, _)| helm.mooring().take_permit());
                        drop(taken.collect::<Vec<_>>());
                    }
                });
            }
            for _ in 0..400 {
                harbour.set_course(Course::Move);
                harbour.set_course(Course::Stay);
            }
        });
        assert_eq!(harbour.tracker.counts(), (0, 0));
        harbour.set_course(Course::Move);
        let all = waiting(&harbour, MOVE_WINDOW);
        all.iter().for_each(|(helm, _)| helm.mooring().ask());
        let has = |(helm, _): &(Helm, _)| helm.mooring().berth().ticket() == Ticket::Granted;
        assert!(all.iter().all(has), "all of them are there");
    }
}
