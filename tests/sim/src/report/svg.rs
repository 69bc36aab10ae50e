//! Plots as SVG: one style for all.

use plotters::{
    chart::ChartContext,
    coord::Shift,
    prelude::*,
    style::text_anchor::{HPos, Pos, VPos},
};

use super::scale::Scale;
use crate::experiments::{Landmark, Plot, Series};

const WIDTH: u32 = 860;
/// Of title, axes and what is between them.
const CHART_HEIGHT: u32 = 380;
/// Of a line of the legend; there are two columns.
const LEGEND_LINE: u32 = 20;
const LEGEND_COLUMNS: usize = 2;
/// The backend makes them smaller by 1.24.
const TITLE_SIZE: u32 = 19;
const TEXT_SIZE: u32 = 15;
const FONT: &str = "sans-serif";

/// Okabe and Ito's colours, which also the colour-blind tell apart.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(230, 159, 0),
    RGBColor(86, 180, 233),
    RGBColor(0, 0, 0),
];
const TEXT: RGBColor = RGBColor(40, 40, 40);
const GRID: RGBColor = RGBColor(225, 225, 225);
const LANDMARK: RGBColor = RGBColor(90, 90, 90);

/// With fewer points than these, each is marked.
const POINTS_MARKED: usize = 12;
/// Points that are nearer to each other than this part of the axes are one.
const NEAR: f64 = 0.0004;

type Chart<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<Scale, Scale>>;
type Area<'b> = DrawingArea<SVGBackend<'b>, Shift>;
type Drawn = Result<(), String>;

/// The plot as an SVG file's text.
pub(super) fn svg(plot: &Plot) -> Result<String, String> {
    let entries = plot.series.len() + plot.landmarks.len();
    let lines = u32::try_from(entries.div_ceil(LEGEND_COLUMNS)).expect("a plot has few lines");
    let size = (WIDTH, CHART_HEIGHT + lines * LEGEND_LINE + LEGEND_LINE / 2);
    let mut text = String::new();
    {
        let area = SVGBackend::with_string(&mut text, size).into_drawing_area();
        area.fill(&WHITE).map_err(said)?;
        let (chart, legend) = area.split_vertically(CHART_HEIGHT);
        draw_chart(plot, &chart)?;
        draw_legend(plot, &legend)?;
        area.present().map_err(said)?;
    }
    Ok(text)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn draw_chart(plot: &Plot, area: &Area<'_>) -> Drawn {
    let points = || plot.series.iter().flat_map(|series| series.points.iter());
    let x = points().map(|point| point.0).chain(plot.landmarks.iter().filter_map(|it| it.x));
    let y = points().map(|point| point.1).chain(plot.landmarks.iter().filter_map(|it| it.y));
    let (x, y) = (Scale::new(&plot.x, x), Scale::new(&plot.y, y));
    let text = (FONT, TEXT_SIZE).into_font().color(&TEXT);
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .margin_right(24)
        .caption(&plot.title, (FONT, TITLE_SIZE).into_font().color(&TEXT))
        .x_label_area_size(44)
        .y_label_area_size(64)
        .build_cartesian_2d(x.clone(), y.clone())
        .map_err(said)?;
    chart
        .configure_mesh()
        .bold_line_style(GRID)
        .light_line_style(TRANSPARENT)
        .axis_style(TEXT)
        .label_style(text.clone())
        .axis_desc_style(text)
        .x_desc(&plot.x.label)
        .y_desc(&plot.y.label)
        .draw()
        .map_err(said)?;
    for (number, landmark) in plot.landmarks.iter().enumerate() {
        draw_landmark(&mut chart, (&x, &y), number, landmark)?;
    }
    for (number, series) in plot.series.iter().enumerate() {
        draw_series(&mut chart, (&x, &y), number, series)?;
    }
    Ok(())
}

fn colour(number: usize) -> RGBColor {
    COLOURS[number % COLOURS.len()]
}

/// Lines beyond the number of colours are thinner, so that no two are alike.
fn stroke(number: usize) -> u32 {
    if number < COLOURS.len() { 2 } else { 1 }
}

fn draw_series(
    chart: &mut Chart<'_, '_>,
    (x, y): (&Scale, &Scale),
    number: usize,
    series: &Series,
) -> Drawn {
    let style = colour(number).stroke_width(stroke(number));
    let mut line: Vec<(f64, f64)> = Vec::new();
    for &next in &series.points {
        if let Some(&last) = line.last() {
            let near =
                |scale: &Scale, a: f64, b: f64| (scale.place(a) - scale.place(b)).abs() < NEAR;
            if near(x, last.0, next.0) && near(y, last.1, next.1) {
                continue;
            }
            if series.steps {
                line.push((next.0, last.1));
            }
        }
        line.push(next);
    }
    if !series.steps && line.len() < POINTS_MARKED {
        let points = line.iter().map(|at| Circle::new(*at, 4, colour(number).filled()));
        chart.draw_series(points).map_err(said)?;
    }
    chart.draw_series([PathElement::new(line, style)]).map_err(said)?;
    Ok(())
}

/// `a`, `b`, ...: so a landmark is called in the plot.
fn letter(number: usize) -> String {
    let letters = u8::try_from(number % 26).expect("less than 26");
    char::from(b'a' + letters).to_string()
}

fn draw_landmark(
    chart: &mut Chart<'_, '_>,
    (x, y): (&Scale, &Scale),
    number: usize,
    landmark: &Landmark,
) -> Drawn {
    let (from, to) = match (landmark.x, landmark.y) {
        (Some(across), Some(up)) => {
            let mark = Cross::new((across, up), 5, LANDMARK.stroke_width(2));
            chart.draw_series([mark]).map_err(said)?;
            ((across, up), (across, up))
        }
        (Some(across), None) => ((across, y.ends().0), (across, y.ends().1)),
        (None, Some(up)) => ((x.ends().0, up), (x.ends().1, up)),
        (None, None) => return Ok(()),
    };
    if from != to {
        let line = DashedLineSeries::new([from, to], 6, 4, LANDMARK.stroke_width(1));
        chart.draw_series(line).map_err(said)?;
    }
    let style =
        (FONT, TEXT_SIZE).into_font().color(&LANDMARK).pos(Pos::new(HPos::Right, VPos::Bottom));
    let name = EmptyElement::at(to) + Text::new(letter(number), (-6, -3), style);
    chart.draw_series([name]).map_err(said)?;
    Ok(())
}

fn draw_legend(plot: &Plot, area: &Area<'_>) -> Drawn {
    let style = (FONT, TEXT_SIZE).into_font().color(&TEXT).pos(Pos::new(HPos::Left, VPos::Center));
    let series = plot.series.iter().map(|series| series.name.as_str());
    let landmarks = plot.landmarks.iter().map(|landmark| landmark.label.as_str());
    for (number, name) in series.chain(landmarks).enumerate() {
        let column = i32::try_from(number % LEGEND_COLUMNS).expect("two columns");
        let line = i32::try_from(number / LEGEND_COLUMNS).expect("few lines");
        let left = 76 + column * 390;
        let middle = line * LEGEND_LINE as i32 + LEGEND_LINE as i32 / 2;
        if let Some(landmark) = number.checked_sub(plot.series.len()) {
            let at = (left + 8, middle);
            area.draw(&Text::new(letter(landmark), at, style.color(&LANDMARK))).map_err(said)?;
        } else {
            let line = [(left, middle), (left + 22, middle)];
            let stroke = colour(number).stroke_width(stroke(number) + 1);
            area.draw(&PathElement::new(line, stroke)).map_err(said)?;
        }
        area.draw(&Text::new(name.to_owned(), (left + 30, middle), style.clone())).map_err(said)?;
    }
    Ok(())
}
