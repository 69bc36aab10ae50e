//! The confusion matrix: what is said of many faults, against what was done.
//!
//! Many small worlds. Each is drawn from its seed: a cluster with background loss,
//! and faults of every class that befall it one at a time. A fault lasts until it is
//! judged, or its time is over; then it is ended, and when all is well again the next
//! one follows. What is said of it with authority makes the column:
//!
//! - what it is, within the printed bound, to all that are connected (*right*), or
//!   later by what lost datagrams may add (*late*), or not to all (*untold*);
//! - the right culprit with another cause or *direction*;
//! - less than what it is, and true (*weaker*), or *nothing*;
//! - anything that is not so, by the truth that the checkers hold everything against
//!   all the time: a *wrong* culprit. Nothing more of that world is judged.
//!
//! With a third voice there is a target for the recall; without one the truth is
//! what is wanted, and only a wrong culprit counts.

use std::{
    io::Write,
    sync::atomic::{AtomicBool, Ordering},
    time::Instant,
};

mod class;
mod draw;
mod outcome;
mod print;
mod tally;
mod trial;
mod wanted;

pub use class::{Class, Sort};
pub use draw::Limits;
pub use outcome::Outcome;
pub use tally::{Finding, Matrix};

use crate::{
    campaign::{Episode, Expectation, Pace, Scenario, Step, Within},
    ordered::in_order,
    trace::{Trace, Tracing},
};
use draw::Course;
use wanted::Wanted;

/// Which worlds, and when to end.
#[derive(Clone, Copy, Debug)]
pub struct Orders<'a> {
    /// The first seed.
    pub from: u64,
    /// No more than so many worlds.
    pub worlds: Option<u64>,
    /// No further world once there were so many faults.
    pub faults: Option<u64>,
    /// What worlds are drawn.
    pub limits: Limits,
    /// No world begins after this.
    pub deadline: Option<Instant>,
    /// How many threads. What they add up to does not depend on it.
    pub jobs: usize,
    /// No world begins once this is set.
    pub stop: &'a AtomicBool,
}

/// Tells all worlds ordered. `each` hears what they add up to so far.
pub fn many(orders: &Orders, mut each: impl FnMut(&Matrix)) -> Matrix {
    let over = || {
        orders.stop.load(Ordering::Relaxed)
            || orders.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    };
    let mut matrix = Matrix::default();
    in_order(
        orders.jobs,
        |number| orders.worlds.is_none_or(|worlds| number < worlds) && !over(),
        |number| {
            let seed = orders.from.wrapping_add(number);
            trial::tell(Course::of(seed, &orders.limits), None, None)
        },
        |told| {
            matrix.add(&told);
            each(&matrix);
            orders.faults.is_none_or(|faults| matrix.faults < faults)
        },
    );
    matrix
}

/// Tells the world of one seed, and prints what happens to `out`. Gives what everybody
/// believed, too, if it ended before its last fault.
pub fn replay(
    seed: u64,
    limits: &Limits,
    tracing: Tracing,
    out: Box<dyn Write + Send>,
) -> (Matrix, String) {
    let told = trial::tell(Course::of(seed, limits), Some(Trace::to(tracing, out)), None);
    let mut matrix = Matrix::default();
    matrix.add(&told);
    (matrix, told.details)
}

/// The cluster of `seed` and its faults, in words.
pub fn plan(seed: u64, limits: &Limits) -> String {
    let Course { story, faults } = Course::of(seed, limits);
    let mut words = story.to_string();
    for (at, planned) in faults.iter().enumerate() {
        words += &format!("  fault {}: {}\n", at + 1, planned.fault);
    }
    words
}

/// The cluster of `seed` and its fault of that number, counted from 1, as a story of
/// its own, held to what is wanted. It may well end well: what was before is left out.
pub fn scenario(seed: u64, limits: &Limits, fault: usize) -> Option<Scenario> {
    let Course { mut story, faults } = Course::of(seed, limits);
    let planned = faults.get(fault.checked_sub(1)?)?;
    let wanted = Wanted::of(&story, planned, false);
    let expect = Expectation {
        blames: wanted.blames,
        tolerated: wanted.tolerated,
        witnesses: None,
        within: Within::Span(wanted.limit),
    };
    let step = Step {
        fault: planned.fault.clone(),
        after: planned.rest,
        lasts: None,
        expect: wanted.told.then_some(expect),
    };
    let pace = Pace::OneByOne;
    story.episodes = vec![Episode { pace, steps: vec![step], expect: None, groups: Vec::new() }];
    let name = format!("fault {fault} of seed {seed} of the matrix");
    Some(Scenario { name, why: None, story })
}

#[cfg(test)]
mod tests;
