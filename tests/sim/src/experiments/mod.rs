//! Published experiments, told again on the simulated network: the paper's own
//! setting, its figure, and ours beside it.
//!
//! Each is one entry of [`ALL`]: a name, a sentence, and a function from a
//! [`Request`] to an [`Outcome`] that depends on nothing but the request.

mod blamed;
mod command;
mod frozen;
mod gulfstream;
mod progress;
mod raft;
mod rapid;
mod result;
mod sizes;
mod split;
mod stage;
mod steady;
mod swim;
mod tally;

pub use command::{Arguments, experiment};
pub use progress::Progress;
pub(crate) use result::number;
pub use result::{
    Axis, Figure, Judgement, Landmark, Outcome, Plot, Series, Theirs, Wanted, percentile,
};

/// One experiment.
pub struct Experiment {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is in one sentence, with the paper it comes from.
    pub about: &'static str,
    /// Carries it out. An error is what kept it from ending, a checker's
    /// objection for instance.
    pub run: fn(&Request, &mut Progress) -> Result<Outcome, String>,
}

/// How an experiment is to be carried out.
#[derive(Clone, Debug)]
pub struct Request {
    /// The seed all of its runs derive from.
    pub seed: u64,
    /// So small that a debug build does it in about a second; else the paper's
    /// own setting.
    pub quick: bool,
    /// So many nodes instead.
    pub nodes: Option<u32>,
    /// Where there is a grid of settings: how much of it.
    pub grid: Grid,
}

/// How much of a grid of settings is tried.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, clap::ValueEnum)]
pub enum Grid {
    /// Its corners: minutes.
    #[default]
    Small,
    /// All of it: hours.
    Paper,
}

impl Request {
    /// How many nodes to take where the paper has `full`.
    pub fn nodes_or(&self, quick: u32, full: u32) -> u32 {
        self.nodes.unwrap_or(if self.quick { quick } else { full })
    }
}

impl Experiment {
    /// An outcome without anything in it yet.
    pub fn outcome(&self, request: &Request) -> Outcome {
        Outcome {
            experiment: self.name.to_owned(),
            about: self.about.to_owned(),
            seed: request.seed,
            figures: Vec::new(),
            plots: Vec::new(),
            notes: Vec::new(),
        }
    }
}

/// Every experiment, in the order of the report.
pub const ALL: &[&Experiment] = &[
    &frozen::FROZEN,
    &steady::STEADY,
    &rapid::bootstrap::BOOTSTRAP,
    &rapid::crashes::CRASHES,
    &rapid::oneway::FLIP_FLOP,
    &rapid::oneway::LOSS,
    &rapid::pair::PAIR,
    &raft::FAILOVER,
    &split::SPLIT,
    &gulfstream::COLD_START,
];

/// The experiment of that name.
pub fn named(name: &str) -> Option<&'static Experiment> {
    ALL.iter().copied().find(|it| it.name == name)
}
