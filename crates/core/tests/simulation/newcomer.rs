//! The driver of a process that has yet to take over: its new side, and its program's start.

use std::mem;

use rekindle_core::{ElderEntry, Event, Generation, Intake, NewAction, NewEvent, Text};

use crate::channel::End;
use crate::drive::EXIT;
use crate::moving::receiver;
use crate::process::{Condition, Origin, Process};
use crate::program::{Conduct, Program};
use crate::world::{Occurrence, Pid, World};

impl World {
    /// A process that finds an old one at the other end of a channel begins to run.
    pub(crate) fn welcome(&mut self, program: Program, kin: (Pid, End, Option<Pid>)) -> Pid {
        let pid = self.processes.len();
        let settings = self.settings.clone();
        let exits = program.conduct == Conduct::ExitsAtOnce;
        self.add(Process::newcomer(self.now, pid, settings, program, kin));
        if exits {
            self.after(EXIT, Occurrence::Exit(pid));
        }
        if self.processes[pid].condition == Condition::Runs {
            self.pump_new(pid);
        }
        pid
    }

    /// The program of a new process is ready.
    pub(crate) fn ready(&mut self, pid: Pid) {
        let process = &mut self.processes[pid];
        let program = process.program.clone();
        if let Some(newcomer) = process.new_side_mut() {
            let claimed = program.claimed(newcomer.offer.listeners.len());
            newcomer.side.handle(NewEvent::Ready { claimed, takes: vec![receiver()] });
            self.pump_new(pid);
        }
    }

    /// Carries out all actions of a new side, and lets its program begin or end.
    pub(crate) fn pump_new(&mut self, pid: Pid) {
        let is_new = |world: &Self| world.processes[pid].new_side().is_some();
        while is_new(self) {
            let newcomer = self.processes[pid].new_side_mut().expect("it was just seen");
            match newcomer.side.poll_action() {
                Some(NewAction::Send(message)) => {
                    if let Some(end) = newcomer.channel {
                        self.send(end, &message);
                    }
                }
                Some(NewAction::Serve) => self.serve(pid, true),
                Some(NewAction::ServeAlone) => self.serve(pid, false),
                None => break,
            }
        }
        if is_new(self) {
            self.begin_or_end(pid);
        }
        self.wake_at(pid, self.now);
    }

    fn begin_or_end(&mut self, pid: Pid) {
        let process = &mut self.processes[pid];
        let program = process.program.clone();
        let Origin::New(newcomer) = &mut process.origin else {
            return;
        };
        if newcomer.side.failure().is_some() {
            return self.after(EXIT, Occurrence::Exit(pid));
        }
        if newcomer.started {
            return;
        }
        let Some(offer) = newcomer.side.offer() else {
            return;
        };
        newcomer.offer = offer.clone();
        newcomer.started = true;
        match program.conduct {
            Conduct::ExitsWithItsOffer => self.after(EXIT, Occurrence::Exit(pid)),
            Conduct::HangsWithItsOffer => process.condition = Condition::Hangs,
            Conduct::GivesUp => {
                newcomer.side.handle(NewEvent::Fail(Text::from("no memory")));
                self.pump_new(pid);
            }
            Conduct::Good
            | Conduct::ExitsAtOnce
            | Conduct::HangsAtOnce
            | Conduct::NeverSaysThatItServes
            | Conduct::Crashes(_) => self.after(program.initialises, Occurrence::Ready(pid)),
        }
    }

    /// It accepts from here on.
    fn serve(&mut self, pid: Pid, old_is_there: bool) {
        let process = &mut self.processes[pid];
        let parent = process.parent();
        let origin = mem::replace(&mut process.origin, Origin::TookOver { parent });
        let Origin::New(newcomer) = origin else {
            panic!("only a new process begins");
        };
        let greeting = newcomer.side.greeting().expect("it was welcomed");
        let offered = &newcomer.offer.listeners;
        let claimed = process.program.claimed(offered.len());
        process.listeners =
            claimed.iter().map(|&index| offered[index as usize].name.to_string()).collect();
        process.accepting = process.listeners.iter().cloned().collect();
        process.generation = greeting.generation;
        let generations = newcomer.offer.elders.iter().map(|entry| entry.generation);
        process.elders = generations.zip(newcomer.ends).collect();
        let elders = process.elders.keys();
        process.intakes = elders.map(|&elder| (elder, Intake::shut(greeting.generation))).collect();
        let count = u32::try_from(process.listeners.len()).expect("few listeners");
        let program = process.program.clone();
        let channel = newcomer.channel.filter(|_| old_is_there);
        let predecessor = channel.map(|end| self.meet_predecessor(pid, newcomer.old, end));
        self.tell(
            pid,
            Event::Began {
                generation: greeting.generation,
                predecessor,
                elders: newcomer.offer.elders,
                listeners: count,
            },
        );
        self.accept_kept(pid);
        if let (Some(end), true) = (channel, program.conduct != Conduct::NeverSaysThatItServes) {
            self.after(program.announces, Occurrence::Announce { pid, end });
        }
        if let Conduct::Crashes(wait) = program.conduct {
            self.after(wait, Occurrence::Exit(pid));
        }
        self.wake_all();
    }

    fn meet_predecessor(&mut self, pid: Pid, old: Pid, end: End) -> ElderEntry {
        let generation: Generation = self.processes[old].generation;
        let process = &mut self.processes[pid];
        process.elders.insert(generation, end);
        process.intakes.insert(generation, Intake::open(process.generation));
        ElderEntry { generation, pid: u32::try_from(old).expect("few processes"), in_flight: 0 }
    }
}
