//! Which anomalies are tried.

use std::time::Duration;

use hats_core::config::Profile;

use super::contest::{Anomalies, RUN};
use crate::{
    experiments::{Grid, Request},
    freeze::Freeze,
};

/// The runs that make up the experiment.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) nodes: u32,
    pub(super) profiles: Vec<Profile>,
    concurrent: Vec<u32>,
    durations_ms: Vec<u64>,
    intervals_ms: Vec<u64>,
    run: Duration,
    /// So many groups, in each of which so many members crash.
    pub(super) crashes: (u32, u32),
}

impl Plan {
    pub(super) fn of(request: &Request) -> Self {
        let nodes = request.nodes_or(8, 128);
        if request.quick {
            return Plan {
                nodes,
                profiles: vec![Profile::Default],
                concurrent: vec![nodes / 4],
                durations_ms: vec![4_096],
                intervals_ms: vec![64],
                run: Duration::from_secs(24),
                crashes: (1, 2),
            };
        }
        let profiles = vec![Profile::Default, Profile::Wan];
        match request.grid {
            Grid::Small => Plan {
                nodes,
                profiles,
                concurrent: vec![1, 8, 32],
                durations_ms: vec![4_096, 16_384],
                intervals_ms: vec![64],
                run: RUN / 2,
                crashes: (10, 10),
            },
            Grid::Paper => Plan {
                nodes,
                profiles,
                concurrent: vec![1, 4, 8, 12, 16, 20, 24, 28, 32],
                durations_ms: vec![128, 512, 2_048, 8_192, 16_384, 32_768],
                intervals_ms: vec![64, 1_024, 16_384],
                run: RUN,
                crashes: (100, 10),
            },
        }
    }

    /// Every combination, with one kind of anomaly.
    pub(super) fn anomalies(&self, how: Freeze) -> Vec<Anomalies> {
        let mut all = Vec::new();
        for &concurrent in &self.concurrent {
            for &duration in &self.durations_ms {
                for &interval in &self.intervals_ms {
                    let (duration, interval) =
                        (Duration::from_millis(duration), Duration::from_millis(interval));
                    all.push(Anomalies { how, concurrent, duration, interval, run: self.run });
                }
            }
        }
        all
    }

    /// In words.
    pub(super) fn note(&self) -> String {
        format!(
            "{} members on one network, runs of {} s of which the first {} are quiet; {:?} \
             members at once stand still for {:?} ms, then go on for {:?} ms, again and again; \
             each combination once",
            self.nodes,
            self.run.as_secs(),
            super::contest::QUIET.as_secs(),
            self.concurrent,
            self.durations_ms,
            self.intervals_ms,
        )
    }
}
