//! What came of the matrix: a line for each row on each cluster.

use anyhow::{Context, Result};
use serde::Serialize;

use super::{
    case::{Case, Complaint, Judgement},
    rows::Row,
};
use crate::{
    cli::Output,
    out::{columns, say},
    plan::Plan,
    stats::{Summary, show_ms},
};

/// So many complaints are shown in full.
const COMPLAINTS_SHOWN: usize = 40;

/// The shape of a cluster.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub(super) struct Cluster {
    nodes: usize,
    networks: usize,
    ipv6: bool,
    profile: String,
}

impl Cluster {
    pub(super) fn of(plan: &Plan) -> Cluster {
        Cluster {
            nodes: plan.nodes,
            networks: plan.networks.len(),
            ipv6: plan.networks.iter().any(|network| network.subnet.addr().is_ipv6()),
            profile: plan.profile.clone(),
        }
    }

    fn words(&self) -> String {
        let family = if self.ipv6 { " v6" } else { "" };
        format!("{}x{}{family} {}", self.nodes, self.networks, self.profile)
    }
}

/// One row on one cluster.
#[derive(Clone, Debug, Serialize)]
struct Line {
    row: &'static str,
    fault: &'static str,
    #[serde(flatten)]
    cluster: Cluster,
    /// How often it was injected.
    injected: usize,
    /// How often all was right.
    right: usize,
    /// Statements that were wrong: somebody healthy blamed, or told twice.
    wrong: usize,
    /// Statements that were missing.
    missing: usize,
    /// Statements that came after their bound.
    late: usize,
    /// From the fault to the statement, all observers.
    took: Option<Summary>,
    /// The longest of the bounds.
    bound_ms: Option<f64>,
    #[serde(skip)]
    samples: Vec<u64>,
}

#[derive(Debug, Serialize)]
pub(super) struct Report {
    lines: Vec<Line>,
    complaints: Vec<String>,
    #[serde(skip)]
    progress: bool,
}

impl Report {
    pub(super) fn new(progress: bool) -> Report {
        Report { lines: Vec::new(), complaints: Vec::new(), progress }
    }

    pub(super) fn add(&mut self, cluster: &Cluster, row: &Row, case: &Case, judged: Judgement) {
        let known = self.lines.iter().position(|it| it.row == row.number && it.cluster == *cluster);
        let at = known.unwrap_or_else(|| {
            self.lines.push(Line::new(cluster, row, case));
            self.lines.len() - 1
        });
        let line = &mut self.lines[at];
        line.injected += 1;
        line.right += usize::from(judged.complaints.is_empty());
        line.samples.extend(judged.took_ns);
        line.took = Summary::of(&line.samples);
        for complaint in judged.complaints {
            let (count, kind, words) = match complaint {
                Complaint::Wrong(words) => (&mut line.wrong, "wrong", words),
                Complaint::Missing(words) => (&mut line.missing, "missing", words),
                Complaint::Late(words) => (&mut line.late, "late", words),
            };
            *count += 1;
            let of = format!("{} {} ({})", row.number, case.title, cluster.words());
            self.complaints.push(format!("{kind}: {of}: {words}"));
        }
    }

    /// Progress, on standard error: the whole takes long.
    pub(super) fn row_ends(&self, cluster: &Cluster, row: &Row) {
        let line = self.lines.iter().find(|it| it.row == row.number && it.cluster == *cluster);
        if let Some(line) = line.filter(|_| self.progress) {
            let (right, of) = (line.right, line.injected);
            eprintln!(
                "{:<16} {:<4} {:<24} {right} of {of} right",
                cluster.words(),
                row.number,
                row.name
            );
        }
    }

    pub(super) fn close(&self, output: Output) -> Result<i32> {
        match output {
            Output::Json => {
                say!("{}", serde_json::to_string_pretty(self).context("write the report")?);
            }
            Output::Table => self.table(),
        }
        let all_right = self.lines.iter().all(|line| line.right == line.injected);
        Ok(i32::from(!all_right || self.lines.is_empty()))
    }

    fn table(&self) {
        let heading = [
            "ROW", "FAULT", "CLUSTER", "RIGHT", "WRONG", "MISSING", "LATE", "MEDIAN", "MAX",
            "BOUND",
        ];
        let mut rows = vec![heading.map(str::to_owned).to_vec()];
        rows.extend(self.lines.iter().map(Line::cells));
        say!("{}", columns(&rows).trim_end());
        for complaint in self.complaints.iter().take(COMPLAINTS_SHOWN) {
            say!("{complaint}");
        }
        if self.complaints.len() > COMPLAINTS_SHOWN {
            say!("{} more, all of them with -o json", self.complaints.len() - COMPLAINTS_SHOWN);
        }
        let sum = |count: fn(&Line) -> usize| self.lines.iter().map(count).sum::<usize>();
        say!(
            "{} faults injected, {} right; {} statements wrong, {} missing, {} late",
            sum(|line| line.injected),
            sum(|line| line.right),
            sum(|line| line.wrong),
            sum(|line| line.missing),
            sum(|line| line.late)
        );
    }
}

impl Line {
    fn new(cluster: &Cluster, row: &Row, case: &Case) -> Line {
        Line {
            row: row.number,
            fault: row.name,
            cluster: cluster.clone(),
            injected: 0,
            right: 0,
            wrong: 0,
            missing: 0,
            late: 0,
            took: None,
            bound_ms: case.must.iter().map(|must| must.within.as_secs_f64() * 1e3).reduce(f64::max),
            samples: Vec::new(),
        }
    }

    fn cells(&self) -> Vec<String> {
        let show = |ms: Option<f64>| ms.map_or("-".to_owned(), show_ms);
        vec![
            self.row.to_owned(),
            self.fault.to_owned(),
            self.cluster.words(),
            format!("{} of {}", self.right, self.injected),
            self.wrong.to_string(),
            self.missing.to_string(),
            self.late.to_string(),
            show(self.took.as_ref().map(|took| took.median_ms)),
            show(self.took.as_ref().map(|took| took.max_ms)),
            show(self.bound_ms),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::matrix::rows::ROWS;

    #[test]
    fn a_row_is_right_only_when_nothing_was_complained_of() {
        let cluster = Cluster { nodes: 3, networks: 2, ipv6: false, profile: "default".into() };
        let case = Case {
            title: "n1 eth0 cut".into(),
            steps: Vec::new(),
            must: Vec::new(),
            may: Vec::new(),
            repaired: Vec::new(),
        };
        let mut report = Report::new(false);
        report.add(&cluster, &ROWS[2], &case, Judgement::default());
        let late = vec![Complaint::Late("n1 said it late".into())];
        report.add(&cluster, &ROWS[2], &case, Judgement { took_ns: vec![5], complaints: late });
        let line = &report.lines[0];
        assert_eq!((line.injected, line.right, line.late), (2, 1, 1));
        assert_eq!(report.complaints, ["late: 2 n1 eth0 cut (3x2 default): n1 said it late"]);
    }
}
