//! What the machine of this process's life says, done.

use std::time::Duration;

use rekindle_core::{Action, DrainEnd, DrainReport, Ending};
use tracing::{info, warn};

use super::{Driver, PidFileState};
use crate::gate::Door;
use crate::moves::Mailbox;
use crate::report::Report;
use crate::shared::Stage;
use crate::telemetry;

/// How long what was cut is given to end by itself, before the program is told to exit: TLS tells
/// its clients that it closes.
const LAST_WORDS: Duration = Duration::from_millis(100);

impl Driver {
    /// Does all that there is to do.
    pub(super) fn carry_out(&mut self) {
        while let Some(action) = self.life.poll_action() {
            match action {
                Action::Upgrade(action) => self.carry_out_upgrade(action),
                Action::Verdict(verdict) => self.verdict(verdict),
                Action::Elder(generation, message) => self.elders.send(generation, &message),
                Action::ReadElder(generation) => self.elders.begin_to_read(generation),
                Action::LeaveElders => self.elders.leave(),
                Action::ReleaseElders => self.elders.release(),
                Action::GiveBackListeners => self.give_back_listeners(),
                Action::EndListeners(ending) => self.end_listeners(ending),
                Action::Cut => self.cut(),
                Action::Finish(report) => self.finish(report),
                Action::Die => self.die(),
            }
        }
        self.move_on();
        let draining = self.life.elders().map_or(0, rekindle_core::Elders::len);
        telemetry::counts(self.shared.tracker.in_flight(), draining);
    }

    /// The old process accepts again on what it had offered. A listening socket is one for all who
    /// hold it: to shut it down here would end it there.
    fn give_back_listeners(&mut self) {
        warn!("the old process serves on: its listeners are given back");
        let positions = (0u32..).zip(&self.held);
        self.claimed = positions
            .filter_map(|(position, held)| held.position.is_some().then_some(position))
            .collect();
    }

    /// No listener is accepted on any more. What another process accepts on is its own; the rest
    /// has its last call, so that nobody who waits in a queue is turned away. Operators can ask a
    /// process that stops for as long as it is there.
    fn end_listeners(&mut self, ending: Ending) {
        let stopping = ending == Ending::Stopped;
        for (position, held) in self.held.drain(..).enumerate() {
            let claimed =
                u32::try_from(position).is_ok_and(|it| self.claimed.binary_search(&it).is_ok());
            if claimed {
                held.gate.set(Door::Ended);
            } else if !(stopping && self.operators.are_asked_on(&held)) {
                held.last_call();
                self.last_calls.push(held);
            }
        }
        self.rendezvous.close();
        match ending {
            Ending::Upgraded(_) => {
                self.operators.close();
                if let Some(successor) = &self.successor {
                    let status = "the next generation serves".to_owned();
                    self.notices.replaced(successor.pid(), status);
                }
            }
            Ending::Stopped => self.notices.stopping(self.settings.drain_timeout),
        }
        self.mailboxes.iter().for_each(Mailbox::end);
        self.ending = Some(ending);
        self.shared.tracker.await_end();
        self.count();
        self.operators.stopping(self.shared.tracker.in_flight());
        self.set_stage(Stage::Ending(ending));
        // Last, since a directory's lock may have to be waited for.
        self.last_calls.iter().for_each(|held| held.remove_path());
    }

    fn cut(&mut self) {
        let in_flight = self.shared.tracker.in_flight();
        warn!(in_flight, "what is still in flight is cut");
        self.shared.tracker.cut();
        self.cut_moves();
    }

    fn finish(&mut self, drain: DrainReport) {
        let ending = self.ending.unwrap_or(Ending::Stopped);
        let report = Report::new(ending, drain);
        let Report { end, cut, rested, moved, took, .. } = report;
        info!(?ending, ?end, cut, rested, moved, ?took, "drained");
        telemetry::finished(&report);
        if let Some(successor) = &mut self.successor {
            successor.flush();
        }
        if let PidFileState::Ours(pid_file) =
            std::mem::replace(&mut self.pid_file, PidFileState::None)
        {
            // It is removed if it is still ours: a successor has replaced it by its own.
            drop(pid_file);
        }
        self.last_calls.clear();
        self.operators.stopped(&report);
        self.operators.close();
        if let DrainEnd::Hammered(_) = end {
            self.shared.tracker.wait_for_end(LAST_WORDS);
        }
        self.set_stage(Stage::Finished(report));
    }
}
