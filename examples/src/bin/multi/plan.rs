//! Which listeners there are to be. Refuses to open them: that is `serve`'s.

use std::str::FromStr;

use rekindle::{Address, AddressError};

const DEFAULT: [(&str, &str); 6] = [
    ("tcp", "tcp:127.0.0.1:7000"),
    ("udp", "udp:127.0.0.1:7000"),
    ("stream", "unix:multi.stream"),
    ("abstract", "unix:@rekindle-multi"),
    ("packets", "unix-seqpacket:multi.packets"),
    ("datagrams", "unix-datagram:multi.datagrams"),
];

/// A listener that is to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) address: Address,
}

/// The listeners that are to be; each name is there once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan(Vec<Named>);

impl Plan {
    /// Adds listeners. One that is there already gets the new address.
    pub(crate) fn with(mut self, added: impl IntoIterator<Item = Named>) -> Self {
        for named in added {
            match self.0.iter_mut().find(|known| known.name == named.name) {
                Some(known) => *known = named,
                None => self.0.push(named),
            }
        }
        self
    }

    /// Leaves out listeners.
    pub(crate) fn without(mut self, dropped: &[String]) -> Result<Self, UnknownListener> {
        for name in dropped {
            let known = self.0.iter().position(|known| known.name == *name);
            self.0.remove(known.ok_or_else(|| UnknownListener { name: name.clone() })?);
        }
        Ok(self)
    }
}

impl Default for Plan {
    fn default() -> Self {
        let named = |(name, address): (&str, &str)| Named {
            name: name.to_owned(),
            address: address.parse().expect("a constant, and parsed in a test"),
        };
        Self(DEFAULT.into_iter().map(named).collect())
    }
}

impl IntoIterator for Plan {
    type Item = Named;
    type IntoIter = std::vec::IntoIter<Named>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl FromStr for Named {
    type Err = NamedError;

    fn from_str(text: &str) -> Result<Self, NamedError> {
        let (name, address) = text.split_once('=').ok_or(NamedError::NoName)?;
        Ok(Self { name: name.to_owned(), address: address.parse()? })
    }
}

/// Why a text names no listener.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NamedError {
    #[error("a listener needs a name, as in `web=tcp:127.0.0.1:8080`")]
    NoName,
    #[error(transparent)]
    Address(#[from] AddressError),
}

/// A name that no listener has.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("drop the listener `{name}`: there is none of this name")]
pub(crate) struct UnknownListener {
    name: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(plan: Plan) -> Vec<String> {
        plan.into_iter().map(|named| format!("{}={}", named.name, named.address)).collect()
    }

    fn named(text: &str) -> Named {
        text.parse().unwrap()
    }

    #[test]
    fn the_default_has_one_of_each_kind() {
        let addresses: Vec<_> = Plan::default().into_iter().map(|named| named.address).collect();
        assert_eq!(addresses.len(), 6);
        let kinds: std::collections::HashSet<_> =
            addresses.iter().map(|address| address.socket_kind().as_str()).collect();
        assert_eq!(kinds.len(), 5, "two of them are Unix streams: {kinds:?}");
    }

    #[test]
    fn listeners_are_added_changed_and_dropped() {
        let dropped: Vec<_> = ["udp", "stream", "abstract", "packets", "datagrams"]
            .into_iter()
            .map(str::to_owned)
            .collect();
        let plan = Plan::default()
            .with([named("tcp=127.0.0.1:1"), named("more=unix:a=b"), named("more=unix:c")])
            .without(&dropped)
            .unwrap();
        assert_eq!(names(plan), ["tcp=127.0.0.1:1", "more=unix:c"]);
    }

    #[test]
    fn what_is_not_there_cannot_be_dropped() {
        let error = Plan::default().without(&["htpp".to_owned()]).unwrap_err();
        assert_eq!(error.to_string(), "drop the listener `htpp`: there is none of this name");
    }

    #[test]
    fn a_listener_needs_a_name_and_an_address() {
        assert!(matches!("127.0.0.1:1".parse::<Named>(), Err(NamedError::NoName)));
        assert!(matches!("a=127.0.0.1".parse::<Named>(), Err(NamedError::Address(_))));
    }
}
