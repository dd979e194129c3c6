//! Where the tests of `keynode activation` work: a node's state, a living centre, and what the commands said.

use serde_json::Value;

use crate::harness::{Done, run_with};
use crate::living_centre::Centre;
use crate::state::State;

/// An administrator with a node's state and a centre; all that the commands said is kept.
pub(crate) struct Desk {
    pub(crate) state: State,
    pub(crate) centre: Centre,
    pub(crate) said: String,
}

impl Desk {
    pub(crate) fn new() -> Self {
        Self {
            state: State::new(),
            centre: Centre::start(),
            said: String::new(),
        }
    }

    /// A command of `keynode activation`, with what it reads.
    pub(crate) fn with(&mut self, words: &[&str], input: &str) -> Done {
        let words = [&["activation"], words].concat();
        self.run(&words, input)
    }

    pub(crate) fn activation(&mut self, words: &[&str]) -> Done {
        self.with(words, "")
    }

    pub(crate) fn run(&mut self, words: &[&str], input: &str) -> Done {
        let done = run_with(self.centre.keynode(&self.state, words), input);
        self.said.push_str(&done.out);
        self.said.push_str(&done.err);
        done
    }

    /// The rows of `activation list`.
    pub(crate) fn list(&mut self) -> Value {
        serde_json::from_str(&self.activation(&["list", "--json"]).ok()).unwrap()
    }

    /// The rows of `licence list`, which show licences with all that is in them.
    pub(crate) fn licences(&self) -> Value {
        serde_json::from_str(&self.state.run(&["licence", "list", "--json"]).ok()).unwrap()
    }
}
