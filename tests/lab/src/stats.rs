//! Figures of many samples. Pure.

use serde::Serialize;

/// Smallest, median and largest of some durations in milliseconds.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Summary {
    /// How many.
    pub samples: usize,
    /// The smallest.
    pub min_ms: f64,
    /// The median: of an even number the lower of the two in the middle.
    pub median_ms: f64,
    /// The largest.
    pub max_ms: f64,
}

impl Summary {
    /// Sums up; `None` when there are no samples.
    pub fn of(samples_ns: &[u64]) -> Option<Summary> {
        let mut sorted = samples_ns.to_vec();
        sorted.sort_unstable();
        let (first, last) = (sorted.first()?, sorted.last()?);
        let median = sorted.get((sorted.len() - 1) / 2)?;
        Some(Summary {
            samples: sorted.len(),
            min_ms: ms(*first),
            median_ms: ms(*median),
            max_ms: ms(*last),
        })
    }
}

/// Milliseconds with three digits after the point.
pub fn ms(ns: u64) -> f64 {
    (ns as f64 / 1e3).round() / 1e3
}

/// Milliseconds for people: enough digits and no more.
pub fn show_ms(ms: f64) -> String {
    if ms < 10.0 { format!("{ms:.2} ms") } else { format!("{ms:.0} ms") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_number_is_one_of_the_samples() {
        let summary = Summary::of(&[4_000_000, 1_000_000, 3_000_000, 2_000_000]).unwrap();
        assert_eq!((summary.samples, summary.min_ms), (4, 1.0));
        assert_eq!((summary.median_ms, summary.max_ms), (2.0, 4.0));
        assert_eq!(Summary::of(&[]), None);
    }
}
