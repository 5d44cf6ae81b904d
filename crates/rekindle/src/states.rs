//! States: what a program remembers, put down in memory files at each offer and read by the next
//! process.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::os::fd::OwnedFd;
use std::panic::{AssertUnwindSafe, catch_unwind};

use rekindle_core::{ListenerName, STATE_LIMIT_BYTES, StateEntry};
use rekindle_unix::{MemoryFile, MemoryFileError};

/// A state that this process offers to the next one.
pub(crate) struct StateOffer {
    pub(crate) name: ListenerName,
    source: Box<dyn FnMut() -> Content + Send>,
}

/// What a state is put down from. A secret is of a kind that is erased when it is dropped, which is
/// as soon as it is in the file.
type Content = Box<dyn AsRef<[u8]>>;

impl StateOffer {
    /// `source` is called on the driver's thread at each offer.
    pub(crate) fn new<T: AsRef<[u8]> + 'static>(
        name: ListenerName,
        mut source: impl FnMut() -> T + Send + 'static,
    ) -> Self {
        Self { name, source: Box::new(move || Box::new(source())) }
    }

    /// The state as it is now, in a memory file.
    pub(crate) fn take_down(&mut self) -> Result<(StateEntry, OwnedFd), StateError> {
        let Self { name, source } = self;
        let content = catch_unwind(AssertUnwindSafe(source))
            .map_err(|_| StateError::Panicked { name: name.clone() })?;
        let content = (*content).as_ref();
        if content.len() > STATE_LIMIT_BYTES {
            return Err(StateError::TooLong { name: name.clone(), length_bytes: content.len() });
        }
        let file = MemoryFile::new(name.as_str(), content)
            .map_err(|source| StateError::Write { name: name.clone(), source })?;
        let length_bytes = u64::try_from(content.len()).unwrap_or(u64::MAX);
        Ok((StateEntry { name: name.clone(), length_bytes }, file.into()))
    }
}

impl fmt::Debug for StateOffer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("StateOffer").field("name", &self.name).finish_non_exhaustive()
    }
}

/// The states that the old process offered, by name.
pub(crate) type Remembered = BTreeMap<ListenerName, Vec<u8>>;

/// Reads the states of an offer.
pub(crate) fn read(
    entries: Vec<StateEntry>,
    descriptors: Vec<OwnedFd>,
) -> Result<Remembered, StateError> {
    let mut remembered = Remembered::new();
    for (StateEntry { name, length_bytes }, descriptor) in entries.into_iter().zip(descriptors) {
        let content =
            MemoryFile::from_owned(descriptor).and_then(|file| file.read(STATE_LIMIT_BYTES));
        match content {
            Ok(content) if u64::try_from(content.len()) == Ok(length_bytes) => {
                remembered.insert(name, content);
            }
            Ok(content) => {
                let length_bytes = content.len();
                return Err(StateError::NotAsOffered { name, length_bytes });
            }
            Err(source) => return Err(StateError::Read { name, source }),
        }
    }
    Ok(remembered)
}

/// Why a state cannot go from one process to the next.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The program panicked when it was asked for it.
    #[error("put down the state `{name}`: the program panicked")]
    Panicked {
        /// The state.
        name: ListenerName,
    },
    /// It is too long.
    #[error(
        "put down the state `{name}`: of its {length_bytes} bytes {STATE_LIMIT_BYTES} are allowed"
    )]
    TooLong {
        /// The state.
        name: ListenerName,
        /// How long it is.
        length_bytes: usize,
    },
    /// The system does not take it.
    #[error("put down the state `{name}`")]
    Write {
        /// The state.
        name: ListenerName,
        /// Why.
        source: io::Error,
    },
    /// What came for it is no state.
    #[error("read the state `{name}` of the old process")]
    Read {
        /// The state.
        name: ListenerName,
        /// Why.
        source: MemoryFileError,
    },
    /// It is not as long as the old process says.
    #[error("read the state `{name}` of the old process: {length_bytes} bytes came of another")]
    NotAsOffered {
        /// The state.
        name: ListenerName,
        /// How long it is.
        length_bytes: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> ListenerName {
        "keys".parse().unwrap()
    }

    #[test]
    fn a_state_is_read_as_it_was_at_the_offer() {
        let mut count = 0;
        let mut state = StateOffer::new(name(), move || {
            count += 1;
            vec![count; 3]
        });
        for expected in [[1; 3], [2; 3]] {
            let (entry, file) = state.take_down().unwrap();
            let remembered = read(vec![entry], vec![file]).unwrap();
            assert_eq!(remembered.get(&name()).unwrap(), &expected);
        }
    }

    #[test]
    fn one_that_is_too_long_or_panics_is_an_error() {
        let mut long = StateOffer::new(name(), || vec![0; STATE_LIMIT_BYTES + 1]);
        assert!(matches!(long.take_down(), Err(StateError::TooLong { .. })));
        let mut broken = StateOffer::new(name(), || -> Vec<u8> { panic!("no") });
        assert!(matches!(broken.take_down(), Err(StateError::Panicked { .. })));
    }

    #[test]
    fn what_is_no_memory_file_or_of_another_length_is_refused() {
        let entry = StateEntry { name: name(), length_bytes: 3 };
        let pipe = std::io::pipe().unwrap().0.into();
        let error = read(vec![entry.clone()], vec![pipe]).unwrap_err();
        assert!(matches!(error, StateError::Read { .. }), "{error}");
        let longer = MemoryFile::new("keys", b"four").unwrap().into();
        let error = read(vec![entry], vec![longer]).unwrap_err();
        assert!(matches!(error, StateError::NotAsOffered { length_bytes: 4, .. }), "{error}");
    }
}
