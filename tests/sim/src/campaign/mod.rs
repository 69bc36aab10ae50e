//! Random campaigns: from one seed a cluster, some faults, and what must hold.
//!
//! A [`Story`] is drawn from the seed and told by a run: the cluster forms; in
//! each episode faults befall it, one by one or overlapping; then time passes
//! until all must be judged; then everything is healed and must be well again
//! within a bound. In between is checked
//!
//! - what must be said of a single fault (`expected`), to the letter,
//! - that what was told to be wrong is taken back in the end (`audit`),
//! - that live nodes know what works and what does not (`run`),
//!
//! besides the world's own checkers after every step.

use std::{
    any::Any,
    cell::Cell,
    io::Write,
    panic::{AssertUnwindSafe, catch_unwind, set_hook},
};

mod audit;
mod draw;
mod expectation;
mod expected;
mod fault;
mod kind;
mod many;
mod minimize;
mod refit;
mod run;
mod scenario;
mod situation;
mod span;
mod story;
mod weather;
mod words;

pub use draw::Kinds;
pub use expectation::{Expectation, Within};
pub(crate) use expected::{Expected, MULTICAST_FOUND, SLACK, lease, narrow_found};
pub use fault::{AdapterFault, Fault, NodeFault};
pub use many::{Orders, Tally, many};
pub use minimize::{Minimized, Minimizing, minimize};
pub use run::Figures;
pub(crate) use run::is_well;
pub use scenario::{Scenario, ScenarioError};
pub(crate) use situation::Situation;
pub use span::parse as duration;
pub use story::{Episode, Member, Pace, Step, Story};
pub use weather::{Ways, Weather};

use crate::{
    belief,
    trace::{Trace, Tracing},
};

/// How the story of a seed ended.
#[derive(Clone, Debug)]
pub struct Ending {
    /// What was told.
    pub story: Story,
    /// What was wrong, in one line; none when all was well.
    pub failure: Option<String>,
    /// All there is to know about that.
    pub details: String,
    /// What the run was like.
    pub figures: Figures,
}

impl Ending {
    /// The failure without what differs from run to run: two that fail in the
    /// same way have the same words here.
    pub fn kind(&self) -> Option<String> {
        self.failure.as_ref().map(|why| kind::of(&self.story, why))
    }
}

/// Tells the story of `seed`.
pub fn run(seed: u64) -> Ending {
    tell(Story::of(seed))
}

/// Tells a story.
pub fn tell(story: Story) -> Ending {
    told(story, None)
}

/// Tells a story, and prints what happens to `out`.
pub fn replay(story: Story, tracing: Tracing, out: Box<dyn Write + Send>) -> Ending {
    told(story, Some(Trace::to(tracing, out)))
}

fn told(story: Story, trace: Option<Trace>) -> Ending {
    let mut run = run::Run::new(&story, trace);
    let result = catch_unwind(AssertUnwindSafe(|| run.tell()));
    let figures = run.figures.clone();
    let failure = match result {
        Ok(result) => result.err(),
        Err(panic) => Some(panic_text(&*panic)),
    };
    let details = failure.as_ref().map_or_else(String::new, |why| belief::report(&run.world, why));
    let failure = failure.map(|why| why.lines().take(2).collect::<Vec<_>>().join(" "));
    drop(run);
    Ending { failure, details, figures, story }
}

/// What a panic that was caught said, and where.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().cloned();
    let text = text.or_else(|| panic.downcast_ref::<&str>().map(|it| (*it).to_owned()));
    let place = PANIC.take().map_or_else(String::new, |place| format!(" at {place}"));
    format!("panic{place}: {}", text.unwrap_or_default())
}

thread_local! {
    /// Where this thread panicked last.
    static PANIC: Cell<Option<String>> = const { Cell::new(None) };
}

/// From now on a panic is part of how a story ends, with its place in the code,
/// and prints nothing.
pub fn keep_panics_quiet() {
    set_hook(Box::new(|panic| {
        PANIC.set(panic.location().map(|at| format!("{}:{}", at.file(), at.line())));
    }));
}
