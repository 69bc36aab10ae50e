//! The matrix for people, and as JSON.

use std::fmt;

use serde::Serialize;

use super::{
    class::{Class, Sort},
    outcome::Outcome,
    tally::{Cell, Finding, LOSS, Matrix},
};

/// So many findings are printed.
const SHOWN: usize = 20;

impl fmt::Display for Matrix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} faults in {} worlds, {} simulated s, {} steps",
            self.faults,
            self.worlds,
            self.simulated.as_secs(),
            self.steps
        )?;
        for told in [true, false] {
            self.by_class(f, told)?;
        }
        self.by_loss(f)?;
        self.sums(f)?;
        for finding in self.findings.iter().take(SHOWN) {
            writeln!(f, "{finding}")?;
        }
        if self.found > SHOWN as u64 {
            writeln!(f, "and {} more", self.found - SHOWN as u64)?;
        }
        Ok(())
    }
}

impl Matrix {
    fn by_class(&self, f: &mut fmt::Formatter<'_>, told: bool) -> fmt::Result {
        let classes =
            || Class::all().map(|class| (class, self.sum(|t, c, _| t == told && c == class)));
        let total: u64 = classes().map(|(_, cell)| cell.total()).sum();
        if total == 0 {
            return Ok(());
        }
        let what = match told {
            true => "with a third voice, or a fact",
            false => "without a third voice, or without the other network that it takes",
        };
        write!(f, "\n{what}: {total} faults\n{:<4} {:<15}{:>8}", "row", "done", "faults")?;
        for outcome in Outcome::ALL {
            write!(f, "{:>10}", outcome.word())?;
        }
        writeln!(f, "{:>10}{:>7}{:>7}{:>7}", "recall", "p50", "p99", "max")?;
        for (class, cell) in classes().filter(|(_, cell)| cell.total() > 0) {
            write!(f, "{:<4} {:<15}", class.row(), class.name())?;
            counts(f, &cell)?;
            for part in [0.5, 0.99, 1.0] {
                match cell.percentile(part) {
                    Some(took) => write!(f, "{took:>7.2}")?,
                    None => write!(f, "{:>7}", "-")?,
                }
            }
            writeln!(f)?;
        }
        writeln!(f, "p50, p99, max: until all connected knew, in parts of the printed bound")?;
        for (class, cell) in classes().filter(|(_, cell)| !cell.besides.is_empty()) {
            let said: Vec<String> =
                cell.besides.iter().map(|(sort, count)| format!("{sort} {count}")).collect();
            writeln!(f, "said besides of {}: {}", class.name(), said.join(", "))?;
        }
        Ok(())
    }

    fn by_loss(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\nby background loss, with a third voice\n{:<20}{:>8}", "lost", "faults")?;
        for outcome in Outcome::ALL {
            write!(f, "{:>10}", outcome.word())?;
        }
        writeln!(f, "{:>10}", "recall")?;
        for (at, (least, most)) in LOSS.iter().enumerate() {
            let cell = self.sum(|told, _, loss| told && loss == at);
            if cell.total() > 0 {
                let words =
                    if most == least { "none".to_owned() } else { format!("{least} to {most} %") };
                write!(f, "{words:<20}")?;
                counts(f, &cell)?;
                writeln!(f)?;
            }
        }
        Ok(())
    }

    fn sums(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f)?;
        for sort in [Sort::Total, Sort::Partial] {
            let what = match sort {
                Sort::Total => "total faults (rows 1 to 11)",
                Sort::Partial => "partial faults (the others)",
            };
            if let Some(recall) = self.recall(sort) {
                let target = sort.target();
                let judged = if recall >= target { "reached" } else { "MISSED" };
                writeln!(
                    f,
                    "recall of {what}: {}, target {}: {judged}",
                    percent(recall),
                    percent(target)
                )?;
            }
        }
        writeln!(
            f,
            "wrong culprits: {}; worlds that broke another rule: {}",
            self.wrong(),
            self.broken
        )
    }

    /// Everything as one JSON object.
    pub fn json(&self) -> String {
        let mut cells = Vec::new();
        for ((told, class, loss), cell) in &self.cells {
            let count = |outcome| cell.count(outcome);
            cells.push(JsonCell {
                third_voice: *told,
                row: class.row(),
                class: *class,
                sort: class.sort(),
                loss_percent: LOSS[*loss],
                faults: cell.total(),
                right: count(Outcome::Right),
                late: count(Outcome::Late),
                untold: count(Outcome::Untold),
                direction: count(Outcome::Direction),
                weaker: count(Outcome::Weaker),
                nothing: count(Outcome::Nothing),
                wrong: count(Outcome::Wrong),
                p50_of_bound: cell.percentile(0.5),
                p99_of_bound: cell.percentile(0.99),
                max_of_bound: cell.percentile(1.0),
                besides: &cell.besides,
            });
        }
        let all = Json {
            worlds: self.worlds,
            faults: self.faults,
            steps: self.steps,
            simulated_s: self.simulated.as_secs_f64(),
            wrong: self.wrong(),
            broken: self.broken,
            recall_total: self.recall(Sort::Total),
            recall_partial: self.recall(Sort::Partial),
            well: self.is_well(),
            cells,
            found: self.found,
            findings: &self.findings,
        };
        serde_json::to_string(&all).expect("numbers and text, with names for keys, are valid JSON")
    }
}

fn counts(f: &mut fmt::Formatter<'_>, cell: &Cell) -> fmt::Result {
    write!(f, "{:>8}", cell.total())?;
    for outcome in Outcome::ALL {
        match cell.count(outcome) {
            0 => write!(f, "{:>10}", "-")?,
            count => write!(f, "{count:>10}")?,
        }
    }
    write!(f, "{:>10}", percent(cell.recall().unwrap_or_default()))
}

/// Never rounded up to all.
fn percent(part: f64) -> String {
    format!("{:.2} %", (part * 10_000.0).floor() / 100.0)
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let outcome = self.outcome.map_or("BROKEN", Outcome::word);
        let Finding { seed, fault, what, why, .. } = self;
        write!(f, "seed {seed}, fault {fault}, {what}: {outcome}: {why}")
    }
}

#[derive(Serialize)]
struct Json<'a> {
    worlds: u64,
    faults: u64,
    steps: u64,
    simulated_s: f64,
    wrong: u64,
    broken: u64,
    recall_total: Option<f64>,
    recall_partial: Option<f64>,
    well: bool,
    cells: Vec<JsonCell<'a>>,
    found: u64,
    findings: &'a [Finding],
}

#[derive(Serialize)]
struct JsonCell<'a> {
    third_voice: bool,
    row: &'static str,
    class: Class,
    sort: Sort,
    loss_percent: (u64, u64),
    faults: u64,
    right: u64,
    late: u64,
    untold: u64,
    direction: u64,
    weaker: u64,
    nothing: u64,
    wrong: u64,
    p50_of_bound: Option<f32>,
    p99_of_bound: Option<f32>,
    max_of_bound: Option<f32>,
    besides: &'a std::collections::BTreeMap<String, u64>,
}
