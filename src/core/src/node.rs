//! One node: routes what happens to the machines that decide.

use alloc::vec::Vec;

use crate::{
    config::Config,
    io::{Effect, Input, Wake},
    time::Timestamp,
    view::View,
};

/// Everything one hatsd decides. One input, then drain the effects.
#[derive(Debug)]
pub struct Node {
    config: Config,
    effects: Vec<Effect>,
}

impl Node {
    /// A node that has just started and knows nothing.
    pub fn new(config: Config, _now: Timestamp) -> Self {
        Node { config, effects: Vec::new() }
    }

    /// Takes one input.
    pub fn handle(&mut self, _now: Timestamp, _input: Input) {}

    /// Does what is overdue, once.
    pub fn wake(&mut self, _now: Timestamp) {}

    /// When to call [`wake`](Self::wake) next, and why.
    pub fn next_deadline(&self) -> Option<Wake> {
        None
    }

    /// What the shell must do, in order. To be emptied after every input.
    pub fn drain(&mut self) -> Vec<Effect> {
        core::mem::take(&mut self.effects)
    }

    /// Everything it knows.
    pub fn view(&self) -> View {
        View::default()
    }

    /// What it was told at its start.
    pub fn config(&self) -> &Config {
        &self.config
    }
}
