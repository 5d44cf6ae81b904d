//! The inventory: what was offered to this process, and what it holds.
//!
//! A program claims each listener by name and address. The offer is looked through first, so that
//! an inherited socket is used as it is (port 0 stays the port that it became); only what was not
//! offered is bound. What nobody claims is left to the old process to close, once it cannot be
//! asked back.

use std::collections::HashSet;
use std::num::NonZeroU16;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;

use rekindle_core::{LISTENER_LIMIT, ListenerEntry, ListenerName, NameError, SocketKind};
use rekindle_unix::{
    Address, AddressError, BindError, BindOptions, InspectError, bind, bind_group, inspect, verify,
};
use rustix::io::ioctl_fionbio;

use crate::held::{self, Held, INTERNAL_PREFIX};

/// Offers and claims, until the program is ready.
#[derive(Debug, Default)]
pub(crate) struct Inventory {
    offered: Vec<Offered>,
    held: Vec<Arc<Held>>,
    names: HashSet<ListenerName>,
}

/// A listener that was offered. It is taken out when it is claimed.
#[derive(Debug)]
struct Offered {
    entry: ListenerEntry,
    /// The position in the old process's offer; none if a service manager passed it.
    position: Option<u32>,
    descriptor: Option<OwnedFd>,
}

impl Inventory {
    /// What the old process offered. Each descriptor is checked before it is believed.
    pub(crate) fn inherited(
        entries: &[ListenerEntry],
        descriptors: Vec<OwnedFd>,
    ) -> Result<Self, ListenError> {
        let mut offered = Vec::with_capacity(entries.len());
        for (position, (entry, descriptor)) in entries.iter().zip(descriptors).enumerate() {
            check(entry, &descriptor)?;
            let position = u32::try_from(position).ok();
            offered.push(Offered { entry: entry.clone(), position, descriptor: Some(descriptor) });
        }
        Ok(Self { offered, ..Self::default() })
    }

    /// What a service manager passed with `LISTEN_FDS`.
    pub(crate) fn lent(
        descriptors: impl IntoIterator<Item = (String, OwnedFd)>,
    ) -> Result<Self, ListenError> {
        let mut offered = Vec::new();
        for (name, descriptor) in descriptors {
            let name: ListenerName = name.parse()?;
            let found = inspect(descriptor.as_fd())
                .map_err(|source| ListenError::NotAsOffered { name: name.clone(), source })?;
            let kind = held::kind_of(found.kind);
            if kind != SocketKind::Other {
                // systemd passes sockets that block. It is set once, for all generations, and
                // never changed again.
                ioctl_fionbio(&descriptor, true).map_err(|error| ListenError::Register {
                    name: name.clone(),
                    source: error.into(),
                })?;
            }
            let bound = found.local.map(|address| address.to_string()).unwrap_or_default();
            let entry = held::entry(name, kind, &bound, &bound, true);
            offered.push(Offered { entry, position: None, descriptor: Some(descriptor) });
        }
        Ok(Self { offered, ..Self::default() })
    }

    /// The listener of this name and address: inherited, or bound.
    pub(crate) fn claim(
        &mut self,
        name: &str,
        address: &Address,
        options: &BindOptions,
    ) -> Result<Arc<Held>, ListenError> {
        let name = self.new_name(name)?;
        if let Some(inherited) = self.take(&name, address) {
            return Ok(self.hold(inherited));
        }
        let descriptor = bind(address, options)
            .map_err(|source| ListenError::Bind { name: name.clone(), source })?;
        self.hold_bound(name, address, descriptor)
    }

    /// `count` listeners on one address, each with a queue of its own (`SO_REUSEPORT`). They are
    /// named `name/0`, `name/1`, …
    pub(crate) fn claim_group(
        &mut self,
        name: &str,
        address: &Address,
        count: NonZeroU16,
        options: &BindOptions,
    ) -> Result<Vec<Arc<Held>>, ListenError> {
        let names = (0..count.get())
            .map(|member| self.new_name(&format!("{name}/{member}")))
            .collect::<Result<Vec<_>, _>>()?;
        if self.held.len() + names.len() > LISTENER_LIMIT {
            return Err(ListenError::TooMany);
        }
        let mut group = Vec::with_capacity(names.len());
        let mut names = names.into_iter().peekable();
        while let Some(inherited) = names.peek().and_then(|member| self.take(member, address)) {
            group.push(self.hold(inherited));
            names.next();
        }
        let missing = u16::try_from(names.len()).ok().and_then(NonZeroU16::new);
        if let (Some(missing), Some(first)) = (missing, names.peek().cloned()) {
            // More of them join the address that the group has already, port 0 or not.
            let bound = group.first().and_then(|held| held.entry.bound.as_str().parse().ok());
            let bound = bound.unwrap_or_else(|| address.clone());
            let descriptors = bind_group(&bound, missing, options)
                .map_err(|source| ListenError::Bind { name: first, source })?;
            for (member, descriptor) in names.zip(descriptors) {
                group.push(self.hold_bound(member, address, descriptor)?);
            }
        }
        Ok(group)
    }

    /// Any other descriptor that the old process or the service manager passed by this name.
    pub(crate) fn claim_other(&mut self, name: &str) -> Result<Option<Arc<Held>>, ListenError> {
        let name: ListenerName = name.parse()?;
        let found = self
            .offered
            .iter()
            .position(|offered| offered.entry.name == name && offered.descriptor.is_some());
        let Some(offered) = found.and_then(|index| self.take_at(index)) else {
            return Ok(None);
        };
        let name = self.new_name(name.as_str())?;
        debug_assert_eq!(name, offered.0.name);
        Ok(Some(self.hold(offered)))
    }

    /// Holds any other descriptor under a name, to be offered to the next generation.
    pub(crate) fn keep(&mut self, name: &str, descriptor: OwnedFd) -> Result<(), ListenError> {
        let name = self.new_name(name)?;
        let entry = held::entry(name, SocketKind::Other, "", "", false);
        self.hold((entry, None, descriptor));
        Ok(())
    }

    /// What the program claimed: what it holds now, and which positions of the offer that are.
    pub(crate) fn finish(self) -> (Vec<Arc<Held>>, Vec<u32>) {
        let claimed = self.held.iter().filter_map(|held| held.position).collect();
        (self.held, claimed)
    }

    fn new_name(&mut self, name: &str) -> Result<ListenerName, ListenError> {
        let name: ListenerName = name.parse()?;
        if self.held.len() >= LISTENER_LIMIT {
            return Err(ListenError::TooMany);
        }
        if self.names.contains(&name) {
            return Err(ListenError::NameTaken { name });
        }
        Ok(name)
    }

    /// By name and address, else by address alone: a listener that was renamed is still the one
    /// that is bound there. A lent one by its name alone: its address is the operator's to choose.
    fn take(
        &mut self,
        name: &ListenerName,
        address: &Address,
    ) -> Option<(ListenerEntry, Option<u32>, OwnedFd)> {
        let kind = held::kind_of(address.socket_kind());
        let text = address.to_string();
        let there = |offered: &Offered| {
            let entry = &offered.entry;
            offered.descriptor.is_some()
                && entry.kind == kind
                && (entry.requested.as_str() == text || entry.bound.as_str() == text)
        };
        let named = |offered: &Offered| offered.entry.name == *name;
        // A unit with two sockets passes both under one name, so the address has the first word.
        let lent = |offered: &Offered| {
            let entry = &offered.entry;
            named(offered) && entry.lent && entry.kind == kind && offered.descriptor.is_some()
        };
        let renamed = |offered: &Offered| there(offered) && offered.entry.bound.as_str() == text;
        let position = |found: &dyn Fn(&Offered) -> bool| self.offered.iter().position(found);
        let index = position(&|offered| named(offered) && there(offered))
            .or_else(|| position(&lent))
            .or_else(|| position(&renamed))?;
        let (entry, position, descriptor) = self.take_at(index)?;
        let entry = ListenerEntry { name: name.clone(), ..entry };
        Some((entry, position, descriptor))
    }

    fn take_at(&mut self, index: usize) -> Option<(ListenerEntry, Option<u32>, OwnedFd)> {
        let offered = &mut self.offered[index];
        let descriptor = offered.descriptor.take()?;
        Some((offered.entry.clone(), offered.position, descriptor))
    }

    fn hold_bound(
        &mut self,
        name: ListenerName,
        requested: &Address,
        descriptor: OwnedFd,
    ) -> Result<Arc<Held>, ListenError> {
        let found = inspect(descriptor.as_fd())
            .map_err(|source| ListenError::NotAsOffered { name: name.clone(), source })?;
        let bound = found.local.as_ref().unwrap_or(requested);
        let kind = held::kind_of(requested.socket_kind());
        let entry = held::entry(name, kind, requested, bound, false);
        Ok(self.hold((entry, None, descriptor)))
    }

    fn hold(&mut self, taken: (ListenerEntry, Option<u32>, OwnedFd)) -> Arc<Held> {
        let (entry, position, descriptor) = taken;
        self.names.insert(entry.name.clone());
        let held = Arc::new(Held::new(entry, descriptor, position));
        self.held.push(Arc::clone(&held));
        held
    }
}

/// Is the descriptor what the old process says it is?
fn check(entry: &ListenerEntry, descriptor: &OwnedFd) -> Result<(), ListenError> {
    if entry.kind == SocketKind::Other {
        return Ok(());
    }
    let bound: Option<Address> = match entry.bound.as_str() {
        "" => None,
        text => Some(text.parse()?),
    };
    verify(descriptor.as_fd(), held::system_kind(entry.kind), bound.as_ref())
        .map_err(|source| ListenError::NotAsOffered { name: entry.name.clone(), source })
}

/// The name that a program gave to a listener, unless it is one of ours.
pub(crate) fn program_name(name: &str) -> Result<&str, ListenError> {
    if name.starts_with(INTERNAL_PREFIX) {
        return Err(ListenError::Reserved { name: name.to_owned() });
    }
    Ok(name)
}

/// The address that a program gave for a listener of this kind: with the kind's prefix or without.
pub(crate) fn address_of(
    kind: rekindle_unix::SocketKind,
    text: &str,
) -> Result<Address, ListenError> {
    let prefix = match kind {
        rekindle_unix::SocketKind::Udp => "udp:",
        rekindle_unix::SocketKind::UnixStream => "unix:",
        rekindle_unix::SocketKind::UnixDatagram => "unix-datagram:",
        rekindle_unix::SocketKind::UnixSeqpacket => "unix-seqpacket:",
        _ => "tcp:",
    };
    let scheme = text.split_once(':').map_or("", |(scheme, _)| scheme);
    let has_scheme =
        ["tcp", "tcp6", "udp", "udp6", "unix", "unix-datagram", "unix-seqpacket"].contains(&scheme);
    let address: Address =
        if has_scheme { text.parse()? } else { format!("{prefix}{text}").parse()? };
    if address.socket_kind() != kind {
        let found = address.socket_kind();
        return Err(ListenError::Kind { address, expected: kind.as_str(), found: found.as_str() });
    }
    Ok(address)
}

/// Why a listener cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ListenError {
    /// The name is none.
    #[error("name a listener")]
    Name(#[from] NameError),
    /// The name is in use for another listener of this process.
    #[error("name a second listener `{name}`: each needs a name of its own")]
    NameTaken {
        /// The name.
        name: ListenerName,
    },
    /// The address is none.
    #[error("read a listener's address")]
    Address(#[from] AddressError),
    /// The address is of another kind of socket than the listener.
    #[error("use `{address}`: it is {found}, and the listener is {expected}")]
    Kind {
        /// The address.
        address: Address,
        /// The listener's kind.
        expected: &'static str,
        /// The address's kind.
        found: &'static str,
    },
    /// It could not be bound.
    #[error("bind the listener `{name}`")]
    Bind {
        /// The listener.
        name: ListenerName,
        /// Why.
        source: BindError,
    },
    /// What was passed under this name is not what was said.
    #[error("use the inherited listener `{name}`, which is not what was offered")]
    NotAsOffered {
        /// The listener.
        name: ListenerName,
        /// What differs.
        source: InspectError,
    },
    /// The runtime cannot wait on it.
    #[error("wait on the listener `{name}`")]
    Register {
        /// The listener.
        name: ListenerName,
        /// Why.
        source: std::io::Error,
    },
    /// The name is one of ours.
    #[error("name a listener `{name}`: names that begin with `{INTERNAL_PREFIX}` are taken")]
    Reserved {
        /// The name.
        name: String,
    },
    /// There are too many.
    #[error("hold more than {LISTENER_LIMIT} listeners")]
    TooMany,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group_of(
        inventory: &mut Inventory,
        name: &str,
        count: u16,
    ) -> Result<Vec<Arc<Held>>, ListenError> {
        let address = "127.0.0.1:0".parse().unwrap();
        let count = NonZeroU16::new(count).unwrap();
        inventory.claim_group(name, &address, count, &BindOptions::new().reuse_port(true))
    }

    #[test]
    fn each_member_of_a_group_needs_a_name_of_its_own() {
        let mut inventory = Inventory::default();
        let address = "127.0.0.1:0".parse().unwrap();
        inventory.claim("web/1", &address, &BindOptions::new()).unwrap();
        let taken = group_of(&mut inventory, "web", 2).unwrap_err();
        assert!(matches!(taken, ListenError::NameTaken { .. }), "{taken}");
        let group = group_of(&mut inventory, "api", 2).unwrap();
        let names: Vec<_> = group.iter().map(|held| held.name().as_str()).collect();
        assert_eq!(names, ["api/0", "api/1"]);
    }

    #[test]
    fn a_group_beyond_the_limit_is_refused_before_anything_is_bound() {
        let mut inventory = Inventory::default();
        let error = group_of(&mut inventory, "web", u16::MAX).unwrap_err();
        assert!(matches!(error, ListenError::TooMany), "{error}");
        assert!(inventory.held.is_empty());
    }

    #[test]
    fn a_group_that_cannot_be_bound_is_an_error_whatever_its_name() {
        let address = "unix:/absent/x.sock".parse().unwrap();
        let (count, options) = (NonZeroU16::MIN, BindOptions::new());
        let error = Inventory::default().claim_group("", &address, count, &options).unwrap_err();
        assert!(matches!(error, ListenError::Bind { .. }), "{error}");
    }
}
