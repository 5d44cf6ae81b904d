//! What an operator asks of a process, and what befalls it.

use std::time::Duration;

use rekindle_core::{Generation, LifePhase, Message, Reason, Refusal, Text};

use crate::channel::{End, Frame, Side};
use crate::process::Condition;
use crate::program::Program;
use crate::world::{Occurrence, Pid, World};

impl World {
    /// Asks for an upgrade.
    pub(crate) fn upgrade(&mut self, pid: Pid) -> Result<usize, Refusal> {
        let asked = self.processes[pid].life.upgrade(self.now);
        self.open(pid, asked, None)
    }

    /// Starts a process that is nobody's child here, and that meets `pid`.
    pub(crate) fn meet(&mut self, pid: Pid, program: Program) -> Result<usize, Refusal> {
        let (ours, theirs) = self.channel();
        let asked = self.processes[pid].life.meet(self.now);
        let held = asked.is_ok().then_some(ours);
        let opened = self.open(pid, asked, held);
        self.welcome(program, (pid, theirs, None));
        if let Err(refusal) = &opened {
            let words = Text::of(refusal);
            let reason = Reason::Busy { words };
            self.send(ours, &Message::Refused { reason });
        }
        opened
    }

    /// Asks for a stop. If the service is to end with it, that is noted.
    pub(crate) fn stop(&mut self, pid: Pid) {
        let phase = self.processes[pid].life.phase();
        let successor = self.processes[pid].life.successor();
        let newcomer = self.processes[pid].new_side().is_some();
        self.processes[pid].life.stop(self.now);
        match phase {
            LifePhase::Serving | LifePhase::Upgrading(_) => self.watch.over = true,
            // From here on the new process is on its own, whatever becomes of it.
            LifePhase::Draining if !self.will_serve(successor) => self.watch.over = true,
            LifePhase::Starting if !newcomer => self.watch.over = true,
            LifePhase::Starting
            | LifePhase::Draining
            | LifePhase::Leaving(_)
            | LifePhase::Ended => {}
        }
        self.pump(pid);
        self.look();
    }

    fn will_serve(&self, generation: Option<Generation>) -> bool {
        self.alive().any(|(_, process)| {
            let welcomed = process.new_side().and_then(|newcomer| newcomer.side.greeting());
            let number = welcomed.map_or(process.generation, |greeting| greeting.generation);
            Some(number) == generation
        })
    }

    /// Asks for the hammer.
    pub(crate) fn hammer(&mut self, pid: Pid) -> Result<usize, Refusal> {
        let told = self.processes[pid].life.hammer(self.now);
        self.pump(pid);
        told
    }

    /// Kills a process from outside.
    pub(crate) fn strike(&mut self, pid: Pid) {
        self.trace(format_args!("{pid} is struck"));
        self.end(pid, true);
        self.look();
    }

    /// Stops a process for a while, as `SIGSTOP` does; for good if no time is given.
    pub(crate) fn hang(&mut self, pid: Pid, wait: Option<Duration>) {
        if self.processes[pid].condition == Condition::Runs {
            self.watch.disturbed = true;
            self.trace(format_args!("{pid} hangs for {wait:?}"));
            self.processes[pid].condition = Condition::Hangs;
            if let Some(wait) = wait {
                self.after(wait, Occurrence::Resume(pid));
            }
        }
    }

    /// Makes all frames slow from here on.
    pub(crate) fn delay(&mut self, latency: Duration) {
        self.watch.disturbed = true;
        self.latency = latency;
    }

    /// Doubles the next frame towards that side.
    pub(crate) fn double(&mut self, side: Side) {
        self.watch.disturbed = true;
        self.double = Some(side);
    }

    /// Puts bytes that are no message on the channel towards that side.
    pub(crate) fn garbage(&mut self, channel: usize, side: Side) {
        self.watch.disturbed = true;
        let towards = End { channel, side };
        let bytes = vec![0xff, 0x00, 0x17];
        let (ends, connections) = (Vec::new(), Vec::new());
        let frame = Frame { due: self.now, bytes, descriptors: 0, ends, connections };
        self.send_frame(towards.peer(), frame);
    }
}
