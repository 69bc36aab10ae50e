//! A lab of its own for a demo or a measurement, ended with it.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, bail};

use crate::{
    control::{Done, Lab, Request, Status},
    events::{Event, Watch},
    files,
    model::Model,
    plan::{Links, Plan},
    privilege, serve,
    trial::{Outcome, Times, Trial},
};

/// A running lab and what its daemons say.
#[derive(Debug)]
pub struct Session {
    lab: Lab,
    /// What was built.
    pub plan: Plan,
    /// What was said.
    pub watch: Watch,
    /// How long things may take.
    pub times: Times,
    /// CLOCK_MONOTONIC when the first daemon was started.
    pub started_ns: u64,
    keep: bool,
}

/// How a repair went.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Repair {
    /// Nanoseconds until the cluster was whole, in the eyes of each node.
    pub took_ns: Vec<u64>,
    /// Failures that were reported after the repair, each with its observer.
    pub failures: Vec<(usize, Event)>,
}

impl Repair {
    /// What was not right, in words.
    pub fn complaints(&self) -> Vec<String> {
        let words = |(observer, event): &(usize, Event)| {
            let node = Plan::node_name(*observer);
            format!("after the repair {node} said {}: {}", event.words(), event.msg)
        };
        self.failures.iter().map(words).collect()
    }
}

impl Session {
    /// Starts a lab that ends with this process. Without tap devices it falls
    /// back to veth pairs where these can do what is asked, and says so.
    ///
    /// # Errors
    ///
    /// What kept the lab from starting.
    pub fn start(dir: Option<&Path>, mut plan: Plan, veth_will_do: bool) -> Result<Session> {
        let mut note = None;
        if let Err(error) = privilege::check_links(plan.links) {
            if !veth_will_do {
                return Err(error);
            }
            plan.links = Links::Veth;
            let words = format!("{error:#}");
            note = words.split("; or use").next().map(str::to_owned);
        }
        let dir = dir.map_or_else(own_dir, Path::to_owned);
        let lab = serve::launch(&dir, &plan, false)?;
        if let Some(note) = note {
            crate::out::say!("Using veth pairs and kernel bridges: {note}\n");
        }
        let status = lab.status()?;
        let started_ns = status.nodes.iter().map(|node| node.started_ns).min().unwrap_or(0);
        let watch = Watch::new(status.nodes.iter().map(|node| node.log.as_path()));
        let times = Times::of(&plan.profile);
        Ok(Session { lab, plan, watch, times, started_ns, keep: false })
    }

    /// Asks the lab for something; returns when it was done.
    ///
    /// # Errors
    ///
    /// Why it could not be done.
    pub fn ask(&self, request: &Request) -> Result<u64> {
        Ok(self.lab.ask::<Done>(request)?.mono_ns)
    }

    /// Everything there is to show of the lab.
    ///
    /// # Errors
    ///
    /// The lab has ended.
    pub fn status(&self) -> Result<Status> {
        self.lab.status()
    }

    /// Every node.
    pub fn everyone(&self) -> Vec<usize> {
        (0..self.plan.nodes).collect()
    }

    /// What a node believes.
    pub fn model(&self, observer: usize) -> Model {
        Model::of(&self.watch.said[observer])
    }

    /// Waits until each of these nodes sees all of them up and rightly led;
    /// returns when each came to see it.
    ///
    /// # Errors
    ///
    /// Names what is missing, in whose eyes, or whose daemon has ended.
    pub fn wait_whole(&mut self, alive: &[usize], limit: Duration) -> Result<Vec<u64>> {
        let plan = self.plan.clone();
        let whole = |watch: &Watch| -> Vec<Option<u64>> {
            alive.iter().map(|i| Model::of(&watch.said[*i]).whole_since(&plan, alive)).collect()
        };
        let lab = self.lab.clone();
        let mut asked = std::time::Instant::now();
        let mut ended = None;
        self.watch.wait(limit, |watch| {
            if asked.elapsed() > Duration::from_secs(1) {
                asked = std::time::Instant::now();
                ended = ended_daemon(&lab, alive);
            }
            ended.is_some() || whole(watch).iter().all(Option::is_some)
        })?;
        if let Some(words) = ended {
            self.keep = true;
            bail!("{words}");
        }
        let since = whole(&self.watch);
        if let Some(at) = since.iter().position(Option::is_none) {
            self.keep = true;
            let observer = alive[at];
            bail!(
                "after {limit:?} the cluster is not whole in the eyes of {}: {}",
                Plan::node_name(observer),
                self.model(observer).missing(&self.plan, alive).join("; ")
            );
        }
        Ok(since.into_iter().flatten().collect())
    }

    /// Does what a trial wants, waits for what must be said, and judges it.
    ///
    /// # Errors
    ///
    /// The fault could not be injected.
    pub fn run(&mut self, trial: &Trial) -> Result<Outcome> {
        let marks = self.watch.mark()?;
        let injected = self.ask(&trial.request)?;
        self.watch.wait(self.times.patience(), |watch| trial.is_said(watch, &marks))?;
        self.watch.linger(self.times.settle())?;
        let outcome = trial.judge(&self.watch, &marks, injected);
        self.keep |= !outcome.is_right();
        Ok(outcome)
    }

    /// Repairs everything and waits until the cluster is whole again.
    ///
    /// # Errors
    ///
    /// It did not become whole.
    pub fn heal(&mut self) -> Result<Repair> {
        let marks = self.watch.mark()?;
        let at = self.ask(&Request::Heal { node: None, adapter: None })?;
        let whole = self.wait_whole(&self.everyone(), self.times.recovery())?;
        self.watch.linger(self.times.settle())?;
        let failures: Vec<_> = self
            .watch
            .said
            .iter()
            .enumerate()
            .flat_map(|(i, events)| events[marks[i]..].iter().map(move |event| (i, event)))
            .filter(|(_, event)| event.is_judgement() && event.is_failure())
            .map(|(i, event)| (i, event.clone()))
            .collect();
        self.keep |= !failures.is_empty();
        let took_ns = whole.iter().map(|ns| ns.saturating_sub(at)).collect();
        Ok(Repair { took_ns, failures })
    }

    /// Where the logs are, if they will be kept: something was not right.
    pub fn kept_logs(&self) -> Option<&Path> {
        self.keep.then(|| self.lab.dir())
    }

    /// The socket of a node's daemon.
    ///
    /// # Errors
    ///
    /// The lab has ended.
    pub fn socket(&self, node: usize) -> Result<PathBuf> {
        Ok(self.status()?.nodes.get(node).context("no such node")?.socket.clone())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        if let Err(error) = self.lab.down(self.keep) {
            eprintln!("hats-lab: the lab did not end in good order: {error:#}");
        }
    }
}

fn own_dir() -> PathBuf {
    let mut name = files::default_dir().into_os_string();
    name.push(format!("-{}", std::process::id()));
    name.into()
}

/// Says so when a daemon that should run has ended, with its last words.
fn ended_daemon(lab: &Lab, alive: &[usize]) -> Option<String> {
    let status = lab.status().ok()?;
    let node = alive
        .iter()
        .filter_map(|i| status.nodes.get(*i))
        .find(|node| node.hatsd.is_none() && node.ended.is_some())?;
    let log = std::fs::read_to_string(&node.log).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    let last = lines[lines.len().saturating_sub(3)..].join("\n");
    let how = node.ended.as_deref().unwrap_or_default();
    Some(format!("hatsd of {} {how}; its last words:\n{last}", node.node))
}
