//! An error in words, for those who see nothing else of it.

use std::error::Error;

use rekindle_core::Text;

/// The error and what caused it, the cause last.
pub(crate) fn words_of(error: &dyn Error) -> Text {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    Text::from(words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::ListenError;

    #[test]
    fn the_cause_is_told_as_well() {
        let source = std::io::Error::other("no room");
        let error = ListenError::Register { name: "http".parse().unwrap(), source };
        assert_eq!(words_of(&error).as_str(), "wait on the listener `http`: no room");
    }
}
