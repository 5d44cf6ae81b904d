//! What each signal does.

use std::collections::BTreeMap;
use std::fmt;

use rekindle_unix::Signal;

use crate::hooks::Hook;

/// What a signal does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SignalAction {
    /// Upgrades: the program is started again and takes over.
    Upgrade,
    /// Stops gracefully; a second time, at once.
    Stop,
    /// Cuts what drains, here and in older generations.
    Hammer,
    /// Nothing but the program's own hooks before and after.
    Hook,
}

/// The signals of a service. By default HUP upgrades, TERM, INT and QUIT stop, USR2 hammers and
/// USR1 calls the program's hook.
pub(crate) struct SignalPolicy {
    bindings: BTreeMap<i32, Binding>,
}

struct Binding {
    signal: Signal,
    action: SignalAction,
    before: Option<Hook>,
    after: Option<Hook>,
}

impl SignalPolicy {
    /// The signals to handle.
    pub(crate) fn signals(&self) -> Vec<Signal> {
        self.bindings.values().map(|binding| binding.signal).collect()
    }

    /// Lets `signal` do `action`.
    pub(crate) fn bind(&mut self, signal: Signal, action: SignalAction) {
        self.bindings
            .entry(signal.number())
            .and_modify(|binding| binding.action = action)
            .or_insert_with(|| Binding { signal, action, before: None, after: None });
    }

    /// Leaves `signal` to whatever else handles it, or to its default action.
    pub(crate) fn release(&mut self, signal: Signal) {
        self.bindings.remove(&signal.number());
    }

    /// Calls `hook` before the signal does its action.
    pub(crate) fn before(&mut self, signal: Signal, hook: Hook) {
        self.binding(signal).before = Some(hook);
    }

    /// Calls `hook` after the signal did its action.
    pub(crate) fn after(&mut self, signal: Signal, hook: Hook) {
        self.binding(signal).after = Some(hook);
    }

    /// Whether `signal` stops the service.
    pub(crate) fn stops(&self, signal: Signal) -> bool {
        let binding = self.bindings.get(&signal.number());
        binding.is_some_and(|binding| binding.action == SignalAction::Stop)
    }

    /// What `signal` does, around the hooks of the program: `act` is called in between.
    pub(crate) fn deliver(&mut self, signal: Signal, act: impl FnOnce(SignalAction)) {
        let Some(binding) = self.bindings.get_mut(&signal.number()) else {
            return;
        };
        if let Some(hook) = &mut binding.before {
            crate::hooks::call("before_signal", hook);
        }
        act(binding.action);
        if let Some(hook) = &mut binding.after {
            crate::hooks::call("after_signal", hook);
        }
    }

    fn binding(&mut self, signal: Signal) -> &mut Binding {
        self.bindings.entry(signal.number()).or_insert_with(|| Binding {
            signal,
            action: SignalAction::Hook,
            before: None,
            after: None,
        })
    }
}

impl Default for SignalPolicy {
    fn default() -> Self {
        let mut policy = Self { bindings: BTreeMap::new() };
        policy.bind(Signal::Hup, SignalAction::Upgrade);
        for signal in [Signal::Term, Signal::Int, Signal::Quit] {
            policy.bind(signal, SignalAction::Stop);
        }
        policy.bind(Signal::Usr1, SignalAction::Hook);
        policy.bind(Signal::Usr2, SignalAction::Hammer);
        policy
    }
}

impl fmt::Debug for SignalPolicy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let actions = self.bindings.values().map(|binding| (binding.signal, binding.action));
        formatter.debug_map().entries(actions).finish()
    }
}
