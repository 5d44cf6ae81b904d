//! The system: a virtual clock, processes that start, hang and die, channels that carry frames.
//!
//! It does one thing at a time, the earliest first, and looks after each whether all is well.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use rekindle_core::{
    Event, Generation, Instant, Message, Phase, Refusal, Settings, Verdict, encode,
};

use crate::channel::{Channel, End, Frame, Side};
use crate::moving::{Connection, Fate};
use crate::process::{Condition, Process, Upgrade};
use crate::program::{Conduct, Program, Start};
use crate::watch::Watch;

/// The index of a process.
pub(crate) type Pid = usize;

/// How long a new process waits for its offer.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);

/// How long the system takes to start a process, and to kill one.
const SPAWN: Duration = Duration::from_millis(5);
const KILL: Duration = Duration::from_millis(2);

/// More than any good run needs: a world that is still busy then runs in a circle.
const STEP_LIMIT: usize = 20_000;

/// Everything there is.
pub(crate) struct World {
    pub(crate) now: Instant,
    pub(crate) settings: Settings,
    pub(crate) processes: Vec<Process>,
    pub(crate) channels: Vec<Channel>,
    pub(crate) attempts: Vec<Attempt>,
    /// The programs that are started next. When there is none left, good ones are.
    pub(crate) programs: VecDeque<Program>,
    /// How long a frame is under way.
    pub(crate) latency: Duration,
    /// The next frame to that side is doubled.
    pub(crate) double: Option<Side>,
    /// How long each connection of a process takes once it drains.
    pub(crate) work: Vec<Duration>,
    /// When each of its kept connections falls idle once it drains.
    pub(crate) kept: Vec<Duration>,
    /// What has become of all connections that there ever were.
    pub(crate) fates: Vec<Fate>,
    /// How many moved, and how many came back.
    pub(crate) moved: usize,
    pub(crate) given_back: usize,
    pub(crate) watch: Watch,
    /// How many things happened.
    pub(crate) steps: usize,
    /// Whether what happens is printed.
    pub(crate) traced: bool,
    queue: BTreeMap<(Instant, u64), Occurrence>,
    queued: u64,
    /// When a process is woken next.
    wakes: Vec<Option<Instant>>,
    /// What has to wait until its process goes on.
    deferred: Vec<(Pid, Occurrence)>,
}

/// One request for an upgrade that was not refused.
#[derive(Debug)]
pub(crate) struct Attempt {
    pub(crate) requester: Pid,
    pub(crate) open_for: Duration,
    pub(crate) verdict: Option<Verdict>,
}

/// What happens at a moment.
#[derive(Debug, Clone)]
pub(crate) enum Occurrence {
    /// It looks whether there is something to do.
    Wake(Pid),
    /// The hook was called, and the program is started.
    Start { pid: Pid, attempt: usize },
    /// Its program is ready.
    Ready(Pid),
    /// Its program serves, and the world knows.
    Announce { pid: Pid, end: End },
    /// It ends by itself.
    Exit(Pid),
    /// It is killed.
    Kill(Pid),
    /// One of its connections is finished.
    Finish(Pid),
    /// It goes on after it hung.
    Resume(Pid),
    /// One of its kept connections is between two requests.
    Idle { pid: Pid, connection: Connection },
    /// The client of one that stayed was told goodbye, and leaves.
    Goodbye { pid: Pid, connection: Connection },
}

impl Occurrence {
    /// Whose doing it is, if it has to run for that.
    const fn doer(&self) -> Option<Pid> {
        match self {
            Self::Start { pid, .. }
            | Self::Ready(pid)
            | Self::Announce { pid, .. }
            | Self::Idle { pid, .. }
            | Self::Goodbye { pid, .. }
            | Self::Exit(pid)
            | Self::Finish(pid) => Some(*pid),
            Self::Wake(_) | Self::Kill(_) | Self::Resume(_) => None,
        }
    }
}

impl World {
    /// A service of these listeners whose first process serves.
    pub(crate) fn new(listeners: &[&str]) -> Self {
        let settings = Settings {
            start_timeout: Duration::from_secs(5),
            drain_timeout: Duration::from_secs(6),
            probation: Duration::from_secs(2),
            draining_limit: 3,
        };
        let listeners: Vec<String> = listeners.iter().map(|&name| name.to_owned()).collect();
        let mut world = Self {
            now: Instant::EPOCH,
            watch: Watch::new(listeners.clone()),
            settings: settings.clone(),
            processes: Vec::new(),
            channels: Vec::new(),
            attempts: Vec::new(),
            programs: VecDeque::new(),
            latency: Duration::from_millis(1),
            double: None,
            work: vec![Duration::from_millis(200), Duration::from_secs(1)],
            kept: [0, 30, 400, 800].map(Duration::from_millis).into(),
            fates: Vec::new(),
            moved: 0,
            given_back: 0,
            steps: 0,
            traced: false,
            queue: BTreeMap::new(),
            queued: 0,
            wakes: Vec::new(),
            deferred: Vec::new(),
        };
        let pid = world.add(Process::first(settings, Program::good()));
        let count = u32::try_from(listeners.len()).expect("few listeners");
        let process = &mut world.processes[pid];
        process.accepting = listeners.iter().cloned().collect();
        process.listeners = listeners;
        let began = Event::Began {
            generation: Generation::FIRST,
            predecessor: None,
            elders: Vec::new(),
            listeners: count,
        };
        world.tell(pid, began);
        world.accept_kept(pid);
        world
    }

    /// Adds a process that runs.
    pub(crate) fn add(&mut self, process: Process) -> Pid {
        self.processes.push(process);
        self.wakes.push(None);
        self.processes.len() - 1
    }

    /// Prints what happens, for whoever looks into a failure.
    pub(crate) fn trace(&self, happened: fmt::Arguments<'_>) {
        if self.traced {
            eprintln!("{:>12?} {happened}", self.now - Instant::EPOCH);
        }
    }

    /// The processes that have not ended.
    pub(crate) fn alive(&self) -> impl Iterator<Item = (Pid, &Process)> {
        self.processes.iter().enumerate().filter(|(_, process)| process.is_alive())
    }

    /// Lets the next thing happen. Says whether there was one.
    pub(crate) fn step(&mut self) -> bool {
        let Some(((at, _), occurrence)) = self.queue.pop_first() else {
            return false;
        };
        self.pass_time(at);
        if self.occur(occurrence) {
            self.steps += 1;
            assert!(self.steps < STEP_LIMIT, "the world runs in a circle");
            self.look();
            self.look_at_connections();
        }
        true
    }

    /// Lets things happen until so many have, or none is left.
    pub(crate) fn run_to_step(&mut self, step: usize) {
        while self.steps < step && self.step() {}
    }

    /// Lets everything happen that is due within `wait`.
    pub(crate) fn run_for(&mut self, wait: Duration) {
        let end = self.now + wait;
        while self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= end) {
            self.step();
        }
        self.pass_time(end);
    }

    /// Lets everything happen until nothing is left to happen.
    pub(crate) fn settle(&mut self) {
        while self.step() {}
    }

    /// Lets `occurrence` happen after `wait`.
    pub(crate) fn after(&mut self, wait: Duration, occurrence: Occurrence) {
        self.queued += 1;
        self.queue.insert((self.now + wait, self.queued), occurrence);
    }

    /// Wakes a process at a moment, unless it is woken before that anyway.
    pub(crate) fn wake_at(&mut self, pid: Pid, at: Instant) {
        let at = at.max(self.now);
        if self.wakes[pid].is_none_or(|wake| at < wake) {
            self.wakes[pid] = Some(at);
            self.queued += 1;
            self.queue.insert((at, self.queued), Occurrence::Wake(pid));
        }
    }

    fn occur(&mut self, occurrence: Occurrence) -> bool {
        if let Some(pid) = occurrence.doer() {
            match self.processes[pid].condition {
                Condition::Runs => {}
                Condition::Dead => return false,
                Condition::Hangs => {
                    self.deferred.push((pid, occurrence));
                    return false;
                }
            }
        }
        if !matches!(occurrence, Occurrence::Wake(_)) {
            self.trace(format_args!("{occurrence:?}"));
        }
        match occurrence {
            Occurrence::Wake(pid) => {
                if self.wakes[pid] != Some(self.now) {
                    return false;
                }
                self.wakes[pid] = None;
                return self.wake(pid);
            }
            Occurrence::Start { pid, attempt } => return self.start(pid, attempt),
            Occurrence::Ready(pid) => self.ready(pid),
            Occurrence::Announce { end, .. } => self.send(end, &Message::Serving),
            Occurrence::Idle { pid, connection } => self.idle(pid, connection),
            Occurrence::Goodbye { pid, connection } => self.goodbye(pid, connection),
            Occurrence::Exit(pid) => {
                let process = &self.processes[pid];
                let crashes = matches!(process.program.conduct, Conduct::Crashes(_));
                let misled = process.new_side().is_some() && self.watch.disturbed;
                self.end(pid, crashes || misled);
            }
            Occurrence::Kill(pid) => self.end(pid, true),
            Occurrence::Finish(pid) => self.finish_one(pid),
            Occurrence::Resume(pid) => self.go_on(pid),
        }
        true
    }

    /// The process ends. If that is a blow to the service, it is judged whether it survives.
    pub(crate) fn end(&mut self, pid: Pid, blow: bool) {
        if !self.processes[pid].is_alive() {
            return;
        }
        let parent = self.processes[pid].parent();
        let process = &mut self.processes[pid];
        process.condition = Condition::Dead;
        process.zombies.clear();
        if let Some(parent) = parent
            && self.processes[parent].is_alive()
        {
            self.processes[parent].zombies.push(pid);
        }
        if blow {
            self.judge_blow();
        }
        self.processes[pid].accepting.clear();
        self.let_go(pid);
        self.wake_all();
    }

    /// An end was closed somewhere: whoever reads its peer may see the end of the file.
    pub(crate) fn wake_all(&mut self) {
        let alive: Vec<Pid> = self.alive().map(|(pid, _)| pid).collect();
        for pid in alive {
            self.wake_at(pid, self.now);
        }
    }

    pub(crate) fn kill_soon(&mut self, pid: Pid) {
        self.after(KILL, Occurrence::Kill(pid));
    }

    pub(crate) fn start_soon(&mut self, pid: Pid, attempt: usize) {
        self.after(SPAWN, Occurrence::Start { pid, attempt });
    }

    fn go_on(&mut self, pid: Pid) {
        if self.processes[pid].condition == Condition::Hangs {
            self.processes[pid].condition = Condition::Runs;
            let (due, later) = self.deferred.drain(..).partition(|(doer, _)| *doer == pid);
            self.deferred = later;
            let due: Vec<(Pid, Occurrence)> = due;
            self.wake_at(pid, self.now);
            for (_, occurrence) in due {
                self.after(Duration::ZERO, occurrence);
            }
        }
    }

    /// The hook and the start of a program, unless a verdict revoked it.
    fn start(&mut self, pid: Pid, attempt: usize) -> bool {
        let wanted = |upgrade: &Upgrade| upgrade.attempt == attempt && !upgrade.over;
        if !self.processes[pid].upgrade.as_ref().is_some_and(wanted) {
            return false;
        }
        let mut program = self.programs.pop_front().unwrap_or(Program::good());
        match program.start {
            Start::Runs => self.spawned(pid, program),
            Start::Busy(tries) => {
                program.start = if tries > 1 { Start::Busy(tries - 1) } else { Start::Runs };
                self.programs.push_front(program);
                self.not_started(pid, Start::Busy(tries));
            }
            start @ (Start::Missing | Start::HookRefuses) => self.not_started(pid, start),
        }
        true
    }

    /// Two ends of a new channel: the old side's and the new side's.
    pub(crate) fn channel(&mut self) -> (End, End) {
        self.channels.push(Channel::default());
        let channel = self.channels.len() - 1;
        let side = Side::Old;
        let old = End { channel, side };
        (old, old.peer())
    }

    /// Sends a message from one's own `end`. It is lost if nobody holds the other.
    pub(crate) fn send(&mut self, end: End, message: &Message) {
        self.send_with(end, message, Vec::new(), Vec::new());
    }

    /// Sends a message with what goes along.
    pub(crate) fn send_with(
        &mut self,
        end: End,
        message: &Message,
        ends: Vec<End>,
        connections: Vec<Connection>,
    ) {
        let bytes = encode(message).expect("it fits in a frame");
        let (due, descriptors) = (self.now, message.descriptors());
        self.send_frame(end, Frame { due, bytes, descriptors, ends, connections });
    }

    pub(crate) fn send_frame(&mut self, end: End, frame: Frame) {
        let to = end.peer();
        if !self.is_held(to) {
            return;
        }
        let queue = self.channels[to.channel].to_mut(to.side);
        let earliest = queue.back().map_or(self.now, |frame| frame.due);
        let due = earliest.max(self.now + self.latency);
        let frame = Frame { due, ..frame };
        if self.double.take_if(|side| *side == to.side).is_some() {
            queue.push_back(frame.clone());
        }
        queue.push_back(frame);
        let readers: Vec<Pid> =
            self.alive().filter(|(_, p)| p.reads().contains(&to)).map(|(pid, _)| pid).collect();
        for pid in readers {
            self.wake_at(pid, due);
        }
    }

    /// Whether some process holds the end, or will when it reads what is under way to it.
    pub(crate) fn is_held(&self, end: End) -> bool {
        let held = |end: End| self.alive().any(|(_, process)| process.ends().any(|e| e == end));
        held(end)
            || self.channels.iter().enumerate().any(|(channel, queues)| {
                [Side::Old, Side::New].into_iter().any(|side| {
                    let carries = |frame: &Frame| frame.ends.contains(&end);
                    queues.to(side).iter().any(carries) && held(End { channel, side })
                })
            })
    }

    /// Whether there is nothing more to read, ever.
    pub(crate) fn is_at_end(&self, end: End) -> bool {
        self.channels[end.channel].to(end.side).is_empty() && !self.is_held(end.peer())
    }

    /// Opens an attempt if the request was not refused.
    pub(crate) fn open(
        &mut self,
        pid: Pid,
        asked: Result<(), Refusal>,
        channel: Option<End>,
    ) -> Result<usize, Refusal> {
        asked?;
        self.attempts.push(Attempt { requester: pid, open_for: Duration::ZERO, verdict: None });
        let attempt = self.attempts.len() - 1;
        self.processes[pid].upgrade = Some(Upgrade {
            attempt,
            channel,
            child: None,
            phase: Phase::Spawning,
            probation_ends: None,
            over: false,
        });
        self.pump(pid);
        Ok(attempt)
    }
}
