//! The driver: it tells a process's machines what happened, and carries out what they say.
//!
//! It holds no policy. What a real driver has to do alike: carry out all actions before the next
//! event, hear what was said before the time that has passed and before how a child ended, and
//! count what is in flight after it stopped accepting and whenever time is told.

use std::time::Duration;

use rekindle_core::{
    Action, ElderEntry, Event, Intake, ListenerEntry, Message, NewEvent, Offer, OldAction,
    OldEvent, Phase, SocketKind, SpawnFailure, Text, Verdict, decode, frames,
};

use crate::channel::{End, Frame};
use crate::process::{Condition, Origin};
use crate::program::{Program, Start};
use crate::world::{Occurrence, Pid, World};

/// How long a process takes from its last decision to its end.
pub(crate) const EXIT: Duration = Duration::from_millis(3);

/// Whether what is in flight has to be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    NotNow,
    Now,
}

impl World {
    /// Does the first thing that there is to do. Says whether there was one.
    pub(crate) fn wake(&mut self, pid: Pid) -> bool {
        if self.processes[pid].condition != Condition::Runs {
            return false;
        }
        let done = self.read(pid) || self.reap(pid) || self.tell_time(pid);
        if self.processes[pid].is_alive() {
            self.wait(pid, done);
        }
        done
    }

    fn wait(&mut self, pid: Pid, done: bool) {
        if done {
            return self.wake_at(pid, self.now);
        }
        let process = &self.processes[pid];
        let arrivals = process.reads().into_iter().filter_map(|end| {
            self.channels[end.channel].to(end.side).front().map(|frame| frame.due)
        });
        if let Some(at) = arrivals.chain(process.timeout()).min() {
            self.wake_at(pid, at);
        }
    }

    fn read(&mut self, pid: Pid) -> bool {
        let ends = self.processes[pid].reads();
        for &end in &ends {
            let queue = self.channels[end.channel].to_mut(end.side);
            if queue.front().is_some_and(|frame| frame.due <= self.now) {
                let frame = queue.pop_front().expect("it was just seen");
                self.receive(pid, end, frame);
                return true;
            }
        }
        match ends.into_iter().find(|&end| self.is_at_end(end)) {
            Some(end) => {
                self.end_of_file(pid, end);
                true
            }
            None => false,
        }
    }

    fn receive(&mut self, pid: Pid, end: End, frame: Frame) {
        let message = decode(&frame.bytes, frame.descriptors);
        self.trace(format_args!("{pid} reads {message:?}"));
        let process = &mut self.processes[pid];
        if let Some(newcomer) = process.new_side_mut() {
            newcomer.ends.extend(frame.ends);
            newcomer.side.handle(match message {
                Ok(message) => NewEvent::Message(message),
                Err(error) => NewEvent::Garbage(error),
            });
            return self.pump_new(pid);
        }
        let elder = process.elders.iter().find(|(_, elder)| **elder == end);
        match (elder.map(|(generation, _)| *generation), message) {
            (Some(elder), Ok(message)) => self.hear_elder(pid, elder, message, frame.connections),
            (Some(elder), Err(_)) => self.miss_frame(pid, elder),
            (None, Ok(message)) => {
                self.hear_of_moves(pid, &message);
                self.tell(pid, Event::Upgrade(OldEvent::Message(message)));
            }
            (None, Err(error)) => {
                self.tell(pid, Event::Upgrade(OldEvent::Garbage(Text::of(error))));
            }
        }
    }

    fn end_of_file(&mut self, pid: Pid, end: End) {
        let process = &mut self.processes[pid];
        if let Origin::New(newcomer) = &mut process.origin {
            newcomer.channel = None;
            let old = newcomer.old;
            let event = if self.processes[old].is_alive() {
                NewEvent::OldHungUp
            } else {
                NewEvent::OldDied
            };
            if let Some(newcomer) = self.processes[pid].new_side_mut() {
                newcomer.side.handle(event);
            }
            return self.pump_new(pid);
        }
        let elder = process.elders.iter().find(|(_, elder)| **elder == end);
        if let Some(elder) = elder.map(|(generation, _)| *generation) {
            process.elders.remove(&elder);
            let intake = process.intakes.remove(&elder);
            process.connections.extend(intake.into_iter().flat_map(Intake::end_of_file));
            return self.tell(pid, Event::ElderGone(elder));
        }
        if let Some(upgrade) = &mut process.upgrade {
            upgrade.channel = None;
        }
        self.wake_all();
        self.tell(pid, Event::Upgrade(OldEvent::EndOfFile));
    }

    fn reap(&mut self, pid: Pid) -> bool {
        let process = &mut self.processes[pid];
        let Some(&child) = process.zombies.first() else {
            return false;
        };
        let upgrade = process.upgrade.as_ref().filter(|upgrade| upgrade.child == Some(child));
        let unread = upgrade
            .and_then(|upgrade| upgrade.channel)
            .is_some_and(|end| !self.channels[end.channel].to(end.side).is_empty());
        if unread {
            return false;
        }
        let report = upgrade.is_some_and(|upgrade| !upgrade.over);
        process.zombies.remove(0);
        if report {
            let status = Text::from("exited with status 3");
            self.tell(pid, Event::Upgrade(OldEvent::Exited(status)));
        }
        true
    }

    fn tell_time(&mut self, pid: Pid) -> bool {
        let now = self.now;
        let process = &mut self.processes[pid];
        if process.timeout().is_none_or(|timeout| now < timeout) {
            return false;
        }
        if let Some(newcomer) = process.new_side_mut() {
            newcomer.side.tick(now);
            self.pump_new(pid);
        } else {
            process.life.tick(now);
            self.pump(pid);
            self.count(pid);
        }
        true
    }

    /// Tells the life what happened, and does what it says.
    pub(crate) fn tell(&mut self, pid: Pid, event: Event) {
        let now = self.now;
        self.processes[pid].life.handle(now, event);
        self.pump(pid);
    }

    /// Carries out all actions of a life.
    pub(crate) fn pump(&mut self, pid: Pid) {
        let mut count = Count::NotNow;
        while let Some(action) = self.processes[pid].life.poll_action() {
            if self.carry_out(pid, action) == Count::Now {
                count = Count::Now;
            }
        }
        if count == Count::Now {
            self.count(pid);
        }
        self.move_on(pid);
        self.wake_at(pid, self.now);
    }

    /// Tells what there is.
    pub(crate) fn count(&mut self, pid: Pid) {
        let tally = self.processes[pid].tally();
        self.tell(pid, Event::InFlight(tally));
    }

    fn carry_out(&mut self, pid: Pid, action: Action) -> Count {
        self.trace(format_args!("{pid} {action:?}"));
        match action {
            Action::Upgrade(action) => return self.carry_out_upgrade(pid, action),
            Action::Verdict(verdict) => self.verdict(pid, verdict),
            Action::Elder(elder, message) => {
                let process = &mut self.processes[pid];
                process.confirmed |= message == Message::Confirmed;
                if let Some(&end) = process.elders.get(&elder) {
                    self.send(end, &message);
                }
            }
            Action::ReadElder(elder) => self.begin_to_read(pid, elder),
            Action::LeaveElders => {
                self.processes[pid].intakes.values_mut().for_each(Intake::leave);
            }
            Action::ReleaseElders => {
                self.processes[pid].elders.clear();
                self.processes[pid].intakes.clear();
                self.wake_all();
            }
            // It goes by what it holds, and closes nothing that another one has.
            Action::GiveBackListeners => {}
            Action::EndListeners(_) => {
                let process = &mut self.processes[pid];
                process.listeners.clear();
                self.leave(pid);
                return Count::Now;
            }
            Action::Cut => self.cut(pid),
            Action::Finish(report) => {
                self.look_at_drain(pid, &report);
                self.after(EXIT, Occurrence::Exit(pid));
            }
            Action::Die => self.after(Duration::ZERO, Occurrence::Kill(pid)),
        }
        Count::NotNow
    }

    fn carry_out_upgrade(&mut self, pid: Pid, action: OldAction) -> Count {
        let process = &mut self.processes[pid];
        let upgrade = process.upgrade.as_ref().expect("an upgrade that acts");
        let (channel, child, attempt) = (upgrade.channel, upgrade.child, upgrade.attempt);
        let phase = upgrade.phase;
        match action {
            OldAction::Spawn => self.start_soon(pid, attempt),
            OldAction::Send(message) => {
                if let Some(end) = channel {
                    self.send(end, &message);
                }
            }
            OldAction::SendOffer => self.send_offer(pid, channel),
            OldAction::StopAccepting { claimed } => {
                assert_eq!(claimed.len(), process.listeners.len(), "each was claimed");
                process.moves.expect();
                self.leave(pid);
                return Count::Now;
            }
            OldAction::OpenMoves { receivers } => process.moves.open(receivers),
            OldAction::CloseMoves => process.moves.close(),
            OldAction::Resume => {
                process.accepting = process.listeners.iter().cloned().collect();
                process.left_at = None;
                if phase == Phase::Committing {
                    self.watch.late_rollbacks += 1;
                }
            }
            OldAction::Kill => {
                let child = child.expect("a child to kill");
                self.kill_soon(child);
            }
            OldAction::Enter(phase) => {
                let upgrade = process.upgrade.as_mut().expect("it was just seen");
                upgrade.phase = phase;
                if phase == Phase::Probation {
                    upgrade.probation_ends = Some(self.now + self.settings.probation);
                }
            }
        }
        Count::NotNow
    }

    /// It accepts no more, and its connections go on to their ends.
    fn leave(&mut self, pid: Pid) {
        let process = &mut self.processes[pid];
        process.accepting.clear();
        if process.left_at.replace(process.left_at.unwrap_or(self.now)).is_none() {
            process.in_flight = self.work.len() as u64;
            for wait in self.work.clone() {
                self.after(wait, Occurrence::Finish(pid));
            }
            self.await_idleness(pid);
        }
    }

    pub(crate) fn finish_one(&mut self, pid: Pid) {
        let process = &mut self.processes[pid];
        process.in_flight = process.in_flight.saturating_sub(1);
        self.count(pid);
    }

    fn verdict(&mut self, pid: Pid, verdict: Verdict) {
        self.look_at_verdict(pid, &verdict);
        let process = &mut self.processes[pid];
        let upgrade = process.upgrade.as_mut().expect("an upgrade to judge");
        upgrade.over = true;
        if !verdict.is_committed() {
            upgrade.channel = None;
        }
        let attempt = upgrade.attempt;
        assert_eq!(self.attempts[attempt].verdict.replace(verdict), None, "a second verdict");
        self.wake_all();
    }

    fn send_offer(&mut self, pid: Pid, channel: Option<End>) {
        let process = &self.processes[pid];
        let elders = process.life.elders().expect("who makes an offer is the newest");
        let mut ends: Vec<End> =
            elders.iter().map(|elder| process.elders[&elder.generation]).collect();
        let entry = |name: &String| ListenerEntry {
            name: name.parse().expect("a good name"),
            kind: SocketKind::Tcp,
            requested: Text::from("127.0.0.1:0"),
            bound: Text::from("127.0.0.1:40211"),
            lent: false,
        };
        let offer = Offer {
            listeners: process.listeners.iter().map(entry).collect(),
            elders: elders
                .iter()
                .map(|elder| ElderEntry {
                    generation: elder.generation,
                    pid: elder.pid,
                    in_flight: elder.in_flight,
                })
                .collect(),
            states: Vec::new(),
        };
        for message in frames(&offer) {
            let along = match &message {
                Message::Elders { entries } => ends.drain(..entries.len()).collect(),
                _ => Vec::new(),
            };
            if let Some(channel) = channel {
                self.send_with(channel, &message, along, Vec::new());
            }
        }
    }

    /// A child of ours runs the program.
    pub(crate) fn spawned(&mut self, pid: Pid, program: Program) {
        let (ours, theirs) = self.channel();
        let child = self.processes.len();
        let upgrade = self.processes[pid].upgrade.as_mut().expect("it asked for one");
        upgrade.channel = Some(ours);
        upgrade.child = Some(child);
        self.welcome(program, (pid, theirs, Some(pid)));
        self.tell(pid, Event::Upgrade(OldEvent::Spawned));
    }

    pub(crate) fn not_started(&mut self, pid: Pid, start: Start) {
        let event = match start {
            Start::HookRefuses => OldEvent::HookRefused(Text::from("not now")),
            Start::Busy(_) => {
                OldEvent::SpawnFailed(SpawnFailure::TextBusy(Text::from("text file busy")))
            }
            Start::Missing | Start::Runs => {
                OldEvent::SpawnFailed(SpawnFailure::Final(Text::from("no such file")))
            }
        };
        self.tell(pid, Event::Upgrade(event));
    }
}
