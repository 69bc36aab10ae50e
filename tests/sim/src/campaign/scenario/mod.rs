//! Stories in files, `*.scenario`: TOML that people write by hand, and that
//! outlives every change of the generator.
//!
//! ```toml
//! name = "a deaf adapter is told from a mute one"
//! why = "The reporter alone cannot know; the suspect says over netb what arrived."
//! seed = 1
//! profile = "fast"                  # or heartbeat_interval, sensitivity, probe_timeout
//! networks = ["neta", "netb"]
//! nodes = [
//!   "n1 neta.1 netb.1",             # NODE NETWORK.LAST-NUMBER-OF-THE-ADDRESS ...
//!   "n2 neta.2 netb.2",
//!   "n3 neta.3 netb.3",
//! ]
//! ipv6 = true                       # addresses are of IPv6
//! loss = 0.02                       # this part of all datagrams is lost
//!
//! [[episode]]
//! pace = "one by one"               # overlapping | forming
//! steps = [
//!   { at = "100ms", do = "deaf n3/neta", expect = ["adapter.down n3/neta receive"] },
//!   { at = "0s", do = "pause n2", for = "20ms", expect = [] },
//! ]
//! ```
//!
//! `docs/hats-sim.md` is the manual.

use std::fmt;

use super::story::Story;

mod check;
mod read;
mod write;

pub(crate) use check::places;

/// A story with a name.
#[derive(Clone, PartialEq, Debug)]
pub struct Scenario {
    /// What it shows or keeps, as a sentence.
    pub name: String,
    /// Why that is so, or how it was found.
    pub why: Option<String>,
    /// The cluster, and what is done to it.
    pub story: Story,
}

/// What is wrong in a scenario's text, and where.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ScenarioError {
    /// The file, as it was named.
    pub file: String,
    /// Counted from 1.
    pub line: usize,
    /// The value, and what was expected.
    pub what: String,
}

impl fmt::Display for ScenarioError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.file, self.line, self.what)
    }
}

impl std::error::Error for ScenarioError {}

impl Scenario {
    /// What `text` says, which stands in `file`.
    pub fn read(file: &str, text: &str) -> Result<Scenario, ScenarioError> {
        read::Reader { file, text }.scenario()
    }

    /// The text of its file.
    pub fn write(&self) -> String {
        write::scenario(self)
    }
}

#[cfg(test)]
mod tests;
