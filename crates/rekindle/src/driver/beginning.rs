//! The beginning: from "the program is ready" to "this process serves".

use rekindle_core::{ElderEntry, Event, Message, NewFailure, Text};
use rekindle_unix::PidFile;
use tracing::{error, info, warn};

use super::{Driver, PidFileState};
use crate::gate::Door;
use crate::incoming::TakenOver;
use crate::moves::Mailbox;
use crate::shared::{Ready, Stage};

impl Driver {
    /// The program is ready with what it claimed.
    pub(super) fn ready(&mut self, ready: Ready) {
        let Ready { held, claimed, mailboxes, states } = ready;
        (self.held, self.mailboxes, self.states) = (held, mailboxes, states);
        match &mut self.incoming {
            None => self.serve(None),
            Some(incoming) => {
                let attended = self.mailboxes.iter().filter(|it| it.is_attended());
                let takes = attended.map(|it| it.receiver().clone()).collect();
                incoming.ready(claimed, takes);
                self.pump_incoming();
            }
        }
    }

    /// The program gives up before it was ready.
    pub(super) fn abandon(&mut self, words: Text) {
        if let Some(incoming) = &mut self.incoming {
            incoming.abandon(words.clone());
            incoming.let_go();
        }
        self.set_stage(Stage::Failed(NewFailure::GaveUp(words)));
    }

    /// Takes in what the old process said.
    pub(super) fn pump_incoming(&mut self) {
        let Some(incoming) = &mut self.incoming else {
            return;
        };
        incoming.pump();
        if let Some(failure) = incoming.failure() {
            error!(error = %failure, "this process does not take over");
            let failure = failure.clone();
            incoming.let_go();
            self.mailboxes.iter().for_each(Mailbox::end);
            self.set_stage(Stage::Failed(failure));
        } else if incoming.is_to_serve() {
            let taken_over = self.incoming.take().and_then(crate::incoming::Incoming::take_over);
            self.serve(taken_over);
        }
    }

    /// Serves from here on. The gates are opened at once, since nobody else accepts; the old
    /// process is told after the pid file is right, so that who hears of the commit finds it so.
    fn serve(&mut self, taken_over: Option<TakenOver>) {
        for held in &self.held {
            held.gate.set(Door::Open);
        }
        self.take_pid_file();
        let (predecessor, elders) = self.adopt(taken_over);
        let event = Event::Began {
            generation: self.shared.generation,
            predecessor: predecessor.clone(),
            elders,
            listeners: u32::try_from(self.held.len()).unwrap_or(u32::MAX),
        };
        self.operators.began(self.shared.generation);
        self.life.handle(self.clock.now(), event);
        if let Some(old) = &predecessor {
            self.elders.send(old.generation, &Message::Serving);
        }
        let generation = self.shared.generation;
        self.notices.serving(format!("generation {generation} serves"));
        crate::telemetry::serving(generation);
        let old_pid = predecessor.map(|old| old.pid);
        info!(%generation, old_pid, listeners = self.held.len(), "serving");
        self.set_stage(Stage::Serving);
    }

    fn adopt(&mut self, taken_over: Option<TakenOver>) -> (Option<ElderEntry>, Vec<ElderEntry>) {
        let Some(TakenOver { predecessor, elders }) = taken_over else {
            return (None, Vec::new());
        };
        let mut entries = Vec::new();
        for (entry, descriptor) in elders {
            if self.elders.adopt(self.shared.generation, &entry, descriptor) {
                entries.push(entry);
            }
        }
        let predecessor = predecessor.map(|(entry, link)| {
            self.elders.insert(self.shared.generation, entry.generation, link);
            entry
        });
        (predecessor, entries)
    }

    fn take_pid_file(&mut self) {
        if let PidFileState::Predecessors(path) = &self.pid_file {
            match PidFile::take_over(path) {
                Ok(pid_file) => self.pid_file = PidFileState::Ours(pid_file),
                // To serve without a right pid file is better than not to serve.
                Err(error) => warn!(%error, "the pid file still names the old process"),
            }
        }
    }
}
