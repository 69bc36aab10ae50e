//! One adapter in a hundred receives nothing by turns, or loses most of its
//! packets one way: who is removed, and does it last.

use std::{collections::BTreeSet, time::Duration};

use hats_core::event::{Event, EventKind};
use hats_wire::Cause;

use super::TARGET;
use crate::{
    Mark, Plan,
    experiments::{
        Axis, Experiment, Figure, Landmark, Outcome, Plot, Progress, Request, Series, Wanted,
        blamed::Blamed,
        sizes,
        stage::{Choices, Stage, derived},
    },
    host::Port,
};

/// One in a hundred drops all it receives, by turns.
pub(crate) const FLIP_FLOP: Experiment = Experiment {
    name: "flip-flop",
    about: "1 % of the nodes receive nothing for 20 s, are well for 20 s, and so on (Rapid, \
            ATC 2018, figure 9)",
    run: flip_flop,
};

/// One in a hundred loses four packets of five.
pub(crate) const LOSS: Experiment = Experiment {
    name: "loss",
    about: "1 % of the nodes lose 80 % of what they receive, or of what they send (Rapid, \
            ATC 2018, figure 10)",
    run: loss,
};

const NETWORK: &str = "neta";

/// What is done to the adapters of the faulty on one of the two networks.
#[derive(Clone, Copy, PartialEq)]
enum Fault {
    FlipFlop { turns: u32, each: Duration },
    Loss { inward: f64, outward: f64, lasts: Duration },
}

impl Fault {
    fn words(self) -> String {
        match self {
            Fault::FlipFlop { turns, each } => {
                format!("deaf {s} s, well {s} s, {turns} times", s = each.as_secs())
            }
            Fault::Loss { inward, lasts, .. } if inward > 0.0 => {
                format!("{:.0} % of what is received, for {} s", inward * 100.0, lasts.as_secs())
            }
            Fault::Loss { outward, lasts, .. } => {
                format!("{:.0} % of what is sent, for {} s", outward * 100.0, lasts.as_secs())
            }
        }
    }

    /// What may be said of a faulty adapter.
    fn causes(self) -> &'static [Cause] {
        match self {
            Fault::FlipFlop { .. } => &[Cause::Receive],
            Fault::Loss { inward, .. } if inward > 0.0 => &[Cause::Receive, Cause::Both],
            Fault::Loss { .. } => &[Cause::Transmit, Cause::Both],
        }
    }
}

/// A cluster in which it happened.
struct Trial {
    stage: Stage,
    nodes: u32,
    faulty: BTreeSet<String>,
    fault: Fault,
    mark: Mark,
    /// The adoptions before.
    before: usize,
}

fn flip_flop(request: &Request, progress: &mut Progress) -> Result<Outcome, String> {
    let nodes = request.nodes_or(16, 1000);
    let (turns, each) = if request.quick { (2, 5) } else { (5, 20) };
    let fault = Fault::FlipFlop { turns, each: Duration::from_secs(each) };
    let trial = Trial::begin(request.seed, nodes, fault, progress)?.carried_out(progress)?;
    let mut outcome = FLIP_FLOP.outcome(request);
    outcome.figures = trial.figures("Rapid, ATC 2018, fig. 9");
    outcome.plots.push(trial.plot("flip-flop"));
    outcome.notes.extend(trial.notes());
    outcome.notes.push(
        "Rapid never lets a removed process back in; a hats adapter that works again is taken \
         back, and holding those that keep failing (damping) is not built yet: a turn costs two \
         view changes."
            .to_owned(),
    );
    Ok(outcome)
}

fn loss(request: &Request, progress: &mut Progress) -> Result<Outcome, String> {
    let nodes = request.nodes_or(16, 1000);
    let lasts = Duration::from_secs(if request.quick { 10 } else { 100 });
    let mut outcome = LOSS.outcome(request);
    for (number, (inward, outward)) in [(0.8, 0.0), (0.0, 0.8)].into_iter().enumerate() {
        let seed = derived(request.seed, number as u64);
        let fault = Fault::Loss { inward, outward, lasts };
        let trial = Trial::begin(seed, nodes, fault, progress)?.carried_out(progress)?;
        outcome.figures.extend(trial.figures("Rapid, ATC 2018, fig. 10"));
        outcome.plots.push(trial.plot(["loss-ingress", "loss-egress"][number]));
        outcome.notes.extend(trial.notes());
    }
    outcome.notes.push(
        "The paper's text has loss of what is sent, the caption of its figure loss of what is \
         received: both are here. Its time is read off the figure: 45 to 65 s."
            .to_owned(),
    );
    Ok(outcome)
}

impl Trial {
    fn begin(seed: u64, nodes: u32, fault: Fault, progress: &mut Progress) -> Result<Self, String> {
        let mut stage = Stage::at_rest(Plan::lan(seed, nodes, 2), nodes, progress)?;
        let mut choices = Choices::new(seed);
        let faulty = choices.nodes((nodes / 100).max(1), nodes).into_iter().collect();
        let phase = choices.within(stage.interval());
        stage.run_for(phase, progress, "the cluster rests")?;
        let (mark, before) = (stage.world.mark(), stage.adoptions());
        Ok(Trial { stage, nodes, faulty, fault, mark, before })
    }

    fn carried_out(mut self, progress: &mut Progress) -> Result<Self, String> {
        let what = self.fault.words();
        match self.fault {
            Fault::FlipFlop { turns, each } => {
                for turn in 1..=turns {
                    let what = format!("{what}, turn {turn}");
                    self.each_faulty(|stage, node| stage.world.deaf(node, NETWORK));
                    self.stage.run_for(each, progress, &what)?;
                    self.each_faulty(|stage, node| stage.world.heal(node, NETWORK));
                    self.stage.run_for(each, progress, &what)?;
                }
            }
            Fault::Loss { inward, outward, lasts } => {
                self.each_faulty(|stage, node| {
                    stage.world.adapter_loss(node, NETWORK, inward, outward);
                });
                self.stage.run_for(lasts, progress, &what)?;
            }
        }
        Ok(self)
    }

    fn each_faulty(&mut self, act: impl Fn(&mut Stage, &str)) {
        for node in &self.faulty {
            act(&mut self.stage, node);
        }
    }

    /// Whether this is an adapter on the network in question, of a node that
    /// has no fault.
    fn is_healthy(&self, port: Port) -> bool {
        let world = &self.stage.world;
        let on = &world.networks[world.adapter(port).network].spec.name;
        on == NETWORK && !self.faulty.contains(world.hosts[port.host].name())
    }

    /// All that was in order to say about this fault.
    fn is_right(&self, event: &Event) -> bool {
        event.kind == EventKind::AdapterDown
            && event.network.as_deref() == Some(NETWORK)
            && event.node.as_ref().is_some_and(|node| self.faulty.contains(node))
            && event.cause.is_some_and(|cause| self.fault.causes().contains(&cause))
    }

    fn setting(&self) -> String {
        let networks = "one of 2 networks";
        format!("{} of {} nodes; {networks}; {}", self.faulty.len(), self.nodes, self.fault.words())
    }

    fn figures(&self, source: &str) -> Vec<Figure> {
        let setting = self.setting();
        let figure =
            |what: &str, ours: Option<f64>, unit: &str| Figure::new(what, &setting, ours, unit);
        let faulty = self.faulty.len() as f64;
        let found = self.found() as f64;
        let blamed = self.healthy_blamed().count() as f64;
        let other = self.other_words().count() as f64;
        let changes = self.changes();
        let out = self.out_for_good();
        let mut figures = vec![
            figure("faulty adapters said to be so by every healthy node", Some(found), "").against(
                faulty,
                source,
                Wanted::Same,
            ),
            figure("healthy nodes, adapters or paths that were blamed", Some(blamed), "").against(
                0.0,
                source,
                Wanted::Less,
            ),
            figure("other things said of the faulty", Some(other), "").against(
                0.0,
                TARGET,
                Wanted::Less,
            ),
            figure("sizes seen that are not all, or all but the faulty", Some(self.between()), "")
                .against(0.0, source, Wanted::Less),
            figure("view changes, most at a healthy node", Some(changes as f64), "").against(
                1.0,
                source,
                Wanted::Less,
            ),
            figure("time until every healthy view is first without them", self.first_out(), "s"),
        ];
        if let Fault::Loss { .. } = self.fault {
            // The end of the range that is read off the figure.
            figures.push(figure("time until they are out for good", out, "s").against(
                45.0,
                source,
                Wanted::Less,
            ));
        }
        figures
    }

    /// How many of the faulty every healthy node has said to be so.
    fn found(&self) -> usize {
        let world = &self.stage.world;
        let healthy = self.nodes as usize - self.faulty.len();
        let mut by: std::collections::BTreeMap<&str, BTreeSet<&str>> = Default::default();
        for said in world.since(self.mark).iter().filter(|said| self.is_right(&said.event)) {
            if let Some(node) = said.event.node.as_deref()
                && !self.faulty.contains(&said.observer)
            {
                by.entry(node).or_default().insert(&said.observer);
            }
        }
        by.values().filter(|observers| observers.len() == healthy).count()
    }

    /// What was said, by anybody, of anything without a fault.
    fn healthy_blamed(&self) -> Blamed {
        let about_faulty = |event: &Event| {
            let ends = [event.node.as_ref(), event.peer_node.as_ref()];
            ends.into_iter().flatten().any(|node| self.faulty.contains(node))
        };
        Blamed::since(&self.stage.world, self.mark, |_| true, about_faulty)
    }

    /// What was said of the faulty that is not what they have.
    fn other_words(&self) -> Blamed {
        let right_or_healthy = |event: &Event| {
            let ends = [event.node.as_ref(), event.peer_node.as_ref()];
            let about = ends.into_iter().flatten().any(|node| self.faulty.contains(node));
            !about || self.is_right(event)
        };
        Blamed::since(&self.stage.world, self.mark, |_| true, right_or_healthy)
    }

    fn changes(&self) -> usize {
        let after = self.stage.adoptions_from(self.before).iter();
        let changes = sizes::changes(after.filter(|it| self.is_healthy(it.port)));
        changes.values().copied().max().unwrap_or(0)
    }

    fn between(&self) -> f64 {
        let after = self.stage.adoptions_from(self.before).iter();
        let all = self.nodes as usize;
        let without = all - self.faulty.len();
        let sizes: BTreeSet<usize> = after
            .filter(|it| self.is_healthy(it.port))
            .map(|it| it.members.len())
            .filter(|size| *size != all && *size != without)
            .collect();
        sizes.len() as f64
    }

    /// From the fault to the first moment in which every healthy node has all
    /// the faulty out of its view, and nobody else.
    fn first_out(&self) -> Option<f64> {
        self.moments_out().first().map(|(from, _)| *from)
    }

    /// From the fault to the moment from which on that stays so.
    fn out_for_good(&self) -> Option<f64> {
        self.moments_out().last().filter(|(_, to)| to.is_none()).map(|(from, _)| *from)
    }

    /// When every healthy node's view was without exactly the faulty: from and,
    /// if it ended, to, in seconds since the fault.
    fn moments_out(&self) -> Vec<(f64, Option<f64>)> {
        let world = &self.stage.world;
        let without = self.nodes as usize - self.faulty.len();
        let addresses: BTreeSet<_> = self
            .faulty
            .iter()
            .map(|node| world.adapter(world.port_named(node, NETWORK)).address)
            .collect();
        let mut out: BTreeSet<Port> = BTreeSet::new();
        let mut moments: Vec<(f64, Option<f64>)> = Vec::new();
        for adoption in self.stage.adoptions_from(self.before) {
            if !self.is_healthy(adoption.port) {
                continue;
            }
            let members = &adoption.members;
            let exactly = members.len() == without
                && !members.iter().any(|address| addresses.contains(address));
            let at = (adoption.at - world.time_of(self.mark)).as_secs_f64();
            let was_out = out.len() == without;
            if exactly {
                out.insert(adoption.port)
            } else {
                out.remove(&adoption.port)
            };
            match (was_out, out.len() == without) {
                (false, true) => moments.push((at, None)),
                (true, false) => {
                    if let Some(last) = moments.last_mut() {
                        last.1 = Some(at);
                    }
                }
                (true, true) | (false, false) => {}
            }
        }
        moments
    }

    fn notes(&self) -> Vec<String> {
        let healthy = self.healthy_blamed().words().map(|it| format!("wrong blame: {it}"));
        let other = self.other_words().words().map(|it| format!("of the faulty: {it}"));
        let found = healthy.into_iter().chain(other);
        found.map(|it| format!("{}: {it}", self.fault.words())).collect()
    }

    fn plot(&self, name: &str) -> Plot {
        let title = format!("{}: {}", self.setting(), "views of the healthy");
        let (x, y) = (Axis::linear("time, s"), Axis::linear("members in a view"));
        let mut plot = Plot::new(name, title, x, y);
        let world = &self.stage.world;
        let span = (world.time_of(self.mark), world.now());
        let views: Vec<Series> =
            sizes::over_time(self.stage.adoptions_from(0), span, |port| self.is_healthy(port));
        plot.series.extend(views);
        let without = f64::from(self.nodes) - self.faulty.len() as f64;
        let label = "all but the faulty".to_owned();
        plot.landmarks.push(Landmark { label, x: None, y: Some(without) });
        plot
    }
}
