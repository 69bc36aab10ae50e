//! GulfStream's cold start (IEEE CLUSTER 2001): 55 nodes with three adapters
//! each find themselves.

use std::time::Duration;

use super::{Axis, Experiment, Figure, Outcome, Plot, Progress, Request, sizes, stage::Stage};
use crate::Plan;

/// See the module.
pub(crate) const COLD_START: Experiment = Experiment {
    name: "cold-start",
    about: "55 nodes with three adapters each start at once: time until each network is one \
            group and every node knows all adapters (GulfStream, CLUSTER 2001)",
    run,
};

const NETWORKS: u8 = 3;
/// Nothing takes longer.
const LIMIT: Duration = Duration::from_secs(60);

fn run(request: &Request, progress: &mut Progress) -> Result<Outcome, String> {
    let nodes = request.nodes_or(10, 55);
    let setting = format!("{nodes} nodes, {NETWORKS} adapters each, all at once");
    let mut stage = Stage::new(Plan::lan(request.seed, nodes, NETWORKS));
    let what = "one group on each network";
    stage.must(LIMIT, progress, what, |stage| stage.formed(nodes))?;
    let formed = stage.adoptions_from(0).last().map_or(Duration::ZERO, |last| last.at);
    let what = "every node sees every adapter up";
    stage.must(LIMIT, progress, what, |stage| stage.world.settled())?;
    let known = stage.world.now();
    // Nothing may change for ten intervals; then it is called stable.
    let ten = stage.interval() * 10;
    stage.run_for(ten, progress, "it is stable")?;
    let all = stage.adoptions_from(0);
    let last = all.last().map_or(Duration::ZERO, |last| last.at);
    let figure = |what: &str, ours: f64, unit: &str| Figure::new(what, &setting, ours, unit);
    let mut outcome = COLD_START.outcome(request);
    outcome.figures = vec![
        figure("time until each network is one group", formed.as_secs_f64(), "s"),
        figure("time until every node sees every adapter up", known.as_secs_f64(), "s"),
        figure("time until all are stable", (last + ten).as_secs_f64(), "s"),
        figure(
            "distinct sizes, every view of every adapter",
            sizes::distinct(all).len() as f64,
            "",
        ),
    ];
    let (x, y) = (Axis::linear("time, s"), Axis::linear("members in a view"));
    let mut plot = Plot::new("cold-start", format!("Cold start: {setting}"), x, y);
    plot.series.extend(sizes::over_time(all, (Duration::ZERO, stage.world.now()), |_| true));
    outcome.plots.push(plot);
    outcome.notes.push(
        "GulfStream gives a formula for the time to a stable view, beaconing + forming the \
         adapter groups + reporting to the central view, and no measured figure that could be \
         verified; so there is none beside ours."
            .to_owned(),
    );
    Ok(outcome)
}
