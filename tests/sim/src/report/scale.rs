//! From the values of an axis to places along it, and the values that get a
//! label.

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged, ValueFormatter};

use crate::experiments::Axis;

/// About so many labels.
const LABELS: f64 = 6.0;
/// With more decades than these, only the powers of ten are labelled.
const DECADES_IN_PARTS: f64 = 2.5;
/// So much room beyond the outermost values, of what they span.
const MARGIN: f64 = 0.04;

/// How the values of one axis are laid out.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Scale {
    logarithmic: bool,
    /// What is drawn, in places: values, or their logarithms.
    places: Range<f64>,
    /// Values with a label.
    ticks: Vec<f64>,
}

impl Scale {
    /// For an axis on which all `values` are to be seen.
    pub(super) fn new(axis: &Axis, values: impl Iterator<Item = f64>) -> Self {
        let shown: Vec<f64> =
            values.filter(|it| it.is_finite() && (!axis.logarithmic || *it > 0.0)).collect();
        let low = shown.iter().copied().min_by(f64::total_cmp).unwrap_or(1.0);
        let high = shown.iter().copied().max_by(f64::total_cmp).unwrap_or(low);
        if axis.logarithmic {
            return Scale::of_ratios(low, high);
        }
        // Half a member is no label.
        let least = if shown.iter().all(|it| it.fract() == 0.0) { 1.0 } else { 0.0 };
        Scale::of_differences(low, high, least)
    }

    fn of_differences(low: f64, high: f64, least_step: f64) -> Self {
        // What begins near nothing begins at nothing.
        let begins = if low >= 0.0 && low < high / 2.0 { 0.0 } else { low };
        let span = if high > begins { high - begins } else { 1.0 };
        let below = if begins == 0.0 { 0.0 } else { span * MARGIN };
        let range = begins - below..begins + span * (1.0 + MARGIN);
        let step = round_step(span / LABELS).max(least_step);
        let first = (range.start / step).ceil() as i64;
        let last = (range.end / step).floor() as i64;
        let ticks = (first..=last).map(|number| number as f64 * step).collect();
        Scale { logarithmic: false, places: range, ticks }
    }

    fn of_ratios(low: f64, high: f64) -> Self {
        let (low, high) = (low.log10(), high.log10());
        let span = (high - low).max(0.3);
        let range = low - span * MARGIN..low + span * (1.0 + MARGIN);
        let parts: &[f64] = if span > DECADES_IN_PARTS { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let decades = range.start.floor() as i32..=range.end.ceil() as i32;
        let ticks = decades
            .flat_map(|decade| parts.iter().map(move |part| part * 10_f64.powi(decade)))
            .filter(|value| range.contains(&value.log10()))
            .collect();
        Scale { logarithmic: true, places: range, ticks }
    }

    /// Where `value` lies, 0 and 1 being the ends; what is too small for a
    /// logarithm, at the lower one.
    pub(super) fn place(&self, value: f64) -> f64 {
        let place = match self.logarithmic {
            false => value,
            true if value > 0.0 => value.log10(),
            true => self.places.start,
        };
        (place - self.places.start) / (self.places.end - self.places.start)
    }

    /// The values at the two ends.
    pub(super) fn ends(&self) -> (f64, f64) {
        let value = |place: f64| if self.logarithmic { 10_f64.powf(place) } else { place };
        (value(self.places.start), value(self.places.end))
    }
}

impl Ranged for Scale {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let along = self.place(*value) * f64::from(limit.1 - limit.0);
        limit.0 + along.round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Labelled lines only; finer ones would be clutter.
        if hint.weight().allow_light_points() { Vec::new() } else { self.ticks.clone() }
    }

    fn range(&self) -> Range<f64> {
        let (low, high) = self.ends();
        low..high
    }
}

impl ValueFormatter<f64> for Scale {
    fn format_ext(&self, value: &f64) -> String {
        let apart = match self.ticks[..] {
            _ if self.logarithmic => *value,
            [first, second, ..] => second - first,
            [_] | [] => *value,
        };
        let decimals = if apart > 0.0 { (-apart.log10().floor()).max(0.0) } else { 0.0 };
        format!("{value:.*}", decimals.min(9.0) as usize)
    }
}

/// The nearest of 1, 2 and 5 times a power of ten that is not less.
fn round_step(step: f64) -> f64 {
    let decade = 10_f64.powf(step.log10().floor());
    let part = [1.0, 2.0, 5.0].into_iter().find(|part| decade * part >= step).unwrap_or(10.0);
    decade * part
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis, values: &[f64]) -> Vec<String> {
        let scale = Scale::new(axis, values.iter().copied());
        scale.ticks.iter().map(|tick| scale.format_ext(tick)).collect()
    }

    #[test]
    fn a_linear_axis_has_round_labels() {
        let linear = Axis::linear("");
        assert_eq!(labels(&linear, &[0.0, 10.4]), ["0", "2", "4", "6", "8", "10"]);
        assert_eq!(labels(&linear, &[0.1, 1.0]), ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&linear, &[990.0, 1000.0]), ["990", "992", "994", "996", "998", "1000"]);
        assert_eq!(labels(&linear, &[15.0, 16.0]), ["15", "16"]);
    }

    #[test]
    fn a_logarithmic_axis_is_labelled_within_decades_if_there_are_few() {
        let logarithmic = Axis::logarithmic("");
        assert_eq!(labels(&logarithmic, &[20.0, 800.0]), ["20", "50", "100", "200", "500"]);
        assert_eq!(labels(&logarithmic, &[0.02, 200.0]), ["0.1", "1", "10", "100"]);
    }

    #[test]
    fn one_value_and_none_still_make_an_axis() {
        for axis in [Axis::linear(""), Axis::logarithmic("")] {
            for values in [&[7.0][..], &[0.0], &[]] {
                let scale = Scale::new(&axis, values.iter().copied());
                assert!(scale.places.start < scale.places.end, "{axis:?} {values:?}: {scale:?}");
            }
        }
    }

    #[test]
    fn nothing_on_a_logarithmic_axis_is_at_its_edge() {
        let scale = Scale::new(&Axis::logarithmic(""), [1.0, 100.0].into_iter());
        assert_eq!(scale.place(0.0), 0.0);
        assert_eq!(scale.place(10.0), 0.5);
    }
}
