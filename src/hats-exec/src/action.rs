//! What is done for an event, and how hard it is tried.

use std::time::Duration;

use hats_client::ipc::Event;

use crate::{matching::Matcher, program, webhook::Webhook};

/// One `[[action]]` of the configuration.
#[derive(Debug)]
pub(crate) struct Action {
    /// Its name, in the log and in the names of files.
    pub(crate) name: String,
    /// Which events it is for.
    pub(crate) matcher: Matcher,
    /// What is done.
    pub(crate) deed: Deed,
    /// How hard it is tried.
    pub(crate) effort: Effort,
}

/// What is done.
#[derive(Debug)]
pub(crate) enum Deed {
    /// This program is run with these arguments.
    Program(Vec<String>),
    /// The event is posted.
    Webhook(Webhook),
}

/// How hard it is tried.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Effort {
    /// Events that are worked on at once. With 1 they are done in order.
    pub(crate) concurrency: usize,
    /// How long one attempt may take.
    pub(crate) timeout: Duration,
    /// Attempts after the first.
    pub(crate) retries: u32,
    /// The pause before the second attempt; it doubles with each.
    pub(crate) pause: Duration,
    /// Events that may wait.
    pub(crate) queue: usize,
}

/// Why an attempt failed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Failure {
    /// It may go well another time.
    Again(String),
    /// It will not.
    Never(String),
}

impl Action {
    /// Does it once. `attempt` counts from 1.
    pub(crate) async fn attempt(&self, event: &Event, attempt: u32) -> Result<(), Failure> {
        match &self.deed {
            Deed::Program(command) => {
                program::run(command, &self.name, event, attempt, self.effort.timeout).await
            }
            Deed::Webhook(webhook) => webhook.post(event, self.effort.timeout).await,
        }
    }
}
