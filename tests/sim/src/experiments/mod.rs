//! Published experiments, told again on the simulated network: the paper's own
//! setting, its figure, and ours beside it.

mod result;

pub use result::{Axis, Figure, Judgement, Outcome, Plot, Series, Theirs, Wanted, percentile};
