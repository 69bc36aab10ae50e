//! What an experiment comes to: figures beside those they are measured
//! against, and series to draw. The same value is printed, written as JSON and
//! plotted.

use std::fmt;

use serde::Serialize;

/// Everything one experiment found out.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Outcome {
    /// The experiment's name on the command line: `frozen`.
    pub experiment: String,
    /// What it is in one sentence, with the paper it comes from.
    pub about: String,
    /// The seed all of its runs derive from.
    pub seed: u64,
    /// The figures, in the order in which they are to be read.
    pub figures: Vec<Figure>,
    /// What is to be drawn.
    pub plots: Vec<Plot>,
    /// What a reader must know to judge the figures: where the setting differs
    /// from the paper's, what was left out.
    pub notes: Vec<String>,
}

/// One figure of ours beside the one it is measured against.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Figure {
    /// What is measured: `false positives at healthy members`.
    pub what: String,
    /// In which setting: `128 nodes, 4 frozen for 8.192 s`.
    pub setting: String,
    /// Of both numbers: `s`, `1/node/s`, `%`; empty for a count.
    pub unit: String,
    /// Ours; none when there is nothing to measure (no crash was missed, say).
    pub ours: Option<f64>,
    /// What it is measured against, if anything.
    pub theirs: Option<Theirs>,
    /// How ours compares, by [`Wanted`]; none without both numbers.
    pub judgement: Option<Judgement>,
}

/// Somebody else's figure.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Theirs {
    /// The number.
    pub value: f64,
    /// Whose it is and where it can be read: `Lifeguard, DSN 2018, table 3`, or
    /// `SWIM in this simulator`.
    pub source: String,
}

/// Which way is good.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Wanted {
    /// The smaller figure is the better one.
    Less,
    /// The greater figure is the better one.
    More,
    /// Both should be the same; anything else is worse.
    Same,
}

/// How our figure compares with the other one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Judgement {
    /// By more than a hundredth.
    Better,
    /// Within a hundredth.
    Equal,
    /// By more than a hundredth.
    Worse,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Judgement::Better => "better",
            Judgement::Equal => "equal",
            Judgement::Worse => "worse",
        })
    }
}

/// Differences within this part of the other figure are none.
const EQUAL_WITHIN: f64 = 0.01;

impl Figure {
    /// A figure that stands alone.
    pub fn new(
        what: impl Into<String>,
        setting: impl Into<String>,
        ours: impl Into<Option<f64>>,
        unit: impl Into<String>,
    ) -> Self {
        Figure {
            what: what.into(),
            setting: setting.into(),
            unit: unit.into(),
            ours: ours.into(),
            theirs: None,
            judgement: None,
        }
    }

    /// Measured against `theirs`, read in `source`.
    pub fn against(mut self, theirs: f64, source: impl Into<String>, wanted: Wanted) -> Self {
        self.theirs = Some(Theirs { value: theirs, source: source.into() });
        self.judgement = self.ours.map(|ours| judge(ours, theirs, wanted));
        self
    }
}

fn judge(ours: f64, theirs: f64, wanted: Wanted) -> Judgement {
    if (ours - theirs).abs() <= EQUAL_WITHIN * theirs.abs() {
        return Judgement::Equal;
    }
    let good = match wanted {
        Wanted::Less => ours < theirs,
        Wanted::More => ours > theirs,
        Wanted::Same => false,
    };
    if good { Judgement::Better } else { Judgement::Worse }
}

/// One picture.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Plot {
    /// A name for its file, without spaces: `frozen-false-positives`.
    pub name: String,
    /// What it shows.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The vertical axis.
    pub y: Axis,
    /// The lines in it.
    pub series: Vec<Series>,
    /// What to compare the lines with.
    pub landmarks: Vec<Landmark>,
}

impl Plot {
    /// Nothing drawn yet.
    pub fn new(name: impl Into<String>, title: impl Into<String>, x: Axis, y: Axis) -> Self {
        let (name, title) = (name.into(), title.into());
        Plot { name, title, x, y, series: Vec::new(), landmarks: Vec::new() }
    }
}

/// A published figure in a plot: a point, or with one value a line across.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Landmark {
    /// Whose it is: `Raft, 12-24 ms: mean`.
    pub label: String,
    /// Where on the horizontal axis; everywhere, if none.
    pub x: Option<f64>,
    /// Where on the vertical axis; everywhere, if none.
    pub y: Option<f64>,
}

/// One axis of a plot.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Axis {
    /// What it shows, with its unit.
    pub label: String,
    /// Equal ratios are equally far apart; what is not above 0 is drawn at the
    /// lower edge.
    pub logarithmic: bool,
}

impl Axis {
    /// Equal differences are equally far apart.
    pub fn linear(label: impl Into<String>) -> Self {
        Axis { label: label.into(), logarithmic: false }
    }

    /// Equal ratios are equally far apart.
    pub fn logarithmic(label: impl Into<String>) -> Self {
        Axis { label: label.into(), logarithmic: true }
    }
}

/// One line of a plot.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Series {
    /// Whose it is.
    pub name: String,
    /// Drawn as steps that hold until the next point, not as straight lines
    /// from point to point.
    pub steps: bool,
    /// The points, by rising x.
    pub points: Vec<(f64, f64)>,
}

impl Series {
    /// A line from point to point.
    pub fn line(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Series { name: name.into(), steps: false, points }
    }

    /// Steps: a distribution, or a size over time.
    pub fn steps(name: impl Into<String>, points: Vec<(f64, f64)>) -> Self {
        Series { name: name.into(), steps: true, points }
    }

    /// The part of `values` that is not above x, for each x that occurs.
    pub fn distribution(name: impl Into<String>, mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let count = values.len() as f64;
        let part = |(at, value): (usize, &f64)| (*value, (at + 1) as f64 / count);
        Series::steps(name, values.iter().enumerate().map(part).collect())
    }
}

/// The value below which the part `p` of `values` lies (nearest rank); none
/// of no values.
pub fn percentile(values: &[f64], p: f64) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let rank = (p * sorted.len() as f64).ceil().max(1.0) as usize;
    sorted.get(rank - 1).copied()
}

impl Outcome {
    /// The whole of it as one line of JSON.
    pub fn json(&self) -> String {
        serde_json::to_string(self).expect("numbers and text, with names for keys, are valid JSON")
    }
}

/// A table to be read on a terminal, and the notes under it.
impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: {} (seed {})", self.experiment, self.about, self.seed)?;
        let what = self.figures.iter().map(|it| it.what.chars().count()).max().unwrap_or(0);
        let setting = self.figures.iter().map(|it| it.setting.chars().count()).max().unwrap_or(0);
        for it in &self.figures {
            let ours = it.ours.map_or_else(|| "-".to_owned(), number);
            write!(f, "  {:<what$}  {:<setting$}  {ours:>10}", it.what, it.setting)?;
            if let Some(theirs) = &it.theirs {
                let judgement = it.judgement.map_or_else(String::new, |it| it.to_string());
                let value = number(theirs.value);
                write!(f, " {value:>10} {:<8} {judgement:<6} {}", it.unit, theirs.source)?;
            } else {
                write!(f, " {:>10} {}", "", it.unit)?;
            }
            writeln!(f)?;
        }
        self.notes.iter().try_for_each(|note| writeln!(f, "  note: {note}"))
    }
}

/// With as many decimals as say something.
pub(crate) fn number(value: f64) -> String {
    let decimals = match value.abs() {
        it if it == it.trunc() && it < 1e12 => 0,
        it if it >= 1_000.0 => 0,
        it if it >= 100.0 => 1,
        it if it >= 10.0 => 2,
        it if it >= 0.01 => 3,
        _ => 6,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_is_judged_by_what_is_wanted() {
        let against = |ours: f64, wanted| Figure::new("", "", ours, "").against(100.0, "", wanted);
        let judged = |ours, wanted| against(ours, wanted).judgement.unwrap();
        assert_eq!(judged(98.0, Wanted::Less), Judgement::Better);
        assert_eq!(judged(100.5, Wanted::Less), Judgement::Equal);
        assert_eq!(judged(102.0, Wanted::Less), Judgement::Worse);
        assert_eq!(judged(102.0, Wanted::More), Judgement::Better);
        assert_eq!(judged(98.0, Wanted::Same), Judgement::Worse);
    }

    #[test]
    fn none_against_none_is_equal_and_nothing_measured_is_not_judged() {
        let figure = Figure::new("", "", 0.0, "").against(0.0, "", Wanted::Less);
        assert_eq!(figure.judgement, Some(Judgement::Equal));
        let figure = Figure::new("", "", None, "").against(1.0, "", Wanted::Less);
        assert_eq!(figure.judgement, None);
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<f64> = (1..=1000).rev().map(f64::from).collect();
        assert_eq!(percentile(&values, 0.5), Some(500.0));
        assert_eq!(percentile(&values, 0.99), Some(990.0));
        assert_eq!(percentile(&values, 0.999), Some(999.0));
        assert_eq!(percentile(&[7.0], 0.999), Some(7.0));
        assert_eq!(percentile(&[], 0.5), None);
    }
}
