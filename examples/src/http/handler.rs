//! Who answers.

use super::answer::Answer;
use super::request::Request;

/// What a server answers. The conversation asks it for each request.
pub trait Handler {
    /// The answer to a request.
    fn answer(&self, request: Request) -> Answer;

    /// The fields that all answers have: names in lower case, and values without line ends.
    fn fields(&self) -> Vec<(&'static str, String)>;
}
