//! The story of one seed, or of a file.

use std::{fs, path::Path, process::ExitCode};

use anyhow::{Context, Result};
use hats_sim::campaign::{self, Ending, Scenario, Story};

/// `run --seed S`: tells it, or writes it to a file.
pub(crate) fn run(
    seed: u64,
    plan: bool,
    save: Option<&Path>,
    name: Option<&str>,
) -> Result<ExitCode> {
    if let Some(path) = save {
        let name = name.map_or_else(|| sentence_of(path), str::to_owned);
        write(path, &Scenario { name, why: None, story: Story::of(seed) })?;
        return Ok(ExitCode::SUCCESS);
    }
    if plan {
        println!("{}", Story::of(seed));
        return Ok(ExitCode::SUCCESS);
    }
    let ending = campaign::run(seed);
    println!("{}", ending.story);
    Ok(if report(&ending) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// `scenario FILE...`: tells each.
pub(crate) fn scenarios(paths: &[impl AsRef<Path>]) -> Result<ExitCode> {
    let mut failed = 0;
    for path in paths {
        let scenario = read(path.as_ref())?;
        println!("{}", scenario.name);
        if !report(&campaign::tell(scenario.story)) {
            failed += 1;
        }
    }
    if paths.len() > 1 {
        println!("{} scenarios, {failed} failed", paths.len());
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Prints how it ended: whether well.
fn report(ending: &Ending) -> bool {
    match &ending.failure {
        None => println!("  well; {:?}", ending.figures),
        Some(_) => println!("  FAILED: {}", ending.details),
    }
    ending.failure.is_none()
}

/// The scenario in a file.
pub(crate) fn read(path: &Path) -> Result<Scenario> {
    let file = path.display().to_string();
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {file}"))?;
    Ok(Scenario::read(&file, &text)?)
}

/// Writes a scenario to a file.
pub(crate) fn write(path: &Path, scenario: &Scenario) -> Result<()> {
    fs::write(path, scenario.write()).with_context(|| format!("cannot write {}", path.display()))
}

/// What the name of a file says, dashes for spaces.
fn sentence_of(path: &Path) -> String {
    let stem = path.file_stem().map(|stem| stem.to_string_lossy().replace('-', " "));
    let stem = stem.unwrap_or_default();
    if stem.contains(' ') { stem } else { format!("the story of {stem}") }
}
