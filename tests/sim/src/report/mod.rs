//! `hats-sim report`: every experiment, as one table, one page, and a plot for
//! each.

mod markdown;
mod scale;
mod svg;

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::{Args, builder::PossibleValuesParser};

use crate::experiments::{ALL, Experiment, Grid, Outcome, Progress, Request};

/// What to report, and where to.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// The small settings of the tests instead of the papers': about a minute.
    #[arg(long)]
    pub quick: bool,
    /// The page and its plots are written into this folder.
    #[arg(long, default_value = "docs")]
    pub out: PathBuf,
    /// The seed all runs derive from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Only these experiments.
    #[arg(
        long,
        value_delimiter = ',',
        value_parser = PossibleValuesParser::new(ALL.iter().map(|it| it.name))
    )]
    pub only: Vec<String>,
}

/// One experiment that was carried out.
struct Told {
    name: &'static str,
    /// How to carry it out again.
    command: String,
    outcome: Result<Outcome, String>,
}

impl Arguments {
    fn wants(&self, experiment: &Experiment) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == experiment.name)
    }

    /// The command that says the same, wherever it writes to.
    fn command(&self) -> String {
        let mut words = format!("hats-sim report --seed {}", self.seed);
        if self.quick {
            words.push_str(" --quick");
        }
        if !self.only.is_empty() {
            words.push_str(" --only ");
            words.push_str(&self.only.join(","));
        }
        words
    }
}

/// Carries out the experiments, prints what they come to, and writes the page.
/// Fails when one does not end.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is there to be read")]
pub fn report(arguments: &Arguments, progress: &mut Progress) -> anyhow::Result<ExitCode> {
    let Arguments { seed, quick, .. } = *arguments;
    let request = Request { seed, quick, nodes: None, grid: Grid::Small };
    let mut all = Vec::new();
    for experiment in ALL.iter().filter(|it| arguments.wants(it)) {
        let outcome = (experiment.run)(&request, progress);
        match &outcome {
            Ok(outcome) => println!("{outcome}"),
            Err(why) => eprintln!("{} did not end: {why}", experiment.name),
        }
        let quick = if arguments.quick { " --quick" } else { "" };
        let command =
            format!("hats-sim experiment {} --seed {}{quick}", experiment.name, arguments.seed);
        all.push(Told { name: experiment.name, command, outcome });
        // What there is, is written: the next one may take an hour.
        write(arguments, &all)?;
    }
    let ended = all.iter().all(|told| told.outcome.is_ok());
    Ok(if ended { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn write(arguments: &Arguments, all: &[Told]) -> anyhow::Result<()> {
    let folder = arguments.out.join(markdown::FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let page = arguments.out.join("experiments.md");
    fs::write(&page, markdown::page(all, &arguments.command()))
        .with_context(|| format!("cannot write {}", page.display()))?;
    let outcomes = all.iter().filter_map(|told| told.outcome.as_ref().ok());
    for plot in outcomes.flat_map(|outcome| &outcome.plots) {
        let file = folder.join(format!("{}.svg", plot.name));
        let drawn = svg::svg(plot).map_err(anyhow::Error::msg).context("cannot draw")?;
        fs::write(&file, drawn).with_context(|| format!("cannot write {}", file.display()))?;
    }
    Ok(())
}
