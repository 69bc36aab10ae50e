//! `hats-status tune`: what the detection time could be, by the heartbeats that
//! have arrived here. It changes nothing.

use hats_client::ipc::{Adapter, Detection, Measured, Neighbour, Snapshot};
use serde::Serialize;

use super::NOTHING;
use crate::{
    table::{Table, paragraph},
    words::{age, share, span},
};

/// Fewer heartbeats say nothing of the one in a thousand that is late.
const ENOUGH: u64 = 1_000;
/// Fewer say nothing of the one in a hundred.
const ENOUGH_FOR_P99: u64 = 100;
/// What is left between two heartbeats in a row, for the worst lateness seen
/// and as much again.
const MARGIN: u64 = 2;
/// More silences a day by lost heartbeats alone are too many: each is looked
/// into by probes, which are lost as easily.
const SILENCES_A_DAY: f64 = 1.0;
/// The shortest interval that anybody is told to use.
const INTERVAL_MIN_US: u64 = 10_000;

/// The profiles: word, interval in microseconds, sensitivity.
const PROFILES: [(&str, u64, u32); 4] =
    [("bfd", 10_000, 3), ("fast", 50_000, 3), ("default", 250_000, 4), ("wan", 1_000_000, 8)];

/// What was seen, and what follows from it.
#[derive(Serialize, Debug)]
pub(crate) struct Tuning {
    /// Whether enough heartbeats were seen to say anything.
    enough: bool,
    heartbeats: u64,
    lost: u64,
    lost_run_max: u64,
    late_p999_us: u64,
    late_max_us: u64,
    upstreams: Vec<Upstream>,
    profiles: Vec<Fit>,
    /// The shortest detection time that would have done.
    #[serde(skip_serializing_if = "Option::is_none")]
    lowest: Option<Fit>,
}

#[derive(Serialize, Debug)]
struct Upstream {
    network: String,
    adapter: String,
    node: String,
    addr: String,
    span_ms: u64,
    heartbeats: u64,
    lost: u64,
    lost_run_max: u64,
    late_p500_us: u64,
    late_p990_us: u64,
    late_p999_us: u64,
    late_max_us: u64,
}

/// Interval and sensitivity, and whether they would have done.
#[derive(Serialize, Clone, PartialEq, Debug)]
struct Fit {
    profile: String,
    heartbeat_interval_us: u64,
    sensitivity: u32,
    detection_time_us: u64,
    /// False also while too few heartbeats were seen to say so.
    fits: bool,
    in_force: bool,
    /// What was seen rules it out.
    #[serde(skip)]
    refuted: bool,
    why: String,
}

impl Upstream {
    fn of(adapter: &Adapter, neighbour: &Neighbour, it: &Measured) -> Self {
        Upstream {
            network: adapter.network.clone(),
            adapter: adapter.adapter.clone(),
            node: neighbour.node.clone(),
            addr: neighbour.addr.clone(),
            span_ms: it.span_ms,
            heartbeats: it.beats,
            lost: it.lost,
            lost_run_max: it.lost_run_max,
            late_p500_us: it.late_p500_us.unwrap_or(0),
            late_p990_us: it.late_p990_us.unwrap_or(0),
            late_p999_us: it.late_p999_us.unwrap_or(0),
            late_max_us: it.late_max_us,
        }
    }

    fn loss(&self) -> f64 {
        self.lost as f64 / (self.heartbeats + self.lost).max(1) as f64
    }
}

/// What the snapshot's own adapters have seen.
pub(crate) fn tuning(snapshot: &Snapshot) -> Tuning {
    let own = snapshot.adapters.iter().filter(|adapter| adapter.self_);
    let upstreams: Vec<Upstream> = own
        .flat_map(|adapter| adapter.watches.iter().map(move |neighbour| (adapter, neighbour)))
        .filter_map(|(adapter, neighbour)| {
            Some(Upstream::of(adapter, neighbour, neighbour.measured.as_ref()?))
        })
        .collect();
    let most = |of: fn(&Upstream) -> u64| upstreams.iter().map(of).max().unwrap_or(0);
    let heartbeats = upstreams.iter().map(|it| it.heartbeats).sum();
    let enough = upstreams.iter().map(|it| it.heartbeats).min().is_some_and(|it| it >= ENOUGH);
    let late_max_us = most(|it| it.late_max_us);
    let loss = upstreams.iter().map(Upstream::loss).fold(0.0, f64::max);
    let now = snapshot.detection.clone().unwrap_or_default();
    let seen = Seen { loss, late_max_us, now, enough };
    let profiles: Vec<Fit> =
        PROFILES.iter().map(|(word, us, beats)| seen.fit(word, *us, *beats)).collect();
    let lowest = seen.lowest();
    Tuning {
        enough,
        heartbeats,
        lost: upstreams.iter().map(|it| it.lost).sum(),
        lost_run_max: most(|it| it.lost_run_max),
        late_p999_us: most(|it| it.late_p999_us),
        late_max_us,
        upstreams,
        profiles,
        lowest,
    }
}

/// The worst of what was seen.
struct Seen {
    loss: f64,
    late_max_us: u64,
    now: Detection,
    /// Else what was not seen may yet come, and nothing is said to fit.
    enough: bool,
}

impl Seen {
    fn fit(&self, profile: &str, interval_us: u64, sensitivity: u32) -> Fit {
        let slack = interval_us * u64::from(sensitivity - 1);
        let needed = self.late_max_us * MARGIN;
        // The last one comes too late even if it is not lost.
        let in_a_row = i32::try_from(sensitivity - 1).unwrap_or(i32::MAX);
        let silences = self.loss.powi(in_a_row) * 86_400e6 / interval_us as f64;
        let late = needed > slack;
        let lossy = silences >= SILENCES_A_DAY;
        let why = if late {
            format!("{MARGIN} x the worst is {}, it allows {}", span(needed), span(slack))
        } else if !self.enough {
            format!("fewer than {ENOUGH} heartbeats seen")
        } else if lossy {
            format!("{silences:.0} silences a day by loss alone")
        } else {
            format!("allows {} of lateness", span(slack))
        };
        let in_force =
            self.now.heartbeat_interval_us == interval_us && self.now.sensitivity == sensitivity;
        Fit {
            profile: profile.to_owned(),
            heartbeat_interval_us: interval_us,
            sensitivity,
            detection_time_us: interval_us * u64::from(sensitivity),
            fits: !late && !lossy && self.enough,
            // One lateness is enough for that, one loss is not.
            refuted: late || (lossy && self.enough),
            in_force,
            why,
        }
    }

    /// Whole steps of 5 ms, so that nobody takes the figure for exact.
    fn lowest(&self) -> Option<Fit> {
        let intervals = (0..200).map(|step| INTERVAL_MIN_US + step * 5_000);
        let all = intervals.flat_map(|us| (3..=8).map(move |beats| (us, beats)));
        let fits = all.map(|(us, beats)| self.fit("", us, beats)).filter(|fit| fit.fits);
        fits.min_by_key(|fit| (fit.detection_time_us, fit.sensitivity))
    }
}

/// The tuning for people.
pub(crate) fn tune(tuning: &Tuning) -> String {
    if tuning.upstreams.is_empty() {
        return "No heartbeats have been measured: this node watches nobody of what is selected, or \
                nobody yet.\n"
            .to_owned();
    }
    let mut table = Table::new(&[
        "NETWORK", "ADAPTER", "FROM", "FOR", "BEATS", "LOST", "RUN", "LATE p50", "p99", "p99.9",
        "MAX",
    ]);
    for it in &tuning.upstreams {
        let from = if it.node.is_empty() { &it.addr } else { &it.node };
        let mut row = vec![it.network.clone(), it.adapter.clone(), from.clone(), age(it.span_ms)];
        row.extend([it.heartbeats.to_string(), share(it.lost, it.heartbeats + it.lost)]);
        row.push(it.lost_run_max.to_string());
        let of =
            |late_us, enough| if it.heartbeats < enough { NOTHING.into() } else { span(late_us) };
        row.extend([of(it.late_p500_us, 1), of(it.late_p990_us, ENOUGH_FOR_P99)]);
        row.extend([of(it.late_p999_us, ENOUGH), of(it.late_max_us, 1)]);
        table.row(row);
    }
    let mut text = table.render() + "\n";
    let mut fits = Table::new(&["PROFILE", "DETECTION TIME", "FITS", "BECAUSE"]);
    for fit in &tuning.profiles {
        let mark = if fit.in_force { " *" } else { "" };
        let product = format!("{} x {}", span(fit.heartbeat_interval_us), fit.sensitivity);
        let fitting = match (fit.fits, fit.refuted) {
            (true, _) => "yes",
            (false, true) => "no",
            (false, false) => "unknown",
        };
        fits.row(vec![
            format!("{}{mark}", fit.profile),
            format!("{product} = {}", span(fit.detection_time_us)),
            fitting.to_owned(),
            fit.why.clone(),
        ]);
    }
    text += &(fits.render() + "\n");
    text + &paragraph("", &conclusion(tuning))
}

/// The tuning on one line.
pub(crate) fn line(snapshot: &Snapshot, tuning: &Tuning) -> String {
    let fitting: Vec<&str> =
        tuning.profiles.iter().filter(|fit| fit.fits).map(|fit| fit.profile.as_str()).collect();
    let node = snapshot.daemon.as_ref().map_or("", |daemon| daemon.node.as_str());
    format!(
        "node={node} heartbeats={} lost={} late_p999_us={} late_max_us={} fits={}\n",
        tuning.heartbeats,
        tuning.lost,
        tuning.late_p999_us,
        tuning.late_max_us,
        fitting.join(","),
    )
}

fn conclusion(tuning: &Tuning) -> String {
    let all = tuning.heartbeats + tuning.lost;
    let nearly_all = match tuning.enough {
        true => format!(", 99.9 % within {}", span(tuning.late_p999_us)),
        false => String::new(),
    };
    let seen = format!(
        "Seen here in {} heartbeats: worst lateness {}{nearly_all}, {} lost, at most {} in a row.",
        tuning.heartbeats,
        span(tuning.late_max_us),
        share(tuning.lost, all),
        tuning.lost_run_max,
    );
    let advice = match (&tuning.lowest, tuning.enough) {
        (_, false) => format!(
            "Fewer than {ENOUGH} of some neighbour are too few to say more: ask again later."
        ),
        (Some(lowest), true) => format!(
            "A detection time of {} ({} x {}) would have done. It must do on every node and under \
             the worst load there is: ask the others, too.",
            span(lowest.detection_time_us),
            span(lowest.heartbeat_interval_us),
            lowest.sensitivity,
        ),
        (None, true) => {
            "No detection time up to 8 s would have done: repair the network first.".to_owned()
        }
    };
    format!("{seen} {advice} Nothing was changed.")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(measured: Measured) -> Snapshot {
        let neighbour = Neighbour {
            addr: "10.77.1.2".into(),
            node: "n2".into(),
            measured: Some(measured),
            ..Neighbour::default()
        };
        let adapter = Adapter {
            network: "neta".into(),
            adapter: "eth0".into(),
            self_: true,
            watches: vec![neighbour],
            ..Adapter::default()
        };
        let detection =
            Detection { heartbeat_interval_us: 250_000, sensitivity: 4, ..Detection::default() };
        Snapshot { adapters: vec![adapter], detection: Some(detection), ..Snapshot::default() }
    }

    fn measured(beats: u64, lost: u64, late_max_us: u64) -> Measured {
        Measured { span_ms: 60_000, beats, lost, late_max_us, ..Measured::default() }
    }

    fn fitting(measured: Measured) -> Vec<String> {
        let fits = tuning(&snapshot(measured)).profiles.into_iter().filter(|fit| fit.fits);
        fits.map(|fit| fit.profile).collect()
    }

    #[test]
    fn a_quiet_network_bears_the_shortest_detection_time() {
        assert_eq!(fitting(measured(10_000, 0, 1_000)), ["bfd", "fast", "default", "wan"]);
        let lowest = tuning(&snapshot(measured(10_000, 0, 1_000))).lowest.unwrap();
        assert_eq!((lowest.heartbeat_interval_us, lowest.sensitivity), (10_000, 3));
    }

    #[test]
    fn lateness_must_fit_twice_into_what_may_be_missed() {
        assert_eq!(fitting(measured(10_000, 0, 10_000)), ["bfd", "fast", "default", "wan"]);
        assert_eq!(fitting(measured(10_000, 0, 10_001)), ["fast", "default", "wan"]);
        assert_eq!(fitting(measured(10_000, 0, 400_000)), ["wan"]);
    }

    #[test]
    fn loss_asks_for_more_heartbeats_rather_than_for_longer_intervals() {
        assert_eq!(fitting(measured(9_900, 100, 1_000)), ["default", "wan"]);
        let lowest = tuning(&snapshot(measured(9_900, 100, 1_000))).lowest.unwrap();
        assert!(lowest.sensitivity > 3, "{lowest:?}");
    }

    #[test]
    fn too_few_heartbeats_advise_nothing() {
        let tuning = tuning(&snapshot(measured(999, 0, 10_001)));
        assert_eq!(tuning.lowest, None);
        let text = tune(&tuning);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert!(text.contains("too few") && !text.contains("99.9 % within"), "{text}");
        let fits = |profile: &str| {
            let row = text.lines().find(|line| line.starts_with(profile)).unwrap();
            row.split_whitespace().find(|it| ["yes", "no", "unknown"].contains(it)).unwrap()
        };
        assert_eq!((fits("bfd"), fits("fast"), fits("wan")), ("no", "unknown", "unknown"));
        assert!(tuning.profiles.iter().all(|fit| !fit.fits), "a program is told no more");
        let unlucky = tune(&super::tuning(&snapshot(measured(15, 5, 100))));
        assert!(unlucky.contains("unknown") && !unlucky.contains("a day"), "{unlucky}");
    }

    #[test]
    fn a_share_of_too_few_heartbeats_is_not_shown() {
        let late = |beats| {
            let some = Measured {
                late_p500_us: Some(100),
                late_p990_us: Some(500),
                late_p999_us: Some(900),
                ..measured(beats, 0, 1_000)
            };
            let text = tune(&tuning(&snapshot(some)));
            let row = text.lines().nth(1).unwrap().to_owned();
            row.split_once("0 %").unwrap().1.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(late(99), "0 0.1 ms - - 1 ms");
        assert_eq!(late(999), "0 0.1 ms 0.5 ms - 1 ms");
        assert_eq!(late(1_000), "0 0.1 ms 0.5 ms 0.9 ms 1 ms");
    }
}
