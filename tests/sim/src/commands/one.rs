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

/// `scenario FILE...`: tells each, with its seed and the `seeds` - 1 that follow.
pub(crate) fn scenarios(paths: &[impl AsRef<Path>], seeds: u64) -> Result<ExitCode> {
    let mut failed = 0;
    for path in paths {
        let scenario = read(path.as_ref())?;
        println!("{}", scenario.name);
        let ends_well = match seeds {
            1 => report(&campaign::tell(scenario.story)),
            _ => by_seeds(&scenario.story, seeds),
        };
        failed += usize::from(!ends_well);
    }
    if paths.len() > 1 {
        println!("{} scenarios, {failed} failed", paths.len());
    }
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells a story with several seeds, and prints with which it failed: whether
/// with none.
fn by_seeds(story: &Story, seeds: u64) -> bool {
    let mut failures = Vec::new();
    for more in 0..seeds {
        let seed = story.seed.wrapping_add(more);
        let ending = campaign::tell(Story { seed, ..story.clone() });
        failures.extend(ending.failure.map(|why| (seed, why)));
    }
    match failures.first() {
        None => println!("  well with {seeds} seeds"),
        Some((first, why)) => {
            let failed: Vec<String> = failures.iter().map(|(seed, _)| seed.to_string()).collect();
            println!("  FAILED with {} of {seeds} seeds: {}", failed.len(), failed.join(" "));
            println!("  seed {first}: {why}");
        }
    }
    failures.is_empty()
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
