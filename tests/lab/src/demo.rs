//! The story of what hats does, told with a live cluster, and checked.

use std::{path::Path, process::Command, time::Duration};

use anyhow::{Context, Result, ensure};

use crate::{
    binaries::Binaries,
    out::{columns, say},
    plan::{Links, Plan, Port},
    session::Session,
    stats::{Summary, ms, show_ms},
    trial::{Outcome, Trial},
};

/// What the demo is to show.
#[derive(Clone, Debug, clap::Args)]
pub struct DemoArgs {
    /// Detection profile: default (1 s), fast (150 ms), bfd (30 ms) or wan (8 s).
    #[arg(long, default_value = "default", value_parser = crate::cli::profile)]
    profile: String,
    /// Nodes, at least 3: an arbiter is a third one.
    #[arg(long, default_value_t = 3)]
    nodes: usize,
    /// Networks, at least 2.
    #[arg(long, default_value_t = 2)]
    networks: usize,
    /// Use IPv6.
    #[arg(long)]
    ipv6: bool,
}

struct Story {
    session: Session,
    binaries: Binaries,
    /// Injected, expected, said, how long, right.
    rows: Vec<Vec<String>>,
    wrong: Vec<String>,
}

/// Tells the story; returns the exit code: 0 when every verdict was right.
///
/// # Errors
///
/// The lab could not be started, or the cluster did not form.
pub fn run(dir: Option<&Path>, args: &DemoArgs) -> Result<i32> {
    ensure!(args.nodes >= 3, "--nodes {}: expected at least 3, an arbiter is one", args.nodes);
    ensure!(args.networks >= 2, "--networks {}: expected at least 2", args.networks);
    let binaries = Binaries::find()?;
    let plan = Plan {
        nodes: args.nodes,
        networks: Plan::networks(args.nodes, args.networks, args.ipv6, &[])?,
        links: Links::Tap,
        default_route: None,
        gateway: false,
        profile: args.profile.clone(),
        name_networks: true,
        daemons: true,
        config_extra: String::new(),
        seed: 1,
    };
    let session = Session::start(dir, plan, true)?;
    let heading = ["INJECTED", "EXPECTED", "SAID BY", "MEDIAN", "MAX", "VERDICT"];
    let mut story = Story {
        session,
        binaries,
        rows: vec![heading.map(str::to_owned).to_vec()],
        wrong: Vec::new(),
    };
    story.tell()?;
    story.close()
}

impl Story {
    fn tell(&mut self) -> Result<()> {
        let last = self.session.plan.nodes - 1;
        self.introduce();
        self.form()?;

        say!("");
        say!("2. A cable of {} is cut. Its carrier stays up: no driver notices.", name(last));
        self.fault(&Trial::adapter(&self.session.plan, Port { node: last, network: 0 }, "cut"))?;
        self.heal()?;

        say!("");
        say!("3. A cable of {} is pulled: its carrier goes down.", name(last - 1));
        let port = Port { node: last - 1, network: 1 };
        self.fault(&Trial::adapter(&self.session.plan, port, "carrier"))?;
        self.heal()?;

        say!("");
        say!("4. {}, the leader of every network, loses its power.", name(last));
        self.fault(&Trial::crash(&self.session.plan, last))?;
        self.succession(last);
        self.heal()
    }

    fn introduce(&self) {
        let plan = &self.session.plan;
        let times = self.session.times;
        say!(
            "{} nodes on {} networks ({}), each a real hatsd with a hats-nim for each adapter.",
            plan.nodes,
            plan.networks.len(),
            plan.networks.iter().map(|n| n.name.as_str()).collect::<Vec<_>>().join(", ")
        );
        say!(
            "Profile {}: silence of {:?} is a failure, its verdict is due within {:?}.",
            plan.profile,
            times.detection,
            times.bound
        );
    }

    fn form(&mut self) -> Result<()> {
        say!("");
        say!("1. The daemons start and look for each other.");
        let limit = self.session.times.recovery();
        let everyone = self.session.everyone();
        let whole = self.session.wait_whole(&everyone, limit)?;
        let started = self.session.started_ns;
        let took: Vec<u64> = whole.iter().map(|ns| ns.saturating_sub(started)).collect();
        let model = self.session.model(0);
        for network in &self.session.plan.networks {
            let (leader, successor) = model.roles(&network.name);
            say!("   {}: {leader} leads (highest address), {successor} succeeds", network.name);
        }
        self.row("start", "one group a network", &took, took.len(), true);
        self.session.watch.linger(self.session.times.settle())?;
        Ok(())
    }

    fn fault(&mut self, trial: &Trial) -> Result<()> {
        let outcome = self.session.run(trial)?;
        let reporter = outcome.said.iter().find(|(_, e)| !e.reporter.is_empty());
        if let Some((_, event)) = reporter {
            say!(
                "   {} missed the heartbeats; over another network {} asked to probe both",
                event.reporter,
                match event.arbiters.as_slice() {
                    [] => "nobody was".to_owned(),
                    [one] => format!("{one} was"),
                    many => format!("{} were", many.join(", ")),
                }
            );
        }
        self.narrate(trial, &outcome);
        self.evidence(&outcome);
        let took: Vec<u64> = outcome.took_ns.iter().filter_map(|(_, took)| *took).collect();
        let right = outcome.is_right();
        self.row(&trial.title, &trial.must.words(), &took, trial.observers.len(), right);
        self.complain(outcome.complaints(trial));
        Ok(())
    }

    fn narrate(&self, trial: &Trial, outcome: &Outcome) {
        for (observer, took) in &outcome.took_ns {
            let event = outcome.said.iter().find(|(o, _)| o == observer).map(|(_, e)| e);
            let note = match event {
                Some(e) if e.authority => " (decided it)",
                _ if *observer == trial.node => " (its own)",
                _ => "",
            };
            match (took, event) {
                (Some(took), Some(event)) => {
                    say!("   {:>8} {}{note}: {}", show_ms(ms(*took)), name(*observer), event.msg);
                }
                _ => say!("            {}: never said {}", name(*observer), trial.must.words()),
            }
        }
    }

    /// Shows what an operator would see of the verdict.
    fn evidence(&self, outcome: &Outcome) {
        let Some((observer, event)) = outcome.said.iter().find(|(_, e)| !e.verdict_id.is_empty())
        else {
            return;
        };
        let id = &event.verdict_id;
        match self.verdict_text(*observer, id) {
            Ok(text) => {
                say!("   {}$ hats-status verdicts {id}", name(*observer));
                text.lines().for_each(|line| say!("   | {line}"));
            }
            Err(error) => say!("   hats-status verdicts {id}: {error:#}"),
        }
    }

    fn verdict_text(&self, observer: usize, id: &str) -> Result<String> {
        let output = Command::new(&self.binaries.hats_status)
            .args(["verdicts", id, "--socket"])
            .arg(self.session.socket(observer)?)
            .output()
            .context("run hats-status")?;
        let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.push_str(&String::from_utf8_lossy(&output.stderr));
        Ok(text)
    }

    /// Who leads after the leader has gone.
    fn succession(&mut self, gone: usize) {
        let alive: Vec<usize> = (0..self.session.plan.nodes).filter(|n| *n != gone).collect();
        let limit = Duration::from_secs(2);
        match self.session.wait_whole(&alive, limit) {
            Ok(_) => {
                let model = self.session.model(alive[0]);
                for network in &self.session.plan.networks {
                    let (leader, successor) = model.roles(&network.name);
                    let next = if successor.is_empty() { "nobody" } else { successor };
                    say!("   {}: {leader} has taken over, {next} succeeds", network.name);
                }
            }
            Err(error) => self.complain(vec![format!("{error:#}")]),
        }
    }

    fn heal(&mut self) -> Result<()> {
        let repair = self.session.heal()?;
        let took = &repair.took_ns;
        let slowest = took.iter().copied().max().unwrap_or(0);
        say!("   Repaired: whole again in everyone's eyes after {}.", show_ms(ms(slowest)));
        let right = repair.failures.is_empty();
        self.row("repair", "all up, leaders as before", took, took.len(), right);
        self.complain(repair.complaints());
        Ok(())
    }

    fn complain(&mut self, complaints: Vec<String>) {
        for complaint in complaints {
            say!("   WRONG: {complaint}");
            self.wrong.push(complaint);
        }
    }

    fn row(&mut self, what: &str, expected: &str, took: &[u64], of: usize, right: bool) {
        let summary = Summary::of(took);
        let figure =
            |f: fn(&Summary) -> f64| summary.as_ref().map_or("-".into(), |s| show_ms(f(s)));
        self.rows.push(vec![
            what.to_owned(),
            expected.to_owned(),
            format!("{} of {of}", took.len()),
            figure(|s| s.median_ms),
            figure(|s| s.max_ms),
            if right { "right" } else { "WRONG" }.to_owned(),
        ]);
    }

    fn close(self) -> Result<i32> {
        say!("");
        say!("{}", columns(&self.rows).trim_end());
        say!("");
        if self.wrong.is_empty() {
            say!("Every verdict was right, on every node.");
            return Ok(0);
        }
        say!("{} statements were wrong or missing:", self.wrong.len());
        self.wrong.iter().for_each(|complaint| say!("  {complaint}"));
        if let Some(dir) = self.session.kept_logs() {
            say!("The logs are kept in {}", dir.display());
        }
        Ok(1)
    }
}

fn name(node: usize) -> String {
    Plan::node_name(node)
}
