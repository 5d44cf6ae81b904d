//! Kept connections: how a driver moves them, and what must hold of them at every moment.

use std::time::Duration;

use rekindle_core::{
    Event, Generation, LifePhase, Message, MoveAction, MovedEntry, Receiver, Text,
};

use crate::world::{Occurrence, Pid, World};

/// A kept connection, by its index.
pub(crate) type Connection = usize;

/// How long a client that was told goodbye stays.
const PARTING: Duration = Duration::from_millis(300);

/// Whom a connection is with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It has to be in some process's hands.
    Kept,
    /// Its client was told goodbye and left, or it was cut.
    Over,
    /// A process died that had it, perhaps not as the last one.
    Loose,
}

/// What connections are moved for.
pub(crate) fn receiver() -> Receiver {
    Receiver { name: "http".parse().expect("a good name"), protocol: Text::from("http/1.1") }
}

impl World {
    /// The same without any kept connection.
    pub(crate) fn without_kept(mut self) -> Self {
        self.kept.clear();
        self.fates.clear();
        self.processes.iter_mut().for_each(|process| process.connections.clear());
        self
    }

    /// Clients connect to a process that serves.
    pub(crate) fn accept_kept(&mut self, pid: Pid) {
        for _ in 0..self.kept.len() {
            self.processes[pid].connections.insert(self.fates.len());
            self.fates.push(Fate::Kept);
        }
    }

    /// From here on each of its connections is to move when it falls idle.
    pub(crate) fn await_idleness(&mut self, pid: Pid) {
        let connections: Vec<Connection> =
            self.processes[pid].connections.iter().copied().collect();
        let waits = self.kept.clone();
        for (connection, &wait) in connections.into_iter().zip(waits.iter().cycle()) {
            self.after(wait, Occurrence::Idle { pid, connection });
        }
    }

    /// A connection is idle: it is moved if its process was replaced, and told goodbye if the
    /// service stops.
    pub(crate) fn idle(&mut self, pid: Pid, connection: Connection) {
        let process = &mut self.processes[pid];
        match process.life.phase() {
            LifePhase::Draining | LifePhase::Leaving(_) => {}
            LifePhase::Starting
            | LifePhase::Serving
            | LifePhase::Upgrading(_)
            | LifePhase::Ended => return,
        }
        if process.connections.remove(&connection) {
            process.moving.insert(connection);
            let entry = MovedEntry { receiver: receiver(), bytes: vec![7; connection] };
            process.moves.hand_over(connection, entry);
            self.move_on(pid);
        }
    }

    /// The client of a connection that stayed leaves, unless its process serves again.
    pub(crate) fn goodbye(&mut self, pid: Pid, connection: Connection) {
        let process = &mut self.processes[pid];
        let leaves = matches!(process.life.phase(), LifePhase::Draining | LifePhase::Leaving(_));
        if leaves && process.connections.remove(&connection) {
            self.fates[connection] = Fate::Over;
            self.count(pid);
        }
    }

    /// Settles what is settled, and sends what is to be sent.
    pub(crate) fn move_on(&mut self, pid: Pid) {
        while let Some(action) = self.processes[pid].moves.poll_action() {
            let process = &mut self.processes[pid];
            match action {
                MoveAction::Gone(connection) => {
                    assert!(process.moving.remove(&connection), "{connection} is settled once");
                    self.moved += 1;
                }
                MoveAction::GivenBack(connection, entry, _) => {
                    assert!(process.moving.remove(&connection), "{connection} is settled once");
                    assert_eq!(entry.bytes.len(), connection, "with the bytes that went along");
                    process.connections.insert(connection);
                    self.given_back += 1;
                    self.after(PARTING, Occurrence::Goodbye { pid, connection });
                }
                MoveAction::Lost(connection) => {
                    assert!(process.moving.remove(&connection), "{connection} is settled once");
                    if self.fates[connection] == Fate::Kept {
                        self.fates[connection] = Fate::Loose;
                    }
                }
            }
        }
        let end = self.processes[pid].upgrade.as_ref().and_then(|upgrade| upgrade.channel);
        let Some(end) = end else { return };
        while let Some(message) = self.processes[pid].moves.poll_message() {
            let along = self.processes[pid].moves.batch(&message).copied().collect();
            self.send_with(end, &message, Vec::new(), along);
        }
    }

    /// What the newest process said that is about moves.
    pub(crate) fn hear_of_moves(&mut self, pid: Pid, message: &Message) {
        let moves = &mut self.processes[pid].moves;
        if let Message::Taken { batch, refused } = message {
            moves.taken(*batch, refused);
        }
        if let Message::Recall { turn, then } = message {
            moves.recall(*turn, *then);
        }
        self.move_on(pid);
        self.count(pid);
    }

    /// What an elder said. Some connections are of a kind that is not served here.
    pub(crate) fn hear_elder(
        &mut self,
        pid: Pid,
        elder: Generation,
        message: Message,
        connections: Vec<Connection>,
    ) {
        let intake = self.processes[pid].intakes.get_mut(&elder).expect("it is an elder");
        match message {
            Message::Moved { batch, entries } => {
                assert_eq!(entries.len(), connections.len());
                let is_refused = |connection: &Connection| connection % 9 == 8;
                let positions = (0u32..).zip(&connections);
                let refused = positions.filter(|(_, it)| is_refused(it)).map(|(at, _)| at);
                let refused = refused.collect();
                let taken = connections.iter().copied().filter(|it| !is_refused(it)).collect();
                intake.moved(batch, taken, refused);
                return self.answer_elder(pid, elder);
            }
            Message::Recalled { turn } => intake.recalled(turn),
            _ => {}
        }
        self.tell(pid, Event::Elder(elder, message));
    }

    /// A frame of an elder's was lost.
    pub(crate) fn miss_frame(&mut self, pid: Pid, elder: Generation) {
        let process = &mut self.processes[pid];
        let recall = process.intakes.get_mut(&elder).and_then(rekindle_core::Intake::lost);
        if let (Some(recall), Some(&end)) = (recall, process.elders.get(&elder)) {
            self.send(end, &recall);
        }
    }

    pub(crate) fn begin_to_read(&mut self, pid: Pid, elder: Generation) {
        let process = &mut self.processes[pid];
        let intake = process.intakes.get_mut(&elder).expect("it is an elder");
        let recall = intake.begin();
        let end = process.elders[&elder];
        self.send(end, &recall);
    }

    fn answer_elder(&mut self, pid: Pid, elder: Generation) {
        let end = self.processes[pid].elders[&elder];
        loop {
            let intake = self.processes[pid].intakes.get_mut(&elder).expect("it is an elder");
            let Some(taken) = intake.word() else { return };
            for connection in intake.told() {
                let fresh = self.processes[pid].connections.insert(connection);
                assert!(fresh, "{connection} was taken already");
            }
            self.send(end, &taken);
        }
    }

    /// The hammer falls on what it serves.
    pub(crate) fn cut(&mut self, pid: Pid) {
        self.processes[pid].moves.cut();
        self.move_on(pid);
        let process = &mut self.processes[pid];
        process.in_flight = 0;
        for connection in std::mem::take(&mut process.connections) {
            self.fates[connection] = Fate::Over;
        }
    }

    /// It is dead, and whatever it had may be lost.
    pub(crate) fn let_go(&mut self, pid: Pid) {
        let process = &mut self.processes[pid];
        let had = std::mem::take(&mut process.connections);
        let had = had.into_iter().chain(std::mem::take(&mut process.moving));
        for connection in had {
            if self.fates[connection] == Fate::Kept {
                self.fates[connection] = Fate::Loose;
            }
        }
    }

    /// No connection is served by two, and none is in nobody's hands.
    pub(crate) fn look_at_connections(&self) {
        let mut servers: Vec<Option<Pid>> = vec![None; self.fates.len()];
        let mut moving = vec![false; self.fates.len()];
        for (pid, process) in self.alive() {
            for &connection in &process.connections {
                let other = servers[connection].replace(pid);
                assert_eq!(other, None, "{connection} is served by {pid} as well");
            }
            process.moving.iter().for_each(|&connection| moving[connection] = true);
        }
        for (connection, fate) in self.fates.iter().enumerate() {
            let server = servers[connection];
            match fate {
                Fate::Kept if server.is_some() || moving[connection] => {}
                Fate::Kept => panic!("{connection} is in nobody's hands"),
                Fate::Over => assert_eq!(server, None, "{connection} was over"),
                Fate::Loose => {}
            }
        }
    }

    /// All is quiet: whoever serves has every connection that is kept.
    pub(crate) fn look_at_kept(&self, pid: Pid) {
        let process = &self.processes[pid];
        assert!(process.moving.is_empty(), "something still moves");
        for (connection, fate) in self.fates.iter().enumerate() {
            if *fate == Fate::Kept {
                assert!(process.connections.contains(&connection), "{connection} is not served");
            }
        }
    }
}
